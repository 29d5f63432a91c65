// A member's chain as sync sees it.

import type { Store } from '../platform/ports.ts';
import type { SyncChain } from './group-sync.ts';
import type { Ordering } from './ordering.ts';
import { FEED } from '../ledger/records.ts';
import { readRecord } from '../ledger/state.ts';
import { loadBlock } from './chain-store.ts';

/** `store`: the part of it that holds this chain. */
export function createSyncChain(chain: Ordering, store: Store): SyncChain {
  return {
    get height() {
      return chain.tip.height;
    },
    get tip() {
      return chain.tip.id;
    },
    pending: () => chain.pool.inOrder(),
    isHalfFreeFor: (device) => chain.pool.isHalfFreeFor(device),
    finalSeq: (feed) => readRecord(chain.state, FEED, feed)?.seq ?? 0,
    get: (id) => chain.pool.get(id),
    submit: (entries) => chain.submitAll(entries),
    takeBlocks: (blocks) => chain.takeBlocks(blocks),
    loadBlock: (height) => loadBlock(store, height),
  };
}
