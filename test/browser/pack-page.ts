// The page side of the tests of packs: what lies in the database of blocks, and in its files, after changes and under a full disk.

import { promisifyRequest } from 'idb-keyval';
import { createListedIdbBlobStore } from '../../browser-node/storage/idb-blob-list.ts';
import { createBlockPlace, createIdbBlobStore } from '../../browser-node/storage/idb-blob-store.ts';
import { makeSpareFiles } from '../../browser-node/storage/pack-files.ts';
import { equalBytes } from '../../shared/core/bytes.ts';
import { cidLike } from '../contracts/blob-store-contract.ts';
import type { ListedBlobStore } from '../../shared/platform/ports.ts';
import { patternBytes } from '../contracts/contract.ts';

const PACKED_BYTES = 64 * 1024;
const PACKED_BLOCKS = 16;

let databases = 0;

const nextName = (): string => `packs-${++databases}`;

/** Only a worker has handles of files. */
export const isWorker = typeof document === 'undefined';
/** As if they had been made long ago, each worker's at another time. */
const SPARES = { count: 16, madeAt: Math.floor(Math.random() * 1e9) };

/** A new store; a worker has files for it. */
export async function openBlobs(name: string): Promise<ListedBlobStore> {
  if (isWorker) await makeSpareFiles(name, SPARES);
  return createListedIdbBlobStore(name);
}

/** Of what files hold, by name; empty ones are left out. */
async function fileSizes(name: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  if (!isWorker) return sizes;
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(name, { create: true });
  for await (const file of folder.keys()) {
    const { size } = await (await folder.getFileHandle(file)).getFile();
    if (size > 0) sizes.set(file, size);
  }
  return sizes;
}

/** The failure of a promise as plain data, or null. */
export async function failureOf(work: () => Promise<unknown>): Promise<{ code: unknown; message: string } | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return { code: (error as { code?: unknown }).code, message: (error as Error).message };
  }
}

const packedBlock = (n: number, size = PACKED_BYTES) => ({ cid: cidLike(n), bytes: patternBytes(n, size) });
const packedBlocks = (size = PACKED_BYTES) => Array.from({ length: PACKED_BLOCKS }, (_, n) => packedBlock(n, size));

/** What lies in the database of blocks and in files: the sizes of packs in blocks, and which blocks are intact. */
async function lookAtPacks(name: string, { blobs = createListedIdbBlobStore(name), size = PACKED_BYTES } = {}) {
  const database = await promisifyRequest(indexedDB.open(name));
  const values: Uint8Array[] = await promisifyRequest(database.transaction('packs').objectStore('packs').getAll());
  const { version } = database;
  database.close();
  const packs = [...values.map(({ length }) => length), ...(await fileSizes(name)).values()];
  const blocks = packedBlocks(size);
  const found = await blobs.getMany(blocks.map(({ cid }) => cid));
  const intact = found.flatMap((bytes, n) => (bytes && equalBytes(bytes, blocks[n]!.bytes) ? [n] : []));
  return { version, packs: packs.map((bytes) => bytes / size), intact };
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

/** Blocks of so many bytes removed one after the other: what packs lie on disk after each, in blocks. */
export async function shrinkPack(size = PACKED_BYTES) {
  const name = nextName();
  const blobs = await openBlobs(name);
  await blobs.putMany(packedBlocks(size));
  const seen = [];
  for (let n = 0; n < PACKED_BLOCKS; n++) {
    await blobs.remove([cidLike((n * 5) % PACKED_BLOCKS)]);
    const { packs, intact } = await lookAtPacks(name, { blobs, size });
    seen.push({ packs, intact: intact.length });
  }
  return seen;
}

/** From now on every write after the first `free` finds no space: of the database, and of files. */
function limitWrites(free: number): { writes: number; lift(): void } {
  const begin = IDBDatabase.prototype.transaction;
  const files = isWorker ? FileSystemSyncAccessHandle.prototype : { write: () => 0 };
  const { write } = files;
  const limit = {
    writes: 0,
    lift: () => {
      IDBDatabase.prototype.transaction = begin;
      files.write = write;
    },
  };
  const full = () => new DOMException('no space', 'QuotaExceededError');
  files.write = function (this: FileSystemSyncAccessHandle, ...given: Parameters<FileSystemSyncAccessHandle['write']>) {
    if (limit.writes++ >= free) throw full();
    return write.apply(this, given);
  };
  IDBDatabase.prototype.transaction = function (...given) {
    const transaction = begin.apply(this, given);
    if (given[1] !== 'readwrite' || limit.writes++ < free) return transaction;
    Object.defineProperty(transaction, 'error', { value: full() });
    queueMicrotask(() => transaction.abort());
    return transaction;
  };
  return limit;
}

/** A disk that refuses every write from the k-th on, for each k, while blocks are removed, packed anew and put. */
export async function cutPackWrites(size = PACKED_BYTES): Promise<string[]> {
  const wrong: string[] = [];
  for (let k = 0; ; k++) {
    const name = nextName();
    const blobs = await openBlobs(name);
    await blobs.putMany(packedBlocks(size));
    const limit = limitWrites(k);
    const gone = Array.from({ length: 10 }, (_, n) => n);
    const removal = await failureOf(() => blobs.remove(gone.map(cidLike)));
    const again = size === PACKED_BYTES ? [3] : gone.slice(3);
    const put = await failureOf(() => blobs.putMany(again.map((n) => packedBlock(n, size))));
    limit.lift();
    for (const failure of [removal, put]) {
      if (failure && failure.code !== 'quota_exceeded') wrong.push(`cut at ${k}: ${failure.message}`);
    }
    const held = packedBlocks().flatMap((_, n) => (removal || n >= 10 || (again.includes(n) && !put) ? [n] : []));
    const { intact } = await lookAtPacks(name, { blobs, size });
    if (intact.join() !== held.join()) wrong.push(`cut at ${k}: ${intact.join()} are intact of ${held.join()}`);
    const { blocks } = await createListedIdbBlobStore(name).stats();
    if (blocks !== held.length) wrong.push(`cut at ${k}: ${blocks} counted, ${held.length} held`);
    if (limit.writes <= k) return wrong;
  }
}

const kept = new Map<string, Promise<ListedBlobStore>>();

/** The one store of that name in this worker. */
function blobsOf(name: string): Promise<ListedBlobStore> {
  const blobs = kept.get(name) ?? openBlobs(name);
  kept.set(name, blobs);
  return blobs;
}

type Leaves = { readonly name: string; readonly from: number; readonly count: number };
const LEAF_BYTES = 262_144;
const numbersOf = ({ from, count }: Leaves): number[] => Array.from({ length: count }, (_, n) => from + n);

export async function putLeaves(leaves: Leaves): Promise<void> {
  const blobs = await blobsOf(leaves.name);
  await blobs.putMany(numbersOf(leaves).map((n) => packedBlock(n, LEAF_BYTES)));
}

export async function removeLeaves(leaves: Leaves): Promise<void> {
  await (await blobsOf(leaves.name)).remove(numbersOf(leaves).map(cidLike));
}

/** How many of them are held, are intact, and what is held at all; and how many bytes files take. */
export async function lookAtLeaves(leaves: Leaves) {
  const blobs = await blobsOf(leaves.name);
  const numbers = numbersOf(leaves);
  const found = await blobs.getMany(numbers.map(cidLike));
  const held = (await blobs.has(numbers.map(cidLike))).filter(Boolean).length;
  const intact = found.filter((bytes, i) => bytes && equalBytes(bytes, packedBlock(numbers[i]!, LEAF_BYTES).bytes));
  const sizes = [...(await fileSizes(leaves.name)).values()];
  return {
    held,
    intact: intact.length,
    stats: await blobs.stats(),
    inFiles: sizes.reduce((sum, size) => sum + size, 0) / LEAF_BYTES,
  };
}

/** As if the names of all files had been lost. */
export async function loseFiles(name: string): Promise<void> {
  await (await navigator.storage.getDirectory()).removeEntry(name, { recursive: true });
}

/** Leaves put, read by another store and removed while garbage is collected all the time: how many rounds came to an end. */
export async function collectGarbage(rounds: number): Promise<number> {
  const { gc } = globalThis as unknown as { gc(): void };
  const collecting = setInterval(() => gc(), 0);
  try {
    for (let n = 0; n < rounds; n++) {
      const leaves = { name: nextName(), from: 0, count: 16 };
      await putLeaves(leaves);
      const blobs = createListedIdbBlobStore(leaves.name);
      const found = await blobs.getMany(numbersOf(leaves).map(cidLike));
      if (found.includes(undefined)) return n;
      await removeLeaves(leaves);
    }
    return rounds;
  } finally {
    clearInterval(collecting);
  }
}
