// HKDF-SHA256 (RFC 5869): every derived key, room id and seed comes through here with a label of its own.

import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';

/** `length` bytes, at most 255 × 32. No salt means 32 zero bytes, as in the RFC. */
export function deriveBytes(given: {
  readonly material: Uint8Array;
  readonly salt?: Uint8Array;
  readonly info?: Uint8Array;
  readonly length: number;
}): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hkdf(sha256, given.material, given.salt, given.info, given.length));
}
