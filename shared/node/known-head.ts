// What the own chain knows of a device's newest feed: entries that wait, else what is final.

import type { PublicKey } from '../crypto/ids.ts';
import { DEVICE, FEED } from '../ledger/records.ts';
import { readRecord } from '../ledger/state.ts';
import type { Ordering } from './ordering.ts';
import type { KnownHead } from './outbox.ts';

export function headInChain({ pool, state }: Pick<Ordering, 'pool' | 'state'>, device: PublicKey): KnownHead | null {
  const waiting = pool.newestOf(device);
  if (waiting) return { feed: waiting.body.feed, seq: waiting.body.seq, head: waiting.id, proven: true };
  const feed = readRecord(state, DEVICE, device)?.feed;
  const last = feed && readRecord(state, FEED, feed);
  return feed && last ? { feed, seq: last.seq, head: last.head, proven: true } : null;
}
