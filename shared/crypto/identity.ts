// A person's root keys: twelve words (BIP39), and what is derived from them (HKDF-SHA256).

import { entropyToMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { encodeUtf8 } from '../codec/base.ts';
import { assert } from '../core/assert.ts';
import { err, ok, type Failure, type Result } from '../core/result.ts';
import { publicKeyOfSeed } from './ed25519.ts';
import { deriveBytes } from './hkdf.ts';
import { identityFromKey, type Identity } from './ids.ts';
import { sealingKeyOfSeed } from './x25519.ts';

type Bytes = Uint8Array<ArrayBuffer>;

export type IdentitySecrets = {
  readonly identity: Identity;
  /** Ed25519 seed: certifies and revokes devices, recovers. */
  readonly signingSeed: Bytes;
  /** X25519 secret and public key: others seal to the identity with it. */
  readonly sealingSeed: Bytes;
  readonly sealingKey: Bytes;
};

/** `word` counts from 1 and is there when one word is to blame. The words themselves are never repeated: they are a secret. */
export type PhraseFailure = Failure<'bad_phrase'> & { readonly word?: number };

const PHRASE_WORDS = 12;
const ENTROPY_BYTES = 16;
const SEED_BYTES = 64;
const KEY_BYTES = 32;
/** Twelve words of at most eight letters fit many times over. */
const PHRASE_CHARS_MAX = 1_000;
const WORDS: ReadonlySet<string> = new Set(wordlist);

/** Twelve English words from 16 bytes of chance. */
export function createRecoveryPhrase(random: Uint8Array): string {
  assert(random.length === ENTROPY_BYTES, 'a recovery phrase is made of 16 random bytes');
  return entropyToMnemonic(random, wordlist);
}

/** The 64-byte BIP39 seed (no BIP39 passphrase). Case and spacing do not matter. */
export function parseRecoveryPhrase(text: string): Result<Bytes, PhraseFailure> {
  const words = text.length > PHRASE_CHARS_MAX ? [] : text.normalize('NFKD').toLowerCase().trim().split(/\s+/u);
  const unknown = words.findIndex((word) => !WORDS.has(word));
  if (words.length !== PHRASE_WORDS) {
    return refuse(`A recovery phrase has ${PHRASE_WORDS} words; this has ${words[0] === '' ? 0 : words.length}.`);
  }
  if (unknown !== -1) {
    return refuse(`Word ${unknown + 1} is not in the word list: check its spelling.`, unknown + 1);
  }
  const phrase = words.join(' ');
  if (!validateMnemonic(phrase, wordlist)) {
    return refuse('Each word exists, but they do not belong together: one is wrong, or two are in the wrong order.');
  }
  return ok(new Uint8Array(mnemonicToSeedSync(phrase)));
}

/** Each key has its own HKDF label, `weft/identity/<alg>/v1`, so that none can be had from another. */
export function deriveIdentity(seed: Uint8Array): IdentitySecrets {
  assert(seed.length === SEED_BYTES, 'an identity is derived from a BIP39 seed of 64 bytes');
  const signingSeed = deriveKey(seed, 'ed25519');
  const sealingSeed = deriveKey(seed, 'x25519');
  return {
    identity: identityFromKey(publicKeyOfSeed(signingSeed)),
    signingSeed,
    sealingSeed,
    sealingKey: sealingKeyOfSeed(sealingSeed),
  };
}

function deriveKey(seed: Uint8Array, algorithm: 'ed25519' | 'x25519'): Bytes {
  return deriveBytes({ material: seed, info: encodeUtf8(`weft/identity/${algorithm}/v1`), length: KEY_BYTES });
}

function refuse(because: string, word?: number): Result<never, PhraseFailure> {
  return err(word === undefined ? { code: 'bad_phrase', because } : { code: 'bad_phrase', because, word });
}
