// Who: identities (did:key), public keys of devices and validators, feed ids; their parsers and schemas.

import { fromBase58btc, fromHex, toBase58btc, toHex, toLatin1 } from '../codec/base.ts';
import { bytes, hexBytes, mapped, type Schema } from '../codec/schema.ts';
import { assert } from '../core/assert.ts';
import type { Brand } from '../core/brand.ts';
import { concatBytes } from '../core/bytes.ts';
import { err, fail, ok, type Failure, type Result } from '../core/result.ts';
import type { PublicKey } from '../platform/ports.ts';
import { isKeyEncoding, KEY_BYTES, SIGNATURE_BYTES } from './key-encoding.ts';

export type { PublicKey };

/** `did:key:z6Mk…`: the Ed25519 key of a recovery phrase (W3C did:key). */
export type Identity = Brand<string, 'Identity'>;

/** 16 lowercase hex characters: the 8 random bytes drawn when a feed is opened. */
export type FeedId = Brand<string, 'FeedId'>;

const DID_PREFIX = 'did:key:z';
/** `did:key:z` and 47 or 48 characters of base58; anything longer is not worth decoding. */
const IDENTITY_CHARS_MAX = 64;
/** Multicodec ed25519-pub (0xed) as a varint. */
const ED25519_PUB: Uint8Array = new Uint8Array([0xed, 0x01]);
const FEED_ID_BYTES = 8;

/** Base58 costs the square of the length, and a group is the same people again and again: 300 bytes each for both. */
const IDENTITIES_KEPT = 2_048;
/** By the key's bytes as characters. */
const identityByKey = new Map<string, Identity>();
const keyByIdentity = new Map<Identity, Uint8Array<ArrayBuffer>>();

/** Asserts the encoding rule SG1; use parseIdentity for text from outside. */
export function identityFromKey(key: Uint8Array): Identity {
  const name = toLatin1(key);
  const known = identityByKey.get(name);
  if (known !== undefined) return known;
  assert(isKeyEncoding(key), 'an identity is a canonical Ed25519 key');
  const identity = (DID_PREFIX + toBase58btc(concatBytes(ED25519_PUB, key))) as Identity;
  keepNewest(identityByKey, name, identity);
  return identity;
}

/** The 32 bytes of its Ed25519 key. */
export function identityKey(identity: Identity): Uint8Array<ArrayBuffer> {
  const known = keyByIdentity.get(identity);
  if (known !== undefined) return known.slice();
  const decoded = fromBase58btc(identity.slice(DID_PREFIX.length));
  assert(
    decoded.ok && decoded.value.length === ED25519_PUB.length + KEY_BYTES,
    'an Identity was made without its parser',
  );
  const key = decoded.value.slice(ED25519_PUB.length);
  keepNewest(keyByIdentity, identity, key.slice());
  return key;
}

function keepNewest<K, V>(kept: Map<K, V>, key: K, value: V): void {
  kept.set(key, value);
  if (kept.size > IDENTITIES_KEPT) kept.delete(kept.keys().next().value!);
}

export function parseIdentity(text: string): Result<Identity, Failure<'bad_encoding'>> {
  if (!text.startsWith(DID_PREFIX) || text.length > IDENTITY_CHARS_MAX) {
    return fail('bad_encoding', 'An identity looks like did:key:z6Mk… (56 characters).');
  }
  const decoded = fromBase58btc(text.slice(DID_PREFIX.length));
  if (!decoded.ok) return decoded;
  const [first, second] = decoded.value;
  const key = decoded.value.slice(ED25519_PUB.length);
  if (first !== ED25519_PUB[0] || second !== ED25519_PUB[1] || !isKeyEncoding(key)) {
    return fail('bad_encoding', 'This did:key is not an Ed25519 key that can be used.');
  }
  return ok(text as Identity);
}

/** The encoding rule only (SG1); checkKey in ed25519.ts does the arithmetic when a key enters state. */
export function publicKeyFromBytes(key: Uint8Array): Result<PublicKey, Failure<'bad_encoding'>> {
  if (!isKeyEncoding(key)) return fail('bad_encoding', 'This is not the encoding of a usable Ed25519 key.');
  return ok(toHex(key) as PublicKey);
}

export function publicKeyBytes(key: PublicKey): Uint8Array<ArrayBuffer> {
  const decoded = fromHex(key);
  assert(decoded.ok && decoded.value.length === KEY_BYTES, 'a PublicKey was made without its parser');
  return decoded.value;
}

export function parsePublicKey(text: string): Result<PublicKey, Failure<'bad_encoding'>> {
  if (text.length !== 2 * KEY_BYTES) return fail('bad_encoding', 'A public key has 64 hex characters.');
  const decoded = fromHex(text);
  return decoded.ok ? publicKeyFromBytes(decoded.value) : decoded;
}

/** From 8 random bytes. */
export function feedIdFromBytes(random: Uint8Array): FeedId {
  assert(random.length === FEED_ID_BYTES, 'a feed id is 8 bytes');
  return toHex(random) as FeedId;
}

export function parseFeedId(text: string): Result<FeedId, Failure<'bad_encoding'>> {
  if (text.length !== 2 * FEED_ID_BYTES) return fail('bad_encoding', 'A feed id has 16 hex characters.');
  const decoded = fromHex(text);
  return decoded.ok ? ok(text as FeedId) : decoded;
}

/** On the wire: the 32 bytes of the key. */
export const identitySchema: Schema<Identity> = mapped(
  bytes({ length: KEY_BYTES }),
  (key) => (isKeyEncoding(key) ? ok(identityFromKey(key)) : err('expected a usable Ed25519 key')),
  identityKey,
);

export const publicKeySchema: Schema<PublicKey> = mapped(
  bytes({ length: KEY_BYTES }),
  (key) => (isKeyEncoding(key) ? ok(toHex(key) as PublicKey) : err('expected a usable Ed25519 key')),
  publicKeyBytes,
);

export const feedIdSchema: Schema<FeedId> = hexBytes<FeedId>(FEED_ID_BYTES);

export const signatureSchema: Schema<Uint8Array> = bytes({ length: SIGNATURE_BYTES });
