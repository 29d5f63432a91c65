// Which rooms of a relay a group meets in: derived from the group id, or from its secret when strangers must not find it.

import type { Brand } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Cid } from '../codec/cid.ts';
import { assert } from '../core/assert.ts';
import { fail, ok } from '../core/result.ts';
import { encodeUtf8, toHex } from '../codec/base.ts';
import { cidToBytes } from '../codec/cid.ts';
import { deriveBytes } from '../crypto/hkdf.ts';

/** 32 lowercase hex characters. */
export type RoomId = Brand<string, 'RoomId'>;

const ROOM_ID_BYTES = 16;
const ROOM_SECRET_BYTES = 32;
const ROOM_LABEL = 'weft/room/v1';
const ROOM_SECRET_LABEL = 'weft/room-secret/v1';

/** RL1: the room of a public group; anybody who knows the group can find it. `shard` counts from 0. */
export function publicRoomId(group: Cid, shard = 0): RoomId {
  return deriveRoomId(cidToBytes(group), shard);
}

/** RL10: 32 bytes from the sealing key of one key epoch; who was removed before that epoch cannot know them. */
export function roomSecret(sealingKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return deriveBytes({ material: sealingKey, info: encodeUtf8(ROOM_SECRET_LABEL), length: ROOM_SECRET_BYTES });
}

/** RL10: the room of a private group in one key epoch, by that epoch's room secret. `shard` counts from 0. */
export function privateRoomId(secret: Uint8Array, shard = 0): RoomId {
  assert(secret.length === ROOM_SECRET_BYTES, 'a room secret is 32 bytes');
  return deriveRoomId(secret, shard);
}

export function parseRoomId(text: string): Result<RoomId, Failure<'bad_room'>> {
  if (/^[0-9a-f]{32}$/.test(text)) return ok(text as RoomId);
  return fail('bad_room', 'A room is named by 32 lowercase hex characters.');
}

/** Hex of the first 16 bytes of HKDF-SHA256(material, no salt, info = "weft/room/v1", and "/" and the shard above 0). */
function deriveRoomId(material: Uint8Array, shard: number): RoomId {
  const info = encodeUtf8(shard === 0 ? ROOM_LABEL : `${ROOM_LABEL}/${shard}`);
  return toHex(deriveBytes({ material, info, length: ROOM_ID_BYTES })) as RoomId;
}
