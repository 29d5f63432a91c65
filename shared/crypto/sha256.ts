// SHA-256 for the machines, which cannot wait for WebCrypto (FIPS 180-4, by noble).

import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

/** 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return nobleSha256(bytes);
}
