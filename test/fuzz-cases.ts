// How many cases each property test runs, and the hostile neighbours of good bytes that they try.

import * as fc from 'fast-check';

const DEFAULT_CASES = 500;

/** The short run is quick; the long run sets WEFT_FUZZ_CASES. */
export const FUZZ_CASES: number = Number(process.env['WEFT_FUZZ_CASES'] ?? DEFAULT_CASES);

/** Good bytes with a few bytes replaced, cut out or put in: they get past the first checks, which random bytes do not. */
export function mutationsOf(good: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({
    at: fc.nat(),
    remove: fc.integer({ min: 0, max: 4 }),
    insert: fc.uint8Array({ maxLength: 4 }),
  });
  return fc.tuple(good, fc.array(edit, { minLength: 1, maxLength: 4 })).map(([bytes, edits]) => {
    let mutated = bytes;
    for (const { at, remove, insert } of edits) {
      const start = at % (mutated.length + 1);
      mutated = Uint8Array.from([...mutated.subarray(0, start), ...insert, ...mutated.subarray(start + remove)]);
    }
    return mutated;
  });
}
