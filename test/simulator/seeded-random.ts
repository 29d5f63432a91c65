// Chance that a seed repeats (xorshift128+): never for keys outside tests.

import type { Random } from '../../shared/platform/ports.ts';

export type SeededRandom = Random & {
  /** 0 ≤ x < 1. */
  fraction(): number;
};

export function createSeededRandom(seed: number): SeededRandom {
  let a = (BigInt(seed >>> 0) << 32n) | 0x9e3779b9n;
  let b = 0xd1b54a32d192ed03n;
  const mask = (1n << 64n) - 1n;
  const next = (): bigint => {
    let x = a;
    a = b;
    x ^= (x << 23n) & mask;
    b = x ^ b ^ (x >> 17n) ^ (b >> 26n);
    return (b + a) & mask;
  };
  for (let i = 0; i < 16; i++) next();
  return {
    bytes(length) {
      const out = new Uint8Array(length);
      for (let i = 0; i < length; i++) out[i] = Number(next() >> 24n) & 0xff;
      return out;
    },
    fraction: () => Number(next() >> 11n) / 2 ** 53,
  };
}
