// A person's root keys: twelve words (BIP39), and what is derived from them (HKDF-SHA256).

import { encodeUtf8 } from '../codec/base.ts';
import { assert } from '../core/assert.ts';
import { err, ok, type Failure, type Result } from '../core/result.ts';
import type { Signer } from '../platform/ports.ts';
import { deriveBytes } from './hkdf.ts';
import { identityFromKey, publicKeyBytes, type Identity } from './ids.ts';
import { PHRASE_WORDS } from './phrase-words.ts';
import { sha256 } from './sha256.ts';
import { sealingKeyOfSeed } from './x25519.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export type IdentitySecrets = {
  readonly identity: Identity;
  /** By the Ed25519 key: certifies and revokes devices, recovers. */
  readonly signer: Signer;
  /** X25519 secret and public key: others seal to the identity with it. */
  readonly sealingSeed: Bytes;
  readonly sealingKey: Bytes;
};

/** What a platform has faster than we could write it, and in no byte of ours. */
export type IdentityCrypto = {
  /** PBKDF2 with HMAC-SHA512 and 2,048 rounds: 64 bytes. */
  readonly stretch: (given: { readonly password: Bytes; readonly salt: Bytes }) => Promise<Bytes>;
  /** Ed25519 over a seed of 32 bytes. */
  readonly createSigner: (seed: Bytes) => Promise<Signer>;
};

/** `word` counts from 1 and is there when one word is to blame. The words themselves are never repeated: they are a secret. */
export type PhraseFailure = Failure<'bad_phrase'> & { readonly word?: number };

const WORDS_IN_PHRASE = 12;
const WORD_BITS = 11;
const ENTROPY_BYTES = 16;
/** 12 × 11 bits are 128 of chance and 4 of their hash. */
const CHECK_BITS = 4;
const SEED_BYTES = 64;
const KEY_BYTES = 32;
/** Twelve words of at most eight letters fit many times over. */
const PHRASE_CHARS_MAX = 1_000;
/** BIP39: `mnemonic` and its passphrase, of which we have none. */
const SEED_SALT: Bytes = encodeUtf8('mnemonic');

/** Twelve English words from 16 bytes of chance. */
export function createRecoveryPhrase(random: Uint8Array): string {
  assert(random.length === ENTROPY_BYTES, 'a recovery phrase is made of 16 random bytes');
  let bits = 0n;
  for (const byte of random) bits = (bits << 8n) | BigInt(byte);
  bits = (bits << BigInt(CHECK_BITS)) | BigInt(checkOf(random));
  return Array.from({ length: WORDS_IN_PHRASE }, (_, at) => {
    const below = BigInt(WORD_BITS * (WORDS_IN_PHRASE - 1 - at));
    return PHRASE_WORDS[Number((bits >> below) & 0x7ffn)]!;
  }).join(' ');
}

/** The words as they count: lower case, one space between two. Case and spacing do not matter. */
export function parseRecoveryPhrase(text: string): Result<string, PhraseFailure> {
  const words = text.length > PHRASE_CHARS_MAX ? [] : text.normalize('NFKD').toLowerCase().trim().split(/\s+/u);
  const places = words.map((word) => PHRASE_WORDS.indexOf(word));
  const unknown = places.indexOf(-1);
  if (words.length !== WORDS_IN_PHRASE) {
    return refuse(`A recovery phrase has ${WORDS_IN_PHRASE} words; this has ${words[0] === '' ? 0 : words.length}.`);
  }
  if (unknown !== -1) {
    return refuse(`Word ${unknown + 1} is not in the word list: check its spelling.`, unknown + 1);
  }
  if (!isChecked(places)) {
    return refuse('Each word exists, but they do not belong together: one is wrong, or two are in the wrong order.');
  }
  return ok(words.join(' '));
}

/**
 * `phrase` as `createRecoveryPhrase` or `parseRecoveryPhrase` gives it. Each key has its own HKDF label,
 * `weft/identity/<alg>/v1`, so that none can be had from another.
 */
export async function deriveIdentity(phrase: string, platform: IdentityCrypto): Promise<IdentitySecrets> {
  const seed = await platform.stretch({ password: encodeUtf8(phrase), salt: SEED_SALT });
  assert(seed.length === SEED_BYTES, 'an identity is derived from a BIP39 seed of 64 bytes');
  const signer = await platform.createSigner(deriveKey(seed, 'ed25519'));
  const sealingSeed = deriveKey(seed, 'x25519');
  return {
    identity: identityFromKey(publicKeyBytes(signer.key)),
    signer,
    sealingSeed,
    sealingKey: sealingKeyOfSeed(sealingSeed),
  };
}

function deriveKey(seed: Uint8Array, algorithm: 'ed25519' | 'x25519'): Bytes {
  return deriveBytes({ material: seed, info: encodeUtf8(`weft/identity/${algorithm}/v1`), length: KEY_BYTES });
}

/** The first bits of the SHA-256 of the chance (BIP39). */
function checkOf(entropy: Uint8Array): number {
  return sha256(entropy)[0]! >> (8 - CHECK_BITS);
}

/** `places`: twelve numbers below 2,048. */
function isChecked(places: readonly number[]): boolean {
  let bits = 0n;
  for (const place of places) bits = (bits << BigInt(WORD_BITS)) | BigInt(place);
  const check = Number(bits & 0xfn);
  bits >>= BigInt(CHECK_BITS);
  const entropy = Uint8Array.from({ length: ENTROPY_BYTES }, (_, at) =>
    Number((bits >> BigInt(8 * (ENTROPY_BYTES - 1 - at))) & 0xffn),
  );
  return checkOf(entropy) === check;
}

function refuse(because: string, word?: number): Result<never, PhraseFailure> {
  return err(word === undefined ? { code: 'bad_phrase', because } : { code: 'bad_phrase', because, word });
}
