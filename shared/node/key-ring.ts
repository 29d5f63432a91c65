// The keys of a private group that this device has, the newest first, and the rooms that follow from them (GK5).

import type { Cid } from '../codec/cid.ts';
import type { Store } from '../platform/ports.ts';
import type { GroupRoom } from './group-links.ts';
import { encodeCanonical } from '../codec/canonical.ts';
import { bytes, list, struct, uint } from '../codec/schema.ts';
import { equalBytes } from '../core/bytes.ts';
import { KEY_EPOCHS_KEPT } from '../ledger/group-records.ts';
import { privateRoomId, publicRoomId, roomSecret } from '../session/room.ts';
import { readOwnRecord } from './own-record.ts';

const KEY_BYTES = 32;
const RING_KEY = 'keys';
const RING_BYTES_MAX = 1_024;

const ringSchema = list(struct({ epoch: uint(), key: bytes({ length: KEY_BYTES }) }), { max: KEY_EPOCHS_KEPT });

/** `key`: 32 bytes, of the key epoch `epoch`. */
export type EpochKey = { readonly epoch: number; readonly key: Uint8Array };

/** One of each epoch, the newest first, no more than are listened to; empty in a public group. */
export type KeyRing = readonly EpochKey[];

/** Of two keys of one epoch `added` counts. The same ring when nothing is new in it. */
export function addKeys(ring: KeyRing, added: readonly EpochKey[]): KeyRing {
  const byEpoch = new Map([...ring, ...added].map((one) => [one.epoch, one]));
  const merged = [...byEpoch.values()].sort((a, b) => b.epoch - a.epoch).slice(0, KEY_EPOCHS_KEPT);
  const same =
    merged.length === ring.length &&
    merged.every(({ epoch, key }, at) => epoch === ring[at]!.epoch && equalBytes(key, ring[at]!.key));
  return same ? ring : merged;
}

/** From the store of the group's node. */
export async function loadKeys(store: Store): Promise<KeyRing> {
  const stored = await store.get(RING_KEY);
  return stored ? readOwnRecord(ringSchema, stored, RING_BYTES_MAX) : [];
}

/** On disk, strictly, when it resolves. */
export async function keepKeys(store: Store, ring: KeyRing): Promise<void> {
  await store.write({ put: [{ key: RING_KEY, value: encodeCanonical(ringSchema, [...ring]) }] }, 'strict');
}

/** The newest first: one in a public group. */
export function roomsOf(group: Cid, ring: KeyRing): readonly GroupRoom[] {
  if (ring.length === 0) return [roomOf((shard) => publicRoomId(group, shard), null)];
  return ring.map(({ key }) => {
    const secret = roomSecret(key);
    return roomOf((shard) => privateRoomId(secret, shard), secret);
  });
}

function roomOf(at: GroupRoom['roomOf'], secret: Uint8Array | null): GroupRoom {
  return { id: at(0), roomOf: at, secret };
}
