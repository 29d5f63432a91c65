// The files that the publish benchmark publishes, made in the page, so that both sides take the same bytes from memory.

const FILES = 1_000;
const TOTAL_BYTES = 50_000_000;
const SMALLEST_BYTES = 1_000;
/** Largest over smallest: a few files are larger than one block of 256 KiB. */
const SPREAD = 400;
/** Chosen so that the sizes, evenly spread on this curve, add up to nearly TOTAL_BYTES. */
const CURVE = 1.42;

export type BenchFile = { readonly path: string; readonly body: Uint8Array };

/** Every round has other bytes: a store that knows a block already would have nothing to do. */
export function makePublishFiles(round: number): BenchFile[] {
  const sizes = makeSizes();
  const next = createRandom(round + 1);
  return sizes.map((size, index) => {
    const words = new Uint32Array(Math.ceil(size / 4));
    for (let i = 0; i < words.length; i++) words[i] = next();
    // A buffer of exactly its size, as a file that was read has.
    return { path: pathOf(index), body: new Uint8Array(words.buffer.slice(0, size)) };
  });
}

function makeSizes(): number[] {
  const sizes = Array.from({ length: FILES }, (_, index) =>
    Math.round(SMALLEST_BYTES * SPREAD ** ((index / (FILES - 1)) ** CURVE)),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  sizes[FILES - 1]! += TOTAL_BYTES - total;
  // 7 and 1,000 have no common factor, so each size comes once, large and small mixed.
  return sizes.map((_, index) => sizes[(index * 7) % FILES]!);
}

function pathOf(index: number): string {
  if (index === 0) return 'index.html';
  return `folder-${index % 20}/file-${index}.bin`;
}

/** Xorshift32 (Marsaglia 2003): the same words for the same seed, fast enough for 50 MB. */
function createRandom(seed: number): () => number {
  let state = (seed * 0x9e3779b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
