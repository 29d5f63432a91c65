// Blocks in packs (BN26): those that are put together share a value of the database, since Chromium keeps each value above 64 KiB in
// a file of its own, and a file for each of many small blocks took most of the time.

import { promisifyRequest } from 'idb-keyval';
import { concatBytes } from '../../shared/core/bytes.ts';
import { BLOB_LEAF_BYTES } from '../../shared/core/limits.ts';
import { StoreError } from '../../shared/platform/ports.ts';
import { BLOCKS, createPlace, TOTALS_KEY, type Block, type BlockPlace, type Totals } from './idb-blob-store.ts';
import { committed, compactBytes } from './weft-database.ts';

const PACKS = 'packs';
const BY_PACK = 'pack';
/** 1 had no packs: its blocks, values of their own, stay as they are. Raised together with a migration in `migrate`. */
const SCHEMA_VERSION = 2;
/** Who wants one block reads its pack: 1 MiB takes about as long as asking for it. */
const PACK_BYTES_MAX: number = 1024 * 1024;
/** Smaller blocks cost least in the database's own files, and the nodes above files, which are read alone, are such. */
const PACKED_BYTES_MIN = 4_096;
/** Larger ones, whole leaves for instance, gain little: they are values, and files, of their own. */
const PACKED_BYTES_MAX: number = BLOB_LEAF_BYTES - 1;

/** Where a block is: so many bytes of a pack. */
type Placed = { readonly pack: number; readonly at: number; readonly length: number };
/** A block is a value of its own, or placed; either has a length. */
type Held = Uint8Array | Placed;

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

/** In the order asked; undefined for what is not held. */
export function readBlocks(place: BlockPlace, cids: readonly string[]): Promise<(Uint8Array | undefined)[]> {
  return place('readonly', async (blocks) => {
    const held = await readHeld(blocks, cids);
    const packs = new Map<number, Uint8Array | undefined>();
    const named = new Set(held.flatMap((value) => (isPlaced(value) ? value.pack : [])));
    const read = async (pack: number) => packs.set(pack, await readPack(blocks, pack));
    await Promise.all([...named].map(read));
    // Memory of its own for each: who keeps one keeps no others, and who hands one over takes none away.
    return held.map((value) =>
      isPlaced(value) ? packs.get(value.pack)?.slice(value.at, value.at + value.length) : value,
    );
  });
}

/** `left`: packs that lost a block and are still needed. */
type Change = { readonly change: Totals; readonly left: ReadonlySet<number> };

/** Resolves with what it adds to the totals. */
export async function putBlocks(blocks: IDBObjectStore, batch: readonly Block[]): Promise<Change> {
  const bytesByCid = new Map(batch.map(({ cid, bytes }) => [cid, bytes]));
  const held = await readHeld(blocks, [...bytesByCid.keys()]);
  const change = { blocks: 0, bytes: 0 };
  const left = new Set<number>();
  for (const [i, { length }] of [...bytesByCid.values()].entries()) {
    const before = held[i];
    if (!before) change.blocks += 1;
    change.bytes += length - (before?.length ?? 0);
    if (isPlaced(before)) left.add(before.pack);
  }
  for (const group of groupForPacks([...bytesByCid])) {
    if (group.length > 1) await addPack(blocks, group);
    else for (const [cid, bytes] of group) blocks.put(compactBytes(bytes), cid);
  }
  await dropEmptyPacks(blocks, left);
  return { change, left };
}

type Entry = readonly [cid: IDBValidKey, bytes: Uint8Array];

/** A group of several is a pack; what is alone is a value of its own. */
function groupForPacks(entries: readonly Entry[]): Entry[][] {
  const groups: Entry[][] = [];
  let open: Entry[] = [];
  let size = 0;
  for (const entry of entries) {
    const { length } = entry[1];
    if (length < PACKED_BYTES_MIN || length > PACKED_BYTES_MAX) groups.push([entry]);
    else {
      if (size + length > PACK_BYTES_MAX) {
        groups.push(open);
        [open, size] = [[], 0];
      }
      open.push(entry);
      size += length;
    }
  }
  return [...groups, open];
}

/** It only deletes. */
export async function removeBlocks(blocks: IDBObjectStore, cids: readonly string[]): Promise<Change> {
  const unique = [...new Set(cids)];
  const change = { blocks: 0, bytes: 0 };
  const left = new Set<number>();
  for (const [i, before] of (await readHeld(blocks, unique)).entries()) {
    if (!before) continue;
    blocks.delete(unique[i]!);
    change.blocks -= 1;
    change.bytes -= before.length;
    if (isPlaced(before)) left.add(before.pack);
  }
  await dropEmptyPacks(blocks, left);
  return { change, left };
}

/** A pack of which more than half is not needed any more is written anew, without that. */
export async function compactPack(blocks: IDBObjectStore, pack: number): Promise<void> {
  const index = blocks.index(BY_PACK);
  const [cids, places, bytes] = await Promise.all([
    promisifyRequest(index.getAllKeys(pack)),
    promisifyRequest<Placed[]>(index.getAll(pack)),
    readPack(blocks, pack),
  ]);
  const needed = places.reduce((sum, { length }) => sum + length, 0);
  if (!bytes || needed * 2 >= bytes.length) return;
  await addPack(
    blocks,
    places.map((place, i) => [cids[i]!, bytes.subarray(place.at, place.at + place.length)]),
  );
  packsOf(blocks).delete(pack);
}

export async function addToTotals(blocks: IDBObjectStore, change: Totals): Promise<void> {
  if (change.blocks === 0 && change.bytes === 0) return;
  const totals: Totals | undefined = await promisifyRequest(blocks.get(TOTALS_KEY));
  blocks.put({ blocks: (totals?.blocks ?? 0) + change.blocks, bytes: (totals?.bytes ?? 0) + change.bytes }, TOTALS_KEY);
}

/** Deletes those of which no block is held, and forgets them. */
async function dropEmptyPacks(blocks: IDBObjectStore, packs: Set<number>): Promise<void> {
  const drop = async (pack: number): Promise<void> => {
    if ((await promisifyRequest(blocks.index(BY_PACK).count(pack))) > 0) return;
    packsOf(blocks).delete(pack);
    packs.delete(pack);
  };
  await Promise.all([...packs].map(drop));
}

function packsOf({ transaction }: IDBObjectStore): IDBObjectStore {
  return transaction.objectStore(PACKS);
}

function readPack(blocks: IDBObjectStore, pack: number): Promise<Uint8Array | undefined> {
  return promisifyRequest<Uint8Array | undefined>(packsOf(blocks).get(pack));
}

/** With the places of its blocks. */
async function addPack(blocks: IDBObjectStore, entries: readonly Entry[]): Promise<void> {
  const bytes = concatBytes(...entries.map(([, body]) => body));
  const pack = Number(await promisifyRequest(packsOf(blocks).add(bytes)));
  let at = 0;
  for (const [cid, { length }] of entries) {
    blocks.put({ pack, at, length } satisfies Placed, cid);
    at += length;
  }
}

function readHeld(blocks: IDBObjectStore, cids: readonly string[]): Promise<(Held | undefined)[]> {
  return Promise.all(cids.map((cid) => promisifyRequest<Held | undefined>(blocks.get(cid))));
}

function isPlaced(held: Held | undefined): held is Placed {
  return held !== undefined && !(held instanceof Uint8Array);
}
