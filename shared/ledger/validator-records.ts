// Who stands behind a validator's key: where what it earns goes.

import { struct, uint, type Infer } from '../codec/schema.ts';
import { identitySchema, publicKeySchema, type Identity, type PublicKey } from '../crypto/ids.ts';
import { MEMBER, type RecordType } from './records.ts';
import { readRecord, type Draft } from './state.ts';

/** `device`: the one that offered the key; `since`: height of the block with the offer. */
const validatorSchema = struct({ identity: identitySchema, device: publicKeySchema, since: uint() });
export type OfferedValidator = Infer<typeof validatorSchema>;

export const VALIDATOR: RecordType<PublicKey, OfferedValidator> = {
  key: (key) => `validators/${key}`,
  schema: validatorSchema,
};

/** The member that a validator's key works for; undefined for a key of the genesis that nobody has claimed. */
export function memberBehind(draft: Draft, key: PublicKey): Identity | undefined {
  const identity = readRecord(draft, VALIDATOR, key)?.identity;
  const member = identity && readRecord(draft, MEMBER, identity);
  return member === undefined || member.role === 'removed' ? undefined : identity;
}
