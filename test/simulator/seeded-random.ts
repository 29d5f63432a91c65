// Chance that a seed repeats (sfc32, public domain, PractRand): never for keys outside tests.

import type { Random } from '../../shared/platform/ports.ts';

export type SeededRandom = Random & {
  /** 0 ≤ x < 1. */
  fraction(): number;
};

/** Rounds until every bit of the state depends on the seed. */
const WARM_UP_ROUNDS = 16;

export function createSeededRandom(seed: number): SeededRandom {
  let [a, b, c, counter] = [seed | 0, 0x9e3779b9 | 0, 0x243f6a88, 1];
  const next = (): number => {
    const out = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + out) | 0;
    return out >>> 0;
  };
  for (let i = 0; i < WARM_UP_ROUNDS; i++) next();
  return {
    bytes(length) {
      const words = new Uint32Array(Math.ceil(length / 4));
      for (let i = 0; i < words.length; i++) words[i] = next();
      return new Uint8Array(words.buffer.slice(0, length));
    },
    fraction: () => next() / 2 ** 32,
  };
}
