// Items against the reference codec: integers of every size, and map keys in DAG-CBOR's order.

import { encode } from 'cborg';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { toHex } from './base.ts';
import { decodeItem, encodeItem } from './dag-cbor.ts';

const EDGES = [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 7, Number.MAX_SAFE_INTEGER];
const BIG_EDGES = [2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];

const INTEGERS: readonly (number | bigint)[] = [
  ...EDGES.flatMap((value) => (value === 0 ? [0] : [value, -value])),
  ...BIG_EDGES.flatMap((value) => [value, -1n - value]),
];

test.each(INTEGERS)('CB3: the integer %s is written as the reference writes it, and read back', (value) => {
  expect(toHex(encodeItem(value))).toBe(toHex(encode(value)));
  expect(decodeItem(encodeItem(value))).toBe(value);
});

test.each([1.5, Number.NaN, Infinity, 2 ** 53, 2n ** 64n, -(2n ** 64n) - 1n])(
  'CB3, CB4: %d is not written',
  (value) => {
    expect(() => encodeItem(value)).toThrow('assertion failed');
  },
);

test('CB5: keys stand in the order of the reference, also where UTF-16 and UTF-8 order them differently', () => {
  const key = fc.string({ unit: 'binary', maxLength: 6 }).filter((text) => text.isWellFormed() && text[0] !== '\uFEFF');
  fc.assert(
    fc.property(fc.uniqueArray(key, { maxLength: 12 }), (keys) => {
      const theirs = encode(new Map(keys.map((one, at) => [one, at])));
      expect(toHex(encodeItem(new Map(keys.map((one, at) => [one, at]))))).toBe(toHex(theirs));
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('a value larger than the first buffer comes out whole, and what was read does not share the memory it came from', () => {
  const long = new Uint8Array(10_000).map((_, at) => at & 255);
  const bytes = encodeItem([long, 'é'.repeat(3_000)]);
  expect(toHex(bytes)).toBe(toHex(encode([long, 'é'.repeat(3_000)])));
  const read = decodeItem(bytes) as Uint8Array[];
  bytes.fill(0);
  expect(read[0]).toEqual(long);
});
