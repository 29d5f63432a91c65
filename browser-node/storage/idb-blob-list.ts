// The ListedBlobStore port over IndexedDB: the blocks of a node, which has to know what it holds to make room.

import { promisifyRequest } from 'idb-keyval';
import type { ListedBlobStore } from '../../shared/platform/ports.ts';
import { createIdbBlobStore, guard, TOTALS_KEY, type BlockPlace } from './idb-blob-store.ts';

/** Every call rejects with StoreError. */
export function createListedIdbBlobStore(place: BlockPlace): ListedBlobStore {
  return {
    ...createIdbBlobStore(place),
    list: ({ after, limit }) =>
      guard(() =>
        place('readonly', async (blocks) => {
          // Every CID begins with b, so the totals come after all of them.
          const range = IDBKeyRange.bound(after ?? '', TOTALS_KEY, true, true);
          return (await promisifyRequest(blocks.getAllKeys(range, limit))).map(String);
        }),
      ),
  };
}
