// Sealing to a key (RFC 9180, base mode): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305, one message each.
// Labels, ids and the order of what is hashed are those of the RFC: §4.1 for the KEM, §5.1 for the key schedule.

import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { encodeUtf8 } from '../codec/base.ts';
import { assert } from '../core/assert.ts';
import { concatBytes } from '../core/bytes.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import type { Random } from '../platform/ports.ts';
import { agreeOnSecret, sealingKeyOfSeed } from './x25519.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What sealing adds: the ephemeral key in front and the tag behind. */
export const SEAL_OVERHEAD_BYTES: number = KEY_BYTES + TAG_BYTES;

const VERSION = encodeUtf8('HPKE-v1');
/** kem_id 0x0020. */
const KEM_SUITE = concatBytes(encodeUtf8('KEM'), Uint8Array.of(0x00, 0x20));
/** kem_id 0x0020, kdf_id 0x0001, aead_id 0x0003. */
const SUITE = concatBytes(encodeUtf8('HPKE'), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x03));
const MODE_BASE = Uint8Array.of(0);
const EMPTY: Uint8Array = new Uint8Array(0);

/** What both sides have to name alike: `info` binds the purpose, `aad` the single message. */
type Binding = { readonly info: Uint8Array; readonly aad: Uint8Array };

/** `enc ‖ ct`; undefined when `key` (32 bytes, X25519) is of small order: nobody could be meant by it. */
export function sealTo(
  key: Uint8Array,
  given: Binding & { readonly plaintext: Uint8Array; readonly random: Random },
): Bytes | undefined {
  assert(key.length === KEY_BYTES, 'an X25519 key is 32 bytes');
  const seed = given.random.bytes(KEY_BYTES);
  const shared = agreeOnSecret({ seed, remoteKey: key });
  if (shared === undefined) return undefined;
  const enc = sealingKeyOfSeed(seed);
  const { secret, nonce } = scheduleKey(deriveShared({ shared, enc, key }), given.info);
  return concatBytes(enc, chacha20poly1305(secret, nonce, given.aad).encrypt(given.plaintext));
}

/** Opens what was sealed to the key of `seed` (32 bytes) with the same `info` and `aad`. */
export function openSealed(
  seed: Uint8Array,
  given: Binding & { readonly sealed: Uint8Array },
): Result<Bytes, Failure<'not_sealed_to_key'>> {
  const enc = given.sealed.subarray(0, KEY_BYTES);
  const shared = given.sealed.length >= SEAL_OVERHEAD_BYTES ? agreeOnSecret({ seed, remoteKey: enc }) : undefined;
  if (shared !== undefined) {
    const { secret, nonce } = scheduleKey(deriveShared({ shared, enc, key: sealingKeyOfSeed(seed) }), given.info);
    try {
      return ok(new Uint8Array(chacha20poly1305(secret, nonce, given.aad).decrypt(given.sealed.subarray(KEY_BYTES))));
    } catch {
      // Falls through: whatever was wrong, it is said the same way.
    }
  }
  return fail('not_sealed_to_key', 'This was sealed to another key, or changed on the way.');
}

/** ExtractAndExpand of §4.1; the context names both public keys. */
function deriveShared(given: { shared: Uint8Array; enc: Uint8Array; key: Uint8Array }): Uint8Array {
  const prk = labeledExtract(KEM_SUITE, { label: 'eae_prk', salt: EMPTY, material: given.shared });
  const info = concatBytes(given.enc, given.key);
  return labeledExpand(KEM_SUITE, { prk, label: 'shared_secret', info, length: KEY_BYTES });
}

/** KeySchedule of §5.1 in base mode: no psk, so its id and value are empty. The nonce is that of the first message. */
function scheduleKey(shared: Uint8Array, info: Uint8Array): { secret: Uint8Array; nonce: Uint8Array } {
  const pskIdHash = labeledExtract(SUITE, { label: 'psk_id_hash', salt: EMPTY, material: EMPTY });
  const infoHash = labeledExtract(SUITE, { label: 'info_hash', salt: EMPTY, material: info });
  const context = concatBytes(MODE_BASE, pskIdHash, infoHash);
  const prk = labeledExtract(SUITE, { label: 'secret', salt: shared, material: EMPTY });
  return {
    secret: labeledExpand(SUITE, { prk, label: 'key', info: context, length: KEY_BYTES }),
    nonce: labeledExpand(SUITE, { prk, label: 'base_nonce', info: context, length: NONCE_BYTES }),
  };
}

function labeledExtract(
  suite: Uint8Array,
  { label, salt, material }: { label: string; salt: Uint8Array; material: Uint8Array },
): Uint8Array {
  return extract(sha256, concatBytes(VERSION, suite, encodeUtf8(label), material), salt);
}

function labeledExpand(
  suite: Uint8Array,
  { prk, label, info, length }: { prk: Uint8Array; label: string; info: Uint8Array; length: number },
): Uint8Array {
  const lengthBytes = Uint8Array.of(length >> 8, length & 0xff);
  return expand(sha256, prk, concatBytes(lengthBytes, VERSION, suite, encodeUtf8(label), info), length);
}
