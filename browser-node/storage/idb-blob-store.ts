// The BlobStore port over idb-keyval: blocks by CID in a database of their own, with running totals in the same transactions (BN5).

import { createStore, get, getMany, promisifyRequest, type UseStore } from 'idb-keyval';
import type { BlobStore } from '../../shared/platform/ports.ts';
import { committed, compactBytes, readStoreError } from './weft-database.ts';

const BLOCKS = 'blocks';
/** Beside the blocks, so that totals and blocks are one transaction; no CID looks like it. */
const TOTALS_KEY = 'totals';

type Totals = { readonly blocks: number; readonly bytes: number };
type Block = { readonly cid: string; readonly bytes: Uint8Array };

/** Opens nothing yet; the first call does. Every call rejects with StoreError. */
export function createIdbBlobStore(name: string): BlobStore {
  const place = createStrictStore(name);
  return {
    get: (cid) => guard(() => get<Uint8Array>(cid, place)),
    getMany: (cids) => guard(() => getMany<Uint8Array | undefined>([...cids], place)),
    has: (cids) =>
      guard(() =>
        place('readonly', async (blocks) => {
          const keys = await Promise.all(cids.map((cid) => promisifyRequest(blocks.getKey(cid))));
          return keys.map((key) => key !== undefined);
        }),
      ),
    putMany: (blocks) => guard(() => place('readwrite', (store) => putBlocks(store, blocks))),
    remove: (cids) => guard(() => place('readwrite', (store) => removeBlocks(store, cids))),
    stats: () => guard(async () => (await get<Totals>(TOTALS_KEY, place)) ?? { blocks: 0, bytes: 0 }),
  };
}

/** As createStore, but what it writes is on disk when the transaction completes: the browser's default is not. */
function createStrictStore(name: string): UseStore {
  const place = createStore(name, BLOCKS);
  return (mode, callback) => {
    if (mode === 'readonly') return place(mode, callback);
    return place('readonly', ({ transaction: { db } }) =>
      callback(db.transaction(BLOCKS, mode, { durability: 'strict' }).objectStore(BLOCKS)),
    );
  };
}

async function guard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw readStoreError(error);
  }
}

function putBlocks(store: IDBObjectStore, blocks: readonly Block[]): Promise<void> {
  const change = { blocks: 0, bytes: 0 };
  for (const { cid, bytes } of blocks) {
    const value = compactBytes(bytes);
    // Adding tells a new block from a held one without reading anything; held ones are rare.
    const added = store.add(value, cid);
    added.addEventListener('success', () => {
      change.blocks += 1;
      change.bytes += value.length;
    });
    added.addEventListener('error', (event) => {
      if (added.error?.name !== 'ConstraintError') return;
      // Handled: without these two the whole transaction would end.
      event.preventDefault();
      event.stopPropagation();
      replaceBlock(store, { cid, bytes: value }, change);
    });
  }
  return finish(store, change);
}

function replaceBlock(store: IDBObjectStore, { cid, bytes }: Block, change: { bytes: number }): void {
  const held: IDBRequest<Uint8Array> = store.get(cid);
  held.addEventListener('success', () => {
    change.bytes += bytes.length - held.result.length;
    store.put(bytes, cid);
  });
}

function removeBlocks(store: IDBObjectStore, cids: readonly string[]): Promise<void> {
  const change = { blocks: 0, bytes: 0 };
  for (const cid of new Set(cids)) {
    const held: IDBRequest<Uint8Array | undefined> = store.get(cid);
    held.addEventListener('success', () => {
      if (held.result === undefined) return;
      change.blocks -= 1;
      change.bytes -= held.result.length;
      store.delete(cid);
    });
  }
  return finish(store, change);
}

/** Adds the change to the totals once every request before has had its say, and waits for the disk. */
function finish(store: IDBObjectStore, change: Totals): Promise<void> {
  // Requests are answered in order: blocks that were held already ask for their old size meanwhile, before the second one.
  store.get(TOTALS_KEY).addEventListener('success', () => {
    const totals: IDBRequest<Totals | undefined> = store.get(TOTALS_KEY);
    totals.addEventListener('success', () => {
      const { blocks, bytes } = totals.result ?? { blocks: 0, bytes: 0 };
      if (change.blocks === 0 && change.bytes === 0) return;
      store.put({ blocks: blocks + change.blocks, bytes: bytes + change.bytes }, TOTALS_KEY);
    });
  });
  return committed(store.transaction);
}
