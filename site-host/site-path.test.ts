import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES } from '../test/fuzz-cases.ts';
import { SITE_PATH_BYTES_MAX } from '../shared/core/limits.ts';
import { normaliseSitePath, parseRequestPath, parseSitePath } from './site-path.ts';

test.each([
  '/index.html',
  '/a/b/c.txt',
  '/%41',
  '/a?b#c',
  '/ü/日本.html',
  '/.well-known/security.txt',
  '/…',
  '/.a',
  '/a b',
])('SI1: %j is a path', (path) => {
  expect(parseSitePath(path)).toEqual({ ok: true, value: path });
});

test.each([
  '',
  'a',
  '/',
  '//a',
  '/a/',
  '/a//b',
  '/.',
  '/..',
  '/a/../b',
  '/a/./b',
  '/a\\b',
  '/a\u0000',
  '/a\nb',
  '/\u007f',
  '/\ud800',
  `/${'a'.repeat(256)}`,
  `/${'ü'.repeat(128)}`,
  `/${'a/'.repeat(SITE_PATH_BYTES_MAX / 2)}a`,
])('SI1: %j is refused', (path) => {
  expect(parseSitePath(path)).toMatchObject({ ok: false, error: { code: 'path_invalid' } });
});

test.each(['/.weft', '/.weft/sw.js', '/.WEFT/a', '/.well-known/weft.json'])('SI2: %s is reserved', (path) => {
  expect(parseSitePath(path)).toMatchObject({ ok: false, error: { code: 'path_reserved' } });
});

test.each([
  ['index.html', '/index.html'],
  ['./a/b', '/a/b'],
  ['/a', '/a'],
  ['dir\\page.html', '/dir/page.html'],
  ['u\u0308.txt', '/\u00fc.txt'],
])('SI3: the local name %j becomes %j', (name, path) => {
  expect(normaliseSitePath(name)).toEqual({ ok: true, value: path });
});

test.each(['../a', 'a/../../b', 'a/..', '..\\a', '', './', '.weft/sw.js', '\ud800'])(
  'SI3: the local name %j is refused',
  (name) => {
    expect(normaliseSitePath(name).ok).toBe(false);
  },
);

test.each([
  ['/', '/'],
  ['/a%20b', '/a b'],
  ['/%2541', '/%41'],
  ['/%C3%BC', '/ü'],
  ['/a/', '/a/'],
  ['/a+b', '/a+b'],
  ['/%2F', undefined],
  ['/a%2fb', undefined],
  ['/a%5Cb', undefined],
  ['/%00', undefined],
])('SI4: a request for %s means %j', (raw, path) => {
  expect(parseRequestPath(raw)).toMatchObject({ ok: true, value: { path } });
});

test.each(['', 'a', '/%', '/%4', '/%zz', '/%ff', '/%C3', '/%ED%A0%80', '/\ud800', `/${'a'.repeat(4_000)}`])(
  'SI4: a request for %j is malformed',
  (raw) => {
    expect(parseRequestPath(raw)).toMatchObject({ ok: false, error: { code: 'path_invalid' } });
  },
);

test('SI4: every path that can be published is found under its escaped form, once unescaped', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }), { minLength: 1 }), (names) => {
      const path = normaliseSitePath(names.join('/'));
      if (!path.ok) return;
      const raw = path.value
        .split('/')
        .map((name) => encodeURIComponent(name))
        .join('/');
      expect(parseRequestPath(raw)).toEqual({ ok: true, value: { path: path.value, escaped: raw } });
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('SI4: whatever a request asks for, what comes out could stand in a Location header and leads to no other host', () => {
  const pieces = fc.constantFrom(
    '/',
    '//',
    '..',
    '%2e%2e',
    '%2f',
    '%5c',
    '\\',
    '@',
    ':',
    '%0d%0a',
    'a',
    'ü',
    '%',
    '\u0000',
    '?',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(pieces).map((parts) => `/${parts.join('')}`),
        fc.string(),
      ),
      (raw) => {
        const asked = parseRequestPath(raw);
        if (!asked.ok) return;
        expect(asked.value.escaped).toMatch(/^\/[!-~]*$/);
        if (asked.value.path === undefined || !parseSitePath(asked.value.path.replace(/\/$/, '')).ok) return;
        expect(new URL(asked.value.escaped, 'http://site.test/').host).toBe('site.test');
      },
    ),
    { numRuns: FUZZ_CASES },
  );
});
