// The page side of the tests of packs: what lies in the database of blocks after changes and under a full disk.

import { promisifyRequest } from 'idb-keyval';
import { createListedIdbBlobStore } from '../../browser-node/storage/idb-blob-list.ts';
import { createBlockPlace, createIdbBlobStore } from '../../browser-node/storage/idb-blob-store.ts';
import { equalBytes } from '../../shared/core/bytes.ts';
import { cidLike } from '../contracts/blob-store-contract.ts';
import { patternBytes } from '../contracts/contract.ts';

const PACKED_BYTES = 64 * 1024;
const PACKED_BLOCKS = 16;

let databases = 0;

const nextName = (): string => `packs-${++databases}`;

/** The failure of a promise as plain data, or null. */
export async function failureOf(work: () => Promise<unknown>): Promise<{ code: unknown; message: string } | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return { code: (error as { code?: unknown }).code, message: (error as Error).message };
  }
}

const packedBlock = (n: number) => ({ cid: cidLike(n), bytes: patternBytes(n, PACKED_BYTES) });
const packedBlocks = () => Array.from({ length: PACKED_BLOCKS }, (_, n) => packedBlock(n));

/** What lies in the database of blocks: the sizes of packs in blocks, and which blocks are intact. */
async function lookAtPacks(name: string) {
  const database = await promisifyRequest(indexedDB.open(name));
  const packs: Uint8Array[] = await promisifyRequest(database.transaction('packs').objectStore('packs').getAll());
  const { version } = database;
  database.close();
  const found = await createListedIdbBlobStore(name).getMany(packedBlocks().map(({ cid }) => cid));
  const intact = found.flatMap((bytes, n) => (bytes && equalBytes(bytes, packedBlock(n).bytes) ? [n] : []));
  return { version, packs: packs.map(({ length }) => length / PACKED_BYTES), intact };
}

/** Blocks written before there were packs, read, removed in part, and put again. */
export async function useOldBlocks() {
  const name = nextName();
  // It opens whatever is there, and makes a database of version 1.
  await createIdbBlobStore(createBlockPlace(name)).putMany(packedBlocks().slice(0, 4));
  const blobs = createListedIdbBlobStore(name);
  const before = { stats: await blobs.stats(), ...(await lookAtPacks(name)) };
  await blobs.remove([cidLike(0)]);
  await blobs.putMany(packedBlocks().slice(2));
  return { before, after: { stats: await blobs.stats(), ...(await lookAtPacks(name)) } };
}

/** Blocks removed one after the other: what packs lie on disk after each, in blocks. */
export async function shrinkPack() {
  const name = nextName();
  const blobs = createListedIdbBlobStore(name);
  await blobs.putMany(packedBlocks());
  const seen = [];
  for (let n = 0; n < PACKED_BLOCKS; n++) {
    await blobs.remove([cidLike((n * 5) % PACKED_BLOCKS)]);
    const { packs, intact } = await lookAtPacks(name);
    seen.push({ packs, intact: intact.length });
  }
  return seen;
}

/** A disk that refuses every write from the k-th on, for each k, while blocks are removed, packed anew and put. */
export async function cutPackWrites(): Promise<string[]> {
  const begin = IDBDatabase.prototype.transaction;
  const wrong: string[] = [];
  for (let k = 0; ; k++) {
    const name = nextName();
    const blobs = createListedIdbBlobStore(name);
    await blobs.putMany(packedBlocks());
    let writes = 0;
    IDBDatabase.prototype.transaction = function (...given) {
      const transaction = begin.apply(this, given);
      if (given[1] !== 'readwrite' || writes++ < k) return transaction;
      Object.defineProperty(transaction, 'error', { value: new DOMException('no space', 'QuotaExceededError') });
      queueMicrotask(() => transaction.abort());
      return transaction;
    };
    const gone = Array.from({ length: 10 }, (_, n) => n);
    const removal = await failureOf(() => blobs.remove(gone.map(cidLike)));
    const put = await failureOf(() => blobs.putMany([packedBlock(3)]));
    IDBDatabase.prototype.transaction = begin;
    for (const failure of [removal, put]) {
      if (failure && failure.code !== 'quota_exceeded') wrong.push(`cut at ${k}: ${failure.message}`);
    }
    const held = packedBlocks().flatMap((_, n) => (removal || n >= 10 || (n === 3 && !put) ? [n] : []));
    const { intact } = await lookAtPacks(name);
    if (intact.join() !== held.join()) wrong.push(`cut at ${k}: ${intact.join()} are intact of ${held.join()}`);
    const { blocks } = await createListedIdbBlobStore(name).stats();
    if (blocks !== held.length) wrong.push(`cut at ${k}: ${blocks} counted, ${held.length} held`);
    if (writes <= k) return wrong;
  }
}
