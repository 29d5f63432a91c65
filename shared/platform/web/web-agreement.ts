// X25519 by WebCrypto, where the platform has it.

import { bytesOfHex } from '../../codec/base.ts';
import { concatBytes, equalBytes } from '../../core/bytes.ts';
import type { KeyAgreement } from '../ports.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const ALGORITHM = 'X25519';
const SECRET_BITS = 256;
/** RFC 8410 §7: what stands before the 32 bytes of a secret in PKCS #8; other forms of it are not imported everywhere. */
const PKCS8_HEAD = bytesOfHex('302e020100300506032b656e04220420');
/** RFC 7748 §4.1: the key of the secret 1. What is agreed with it is the own public key. */
const BASE_POINT = bytesOfHex('0900000000000000000000000000000000000000000000000000000000000000');
/** Made for this: the secret whose bytes are all 1, and its public key. */
const PROBE_SEED = new Uint8Array(32).fill(1);
const PROBE_KEY = bytesOfHex('a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209');

/** Null where the platform has none: then it is computed in JavaScript. */
export async function createWebAgreement(): Promise<KeyAgreement | null> {
  const key = await agree({ seed: PROBE_SEED });
  return key !== undefined && equalBytes(key, PROBE_KEY) ? { agree } : null;
}

async function agree(given: { seed: Uint8Array; remoteKey?: Uint8Array }): Promise<Bytes | undefined> {
  const { seed, remoteKey = BASE_POINT } = given;
  const { subtle } = crypto;
  try {
    const [secret, key] = await Promise.all([
      subtle.importKey('pkcs8', concatBytes(PKCS8_HEAD, seed), ALGORITHM, false, ['deriveBits']),
      subtle.importKey('raw', new Uint8Array(remoteKey), ALGORITHM, false, []),
    ]);
    const agreed = new Uint8Array(await subtle.deriveBits({ name: ALGORITHM, public: key }, secret, SECRET_BITS));
    return agreed.some((byte) => byte !== 0) ? agreed : undefined;
  } catch {
    return undefined;
  }
}
