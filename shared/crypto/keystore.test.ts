import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES, mutationsOf } from '../../test/fuzz-cases.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, struct, text, uint } from '../codec/schema.ts';
import { equalBytes } from '../core/bytes.ts';
import { createWebRandom } from '../platform/web/web-crypto.ts';
import { openWithKey, openWithPassphrase, SECRET_BYTES_MAX, sealWithKey, sealWithPassphrase } from './keystore.ts';

const random = createWebRandom();
const secret = encodeUtf8('a secret of some length');
const key = new Uint8Array(32).fill(9);
const outer = struct({ header: bytes({ max: 300 }), sealed: bytes({ max: 300 }) });
const header = struct({
  v: uint(),
  kdf: text({ max: 9 }),
  logN: uint(),
  r: uint(),
  p: uint(),
  salt: bytes({ max: 40 }),
  nonce: bytes({ max: 40 }),
});

/** One box for all: each passphrase costs half a second. */
const box = sealWithPassphrase({ secret, passphrase: 'caf\u00e9 au lait', random });

test('KS2: the same passphrase typed on another keyboard opens the box, another does not', () => {
  expect(openWithPassphrase({ box, passphrase: 'cafe\u0301 au lait' })).toEqual({ ok: true, value: secret });
  expect(openWithPassphrase({ box, passphrase: 'cafe au lait' })).toMatchObject({
    error: { code: 'wrong_passphrase' },
  });
});

test.each([
  ['N = 2^30', { logN: 30 }],
  ['N = 2^19', { logN: 19 }],
  ['N = 2^16', { logN: 16 }],
  ['r = 2^20', { r: 2 ** 20 }],
  ['r = 1', { r: 1 }],
  ['p = 0', { p: 0 }],
  ['p = 2^30', { p: 2 ** 30 }],
])('KS2: a forged %s is refused before any work is done', (_name, change) => {
  expect(openWithPassphrase({ box: forged(change), passphrase: 'x' })).toMatchObject({
    error: { code: 'unsupported_parameters' },
  });
});

test('KS1: the header is authenticated: N = 2^18 in place of 2^17 does not open', () => {
  const result = openWithPassphrase({ box: forged({ logN: 18 }), passphrase: 'caf\u00e9 au lait' });
  expect(result).toMatchObject({ error: { code: 'wrong_passphrase' } });
});

test.each([
  ['another version', { v: 2 }],
  ['another kdf', { kdf: 'argon2' }],
  ['a short salt', { salt: new Uint8Array(8) }],
  ['a short nonce', { nonce: new Uint8Array(12) }],
])('KS1: %s is refused', (_name, change) => {
  expect(openWithPassphrase({ box: forged(change), passphrase: 'x' })).toMatchObject({
    error: { code: 'bad_encoding' },
  });
});

test('KS3: sealed under a key, from nothing up to the largest secret', () => {
  for (const length of [0, 1, SECRET_BYTES_MAX]) {
    const secret = new Uint8Array(length).fill(5);
    expect(openWithKey({ box: sealWithKey({ secret, key, random }), key })).toEqual({ ok: true, value: secret });
  }
  expect(() => sealWithKey({ secret: new Uint8Array(SECRET_BYTES_MAX + 1), key, random })).toThrow('assertion failed');
});

test('KS3: another key does not open, and neither kind of box opens as the other', () => {
  const sealed = sealWithKey({ secret, key, random });
  expect(openWithKey({ box: sealed, key: new Uint8Array(32) })).toMatchObject({ error: { code: 'wrong_key' } });
  expect(openWithKey({ box, key })).toMatchObject({ error: { code: 'bad_encoding' } });
  expect(openWithPassphrase({ box: sealed, passphrase: 'x' })).toMatchObject({ error: { code: 'bad_encoding' } });
});

test('KS1: two boxes of one secret differ, and none shows the secret', () => {
  const [first, second] = [sealWithKey({ secret, key, random }), sealWithKey({ secret, key, random })];
  expect(equalBytes(first, second)).toBe(false);
  expect(Buffer.from(first).includes(Buffer.from(secret))).toBe(false);
  expect(Buffer.from(box).includes(Buffer.from(secret))).toBe(false);
});

test('KS1: a changed box is refused with a code', () => {
  const sealed = sealWithKey({ secret, key, random });
  fc.assert(
    fc.property(fc.oneof(mutationsOf(fc.constant(sealed)), fc.uint8Array({ maxLength: 200 })), (changed) => {
      fc.pre(!equalBytes(changed, sealed));
      const read = openWithKey({ box: changed, key });
      expect(read.ok).toBe(false);
      if (!read.ok) expect(['bad_encoding', 'wrong_key']).toContain(read.error.code);
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('KS2: bytes that are no box are refused without stretching a passphrase', () => {
  const { header: headerBytes } = parts();
  // Without its seal the structure cannot pass, whatever else is changed: no case costs half a second.
  const unsealed = mutationsOf(fc.constant(encodeCanonical(outer, { header: headerBytes, sealed: new Uint8Array(0) })));
  fc.assert(
    fc.property(unsealed, (changed) => {
      const read = openWithPassphrase({ box: changed, passphrase: 'x' });
      expect(read).toMatchObject({ ok: false, error: { code: 'bad_encoding' } });
    }),
    { numRuns: FUZZ_CASES },
  );
});

function parts(): { header: Uint8Array; sealed: Uint8Array } {
  const decoded = decodeCanonical(outer, box, { max: 1_000 });
  if (!decoded.ok) throw new Error(decoded.error.because);
  return decoded.value;
}

/** The good box with other words in its header. */
function forged(change: object): Uint8Array {
  const { header: headerBytes, sealed } = parts();
  const fields = decodeCanonical(header, headerBytes, { max: 300 });
  if (!fields.ok) throw new Error(fields.error.because);
  return encodeCanonical(outer, { header: encodeCanonical(header, { ...fields.value, ...change }), sealed });
}
