// Ed25519 verification and nothing else, for pages that may carry no curve library: the same verdict as ed25519.ts (SG1–SG3).
// Only public values pass through it, so that its time may depend on them.

import { sha512 } from '@noble/hashes/sha2.js';
import { toHex } from '../codec/base.ts';
import { concatBytes, equalBytes } from '../core/bytes.ts';
import { isKeyEncoding, isSignatureEncoding, KEY_BYTES } from './key-encoding.ts';

/** Extended coordinates of RFC 8032 §5.1.4: x = X/Z, y = Y/Z, x·y = T/Z; any of them may be negative. */
type Point = readonly [X: bigint, Y: bigint, Z: bigint, T: bigint];

/** The field, its curve's d, a root of −1, and the order of the base point (RFC 8032 §5.1). */
const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
const ROOT_OF_MINUS_ONE = 19681161376707505956807079304988542015446066515923890162744021073123829784752n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const SCALAR_BITS = 253;

const NEUTRAL: Point = [0n, 1n, 1n, 0n];
const BASE: Point = pointOf(
  15112221349535400772501151409588531511454012693041857206046113283949847762202n,
  46316835694926478169428394003475163141307993866256225615783033603165251855960n,
);

/** `enc(S·B − k·A) = R` byte for byte, k = SHA-512(R ‖ A ‖ M) mod L. Never throws. */
export function verifySmall(claim: { key: Uint8Array; message: Uint8Array; signature: Uint8Array }): boolean {
  const { key, message, signature } = claim;
  if (!isKeyEncoding(key) || !isSignatureEncoding(signature)) return false;
  const minusA = readNegated(key);
  if (minusA === undefined) return false;
  const commitment = signature.subarray(0, KEY_BYTES);
  const response = littleEndian(signature.subarray(KEY_BYTES));
  const challenge = littleEndian(sha512(concatBytes(commitment, key, message))) % ORDER;
  return equalBytes(encodePoint(addMultiples(response, challenge, minusA)), commitment);
}

/** response·B + challenge·other, both scalars read bit by bit together. */
function addMultiples(response: bigint, challenge: bigint, other: Point): Point {
  const both = add(BASE, other);
  let sum = NEUTRAL;
  for (let bit = BigInt(SCALAR_BITS - 1); bit >= 0n; bit--) {
    sum = add(sum, sum);
    const [ofBase, ofOther] = [(response >> bit) & 1n, (challenge >> bit) & 1n];
    if (ofBase && ofOther) sum = add(sum, both);
    else if (ofBase) sum = add(sum, BASE);
    else if (ofOther) sum = add(sum, other);
  }
  return sum;
}

/** Complete: right for equal and for neutral points too (Hisil and others 2008, §3.1, with a = −1). */
function add([x1, y1, z1, t1]: Point, [x2, y2, z2, t2]: Point): Point {
  const a = ((y1 - x1) * (y2 - x2)) % P;
  const b = ((y1 + x1) * (y2 + x2)) % P;
  const c = (((2n * t1 * t2) % P) * D) % P;
  const d = (2n * z1 * z2) % P;
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [(e * f) % P, (g * h) % P, (f * g) % P, (e * h) % P];
}

/** The negative of an encoded point (RFC 8032 §5.1.3); undefined when it is not on the curve. */
function readNegated(encoded: Uint8Array): Point | undefined {
  const whole = littleEndian(encoded);
  const y = whole & (2n ** 255n - 1n);
  const isOdd = whole >> 255n;
  const u = positive(y * y - 1n);
  const v = positive(D * y * y + 1n);
  // One power gives u/v to the half: x = u·v³·(u·v⁷)^((p − 5)/8), up to a root of −1.
  let x = (u * v ** 3n * power((u * v ** 7n) % P, (P - 5n) / 8n)) % P;
  const square = (v * x * x) % P;
  if (square === P - u) x = (x * ROOT_OF_MINUS_ONE) % P;
  else if (square !== u) return undefined;
  return pointOf((x & 1n) === isOdd ? positive(-x) : x, y);
}

function encodePoint([x, y, z]: Point): Uint8Array {
  const inverse = power(positive(z), P - 2n);
  const affine = positive(y * inverse) | ((positive(x * inverse) & 1n) << 255n);
  return Uint8Array.from({ length: KEY_BYTES }, (_, at) => Number((affine >> BigInt(8 * at)) & 0xffn));
}

function pointOf(x: bigint, y: bigint): Point {
  return [x, y, 1n, (x * y) % P];
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = base; exponent > 0n; exponent >>= 1n, square = (square * square) % P) {
    if (exponent & 1n) result = (result * square) % P;
  }
  return result;
}

function positive(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.slice().reverse())}`);
}
