// Sealing under a key that both sides have: nonce (24 bytes, by chance) ‖ XChaCha20-Poly1305.

import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import type { Random } from '../platform/ports.ts';
import { concatBytes } from '../core/bytes.ts';

const NONCE_BYTES = 24;

/** `key` is 32 bytes; `aad` binds the purpose. 40 bytes longer than the secret. */
export function sealSecret(
  secret: Uint8Array,
  given: { readonly key: Uint8Array; readonly aad: Uint8Array; readonly random: Random },
): Uint8Array<ArrayBuffer> {
  const nonce = given.random.bytes(NONCE_BYTES);
  return concatBytes(nonce, xchacha20poly1305(given.key, nonce, given.aad).encrypt(secret));
}

/** Null when it was sealed under another key, for another purpose, or changed. */
export function openSecret(
  sealed: Uint8Array,
  { key, aad }: { readonly key: Uint8Array; readonly aad: Uint8Array },
): Uint8Array | null {
  if (sealed.length < NONCE_BYTES) return null;
  const nonce = sealed.subarray(0, NONCE_BYTES);
  try {
    return xchacha20poly1305(key, nonce, aad).decrypt(sealed.subarray(NONCE_BYTES));
  } catch {
    return null;
  }
}
