// X25519 (RFC 7748), for sessions and sealing.

import { x25519 } from '@noble/curves/ed25519.js';

/** 32 bytes from a secret of 32 bytes. */
export function sealingKeyOfSeed(seed: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(x25519.getPublicKey(seed));
}

/** 32 bytes, or undefined when they would be all zeros, as keys of small order force them to be (RFC 7748 §6.1). */
export function agreeOnSecret(given: {
  readonly seed: Uint8Array;
  readonly remoteKey: Uint8Array;
}): Uint8Array<ArrayBuffer> | undefined {
  try {
    const secret = x25519.getSharedSecret(given.seed, given.remoteKey);
    return secret.every((byte) => byte === 0) ? undefined : new Uint8Array(secret);
  } catch {
    return undefined;
  }
}
