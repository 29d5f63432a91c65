// The room of a public group (RL1) by the browser's own HKDF: the pure one would take a fiftieth of the worker's size.

import type { Cid } from '../../shared/codec/cid.ts';
import type { RoomId } from '../../shared/session/room.ts';
import { encodeUtf8, toHex } from '../../shared/codec/base.ts';
import { cidToBytes } from '../../shared/codec/cid.ts';

const ROOM_ID_BITS = 128;

/** Equal to publicRoomId of shared/session, which says why. */
export async function derivePublicRoomId(group: Cid): Promise<RoomId> {
  const material = Uint8Array.from(cidToBytes(group));
  const key = await crypto.subtle.importKey('raw', material, 'HKDF', false, ['deriveBits']);
  const info = encodeUtf8('weft/room/v1');
  const bits = await crypto.subtle.deriveBits(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info },
    key,
    ROOM_ID_BITS,
  );
  return toHex(new Uint8Array(bits)) as RoomId;
}
