// A signer over a seed that we hold ourselves: identities, and devices where WebCrypto has no Ed25519. Brings the curve along.

import { assert } from '../../core/assert.ts';
import { publicKeyOfSeed, signPure } from '../../crypto/ed25519.ts';
import { publicKeyFromBytes } from '../../crypto/ids.ts';
import type { Signer } from '../ports.ts';

/** `seed` is 32 bytes and is kept; deterministic (RFC 8032). */
export function createSeedSigner(seed: Uint8Array): Signer {
  const key = publicKeyFromBytes(publicKeyOfSeed(seed));
  assert(key.ok, 'a derived key has a usable encoding');
  return { key: key.value, sign: async (message) => signPure(seed, message) };
}
