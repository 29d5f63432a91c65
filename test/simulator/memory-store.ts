// Store and BlobStore in memory: what a simulated node writes to. Opening the same disk again finds it all.

import { StoreError, type ListedBlobStore, type Store, type StorePut } from '../../shared/platform/ports.ts';

export type MemoryDisk = {
  openStore(): Store;
  openBlobs(): ListedBlobStore;
  /** What a folder put back from a backup holds. */
  copy(): MemoryDisk;
  /** While it is full it takes no record (or none whose key has this in it), as a browser whose quota is used up. */
  setFull(full: boolean | string): void;
};

type Space = { full: boolean | string };

export function createMemoryDisk(): MemoryDisk {
  return createDisk(new Map(), new Map());
}

function createDisk(records: Map<string, Uint8Array>, blocks: Map<string, Uint8Array>): MemoryDisk {
  const space: Space = { full: false };
  return {
    copy: () => createDisk(new Map(records), new Map(blocks)),
    setFull(full) {
      space.full = full;
    },
    openStore: () => openStore(records, space),
    openBlobs: () => openBlobs(blocks),
  };
}

function openStore(records: Map<string, Uint8Array>, space: Readonly<Space>): Store {
  let open = true;
  const check = (): void => {
    if (!open) throw new StoreError('store_failed', 'the store is closed: open it again');
  };
  return {
    async get(key) {
      check();
      return records.get(key)?.slice();
    },
    async range({ from, to, limit, reverse }) {
      check();
      const keys = [...records.keys()].filter((key) => key >= from && key < to).toSorted(byCodeUnits);
      if (reverse === true) keys.reverse();
      return keys.slice(0, limit).map((key): StorePut => ({ key, value: records.get(key)!.slice() }));
    },
    async write(batch) {
      check();
      const { full } = space;
      if (full !== false && batch.put?.some(({ key }) => full === true || key.includes(full))) {
        throw new StoreError('quota_exceeded', 'there is no space: free some');
      }
      for (const key of batch.remove ?? []) records.delete(key);
      for (const { key, value } of batch.put ?? []) records.set(key, value.slice());
    },
    async close() {
      open = false;
    },
  };
}

function openBlobs(blocks: Map<string, Uint8Array>): ListedBlobStore {
  return {
    async get(cid) {
      return blocks.get(cid)?.slice();
    },
    async getMany(cids) {
      return cids.map((cid) => blocks.get(cid)?.slice());
    },
    async has(cids) {
      return cids.map((cid) => blocks.has(cid));
    },
    async putMany(put) {
      for (const { cid, bytes } of put) blocks.set(cid, bytes.slice());
    },
    async remove(cids) {
      for (const cid of cids) blocks.delete(cid);
    },
    async list({ after, limit }) {
      const cids = [...blocks.keys()].toSorted(byCodeUnits);
      return cids.filter((cid) => after === null || cid > after).slice(0, limit);
    },
    async stats() {
      let bytes = 0;
      for (const block of blocks.values()) bytes += block.length;
      return { blocks: blocks.size, bytes };
    },
  };
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
