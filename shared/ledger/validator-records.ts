// Records of those who order the group: whose votes count now, what is to change, and who stands behind a key (ST2, LG120).

import { bool, list, optional, struct, uint, type Infer } from '../codec/schema.ts';
import { VALIDATORS_MAX } from '../core/limits.ts';
import { identitySchema, publicKeySchema, type Identity, type PublicKey } from '../crypto/ids.ts';
import { MEMBER, type RecordType } from './records.ts';
import { readRecord, type Draft, type State } from './state.ts';

/**
 * `identity` and `device`: of whoever offered the key; absent while nobody has claimed a key of the genesis. Heights:
 * `since` of the block with the first offer, `removed` of the one that proved a contradiction. `ready`: until when the
 * offer counts, in block time.
 */
const validatorSchema = struct({
  identity: optional(identitySchema),
  device: optional(publicKeySchema),
  since: uint(),
  ready: optional(uint()),
  removed: optional(uint()),
});
export type OfferedValidator = Infer<typeof validatorSchema>;

const setFields = { f: uint({ max: VALIDATORS_MAX }), keys: list(publicKeySchema, { min: 1, max: VALIDATORS_MAX }) };

/** Whose votes count in the blocks after this state. `sealed`: time of the seal that began the epoch; the genesis is none. */
const epochSchema = struct({ ...setFields, epoch: uint(), sealed: optional(uint()) });
export type EpochRecord = Infer<typeof epochSchema>;

/** What the next seal brings. `urgent`: it does not wait for its hour. */
const changeSchema = struct({ ...setFields, urgent: bool() });
export type ValidatorChange = Infer<typeof changeSchema>;

const candidateSchema = struct({ key: publicKeySchema });

export const VALIDATOR: RecordType<PublicKey, OfferedValidator> = {
  key: (key) => `validators/${key}`,
  schema: validatorSchema,
};
export const VALIDATOR_EPOCH: RecordType<'current', EpochRecord> = {
  key: (which) => `validators/${which}`,
  schema: epochSchema,
};
export const VALIDATOR_CHANGE: RecordType<'next', ValidatorChange> = {
  key: (which) => `validators/${which}`,
  schema: changeSchema,
};
/** By device: the key it offers that no set holds yet. One each, so that offers are no way to fill state. */
export const CANDIDATE: RecordType<PublicKey, Infer<typeof candidateSchema>> = {
  key: (device) => `candidates/${device}`,
  schema: candidateSchema,
};

/** The member that a validator's key works for; undefined for a key of the genesis that nobody has claimed. */
export function memberBehind(from: State | Draft, key: PublicKey): Identity | undefined {
  const identity = readRecord(from, VALIDATOR, key)?.identity;
  const member = identity && readRecord(from, MEMBER, identity);
  return member === undefined || member.role === 'removed' ? undefined : identity;
}
