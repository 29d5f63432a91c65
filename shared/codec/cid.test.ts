import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES, mutationsOf } from '../../test/fuzz-cases.ts';
import { sha256 } from '../crypto/sha256.ts';
import { decodeUtf8, encodeUtf8 } from './base.ts';
import { cidCodec, cidDigest, cidFromBytes, cidFromDigest, cidToBytes, parseCid, type CidCodec } from './cid.ts';

/** As `ipfs add --cid-version 1` and `ipfs dag put` name them. */
const known: readonly [CidCodec, Uint8Array, string][] = [
  ['raw', encodeUtf8(''), 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'],
  ['dag-cbor', new Uint8Array([0xa0]), 'bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua'],
  ['dag-pb', encodeUtf8(''), 'bafybeihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'],
];

test.each(known)('CB11: the CID of known %s content', (codec, bytes, expected) => {
  const cid = cidFromDigest(codec, sha256(bytes));
  expect(cid).toBe(expected);
  expect(parseCid(expected)).toEqual({ ok: true, value: cid });
  expect(cidFromBytes(cidToBytes(cid))).toEqual({ ok: true, value: cid });
  expect(cidCodec(cid)).toBe(codec);
  expect(cidDigest(cid)).toEqual(sha256(bytes));
});

const good = known[0]![2];

test.each([
  ['nothing', ''],
  ['version 0', 'QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH'],
  ['base58', 'zb2rhmy65F3REf8SZp7De11gxtECBGgUKaLdiDj7MCGCHxbDW'],
  ['uppercase', good.toUpperCase()],
  ['another base letter', `c${good.slice(1)}`],
  ['one character more', `${good}a`],
  ['one character less', good.slice(0, -1)],
  ['bits left over', `${good.slice(0, -1)}v`],
  ['another codec (json)', 'bagaaiera4oymiquy7qobjgx36tejs35zeqt24qpemsnzgtfeswmrw6csxbkq'],
])('CB11: %s is refused', (_name, text) => {
  expect(parseCid(text)).toMatchObject({ ok: false, error: { code: 'bad_encoding' } });
});

test.each([
  ['version', 0, 2],
  ['codec', 1, 0x51],
  ['hash', 2, 0x1b],
  ['digest length', 3, 31],
])('CB11: 36 bytes with another %s are refused', (_name, at, byte) => {
  const bytes = cidToBytes(cidFromDigest('raw', new Uint8Array(32)));
  bytes[at] = byte;
  expect(cidFromBytes(bytes).ok).toBe(false);
});

test('CB11: whatever text parses, it is the one spelling of its 36 bytes', () => {
  const neighbours = mutationsOf(fc.constantFrom(...known.map(([, , text]) => encodeUtf8(text))));
  fc.assert(
    fc.property(neighbours, (bytes) => {
      const text = decodeUtf8(bytes);
      const parsed = text.ok ? parseCid(text.value) : text;
      if (parsed.ok) expect(cidFromBytes(cidToBytes(parsed.value))).toEqual(parsed);
      else expect(parsed.error.code).toBe('bad_encoding');
    }),
    { numRuns: FUZZ_CASES },
  );
});
