import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES } from '../test/fuzz-cases.ts';
import { parseRange } from './byte-range.ts';

function part(from: number, to: number, open = false): object {
  return { kind: 'part', range: { from, to }, open };
}

function parts(...ranges: readonly (readonly [number, number])[]): object {
  return { kind: 'parts', ranges: ranges.map(([from, to]) => ({ from, to })) };
}

test.each([
  ['bytes=0-0', part(0, 1)],
  ['bytes=0-99', part(0, 100)],
  ['bytes=10-19', part(10, 20)],
  ['bytes=10-1000', part(10, 100)],
  ['bytes=10-', part(10, 100, true)],
  ['bytes=-1', part(99, 100)],
  ['bytes=-1000', part(0, 100)],
  ['Bytes= 5-6 ', part(5, 7)],
  ['bytes=100-', { kind: 'unsatisfiable' }],
  ['bytes=100-200', { kind: 'unsatisfiable' }],
  ['bytes=-0', { kind: 'unsatisfiable' }],
  [null, { kind: 'whole' }],
  ['bytes=-', { kind: 'whole' }],
  ['bytes=5-4', { kind: 'whole' }],
  ['bytes=0-1,3-4', parts([0, 2], [3, 5])],
  ['bytes= 90- , -200,0-1', { kind: 'whole' }],
  ['bytes=-5, 10-10,\t20-29', parts([95, 100], [10, 11], [20, 30])],
  ['bytes=200-300, 5-6', part(5, 7)],
  ['bytes=200-300, 400-', { kind: 'unsatisfiable' }],
  ['bytes=0-10,10-20', { kind: 'whole' }],
  ['bytes=0-1,x', { kind: 'whole' }],
  ['bytes=0-1,', { kind: 'whole' }],
  [
    `bytes=${Array.from({ length: 16 }, (_, at) => `${2 * at}-${2 * at}`).join()}`,
    expect.objectContaining({ kind: 'parts' }),
  ],
  [`bytes=${Array.from({ length: 17 }, (_, at) => `${2 * at}-${2 * at}`).join()}`, { kind: 'whole' }],
  ['bytes 0-1', { kind: 'whole' }],
  ['lines=0-1', { kind: 'whole' }],
  ['bytes=0x1-2', { kind: 'whole' }],
  ['bytes=9999999999999999-', { kind: 'whole' }],
])('SI14: of 100 bytes, %j means %j', (header, expected) => {
  expect(parseRange(header, 100)).toEqual(expected);
});

test('SI14: an empty file has no range', () => {
  expect(parseRange('bytes=0-', 0)).toEqual({ kind: 'unsatisfiable' });
  expect(parseRange('bytes=-1', 0)).toEqual({ kind: 'unsatisfiable' });
});

test('SI14: a part is never empty and never leaves the file, whatever the header says', () => {
  const number = fc.oneof(fc.constant(''), fc.nat().map(String), fc.bigInt({ min: 0n }).map(String));
  const header = fc.oneof(
    fc.tuple(number, number).map(([first, last]) => `bytes=${first}-${last}`),
    fc.string(),
    fc.string().map((text) => `bytes=${text}`),
    fc
      .array(fc.tuple(number, number), { maxLength: 20 })
      .map((all) => `bytes=${all.map((one) => one.join('-')).join(',')}`),
  );
  fc.assert(
    fc.property(header, fc.nat({ max: 1_000 }), (header, size) => {
      const wanted = parseRange(header, size);
      const ranges = wanted.kind === 'part' ? [wanted.range] : wanted.kind === 'parts' ? wanted.ranges : [];
      for (const { from, to } of ranges) expect(0 <= from && from < to && to <= size).toBe(true);
      // Whatever is asked for, no more leaves than the file has.
      expect(ranges.reduce((sum, { from, to }) => sum + to - from, 0)).toBeLessThanOrEqual(size);
    }),
    { numRuns: FUZZ_CASES },
  );
});
