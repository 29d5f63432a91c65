// The record of announced relays (LG50), apart from the rules that write it: every tab reads it.

import { list, mapped, struct, text, uint, type Infer } from '../codec/schema.ts';
import { err, ok } from '../core/result.ts';
import { identitySchema } from '../crypto/ids.ts';
import { parseRelayAddress, RELAY_ADDRESS_BYTES_MAX, type RelayAddress } from '../session/relay-address.ts';
import type { RecordType } from './records.ts';

/** All of them fit one value of state, so that one proof tells a tab everything. */
export const RELAYS_MAX = 48;

const relaySchema = struct({
  url: mapped(
    text({ max: RELAY_ADDRESS_BYTES_MAX }),
    (word) => (parseRelayAddress(word).ok ? ok(word as RelayAddress) : err('expected the address of a relay')),
    (relay) => relay,
  ),
  by: identitySchema,
  /** Ms since the epoch. */
  expires: uint(),
});
export type AnnouncedRelay = Infer<typeof relaySchema>;

/**
 * One record for all, sorted by address: a light client proves a list with one proof, and could not enumerate
 * records of their own.
 */
export const RELAYS: RecordType<'all', readonly AnnouncedRelay[]> = {
  key: (which) => `relays/${which}`,
  schema: list(relaySchema, { max: RELAYS_MAX }),
};
