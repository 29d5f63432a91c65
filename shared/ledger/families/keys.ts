// Key epochs of a private group: an admin orders a new sealing key, sealed to each member, and gives it to those who come later (LG48, LG49).

import { encodeCanonical } from '../../codec/canonical.ts';
import { bytes, list, struct, uint, type Infer } from '../../codec/schema.ts';
import { ENTRY_BYTES_MAX } from '../../core/limits.ts';
import { identitySchema, type Identity } from '../../crypto/ids.ts';
import { sha256 } from '../../crypto/sha256.ts';
import type { Code } from '../codes.ts';
import {
  KEY,
  KEY_BEFORE_BYTES,
  KEY_BOX,
  KEY_BOX_BYTES,
  KEY_COMMIT_BYTES,
  KEY_EPOCHS_KEPT,
  KEY_HISTORY,
  type KeyBoxId,
} from '../group-records.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import { MEMBER } from '../records.ts';
import { readRecord, writeRecord } from '../state.ts';

/** Boxes of one operation: with their identities they fill half of the largest entry. */
export const KEY_BOXES_MAX = 1_024;

const boxesSchema = list(struct({ identity: identitySchema, box: bytes({ length: KEY_BOX_BYTES }) }), {
  min: 1,
  max: KEY_BOXES_MAX,
});
const membersSchema = list(identitySchema, { max: KEY_BOXES_MAX });

/**
 * `commit`: SHA-256 of the new key, by which members notice that they were given different ones. A box is the key sealed
 * to the member's sealing key, `before` the key of the last epoch sealed under the new one; nothing here can open them, so
 * that is all that is checked of them.
 */
export const keyRotate = defineOperation({
  kind: 'key.rotate',
  unpaid: true,
  max: ENTRY_BYTES_MAX,
  schema: struct({
    epoch: uint({ min: 1 }),
    commit: bytes({ length: KEY_COMMIT_BYTES }),
    before: bytes({ length: KEY_BEFORE_BYTES }),
    sealed: boxesSchema,
  }),
  apply(context, { epoch, commit, before, sealed }) {
    const { draft, height } = context;
    const present = readRecord(draft, KEY, 'current');
    if (present === undefined) return 'bad_encoding';
    const wrong = writeBoxes(context, { epoch, sealed, next: present.epoch + 1 });
    if (wrong !== undefined) return wrong;
    const members = membersHash(sealed.map(({ identity }) => identity));
    writeRecord(draft, { type: KEY_HISTORY, id: epoch, value: { commit, members, before } });
    writeRecord(draft, { type: KEY, id: 'current', value: { epoch, commit, since: height } });
    return undefined;
  },
});

/** The present key for members who have no box of it: who joined after it was drawn, or was let in again. */
export const keyGive = defineOperation({
  kind: 'key.give',
  unpaid: true,
  max: ENTRY_BYTES_MAX,
  schema: struct({ epoch: uint({ min: 1 }), sealed: boxesSchema }),
  apply(context, { epoch, sealed }) {
    const { draft } = context;
    const present = readRecord(draft, KEY, 'current');
    if (present === undefined) return 'bad_encoding';
    const has = ({ identity }: { identity: Identity }): boolean =>
      readRecord(draft, KEY_BOX, keyBoxId(epoch, identity))?.epoch === epoch;
    if (epoch === present.epoch && sealed.some(has)) return 'already_known';
    return writeBoxes(context, { epoch, sealed, next: present.epoch });
  },
});

/** Where a member's box of a key epoch stands; the record says whether it is still of that epoch. */
export function keyBoxId(epoch: number, identity: Identity): KeyBoxId {
  return { slot: epoch % KEY_EPOCHS_KEPT, identity };
}

/** SHA-256 of the canonical list of those to whom a new key was sealed, in that order. */
export function membersHash(identities: readonly Identity[]): Uint8Array<ArrayBuffer> {
  return sha256(encodeCanonical(membersSchema, [...identities]));
}

/** For admins; `next` is the only epoch whose boxes are taken now. */
function writeBoxes(
  { draft, entry }: OperationContext,
  given: { readonly epoch: number; readonly next: number; readonly sealed: Infer<typeof boxesSchema> },
): Code | undefined {
  const { epoch, next, sealed } = given;
  if (readRecord(draft, MEMBER, entry.identity)?.role !== 'admin') return 'not_permitted';
  if (epoch !== next) return 'wrong_state';
  const members = new Set<Identity>();
  for (const { identity, box } of sealed) {
    const role = readRecord(draft, MEMBER, identity)?.role;
    // Whoever was removed in the meantime must not get it: seal it again without.
    if (members.has(identity) || role === undefined || role === 'removed') return 'wrong_state';
    members.add(identity);
    writeRecord(draft, { type: KEY_BOX, id: keyBoxId(epoch, identity), value: { epoch, box } });
  }
  return undefined;
}
