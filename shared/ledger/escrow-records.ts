// Records of escrows that are not decided: who the three are, what is at stake, and how they have voted (LG95).

import { amount, link, list, struct, uint, type Infer } from '../codec/schema.ts';
import { identitySchema } from '../crypto/ids.ts';
import { assetSchema } from './account-records.ts';
import type { ItemId } from './item-fields.ts';
import type { RecordType } from './records.ts';

const PARTIES = 3;

/** `deadline`: ms, block time; from then on the provider gets `atDeadline`, in thousandths, and the requester the rest. */
export const ESCROW_FIELDS = {
  provider: identitySchema,
  arbiter: identitySchema,
  asset: assetSchema,
  amount: amount(),
  deadline: uint(),
  atDeadline: amount(),
};

/** `entry`: the one that opened it. A vote says what the provider shall get. */
const escrowSchema = struct({
  ...ESCROW_FIELDS,
  requester: identitySchema,
  entry: link(),
  votes: list(struct({ by: identitySchema, toProvider: amount() }), { max: PARTIES }),
});
export type Escrow = Infer<typeof escrowSchema>;

/** One that is decided has no record. */
export const ESCROW: RecordType<ItemId, Escrow> = { key: (id) => `escrows/${id}`, schema: escrowSchema };
