// Where the devices of one identity meet: a pointer that only its own phrase opens, in the commons under the identity (LG90).

import { bytes, struct, uint, type Infer } from '../../codec/schema.ts';
import type { Identity } from '../../crypto/ids.ts';
import { defineOperation } from '../operation.ts';
import type { RecordType } from '../records.ts';
import { readRecord, writeRecord } from '../state.ts';

/** The genesis of a group with one member and its sealing key are about 600 bytes when they are sealed. */
export const PERSONAL_BOX_BYTES_MAX = 1_024;

const personalSchema = struct({ seq: uint({ min: 1 }), sealed: bytes({ min: 1, max: PERSONAL_BOX_BYTES_MAX }) });

/** `sealed`: what nobody but the identity's own devices can read, so nothing here judges it. */
export type PersonalRecord = Infer<typeof personalSchema>;

export const PERSONAL: RecordType<Identity, PersonalRecord> = {
  key: (identity) => `personal/${identity}`,
  schema: personalSchema,
};

/** `seq` is the last plus 1: of two devices that found at once one wins, and none ever replaces what it has not seen. */
export const identityPersonal = defineOperation({
  kind: 'identity.personal',
  // One record that is replaced; and a device that is lost must be left behind also by who has no token.
  unpaid: true,
  schema: personalSchema,
  apply({ draft, entry }, pointer) {
    const last = readRecord(draft, PERSONAL, entry.identity)?.seq ?? 0;
    if (pointer.seq !== last + 1) return 'wrong_state';
    writeRecord(draft, { type: PERSONAL, id: entry.identity, value: pointer });
    return undefined;
  },
});
