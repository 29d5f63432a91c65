// Secrets at rest: sealed under a passphrase (scrypt, RFC 7914) or a key, with XChaCha20-Poly1305; the header is authenticated.

import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { scrypt } from '@noble/hashes/scrypt.js';
import { encodeUtf8 } from '../codec/base.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, literal, struct, uint } from '../codec/schema.ts';
import { assert } from '../core/assert.ts';
import { concatBytes } from '../core/bytes.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import type { Random } from '../platform/ports.ts';

type Bytes = Uint8Array<ArrayBuffer>;
type BadBox = Failure<'bad_encoding' | 'too_large'>;

const KIB = 1_024;
/** A wallet's seeds and settings; what is larger does not belong in a keystore. */
export const SECRET_BYTES_MAX: number = 64 * KIB;
const BOX_BYTES_MAX = SECRET_BYTES_MAX + KIB;
const HEADER_BYTES_MAX = 256;
const KEY_BYTES = 32;
const NONCE_BYTES = 24;
const SALT_BYTES = 16;
const TAG_BYTES = 16;

/** N = 2^17: 128 MiB and about half a second, the least a box may ask for. */
const SCRYPT_LOG_N_MIN = 17;
/** N = 2^18: 256 MiB. A forged header that asks for more would take the tab down. */
const SCRYPT_LOG_N_MAX = 18;
const SCRYPT_R = 8;
const SCRYPT_P = 1;

const PASSPHRASE_LABEL = encodeUtf8('weft/keystore/passphrase/v1\0');
const KEY_LABEL = encodeUtf8('weft/keystore/key/v1\0');

const passphraseHeaderSchema = struct({
  v: literal(1),
  kdf: literal('scrypt'),
  logN: uint({ max: 63 }),
  r: uint(),
  p: uint(),
  salt: bytes({ length: SALT_BYTES }),
  nonce: bytes({ length: NONCE_BYTES }),
});
const keyHeaderSchema = struct({ v: literal(1), nonce: bytes({ length: NONCE_BYTES }) });
const boxSchema = struct({
  header: bytes({ max: HEADER_BYTES_MAX }),
  sealed: bytes({ min: TAG_BYTES, max: SECRET_BYTES_MAX + TAG_BYTES }),
});

/** Takes half a second of one core: call it in a worker. */
export function sealWithPassphrase(given: { secret: Uint8Array; passphrase: string; random: Random }): Bytes {
  const salt = given.random.bytes(SALT_BYTES);
  const nonce = given.random.bytes(NONCE_BYTES);
  const header = encodeCanonical(passphraseHeaderSchema, {
    v: 1,
    kdf: 'scrypt',
    logN: SCRYPT_LOG_N_MIN,
    r: SCRYPT_R,
    p: SCRYPT_P,
    salt,
    nonce,
  });
  const key = stretch({ passphrase: given.passphrase, salt, logN: SCRYPT_LOG_N_MIN });
  return seal({ secret: given.secret, key, nonce, header, label: PASSPHRASE_LABEL });
}

/** The parameters are judged before any work is done for them. */
export function openWithPassphrase(given: {
  box: Uint8Array;
  passphrase: string;
}): Result<Bytes, BadBox | Failure<'unsupported_parameters' | 'wrong_passphrase'>> {
  const box = decodeCanonical(boxSchema, given.box, { max: BOX_BYTES_MAX });
  if (!box.ok) return box;
  const header = decodeCanonical(passphraseHeaderSchema, box.value.header, { max: HEADER_BYTES_MAX });
  if (!header.ok) return header;
  const { logN, r, p, salt, nonce } = header.value;
  if (logN < SCRYPT_LOG_N_MIN || logN > SCRYPT_LOG_N_MAX || r !== SCRYPT_R || p !== SCRYPT_P) {
    return fail(
      'unsupported_parameters',
      'This box asks for key stretching that is too weak or too costly: it was not made here.',
    );
  }
  const key = stretch({ passphrase: given.passphrase, salt, logN });
  const secret = open({ ...box.value, key, nonce, label: PASSPHRASE_LABEL });
  return secret === undefined
    ? fail('wrong_passphrase', 'The passphrase is wrong, or the box was changed.')
    : ok(secret);
}

/** `key` is 32 bytes. */
export function sealWithKey(given: { secret: Uint8Array; key: Uint8Array; random: Random }): Bytes {
  const nonce = given.random.bytes(NONCE_BYTES);
  const header = encodeCanonical(keyHeaderSchema, { v: 1, nonce });
  return seal({ secret: given.secret, key: given.key, nonce, header, label: KEY_LABEL });
}

export function openWithKey(given: { box: Uint8Array; key: Uint8Array }): Result<Bytes, BadBox | Failure<'wrong_key'>> {
  const box = decodeCanonical(boxSchema, given.box, { max: BOX_BYTES_MAX });
  if (!box.ok) return box;
  const header = decodeCanonical(keyHeaderSchema, box.value.header, { max: HEADER_BYTES_MAX });
  if (!header.ok) return header;
  const secret = open({ ...box.value, key: given.key, nonce: header.value.nonce, label: KEY_LABEL });
  return secret === undefined
    ? fail('wrong_key', 'The key is not the one this was sealed with, or the box was changed.')
    : ok(secret);
}

/** NFKC, so that one passphrase typed on two keyboards is one passphrase. */
function stretch(given: { passphrase: string; salt: Uint8Array; logN: number }): Uint8Array {
  const password = encodeUtf8(given.passphrase.normalize('NFKC'));
  return scrypt(password, given.salt, { N: 2 ** given.logN, r: SCRYPT_R, p: SCRYPT_P, dkLen: KEY_BYTES });
}

type Sealing = {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  readonly header: Uint8Array;
  readonly label: Uint8Array;
};

function seal(given: Sealing & { readonly secret: Uint8Array }): Bytes {
  assert(given.secret.length <= SECRET_BYTES_MAX, 'a secret this large does not belong in a keystore');
  assert(given.key.length === KEY_BYTES, 'a sealing key is 32 bytes');
  const aad = concatBytes(given.label, given.header);
  const sealed = xchacha20poly1305(given.key, given.nonce, aad).encrypt(given.secret);
  return encodeCanonical(boxSchema, { header: given.header, sealed });
}

function open(given: Sealing & { readonly sealed: Uint8Array }): Bytes | undefined {
  assert(given.key.length === KEY_BYTES, 'a sealing key is 32 bytes');
  const aad = concatBytes(given.label, given.header);
  try {
    return new Uint8Array(xchacha20poly1305(given.key, given.nonce, aad).decrypt(given.sealed));
  } catch {
    return undefined;
  }
}
