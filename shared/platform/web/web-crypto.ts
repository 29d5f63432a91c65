// WebCrypto behind the ports, for browsers, workerd, Deno and Node: verify, hash, chance, and keys that cannot be taken out.

import { bytesOfHex, toLatin1 } from '../../codec/base.ts';
import { assert } from '../../core/assert.ts';
import { publicKeyFromBytes } from '../../crypto/ids.ts';
import { isKeyEncoding, isSignatureEncoding } from '../../crypto/key-encoding.ts';
import type { Hasher, Random, Signer, Verifier } from '../ports.ts';

type Bytes = Uint8Array<ArrayBuffer>;
type Claim = Parameters<Verifier['verify']>[0];

const ALGORITHM = 'Ed25519';
/** Imported keys kept, so that a busy author costs one import: 200 bytes each. */
const KEYS_KEPT = 1_024;
/** crypto.getRandomValues refuses more in one call. */
const RANDOM_BYTES_MAX = 65_536;

/** RFC 8032 §7.1, test 1: any Ed25519 accepts it. */
const PROBE_VALID = {
  key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  message: '',
  signature:
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
};
/** Made for this: a sound key and a commitment with a torsion component. The cofactored equation accepts it; ours must not. */
const PROBE_COFACTORED = {
  key: 'e88ddb1f0607ac9884cc42d59cc51fb32ebb46cf06f4b98f19f0d8031a49b3b2',
  message: '77656674',
  signature:
    'edf888384259a92af2d12b7eebc50e4c8b4423ad4205b0dc5b8af6af7dd0233762d71cdd48a960dd9b022f215a93cee7ad1fc9951baa8e1f6bfdb5f5651ae503',
};

/** SG3: the platform's own Ed25519 where it has one that follows the profile, else the pure path, loaded when first needed. */
export async function createWebVerifier(): Promise<Verifier> {
  return (await isNativeUsable()) ? createNativeVerifier() : createPureVerifier();
}

/** Exported for the vector runs, which compare it with the pure path; use createWebVerifier. */
export function createNativeVerifier(): Verifier {
  const keysByText = new Map<string, Promise<CryptoKey>>();
  const importCached = (key: Uint8Array): Promise<CryptoKey> => {
    const name = toLatin1(key);
    const held = keysByText.get(name);
    if (held !== undefined) return held;
    const imported = crypto.subtle.importKey('raw', owned(key), ALGORITHM, false, ['verify']);
    keysByText.set(name, imported);
    if (keysByText.size > KEYS_KEPT) keysByText.delete(keysByText.keys().next().value!);
    return imported;
  };
  return {
    async verify({ key, message, signature }) {
      // Checked here, since engines differ in exactly these: then they agree (SG1, SG2).
      if (!isKeyEncoding(key) || !isSignatureEncoding(signature)) return false;
      try {
        return await crypto.subtle.verify(ALGORITHM, await importCached(key), owned(signature), owned(message));
      } catch {
        return false;
      }
    },
  };
}

export function createPureVerifier(): Verifier {
  return {
    async verify(claim) {
      const { verifyPure } = await import('../../crypto/ed25519.ts');
      return verifyPure(claim);
    },
  };
}

export function createWebHasher(): Hasher {
  return {
    async sha256(bytes) {
      return new Uint8Array(await crypto.subtle.digest('SHA-256', owned(bytes)));
    },
  };
}

export function createWebRandom(): Random {
  return {
    bytes(length) {
      const out = new Uint8Array(length);
      for (let at = 0; at < length; at += RANDOM_BYTES_MAX)
        crypto.getRandomValues(out.subarray(at, at + RANDOM_BYTES_MAX));
      return out;
    },
  };
}

/** A signer whose private key stays in WebCrypto; the public key must be extractable (it always is in generated pairs). */
export async function createWebSigner(pair: CryptoKeyPair): Promise<Signer> {
  const key = publicKeyFromBytes(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)));
  assert(key.ok, 'a generated key has a usable encoding');
  return {
    key: key.value,
    async sign(message) {
      return new Uint8Array(await crypto.subtle.sign(ALGORITHM, pair.privateKey, owned(message)));
    },
  };
}

/** A pair whose private key cannot be exported (IndexedDB keeps it as it is), or null where Ed25519 is missing. */
export async function generateDeviceKeys(): Promise<CryptoKeyPair | null> {
  try {
    return await crypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify']);
  } catch {
    return null;
  }
}

/** Not only "is Ed25519 there": an engine with the cofactored equation would split the network (SG3). */
export async function isNativeUsable(): Promise<boolean> {
  const native = createNativeVerifier();
  return (await native.verify(claimOf(PROBE_VALID))) && !(await native.verify(claimOf(PROBE_COFACTORED)));
}

function claimOf(probe: { key: string; message: string; signature: string }): Claim {
  return { key: bytesOfHex(probe.key), message: bytesOfHex(probe.message), signature: bytesOfHex(probe.signature) };
}

/** WebCrypto refuses views of shared memory; only such a view is copied. */
function owned(bytes: Uint8Array): Bytes {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Bytes) : new Uint8Array(bytes);
}
