// Root keys by WebCrypto: the phrase stretched, and a signer over a seed of our own; the pure curve comes only where Ed25519 is missing.

import { bytesOfHex } from '../../codec/base.ts';
import { concatBytes } from '../../core/bytes.ts';
import { needPart } from '../../core/late-part.ts';
import type { IdentityCrypto } from '../../crypto/identity.ts';
import type { Signer } from '../ports.ts';
import { createWebSigner } from './web-crypto.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const ALGORITHM = 'Ed25519';
const STRETCH = { name: 'PBKDF2', hash: 'SHA-512', iterations: 2_048 } as const;
const STRETCHED_BITS = 512;
/** PKCS #8 of an Ed25519 key (RFC 8410 §7): all that comes before the seed. */
const PKCS8_HEAD = '302e020100300506032b657004220420';

export const webIdentityCrypto: IdentityCrypto = {
  async stretch({ password, salt }) {
    const key = await crypto.subtle.importKey('raw', password, STRETCH.name, false, ['deriveBits']);
    return new Uint8Array(await crypto.subtle.deriveBits({ ...STRETCH, salt }, key, STRETCHED_BITS));
  },
  createSigner: openSeedSigner,
};

/** `seed` is 32 bytes. The same key and signatures as createSeedSigner's (RFC 8032 is deterministic), without its curve. */
export async function openSeedSigner(seed: Bytes): Promise<Signer> {
  const pair = await importSeed(seed);
  if (pair) return await createWebSigner(pair);
  const { createSeedSigner } = await needPart(() => import('./seed-signer.ts'));
  return createSeedSigner(seed);
}

/** Null where Ed25519 is missing. */
async function importSeed(seed: Bytes): Promise<CryptoKeyPair | null> {
  try {
    const encoded = concatBytes(bytesOfHex(PKCS8_HEAD), seed);
    const privateKey = await crypto.subtle.importKey('pkcs8', encoded, ALGORITHM, true, ['sign']);
    const { x } = await crypto.subtle.exportKey('jwk', privateKey);
    const half = { kty: 'OKP', crv: ALGORITHM, ...(x !== undefined && { x }) };
    return { privateKey, publicKey: await crypto.subtle.importKey('jwk', half, ALGORITHM, true, ['verify']) };
  } catch {
    return null;
  }
}
