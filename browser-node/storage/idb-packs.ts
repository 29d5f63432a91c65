// Blocks in packs (BN26, BN27): those that are put together share a value of the database, since Chromium keeps each value above
// 64 KiB in a file of its own, and a file for each of many small blocks took most of the time; whole leaves share a file of ours.

import { promisifyRequest } from 'idb-keyval';
import { concatBytes } from '../../shared/core/bytes.ts';
import { BLOB_LEAF_BYTES } from '../../shared/core/limits.ts';
import { StoreError } from '../../shared/platform/ports.ts';
import { BLOCKS, createPlace, TOTALS_KEY, type Block, type BlockPlace, type Totals } from './idb-blob-store.ts';
import type { FilePlace, PackFiles } from './pack-files.ts';
import { committed, compactBytes } from './weft-database.ts';

const PACKS = 'packs';
const BY_PACK = 'pack';
/**
 * 1 had no packs: its blocks, values of their own, stay as they are. 2 had no files: nothing changes but that its code, which would
 * miss blocks, is refused. Raised together with a migration in `migrate`.
 */
const SCHEMA_VERSION = 3;
/** Who wants one block reads its pack: 1 MiB takes about as long as asking for it. */
const PACK_BYTES_MAX: number = 1024 * 1024;
/** Smaller blocks cost least in the database's own files, and the nodes above files, which are read alone, are such. */
const PACKED_BYTES_MIN = 4_096;
/** Larger ones, whole leaves for instance, gain little in the database: they go into files, or are values of their own. */
const PACKED_BYTES_MAX: number = BLOB_LEAF_BYTES - 1;
/** Below it a flush of the file and a transaction cost more than the transaction alone. */
const FILE_BYTES_MIN: number = 1024 * 1024;
/** As much as anybody puts at once: what comes together mostly goes together. */
const FILE_BYTES_MAX: number = 8 * 1024 * 1024;

/** The key of a value of the database, or the name of a file. */
export type Pack = number | string;
/** Where a block is: so many bytes of a pack. */
type Placed = { readonly pack: Pack; readonly at: number; readonly length: number };
/** A block is a value of its own, or placed; either has a length. */
type Held = Uint8Array | Placed;
type Entry = readonly [cid: IDBValidKey, bytes: Uint8Array];
/** What shares a pack, or is a value of its own. */
type Group = { readonly entries: readonly Entry[]; readonly file: string | null };

/** Rejects with StoreError (`store_too_new`) where a later version has been; opens nothing before the first use. */
export function createPackedPlace(name: string): BlockPlace {
  return createPlace(() => openPacks(name), [BLOCKS, PACKS]);
}

async function openPacks(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, SCHEMA_VERSION);
  request.onupgradeneeded = ({ oldVersion }) => migrate(request, oldVersion);
  try {
    return await promisifyRequest(request);
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'VersionError') throw error;
    throw new StoreError(
      'store_too_new',
      'The blocks of this page were written by a newer weft: reload the page to get that version.',
    );
  }
}

function migrate({ result, transaction }: IDBOpenDBRequest, from: number): void {
  const blocks = from === 0 ? result.createObjectStore(BLOCKS) : transaction!.objectStore(BLOCKS);
  if (from >= 2) return;
  blocks.createIndex(BY_PACK, BY_PACK);
  result.createObjectStore(PACKS, { autoIncrement: true });
}

/** One transaction: all of it is on disk when it resolves, or nothing. */
export function writePacks<T>(place: BlockPlace, change: (blocks: IDBObjectStore) => Promise<T>): Promise<T> {
  return place('readwrite', async (blocks) => {
    const { transaction } = blocks;
    const done = committed(transaction);
    done.catch(() => undefined);
    try {
      const result = await change(blocks);
      await done;
      return result;
    } catch (error) {
      try {
        transaction.abort();
      } catch {
        // It has ended by itself, and says why: the request that it took with it does not.
      }
      throw transaction.error ?? error;
    }
  });
}

/** Files that hold a block. */
export function listPackFiles(place: BlockPlace): Promise<string[]> {
  return place('readonly', (blocks) => {
    // Names come after all numbers.
    const cursor = blocks.index(BY_PACK).openKeyCursor(IDBKeyRange.lowerBound(''), 'nextunique');
    const files: string[] = [];
    return new Promise((resolve, reject) => {
      cursor.onerror = () => reject(cursor.error ?? new Error('files not listed'));
      cursor.onsuccess = () => {
        if (!cursor.result) return resolve(files);
        const { key } = cursor.result;
        if (typeof key === 'string') files.push(key);
        cursor.result.continue();
      };
    });
  });
}

export async function isPackHeld(place: BlockPlace, pack: Pack): Promise<boolean> {
  return place('readonly', async (blocks) => (await promisifyRequest(blocks.index(BY_PACK).count(pack))) > 0);
}

type ReadFile = (place: FilePlace) => Promise<Uint8Array | undefined>;

/** In the order asked; undefined for what is not held. */
export async function readBlocks(
  place: BlockPlace,
  cids: readonly string[],
  readFile: ReadFile,
): Promise<(Uint8Array | undefined)[]> {
  const [held, packs] = await place('readonly', async (blocks) => {
    const held = await readHeld(blocks, cids);
    const packs = new Map<Pack, Uint8Array | undefined>();
    const named = new Set(
      held.flatMap((value) => (isPlaced(value) && typeof value.pack === 'number' ? value.pack : [])),
    );
    const read = async (pack: Pack) => packs.set(pack, await readPack(blocks, pack));
    await Promise.all([...named].map(read));
    return [held, packs];
  });
  const read = async (value: Held | undefined): Promise<Uint8Array | undefined> => {
    if (!isPlaced(value)) return value;
    const { pack, at, length } = value;
    if (typeof pack === 'string') return await readFile({ file: pack, at, length });
    // Memory of its own for each: who keeps one keeps no others, and who hands one over takes none away.
    return packs.get(pack)?.slice(at, at + length);
  };
  return await Promise.all(held.map(read));
}

/** `left`: packs that lost a block and are still needed; `emptied`: files that are not, once this is on disk. */
export type Change = { readonly change: Totals; readonly left: ReadonlySet<Pack>; readonly emptied: readonly string[] };

/** Resolves with what it adds to the totals. The files of groups are written by then. */
export async function putGroups(blocks: IDBObjectStore, groups: readonly Group[]): Promise<Change> {
  const entries = groups.flatMap((group) => group.entries);
  const held = await readHeld(
    blocks,
    entries.map(([cid]) => cid),
  );
  const change = { blocks: 0, bytes: 0 };
  const left = new Set<Pack>();
  for (const [i, [, { length }]] of entries.entries()) {
    const before = held[i];
    if (!before) change.blocks += 1;
    change.bytes += length - (before?.length ?? 0);
    if (isPlaced(before)) left.add(before.pack);
  }
  for (const { entries, file } of groups) {
    if (file !== null) placeBlocks(blocks, file, entries);
    else if (entries.length > 1) await addPack(blocks, entries);
    else for (const [cid, bytes] of entries) blocks.put(compactBytes(bytes), cid);
  }
  return { change, left, emptied: await dropEmptyPacks(blocks, left) };
}

/** Each block once. `file` writes what should share one, and says its name, or null: then they are values of their own. */
export async function groupBlocks(
  batch: readonly Block[],
  file: (parts: readonly Uint8Array[]) => Promise<string | null>,
): Promise<Group[]> {
  const unique: Entry[] = [...new Map(batch.map(({ cid, bytes }) => [cid, bytes]))];
  const single = (entries: readonly Entry[]): Group[] => entries.map((entry) => ({ entries: [entry], file: null }));
  const small = unique.filter(([, { length }]) => length < PACKED_BYTES_MIN);
  const packed = unique.filter(([, { length }]) => length >= PACKED_BYTES_MIN && length <= PACKED_BYTES_MAX);
  const large = unique.filter(([, { length }]) => length > PACKED_BYTES_MAX);
  const groups = [
    ...single(small),
    ...gather(packed, PACK_BYTES_MAX).map((entries): Group => ({ entries, file: null })),
  ];
  for (const entries of gather(large, FILE_BYTES_MAX)) {
    const parts = entries.map(([, bytes]) => bytes);
    const size = parts.reduce((sum, { length }) => sum + length, 0);
    const name = size < FILE_BYTES_MIN ? null : await file(parts);
    groups.push(...(name === null ? single(entries) : [{ entries, file: name }]));
  }
  return groups;
}

/** As many in each as do not exceed `max` bytes. */
function gather(entries: readonly Entry[], max: number): Entry[][] {
  const groups: Entry[][] = [];
  let size = Infinity;
  for (const entry of entries) {
    const { length } = entry[1];
    if (size + length > max) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)!.push(entry);
    size += length;
  }
  return groups;
}

/** It only deletes. */
export async function removeBlocks(blocks: IDBObjectStore, cids: readonly string[]): Promise<Change> {
  const unique = [...new Set(cids)];
  const change = { blocks: 0, bytes: 0 };
  const left = new Set<Pack>();
  for (const [i, before] of (await readHeld(blocks, unique)).entries()) {
    if (!before) continue;
    blocks.delete(unique[i]!);
    change.blocks -= 1;
    change.bytes -= before.length;
    if (isPlaced(before)) left.add(before.pack);
  }
  return { change, left, emptied: await dropEmptyPacks(blocks, left) };
}

/** The blocks of files that are gone: nobody should take them for held. */
export async function removeFiles(blocks: IDBObjectStore, files: readonly string[]): Promise<Change> {
  const index = blocks.index(BY_PACK);
  const cids = await Promise.all(files.map((file) => promisifyRequest(index.getAllKeys(file))));
  return await removeBlocks(blocks, cids.flat().map(String));
}

/** What is needed of a pack, to be put again, when that is less than half of it; else nothing. */
export async function readWasted(place: BlockPlace, pack: Pack, files: PackFiles | null): Promise<Block[]> {
  const [cids, places, size] = await place('readonly', async (blocks) => {
    const index = blocks.index(BY_PACK);
    return await Promise.all([
      promisifyRequest(index.getAllKeys(pack)),
      promisifyRequest<Placed[]>(index.getAll(pack)),
      typeof pack === 'string' ? files?.size(pack) : readPack(blocks, pack).then((bytes) => bytes?.length),
    ]);
  });
  const needed = places.reduce((sum, { length }) => sum + length, 0);
  if (size === undefined || needed * 2 >= size) return [];
  const names = cids.map(String);
  const found = await readBlocks(place, names, async (at) => await files?.read(at));
  return found.flatMap((bytes, i) => (bytes ? { cid: names[i]!, bytes } : []));
}

export async function addToTotals(blocks: IDBObjectStore, change: Totals): Promise<void> {
  if (change.blocks === 0 && change.bytes === 0) return;
  const totals: Totals | undefined = await promisifyRequest(blocks.get(TOTALS_KEY));
  blocks.put({ blocks: (totals?.blocks ?? 0) + change.blocks, bytes: (totals?.bytes ?? 0) + change.bytes }, TOTALS_KEY);
}

/** Deletes those of which no block is held, and forgets them; answers with those that are files. */
async function dropEmptyPacks(blocks: IDBObjectStore, packs: Set<Pack>): Promise<string[]> {
  const emptied: string[] = [];
  const drop = async (pack: Pack): Promise<void> => {
    if ((await promisifyRequest(blocks.index(BY_PACK).count(pack))) > 0) return;
    if (typeof pack === 'string') emptied.push(pack);
    else packsOf(blocks).delete(pack);
    packs.delete(pack);
  };
  await Promise.all([...packs].map(drop));
  return emptied;
}

function packsOf({ transaction }: IDBObjectStore): IDBObjectStore {
  return transaction.objectStore(PACKS);
}

function readPack(blocks: IDBObjectStore, pack: Pack): Promise<Uint8Array | undefined> {
  return promisifyRequest<Uint8Array | undefined>(packsOf(blocks).get(pack));
}

/** With the places of its blocks. */
async function addPack(blocks: IDBObjectStore, entries: readonly Entry[]): Promise<void> {
  const bytes = concatBytes(...entries.map(([, body]) => body));
  placeBlocks(blocks, Number(await promisifyRequest(packsOf(blocks).add(bytes))), entries);
}

function placeBlocks(blocks: IDBObjectStore, pack: Pack, entries: readonly Entry[]): void {
  let at = 0;
  for (const [cid, { length }] of entries) {
    blocks.put({ pack, at, length } satisfies Placed, cid);
    at += length;
  }
}

function readHeld(blocks: IDBObjectStore, cids: readonly IDBValidKey[]): Promise<(Held | undefined)[]> {
  return Promise.all(cids.map((cid) => promisifyRequest<Held | undefined>(blocks.get(cid))));
}

function isPlaced(held: Held | undefined): held is Placed {
  return held !== undefined && !(held instanceof Uint8Array);
}
