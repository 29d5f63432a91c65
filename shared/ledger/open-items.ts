// How many tasks, offers and the like an identity has open: each stands in state until it is done, so there is an end to them (LG78).

import { optional, struct, uint, type Infer } from '../codec/schema.ts';
import { assert } from '../core/assert.ts';
import type { Identity } from '../crypto/ids.ts';
import type { Code } from './codes.ts';
import type { RecordType } from './records.ts';
import { readRecord, removeRecord, writeRecord, type Draft } from './state.ts';

/** Of each sort: more than a person follows, and a few dozen KiB of state at most. Credits are one for each customer. */
const OPEN_ITEMS_MAX = { tasks: 32, offers: 32, purchases: 32, escrows: 32, credits: 256 } as const;
type ItemSort = keyof typeof OPEN_ITEMS_MAX;

const count = optional(uint({ min: 1 }));
/** `purchased`: the number of the last purchase, which stays. */
const openItemsSchema = struct({
  tasks: count,
  offers: count,
  purchases: count,
  escrows: count,
  credits: count,
  purchased: count,
});
type OpenItems = Infer<typeof openItemsSchema>;

/** Absent where there has been nothing. */
export const OPEN_ITEMS: RecordType<Identity, OpenItems> = {
  key: (identity) => `open/${identity}`,
  schema: openItemsSchema,
};

type Counted = { readonly identity: Identity; readonly sort: ItemSort };

export function openItem(draft: Draft, { identity, sort }: Counted): Code | undefined {
  const open = readRecord(draft, OPEN_ITEMS, identity) ?? {};
  const before = open[sort] ?? 0;
  if (before >= OPEN_ITEMS_MAX[sort]) return 'account_limit';
  writeRecord(draft, { type: OPEN_ITEMS, id: identity, value: { ...open, [sort]: before + 1 } });
  return undefined;
}

export function closeItem(draft: Draft, { identity, sort }: Counted): void {
  const { [sort]: before = 0, ...rest } = readRecord(draft, OPEN_ITEMS, identity) ?? {};
  assert(before > 0, 'what is closed was open');
  const value: OpenItems = before === 1 ? rest : { ...rest, [sort]: before - 1 };
  if (Object.keys(value).length === 0) return removeRecord(draft, OPEN_ITEMS, identity);
  writeRecord(draft, { type: OPEN_ITEMS, id: identity, value });
}

/** G08: numbers of purchases only go up, so that one that is sent again does nothing. */
export function spendNonce(
  draft: Draft,
  { identity, nonce }: { readonly identity: Identity; readonly nonce: number },
): Code | undefined {
  const open = readRecord(draft, OPEN_ITEMS, identity) ?? {};
  if (nonce <= (open.purchased ?? 0)) return 'already_known';
  writeRecord(draft, { type: OPEN_ITEMS, id: identity, value: { ...open, purchased: nonce } });
  return undefined;
}
