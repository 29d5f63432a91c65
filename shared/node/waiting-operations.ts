// What was signed and is not ordered, as far as it is known here: so that nobody does again what somebody has begun.

import type { Identity } from '../crypto/ids.ts';
import type { Operation } from '../feeds/entry.ts';
import type { Ordering } from './ordering.ts';
import type { Outbox } from './outbox.ts';
import { parseEntry } from '../feeds/entry.ts';

/** Where operations wait: the own ones until they are final, also those that no validator has taken yet. */
export type WaitingPlaces = { readonly chain: Pick<Ordering, 'pool'>; readonly outbox: Pick<Outbox, 'pending'> };

/** In no order. `counts`: of which others what they sent is heard; of all when left out. */
export function findWaitingOperations(
  { chain, outbox }: WaitingPlaces,
  counts: (identity: Identity) => boolean = () => true,
): readonly Operation[] {
  const own = outbox.pending.flatMap(({ bytes }) => {
    const entry = parseEntry(bytes);
    return entry.ok ? entry.value.body.ops : [];
  });
  const others = [...chain.pool.entries()].flatMap(({ identity, body }) => (counts(identity) ? body.ops : []));
  return [...own, ...others];
}
