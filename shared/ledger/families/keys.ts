// Key epochs of a private group: an admin orders a new sealing key, sealed to each member (LG48, LG49).

import { bytes, list, struct, uint } from '../../codec/schema.ts';
import { ENTRY_BYTES_MAX } from '../../core/limits.ts';
import { identitySchema, type Identity } from '../../crypto/ids.ts';
import { KEY, KEY_BOX, KEY_BOX_BYTES, KEY_COMMIT_BYTES, KEY_EPOCHS_KEPT, type KeyBoxId } from '../group-records.ts';
import { defineOperation } from '../operation.ts';
import { MEMBER } from '../records.ts';
import { readRecord, writeRecord } from '../state.ts';

/** Boxes of one operation: with their identities they fill half of the largest entry. */
const KEY_BOXES_MAX = 1_024;

/**
 * `commit`: SHA-256 of the new key, by which members notice that they were given different ones. A box is the key sealed
 * to the member's sealing key; nothing here can open it, so that is all that is checked of it.
 */
export const keyRotate = defineOperation({
  kind: 'key.rotate',
  max: ENTRY_BYTES_MAX,
  schema: struct({
    epoch: uint({ min: 1 }),
    commit: bytes({ length: KEY_COMMIT_BYTES }),
    sealed: list(struct({ identity: identitySchema, box: bytes({ length: KEY_BOX_BYTES }) }), {
      min: 1,
      max: KEY_BOXES_MAX,
    }),
  }),
  apply({ draft, entry }, { epoch, commit, sealed }) {
    const present = readRecord(draft, KEY, 'current');
    if (present === undefined) return 'bad_encoding';
    if (readRecord(draft, MEMBER, entry.identity)?.role !== 'admin') return 'not_permitted';
    if (epoch !== present.epoch + 1) return 'wrong_state';
    const members = new Set<Identity>();
    for (const { identity, box } of sealed) {
      const role = readRecord(draft, MEMBER, identity)?.role;
      // Whoever was removed in the meantime must not get it: seal it again without.
      if (members.has(identity) || role === undefined || role === 'removed') return 'wrong_state';
      members.add(identity);
      writeRecord(draft, { type: KEY_BOX, id: keyBoxId(epoch, identity), value: { epoch, box } });
    }
    writeRecord(draft, { type: KEY, id: 'current', value: { epoch, commit } });
    return undefined;
  },
});

/** Where a member's box of a key epoch stands; the record says whether it is still of that epoch. */
export function keyBoxId(epoch: number, identity: Identity): KeyBoxId {
  return { slot: epoch % KEY_EPOCHS_KEPT, identity };
}
