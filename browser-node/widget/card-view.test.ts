// What a card says in each state, and that nothing but a fresh proof makes it say verified.

import { expect, test } from 'vitest';
import type { Failure } from '../../shared/core/result.ts';
import type { CardFacts } from './card-view.ts';
import type { ProvenSite } from './commons-client.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { formatBytes, viewCard } from './card-view.ts';

const NOW = 1_900_000_000_000;
const MINUTE = 60_000;
const site = { manifest: 'bafy', seq: 3, owner: 'did:key:z', generation: 1, lease: NOW + MINUTE } as never;
const proven = {
  resolved: { height: 37, statusTime: NOW - 5_000 },
  site: ok(site),
  sites: null,
} as unknown as ProvenSite;
const base: CardFacts = {
  address: '@alice',
  proven,
  trouble: null,
  version: null,
  copies: null,
  trust: 'page',
  now: NOW,
};

function trouble(code: string): Failure {
  return { code, because: `Because of ${code}.` };
}

test('WG1: a fresh proof is verified, with version, copies and trust as facts', () => {
  const version = ok({ files: 12, bytes: 340_000, title: 'Loom' });
  const view = viewCard({ ...base, version, copies: { nodes: 8, many: true } });
  expect(view).toMatchObject({ state: 'verified', code: 'ok', title: 'Loom', address: '@alice' });
  expect(Object.fromEntries(view.facts)).toEqual({
    Version: '3 · 12 files · 340 kB',
    Copies: '8 nodes or more online, as the relay counts',
    Checked: 'signed as block 37 by the validators of the commons; confirmed just now',
    Trust: 'page',
  });
});

test.each([
  ['bad_proof', 'wrong'],
  ['bad_certificate', 'wrong'],
  ['wrong_commons', 'wrong'],
  ['something_new', 'wrong'],
  ['offline', 'offline'],
  ['unanswered', 'offline'],
  ['older_than_seen', 'stale'],
  ['handle_invalid', 'unknown'],
] as const)('WG2: after %s a card is %s, also when it was verified before', (code, state) => {
  for (const before of [proven, null]) {
    const view = viewCard({ ...base, proven: before, trouble: trouble(code) });
    expect(view).toMatchObject({ state, code });
    expect(view.sentence).toContain(`Because of ${code}.`);
    expect(view.sentence.includes('Shown is version 3')).toBe(before !== null && state !== 'unknown');
  }
});

test('WG2: a version whose bytes are wrong makes the card wrong; one that nobody has does not', () => {
  expect(viewCard({ ...base, version: fail('bad_block', 'No.') })).toMatchObject({ state: 'wrong', title: '@alice' });
  expect(viewCard({ ...base, version: fail('unanswered', 'No.') })).toMatchObject({ state: 'verified' });
});

test('WG5: a proof that the name is free is no site', () => {
  const view = viewCard({ ...base, proven: { ...proven, site: fail('handle_unknown', 'It is free.') } });
  expect(view).toMatchObject({ state: 'unknown', code: 'handle_unknown', sentence: 'It is free.', version: null });
});

test('WG9: an old confirmation is stale, and one from the future says that a clock is wrong', () => {
  const aged = (age: number) => viewCard({ ...base, now: NOW + age });
  expect(aged(9 * MINUTE).state).toBe('verified');
  expect(aged(11 * MINUTE)).toMatchObject({ state: 'stale', code: 'stale' });
  expect(aged(50 * 60 * MINUTE).sentence).toContain('2 days ago');
  expect(aged(-6 * MINUTE)).toMatchObject({ state: 'stale', code: 'clock_behind' });
  expect(viewCard({ ...base, proven: null }).state).toBe('loading');
});

test('bytes are written in powers of ten', () => {
  expect([1, 999, 1_000, 999_999, 1_500_000, 2e12].map(formatBytes)).toEqual([
    '1 byte',
    '999 bytes',
    '1.0 kB',
    '1.0 MB',
    '1.5 MB',
    '2000 GB',
  ]);
});
