import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES, mutationsOf } from '../../test/fuzz-cases.ts';
import { bytesOfHex, decodeUtf8, encodeUtf8, toBase58btc } from '../codec/base.ts';
import { concatBytes } from '../core/bytes.ts';
import { publicKeyOfSeed } from './ed25519.ts';
import {
  feedIdFromBytes,
  feedIdSchema,
  identityFromKey,
  identityKey,
  identitySchema,
  parseFeedId,
  parseIdentity,
  parsePublicKey,
  publicKeyBytes,
  publicKeyFromBytes,
  publicKeySchema,
} from './ids.ts';

/** did:key test vectors of the W3C credentials group: the Ed25519 key as hex. */
const DID = 'did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp';
const DID_KEY = '3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29';

const keys = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((seed) => publicKeyOfSeed(seed));
const smallOrder = new Uint8Array(32);
const notCanonical = new Uint8Array(32).fill(0xff);

test('ID1: a known did:key', () => {
  const key = bytesOfHex(DID_KEY);
  expect(identityFromKey(key)).toBe(DID);
  expect(parseIdentity(DID)).toEqual({ ok: true, value: DID });
  expect(identityKey(identityFromKey(key))).toEqual(key);
});

test.each([
  ['nothing', ''],
  ['another method', DID.replace('did:key', 'did:web')],
  ['another base', DID.replace(':z', ':f')],
  ['a character outside base58', DID.replace('6', '0')],
  ['something after it', `${DID}1`],
  ['something very long after it', DID + '1'.repeat(1_000_000)],
  ['a key of another kind', `did:key:z${toBase58btc(concatBytes(new Uint8Array([0xec, 0x01]), bytesOfHex(DID_KEY)))}`],
  ['a key of small order', `did:key:z${toBase58btc(concatBytes(new Uint8Array([0xed, 0x01]), smallOrder))}`],
  ['a key that is not canonical', `did:key:z${toBase58btc(concatBytes(new Uint8Array([0xed, 0x01]), notCanonical))}`],
])('ID1: %s is refused', (_name, text) => {
  expect(parseIdentity(text)).toMatchObject({ ok: false, error: { code: 'bad_encoding' } });
});

test('ID1: whatever text parses, it is the one spelling of its key', () => {
  const neighbours = mutationsOf(keys.map((key) => encodeUtf8(identityFromKey(key))));
  fc.assert(
    fc.property(neighbours, (bytes) => {
      const text = decodeUtf8(bytes);
      const parsed = text.ok ? parseIdentity(text.value) : text;
      if (parsed.ok) expect(identityFromKey(identityKey(parsed.value))).toBe(parsed.value);
      else expect(parsed.error.code).toBe('bad_encoding');
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('SG1: public keys as hex and as bytes', () => {
  const key = publicKeyFromBytes(bytesOfHex(DID_KEY));
  expect(key).toEqual({ ok: true, value: DID_KEY });
  expect(parsePublicKey(DID_KEY)).toEqual(key);
  if (key.ok) expect(publicKeyBytes(key.value)).toEqual(bytesOfHex(DID_KEY));
});

test.each([
  ['uppercase', DID_KEY.toUpperCase()],
  ['short', DID_KEY.slice(2)],
  ['long', `${DID_KEY}00`],
  ['of small order', '01'.padEnd(64, '0')],
  ['not canonical', 'ff'.repeat(32)],
])('SG1: a public key that is %s is refused', (_name, text) => {
  expect(parsePublicKey(text)).toMatchObject({ ok: false, error: { code: 'bad_encoding' } });
});

test('feed ids are 8 bytes in 16 hex characters', () => {
  const id = feedIdFromBytes(bytesOfHex('0011223344556677'));
  expect(id).toBe('0011223344556677');
  expect(parseFeedId(id)).toEqual({ ok: true, value: id });
  expect(parseFeedId('001122334455667').ok).toBe(false);
  expect(parseFeedId('00112233445566GG').ok).toBe(false);
  expect(feedIdSchema.write(id)).toEqual(bytesOfHex('0011223344556677'));
});

test('SG1: schemas refuse keys of small order, which a signature check alone might let through', () => {
  expect(identitySchema.read(bytesOfHex(DID_KEY))).toEqual({ ok: true, value: DID });
  for (const schema of [identitySchema, publicKeySchema]) {
    expect(schema.read(smallOrder).ok).toBe(false);
    expect(schema.read(notCanonical).ok).toBe(false);
    expect(schema.read(new Uint8Array(31)).ok).toBe(false);
  }
});
