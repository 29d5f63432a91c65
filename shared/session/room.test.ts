import { hkdfSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { cidFromDigest, cidToBytes } from '../codec/cid.ts';
import { parseRoomId, privateRoomId, publicRoomId, roomSecret } from './room.ts';

test('RL1: the room of a public group is HKDF-SHA256 of its id', () => {
  const group = cidFromDigest('dag-cbor', new Uint8Array(32).fill(7));
  const expected = Buffer.from(hkdfSync('sha256', cidToBytes(group), new Uint8Array(0), 'weft/room/v1', 16)).toString(
    'hex',
  );
  expect(publicRoomId(group)).toBe(expected);
  expect(parseRoomId(expected)).toEqual({ ok: true, value: expected });
});

test('RL1: other groups meet in other rooms, and other texts name none', () => {
  const rooms = [1, 2].map((byte) => publicRoomId(cidFromDigest('dag-cbor', new Uint8Array(32).fill(byte))));
  expect(rooms[0]).not.toBe(rooms[1]);
  for (const text of ['', 'g'.repeat(32), 'A'.repeat(32), 'a'.repeat(31), `${'a'.repeat(32)}\n`]) {
    expect(parseRoomId(text)).toMatchObject({ ok: false, error: { code: 'bad_room' } });
  }
});

test('RL10: a private room comes from the sealing key of its epoch, by HKDF-SHA256', () => {
  const sealingKey = new Uint8Array(32).fill(9);
  const secret = Buffer.from(hkdfSync('sha256', sealingKey, new Uint8Array(0), 'weft/room-secret/v1', 32));
  expect(Buffer.from(roomSecret(sealingKey))).toEqual(secret);
  expect(privateRoomId(roomSecret(sealingKey))).toBe(
    Buffer.from(hkdfSync('sha256', secret, new Uint8Array(0), 'weft/room/v1', 16)).toString('hex'),
  );
});

test('RL10: shards of a room are rooms of their own, and the first has no number in its name', () => {
  const group = cidFromDigest('dag-cbor', new Uint8Array(32).fill(7));
  const secret = roomSecret(new Uint8Array(32).fill(9));
  expect(publicRoomId(group, 0)).toBe(publicRoomId(group));
  expect(privateRoomId(secret, 0)).toBe(privateRoomId(secret));
  const rooms = [0, 1, 2].flatMap((shard) => [publicRoomId(group, shard), privateRoomId(secret, shard)]);
  expect(new Set(rooms).size).toBe(6);
  expect(privateRoomId(secret, 2)).toBe(
    Buffer.from(hkdfSync('sha256', secret, new Uint8Array(0), 'weft/room/v1/2', 16)).toString('hex'),
  );
});
