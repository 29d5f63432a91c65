// How many cases each property test runs: the short run is quick, the long run sets WEFT_FUZZ_CASES.

const DEFAULT_CASES = 500;

export const FUZZ_CASES: number = Number(process.env['WEFT_FUZZ_CASES'] ?? DEFAULT_CASES);
