import { hkdfSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { cidFromDigest, cidToBytes } from '../codec/cid.ts';
import { parseRoomId, publicRoomId } from './room.ts';

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
