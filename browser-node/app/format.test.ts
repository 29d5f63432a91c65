import { describe, expect, test } from 'vitest';

import type { VisitReport } from '../api.ts';
import { describeVisit, formatAge, formatBytes, formatDuration, formatSpan, groupDigits, shorten } from './format.ts';

const VISIT: VisitReport = {
  files: 37,
  bytes: 5_200_000,
  bytesBySource: { disk: 0, peer: 5_200_000, edge: 0 },
  peers: 2,
  verified: 37,
  failed: 0,
  ms: 84.4,
};

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [999, '999 bytes'],
  [1_000, '1 kB'],
  [9_940, '9.9 kB'],
  [9_960, '10 kB'],
  [999_499, '999 kB'],
  [999_500, '1 MB'],
  [5_240_000, '5.2 MB'],
  [37_000_000_000, '37 GB'],
])('%i bytes read %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  [84.4, '84 ms'],
  [999.6, '1 s'],
  [1_240, '1.2 s'],
  [60_000, '1 min'],
  [125_000, '2 min 5 s'],
])('%f ms read %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

test('a span is told in the largest unit that fits, without its sign', () => {
  expect([-86_400_000, 5_400_000, 30_000, 0].map(formatSpan)).toEqual(['1 day', '2 hours', '30 seconds', '1 second']);
});

test('an age below a minute, or ahead of this clock, is just now', () => {
  expect([999, 100_000 - 59_000, 100_000 + 500_000].map((since) => formatAge(since, 100_000))).toEqual([
    '2 minutes ago',
    'just now',
    'just now',
  ]);
});

test('digits are grouped by three, long ids keep both ends', () => {
  expect([12, 1_234, 1_234_567].map(groupDigits)).toEqual(['12', '1\u202f234', '1\u202f234\u202f567']);
  expect(shorten('did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK')).toBe('did:key:z6Mk…ta2doK');
  expect(shorten('did:key:z6MkshortDoK')).toBe('did:key:z6Mk…ortDoK');
  expect(shorten('alice')).toBe('alice');
});

describe('the line under a site', () => {
  test('says what was counted', () => {
    expect(describeVisit(VISIT)).toBe('37 files · 2 peers · 0 bytes from the server · all verified · 84 ms');
  });

  test('never says all verified when something failed, or when nothing was verified', () => {
    expect(describeVisit({ ...VISIT, failed: 1, verified: 36 })).toContain('1 failed the check');
    expect(describeVisit({ ...VISIT, verified: 0, files: 0 })).not.toContain('all verified');
  });

  test('says what this device itself answered', () => {
    const report = { ...VISIT, files: 1, peers: 1, bytesBySource: { disk: 1_000, peer: 0, edge: 20 } };
    expect(describeVisit(report)).toBe(
      '1 file · 1 peer · 20 bytes from the server · 1 kB from this device · all verified · 84 ms',
    );
  });
});
