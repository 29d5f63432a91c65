// X25519 (RFC 7748), for sessions and sealing: the ladder alone, without the Edwards curve that makes public keys a little faster.

import { montgomery } from '@noble/curves/abstract/montgomery.js';
import { assert } from '../core/assert.ts';

const KEY_BYTES = 32;
const P = 2n ** 255n - 19n;

const ladder = montgomery({ P, type: 'x25519', powPminus2: invert, adjustScalarBytes: clamp });

/** 32 bytes from a secret of 32 bytes. */
export function sealingKeyOfSeed(seed: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(ladder.getPublicKey(seed));
}

/** 32 bytes, or undefined when they would be all zeros, as keys of small order force them to be (RFC 7748 §6.1). */
export function agreeOnSecret(given: {
  readonly seed: Uint8Array;
  readonly remoteKey: Uint8Array;
}): Uint8Array<ArrayBuffer> | undefined {
  try {
    const secret = ladder.getSharedSecret(given.seed, given.remoteKey);
    return secret.every((byte) => byte === 0) ? undefined : new Uint8Array(secret);
  } catch {
    return undefined;
  }
}

/** RFC 7748 §5: the three lowest bits and the highest are 0, the second highest is 1. */
function clamp(scalar: Uint8Array): Uint8Array {
  assert(scalar.length === KEY_BYTES, 'a scalar of X25519 is 32 bytes');
  scalar[0]! &= 248;
  scalar[31] = (scalar[31]! & 127) | 64;
  return scalar;
}

/** x^(p − 2) mod p, in 254 squarings and 13 products whatever x is: p − 2 = (2^250 − 1)·2^5 + 11. */
function invert(x: bigint): bigint {
  const square = (base: bigint, times: number): bigint => {
    let power = base;
    for (let i = 0; i < times; i++) power = (power * power) % P;
    return power;
  };
  /** From x^(2^a − 1) and x^(2^b − 1) to x^(2^(a + b) − 1). */
  const join = (ofA: bigint, ofB: bigint, b: number): bigint => (square(ofA, b) * ofB) % P;
  const ones2 = join(x, x, 1);
  const ones5 = join(join(ones2, ones2, 2), x, 1);
  const ones10 = join(ones5, ones5, 5);
  const ones20 = join(ones10, ones10, 10);
  const ones40 = join(ones20, ones20, 20);
  const ones50 = join(ones40, ones10, 10);
  const ones100 = join(ones50, ones50, 50);
  const ones250 = join(join(ones100, ones100, 100), ones50, 50);
  const toThe11 = (square(x, 3) * ones2) % P;
  return (square(ones250, 5) * toThe11) % P;
}
