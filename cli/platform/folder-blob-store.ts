// The BlobStore port as one file a block: blobs/<two letters>/<cid>, each flushed before it gets its name.

import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '../../shared/core/assert.ts';
import { equalBytes } from '../../shared/core/bytes.ts';
import type { ListedBlobStore } from '../../shared/platform/ports.ts';
import { toStoreError } from './disk-failure.ts';

/** Files in work at once: enough to overlap flushes, few enough for any limit of open files. */
const PARALLEL_FILES = 16;
/** CIDv1 in base32: `b` and 58 letters for 36 bytes. Anything else never becomes a path. */
const CID_TEXT = /^b[a-z2-7]{58}$/;
/** Not a CID ending, so it cannot collide with a shard. */
const TEMPORARY = 'unfinished';

type Block = { readonly cid: string; readonly bytes: Uint8Array };
type Stats = { blocks: number; bytes: number };

/**
 * Opens `folder`/blobs. The caller holds the folder's lock (openSqliteStore) while it is open; what an
 * interrupted write left behind is removed first.
 */
export async function openFolderBlobStore(folder: string): Promise<ListedBlobStore> {
  const root = join(folder, 'blobs');
  try {
    await rm(join(root, TEMPORARY), { recursive: true, force: true });
    await mkdir(join(root, TEMPORARY), { recursive: true });
  } catch (error) {
    throw toStoreError(error, folder);
  }
  return new FolderBlobStore(root);
}

class FolderBlobStore implements ListedBlobStore {
  readonly #root: string;
  /** Writes run one after another, so that counts and "already there" are never judged half-way. */
  #writes: Promise<unknown> = Promise.resolve();
  #stats: Stats | undefined;
  #temporary = 0;

  constructor(root: string) {
    this.#root = root;
  }

  async get(cid: string): Promise<Uint8Array | undefined> {
    return await this.#guard(() => readIfThere(this.#path(cid)));
  }

  async getMany(cids: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return await mapParallel(cids, (cid) => this.get(cid));
  }

  async has(cids: readonly string[]): Promise<boolean[]> {
    return await this.#guard(() =>
      mapParallel(cids, async (cid) => (await sizeIfThere(this.#path(cid))) !== undefined),
    );
  }

  async putMany(blocks: readonly Block[]): Promise<void> {
    const byCid = new Map(blocks.map((block) => [block.cid, block]));
    await this.#inTurn(async () => {
      // A name that was there already is flushed too: the run that made it may have died before it did so.
      const shards = new Set(blocks.map((block) => this.#shard(block.cid)));
      await mapParallel([...byCid.values()], (block) => this.#putOne(block));
      await mapParallel([...shards, this.#root], flush);
    });
  }

  async remove(cids: readonly string[]): Promise<void> {
    await this.#inTurn(async () => {
      await mapParallel([...new Set(cids)], async (cid) => {
        const size = await sizeIfThere(this.#path(cid));
        if (size === undefined) return;
        await rm(this.#path(cid));
        this.#count({ blocks: -1, bytes: -size });
      });
    });
  }

  async stats(): Promise<Stats> {
    return await this.#inTurn(async () => {
      this.#stats ??= await countBlocks(this.#root);
      return { ...this.#stats };
    });
  }

  /** By folder and then by name, so that a page reads a few folders and not all. */
  async list({ after, limit }: { after: string | null; limit: number }): Promise<string[]> {
    return await this.#guard(async () => {
      const first = after === null ? '' : shardOf(after);
      const shards = (await readdir(this.#root)).filter((name) => name !== TEMPORARY && name >= first).toSorted();
      const found: string[] = [];
      for (const shard of shards) {
        const names = (await readdir(join(this.#root, shard))).filter((name) => CID_TEXT.test(name)).toSorted();
        found.push(...(after !== null && shard === first ? names.filter((name) => name > after) : names));
        if (found.length >= limit) break;
      }
      return found.slice(0, limit);
    });
  }

  /** Leaves the same bytes alone; other bytes under that name are damage, and are replaced. */
  async #putOne({ cid, bytes }: Block): Promise<void> {
    const path = this.#path(cid);
    const there = await readIfThere(path);
    if (there !== undefined && equalBytes(there, bytes)) return;
    await mkdir(this.#shard(cid), { recursive: true });
    this.#temporary += 1;
    const temporary = join(this.#root, TEMPORARY, String(this.#temporary));
    try {
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    this.#count({ blocks: there === undefined ? 1 : 0, bytes: bytes.length - (there?.length ?? 0) });
  }

  #count(change: Stats): void {
    if (this.#stats === undefined) return;
    this.#stats.blocks += change.blocks;
    this.#stats.bytes += change.bytes;
  }

  #path(cid: string): string {
    return join(this.#shard(cid), cid);
  }

  #shard(cid: string): string {
    assert(CID_TEXT.test(cid), 'blob stores take CIDs only');
    return join(this.#root, shardOf(cid));
  }

  async #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#writes.then(() => this.#guard(action));
    this.#writes = result.catch(() => undefined);
    return await result;
  }

  async #guard<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw toStoreError(error, this.#root);
    }
  }
}

/** The letters before the last one are spread evenly; the first are the same in all CIDs. */
function shardOf(cid: string): string {
  return cid.slice(-3, -1);
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    const file = await readFile(path);
    return new Uint8Array(file.buffer, file.byteOffset, file.length);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function sizeIfThere(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

async function countBlocks(root: string): Promise<Stats> {
  const shards = (await readdir(root)).filter((name) => name !== TEMPORARY);
  const total = { blocks: 0, bytes: 0 };
  await mapParallel(shards, async (shard) => {
    for (const name of await readdir(join(root, shard))) {
      if (!CID_TEXT.test(name)) continue;
      const { size } = await stat(join(root, shard, name));
      total.blocks += 1;
      total.bytes += size;
    }
  });
  return total;
}

/** Makes the names in a directory durable; Windows cannot open one and does not need it. */
async function flush(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Like Promise.all over `map`, PARALLEL_FILES at a time; waits for all before it reports the first failure. */
async function mapParallel<T, R>(items: readonly T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      results[at] = await map(items[at]!);
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(PARALLEL_FILES, items.length) }, work));
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
  return results;
}
