// Ed25519 in pure JavaScript under the one profile (docs/protocol/signatures.md): cofactorless, canonical, no small orders.

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { toHex } from '../codec/base.ts';
import { concatBytes, equalBytes } from '../core/bytes.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import type { PublicKey } from '../platform/ports.ts';
import { isKeyEncoding, isSignatureEncoding } from './key-encoding.ts';

type Point = InstanceType<typeof ed25519.Point>;

const POINT_BYTES = 32;

/** SG1–SG3: `enc(S·B − k·A) = R` byte for byte, k = SHA-512(R ‖ A ‖ M) mod L. Never throws. */
export function verifyPure(claim: { key: Uint8Array; message: Uint8Array; signature: Uint8Array }): boolean {
  const { key, message, signature } = claim;
  if (!isKeyEncoding(key) || !isSignatureEncoding(signature)) return false;
  const publicPoint = readPoint(key);
  if (publicPoint === undefined) return false;
  const commitment = signature.subarray(0, POINT_BYTES);
  const response = littleEndian(signature.subarray(POINT_BYTES));
  const challenge = littleEndian(sha512(concatBytes(commitment, key, message))) % ed25519.Point.Fn.ORDER;
  const expected = ed25519.Point.BASE.multiplyUnsafe(response).subtract(publicPoint.multiplyUnsafe(challenge));
  return equalBytes(expected.toBytes(), commitment);
}

/** SG4, once, when a key enters state: on the curve, canonical, not of small order, without a torsion component. */
export function checkKey(key: Uint8Array): Result<PublicKey, Failure<'bad_key'>> {
  const point = isKeyEncoding(key) ? readPoint(key) : undefined;
  if (point === undefined) return fail('bad_key', 'This is not a valid Ed25519 key.');
  if (point.isSmallOrder() || !point.isTorsionFree()) {
    return fail('bad_key', 'This Ed25519 key has a torsion component: verifiers would disagree about its signatures.');
  }
  return ok(toHex(key) as PublicKey);
}

/** RFC 8032, deterministic; `seed` is 32 bytes, the signature 64. */
export function signPure(seed: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(ed25519.sign(message, seed));
}

/** 32 bytes. */
export function publicKeyOfSeed(seed: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(ed25519.getPublicKey(seed));
}

function readPoint(key: Uint8Array): Point | undefined {
  try {
    return ed25519.Point.fromBytes(key, false);
  } catch {
    return undefined;
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.slice().reverse())}`);
}
