import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import {
  formatSiteLabel,
  isReservedHandle,
  parseHandle,
  parseSiteLabel,
  parseSiteName,
  type Handle,
} from './handle-grammar.ts';

const GOOD = ['abc', 'alice', 'a-b-c', '123', 'x1y', 'a'.repeat(30), 'docs', 'bakery', 'bafkery'];
const BAD = [
  '',
  'ab',
  'a'.repeat(31),
  'Alice',
  '-alice',
  'alice-',
  'al--ice',
  'al_ice',
  'al.ice',
  'alicé',
  '@alice',
  'alice\n',
  ' alice',
  'xn--abc',
  'bafybeigdyrzt5sfp7udm7',
  'bafkreigh2akiscaildcqabsyg3',
  'k51qzi5uqu5dgutdk6i1ynyzg',
];

describe('HD1: a handle', () => {
  test.each(GOOD)('%j is one', (text) => expect(parseHandle(text)).toEqual({ ok: true, value: text }));
  test.each(BAD)('%j is none', (text) =>
    expect(parseHandle(text)).toMatchObject({ error: { code: 'handle_invalid' } }),
  );
});

describe('HD2: a site name', () => {
  test('is a word like a handle, or empty for the default site', () => {
    expect(parseSiteName('')).toEqual({ ok: true, value: '' });
    expect(parseSiteName('blog').ok).toBe(true);
    for (const text of ['xn', 'ab', 'a--b', '-ab']) expect(parseSiteName(text).ok).toBe(false);
  });
});

describe('HD3: a site label', () => {
  test('names a handle, or a site of a handle', () => {
    expect(parseSiteLabel('alice')).toEqual({ ok: true, value: { handle: 'alice', name: '' } });
    expect(parseSiteLabel('blog--alice')).toEqual({ ok: true, value: { handle: 'alice', name: 'blog' } });
  });

  test.each(['', '--alice', 'blog--', 'a--b--c', 'blog---alice', 'xn--alice', 'Alice', '@alice', 'alice.site'])(
    '%j is none',
    (label) => expect(parseSiteLabel(label).ok).toBe(false),
  );

  test('is what formatSiteLabel writes, and fits DNS', () => {
    const word = fc.stringMatching(/^[a-z0-9]{3,14}(-[a-z0-9]{1,15})?$/);
    fc.assert(
      fc.property(word, fc.option(word, { nil: '' }), (handleText, nameText) => {
        const handle = parseHandle(handleText);
        const name = parseSiteName(nameText);
        fc.pre(handle.ok && name.ok);
        const label = formatSiteLabel({ handle: handle.value, name: name.value });
        expect(label.length).toBeLessThanOrEqual(63);
        expect(parseSiteLabel(label)).toEqual({ ok: true, value: { handle: handleText, name: nameText } });
      }),
      { numRuns: FUZZ_CASES },
    );
  });

  test('parses nothing but its one spelling', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '1', '-', '.', 'A'), maxLength: 70 }), (label) => {
        const parsed = parseSiteLabel(label);
        if (parsed.ok) expect(formatSiteLabel(parsed.value)).toBe(label);
      }),
      { numRuns: FUZZ_CASES },
    );
  });
});

test('HD5: words that mislead are reserved', () => {
  const words = ['www', 'api', 'app', 'relay', 'ipfs', 'weft', 'admin', 'localhost', 'docs'];
  expect(words.filter((word) => !isReservedHandle(word as Handle))).toEqual([]);
  expect(isReservedHandle('alice' as Handle)).toBe(false);
});
