// Policy: what admins may change, and the bounds that keep a group from locking itself up (LG10).

import { optional, struct } from '../../codec/schema.ts';
import { BLOCK_INTERVAL_MAX, BLOCK_INTERVAL_MIN, ENTRY_BYTES_MAX } from '../../core/limits.ts';
import { defineOperation } from '../operation.ts';
import { MEMBER, POLICY, POLICY_FIELDS } from '../records.ts';
import { readRecord, writeRecord } from '../state.ts';

/** Fewer and an admin could not undo the change on the same day. */
const OPERATIONS_PER_DAY_MIN = 16;
/** One entry of the largest size. */
const BYTES_PER_DAY_MIN = ENTRY_BYTES_MAX;

/** Only the fields that change. */
export const policyUpdate = defineOperation({
  kind: 'policy.update',
  schema: struct({
    join: optional(POLICY_FIELDS.join),
    puzzleBits: optional(POLICY_FIELDS.puzzleBits),
    operationsPerDay: optional(POLICY_FIELDS.operationsPerDay),
    bytesPerDay: optional(POLICY_FIELDS.bytesPerDay),
    blockInterval: optional(POLICY_FIELDS.blockInterval),
  }),
  apply({ draft, entry }, change) {
    if (readRecord(draft, MEMBER, entry.identity)?.role !== 'admin') return 'not_permitted';
    const present = readRecord(draft, POLICY, 'current');
    if (present === undefined) return 'wrong_state';
    const policy = { ...present, ...change };
    const sane =
      policy.operationsPerDay >= OPERATIONS_PER_DAY_MIN &&
      policy.bytesPerDay >= BYTES_PER_DAY_MIN &&
      policy.blockInterval >= BLOCK_INTERVAL_MIN &&
      policy.blockInterval <= BLOCK_INTERVAL_MAX;
    if (!sane) return 'policy_violation';
    writeRecord(draft, { type: POLICY, id: 'current', value: policy });
    return undefined;
  },
});
