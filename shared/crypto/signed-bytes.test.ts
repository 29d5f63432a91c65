import { expect, test } from 'vitest';
import { encodeUtf8 } from '../codec/base.ts';
import { cidFromDigest, cidToBytes } from '../codec/cid.ts';
import { concatBytes } from '../core/bytes.ts';
import { signedBytes } from './signed-bytes.ts';

const group = cidFromDigest('dag-cbor', new Uint8Array(32).fill(7));
const body = new Uint8Array([1, 2, 3]);

test('SG6: kind, version, zero, group, body', () => {
  const expected = concatBytes(encodeUtf8('weft/entry/v1\0'), cidToBytes(group), body);
  expect(signedBytes('entry', group, body)).toEqual(expected);
  expect(signedBytes('device-certificate', null, body)).toEqual(
    concatBytes(encodeUtf8('weft/device-certificate/v1\0'), body),
  );
});

test('SG6: another kind or group signs other bytes', () => {
  const other = cidFromDigest('dag-cbor', new Uint8Array(32).fill(8));
  const all = [signedBytes('entry', group, body), signedBytes('vote', group, body), signedBytes('entry', other, body)];
  expect(new Set(all.map(String)).size).toBe(3);
});

test.each(['', 'Entry', 'a/b', 'a\0', '-a'])('a kind like %j could be cut in two ways and asserts', (kind) => {
  expect(() => signedBytes(kind, null, body)).toThrow('assertion failed');
});
