// Votes on an escrow: what the provider shall get, signed by a device of one of the three, to be brought by anyone (LG97).

import { amount, link, literal, struct, type Infer } from '../codec/schema.ts';
import { identitySchema, publicKeySchema } from '../crypto/ids.ts';
import { defineDeviceStatement, type DeviceStatement } from './device-statement.ts';
import { itemIdSchema } from './item-fields.ts';

/** Its fields take about 250, the signature 70. */
export const ESCROW_VOTE_BYTES_MAX = 512;

const bodySchema = struct({
  v: literal(1),
  group: link(),
  /** The one that signs, of the identity in `by`. */
  device: publicKeySchema,
  by: identitySchema,
  escrow: itemIdSchema,
  /** The entry that opened it: an id may be used again. */
  entry: link(),
  /** Thousandths; the requester gets the rest. */
  toProvider: amount(),
});
export type EscrowVote = Infer<typeof bodySchema>;

/** The rule asks whose device it is, and what the vote is on. */
export const signedEscrowVote: DeviceStatement<EscrowVote> = defineDeviceStatement({
  kind: 'escrow-vote',
  schema: bodySchema,
  max: ESCROW_VOTE_BYTES_MAX,
});
