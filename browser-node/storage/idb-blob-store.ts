// The BlobStore port over idb-keyval: blocks by CID in a database of their own, with running totals in the same transactions (BN5).

import { promisifyRequest, type UseStore } from 'idb-keyval';
import { StoreError, type BlobStore } from '../../shared/platform/ports.ts';
import { committed, compactBytes, readStoreError } from './weft-database.ts';

export const BLOCKS = 'blocks';
/** Beside the blocks, so that totals and blocks are one transaction; no CID looks like it. */
export const TOTALS_KEY = 'totals';
/** Another page of the origin may hold the database in a change of its own: without it is better than never. */
const OPEN_WAIT = 3_000;

/** The object store of blocks, in a transaction of its own for each use. */
export type BlockPlace = UseStore;

export type Totals = { readonly blocks: number; readonly bytes: number };
export type Block = { readonly cid: string; readonly bytes: Uint8Array };

/** Every call rejects with StoreError. */
export function createIdbBlobStore(place: BlockPlace): BlobStore {
  const readEach = <T>(keys: readonly string[], ask: (blocks: IDBObjectStore, key: string) => IDBRequest<T>) =>
    guard(() => place('readonly', (blocks) => Promise.all(keys.map((key) => promisifyRequest(ask(blocks, key))))));
  const getMany = <T>(keys: readonly string[]) =>
    readEach(keys, (blocks, key): IDBRequest<T | undefined> => blocks.get(key));
  const write = (change: (blocks: IDBObjectStore) => Promise<void>) => guard(() => place('readwrite', change));
  return {
    get: async (cid) => (await getMany<Uint8Array>([cid]))[0],
    getMany,
    has: async (cids) => {
      const keys = await readEach(cids, (blocks, cid) => blocks.getKey(cid));
      return keys.map((key) => key !== undefined);
    },
    putMany: (blocks) => write((store) => putBlocks(store, blocks)),
    remove: (cids) => write((store) => removeBlocks(store, cids)),
    stats: async () => (await getMany<Totals>([TOTALS_KEY]))[0] ?? { blocks: 0, bytes: 0 },
  };
}

/**
 * Opens nothing yet; the first use does. What it writes is on disk when the transaction completes: the browser's default is
 * not. `isShared`: other scripts write to this origin, so a database of this name that is not of this shape is theirs, and
 * gives way.
 */
export function createBlockPlace(name: string, isShared = false): BlockPlace {
  return createPlace(() => openBlocks(name, isShared), [BLOCKS]);
}

/** `stores`: those of a transaction; a use gets that of the blocks. */
export function createPlace(connect: () => Promise<IDBDatabase>, stores: string[]): BlockPlace {
  let opened: Promise<IDBDatabase> | null = null;
  const open = async (): Promise<IDBDatabase> => {
    try {
      const database = await Promise.race([connect(), hang()]);
      // The browser may clear or close it; the next call begins anew.
      database.onclose = () => (opened = null);
      // A later version wants to migrate: it may.
      database.onversionchange = () => {
        opened = null;
        database.close();
      };
      return database;
    } catch (error) {
      // One that hung is not waited for again at each block.
      if (!(error instanceof StoreError)) opened = null;
      throw error;
    }
  };
  return async (mode, callback) =>
    callback((await (opened ??= open())).transaction(stores, mode, { durability: 'strict' }).objectStore(BLOCKS));
}

async function openBlocks(name: string, isShared: boolean): Promise<IDBDatabase> {
  const request = indexedDB.open(name);
  request.onupgradeneeded = () => request.result.createObjectStore(BLOCKS);
  const database = await promisifyRequest(request);
  if (!isShared || isOurs(database)) return database;
  database.close();
  await promisifyRequest(indexedDB.deleteDatabase(name));
  return await openBlocks(name, false);
}

function isOurs(database: IDBDatabase): boolean {
  if (!database.objectStoreNames.contains(BLOCKS)) return false;
  const { keyPath, indexNames } = database.transaction(BLOCKS).objectStore(BLOCKS);
  return keyPath === null && indexNames.length === 0;
}

function hang(): Promise<never> {
  return new Promise((_, reject) =>
    setTimeout(
      () => reject(new StoreError('store_failed', 'Another page of this address holds its data: close it.')),
      OPEN_WAIT,
    ),
  );
}

/** What a use fails with, as the port says it. */
export async function guard<T>(work: () => Promise<T>): Promise<T> {
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
