import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import {
  decodeUtf8,
  encodeUtf8,
  fromBase32,
  fromBase58btc,
  fromBase64url,
  fromHex,
  toBase32,
  toBase58btc,
  toBase64url,
  toHex,
} from './base.ts';

const bases = [
  { name: 'hex', to: toHex, from: fromHex },
  { name: 'base32', to: toBase32, from: fromBase32 },
  { name: 'base64url', to: toBase64url, from: fromBase64url },
  { name: 'base58btc', to: toBase58btc, from: fromBase58btc },
];

const known: readonly [string, string, (bytes: Uint8Array) => string][] = [
  ['foobar', 'mzxw6ytboi', toBase32],
  ['fooba', 'mzxw6ytb', toBase32],
  ['f', 'my', toBase32],
  ['foobar', 'Zm9vYmFy', toBase64url],
  ['fooba', 'Zm9vYmE', toBase64url],
  ['Hello World!', '2NEpo7TZRRrLZSi2U', toBase58btc],
  ['\0\0', '11', toBase58btc],
  ['\n\u007f', '0a7f', toHex],
];

test.each(known)('RFC 4648 and base58: %j is %s', (text, expected, to) => {
  expect(to(encodeUtf8(text))).toBe(expected);
});

test.each(bases)('$name: what is written reads back', ({ to, from }) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 90 }), (bytes) => {
      const read = from(to(bytes));
      expect(read).toEqual({ ok: true, value: bytes });
    }),
    { numRuns: FUZZ_CASES },
  );
});

test.each(bases)('$name: text that is accepted is the only spelling of its bytes', ({ to, from }) => {
  const characters = fc.constantFrom(...Array.from('abcdefzABCZ0123456789-_ =+/lIO\u00e9'));
  fc.assert(
    fc.property(fc.string({ unit: characters, maxLength: 12 }), (text) => {
      const read = from(text);
      if (read.ok) expect(to(read.value)).toBe(text);
    }),
    { numRuns: FUZZ_CASES },
  );
});

test.each([
  ['hex', fromHex('abc')],
  ['hex', fromHex('AB')],
  ['hex', fromHex('0x')],
  ['base32', fromBase32('mz')],
  ['base32', fromBase32('m')],
  ['base32', fromBase32('MY')],
  ['base32', fromBase32('my======')],
  ['base64url', fromBase64url('Zh')],
  ['base64url', fromBase64url('Zg==')],
  ['base64url', fromBase64url('Z')],
  ['base58btc', fromBase58btc('0OIl')],
  ['base58btc, longer than any key', fromBase58btc('2'.repeat(129))],
])('%s: another spelling is refused', (_name, read) => {
  expect(read).toMatchObject({ ok: false, error: { code: 'bad_encoding' } });
});

test('UTF-8: invalid bytes are refused, and a byte-order mark is kept as it is', () => {
  expect(decodeUtf8(new Uint8Array([0xff])).ok).toBe(false);
  expect(decodeUtf8(new Uint8Array([0xed, 0xa0, 0x80])).ok).toBe(false);
  expect(decodeUtf8(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]))).toEqual({ ok: true, value: '\uFEFFa' });
});
