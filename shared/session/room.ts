// Which room of a relay a public group meets in: derived from the group id, so that a relay needs no list of groups.

import type { Brand } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Cid } from '../codec/cid.ts';
import { fail, ok } from '../core/result.ts';
import { encodeUtf8, toHex } from '../codec/base.ts';
import { cidToBytes } from '../codec/cid.ts';
import { deriveBytes } from '../crypto/hkdf.ts';

/** 32 lowercase hex characters. */
export type RoomId = Brand<string, 'RoomId'>;

const ROOM_ID_BYTES = 16;
const ROOM_LABEL = 'weft/room/v1';

/** RL1: hex of the first 16 bytes of HKDF-SHA256(ikm = group id bytes, no salt, info = "weft/room/v1"). */
export function publicRoomId(group: Cid): RoomId {
  const info = encodeUtf8(ROOM_LABEL);
  return toHex(deriveBytes({ material: cidToBytes(group), info, length: ROOM_ID_BYTES })) as RoomId;
}

export function parseRoomId(text: string): Result<RoomId, Failure<'bad_room'>> {
  if (/^[0-9a-f]{32}$/.test(text)) return ok(text as RoomId);
  return fail('bad_room', 'A room is named by 32 lowercase hex characters.');
}
