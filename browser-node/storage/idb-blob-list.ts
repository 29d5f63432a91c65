// The ListedBlobStore port over IndexedDB and, where a browser has them, private files: the blocks of a node, which has to know
// what it holds, and to remove some of it when the disk is full.

import { promisifyRequest } from 'idb-keyval';
import { needPart } from '../../shared/core/late-part.ts';
import { StoreError, type ListedBlobStore } from '../../shared/platform/ports.ts';
import { createIdbBlobStore, guard, TOTALS_KEY, type Block, type BlockPlace, type Totals } from './idb-blob-store.ts';
import {
  addToTotals,
  createPackedPlace,
  groupBlocks,
  isPackHeld,
  listPackFiles,
  putGroups,
  readBlocks,
  readWasted,
  removeBlocks,
  removeFiles,
  writePacks,
  type Change,
  type Pack,
} from './idb-packs.ts';
import type { PackFiles } from './pack-files.ts';

/** `name`: of the database, and of the folder of files. Every call rejects with StoreError. Opens nothing yet. */
export function createListedIdbBlobStore(name: string): ListedBlobStore {
  return new ListedIdbBlobStore(name);
}

/**
 * A full disk takes no write at all, not even new totals; only a transaction that does nothing but delete goes through. So
 * where totals cannot be written with a removal they are deleted with it, and written, before any block is, when there is
 * room again. Only a run that ends before that has to count.
 */
class ListedIdbBlobStore implements ListedBlobStore {
  readonly #name: string;
  readonly #place: BlockPlace;
  /** For what is the same with and without packs. */
  readonly #plain: ReturnType<typeof createIdbBlobStore>;
  /** Packs that lost blocks, until it was seen to that not too much of them is waste. */
  readonly #toCompact = new Set<Pack>();
  /** Opened by the first who needs one. */
  #files: Promise<PackFiles | null> | null = null;
  /** The totals that are not on disk: `null` when they are; undefined until somebody has looked. */
  #unwritten: Totals | null | undefined;
  /** Changes run one after another: each needs the totals of the one before. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(name: string) {
    this.#name = name;
    this.#place = createPackedPlace(name);
    this.#plain = createIdbBlobStore(this.#place);
  }

  async get(cid: string): Promise<Uint8Array | undefined> {
    return (await this.getMany([cid]))[0];
  }

  getMany(cids: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return guard(() => readBlocks(this.#place, cids, async (at) => (await this.#openFiles())?.read(at)));
  }

  has(cids: readonly string[]): Promise<boolean[]> {
    return this.#plain.has(cids);
  }

  list({ after, limit }: { after: string | null; limit: number }): Promise<string[]> {
    return guard(() =>
      this.#place('readonly', async (blocks) => {
        // Every CID begins with b, so the totals come after all of them.
        const range = IDBKeyRange.bound(after ?? '', TOTALS_KEY, true, true);
        return (await promisifyRequest(blocks.getAllKeys(range, limit))).map(String);
      }),
    );
  }

  putMany(batch: readonly Block[]): Promise<void> {
    return this.#inTurn(async () => {
      await this.#writeTotals();
      await this.#put(batch);
    });
  }

  remove(cids: readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      try {
        await this.#writeTotals();
        await this.#change((blocks) => removeBlocks(blocks, cids));
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'quota_exceeded') throw error;
        await this.#removeOnly(cids);
      }
    });
  }

  stats(): Promise<Totals> {
    return this.#inTurn(async () => (await this.#look()) ?? (await this.#plain.stats()));
  }

  async #look(): Promise<Totals | null> {
    if (this.#unwritten === undefined) this.#unwritten = await guard(() => this.#place('readonly', countUnlessTold));
    return this.#unwritten;
  }

  async #writeTotals(): Promise<void> {
    const totals = await this.#look();
    if (totals === null) return;
    await this.#write(async (blocks) => void blocks.put(totals, TOTALS_KEY));
    this.#unwritten = null;
  }

  async #removeOnly(cids: readonly string[]): Promise<void> {
    const before = (await this.#look()) ?? (await this.#plain.stats());
    const removed = await this.#write(async (blocks) => {
      const removed = await removeBlocks(blocks, cids);
      blocks.delete(TOTALS_KEY);
      return removed;
    });
    const { blocks, bytes } = removed.change;
    this.#unwritten = { blocks: before.blocks + blocks, bytes: before.bytes + bytes };
    await this.#tidy(removed);
  }

  async #change(change: (blocks: IDBObjectStore) => Promise<Change>): Promise<void> {
    const changed = await this.#write(async (blocks) => {
      const changed = await change(blocks);
      await addToTotals(blocks, changed.change);
      return changed;
    });
    await this.#tidy(changed);
  }

  /** Files first: once they are on disk, the database says what they hold. */
  async #put(batch: readonly Block[]): Promise<void> {
    const written: string[] = [];
    try {
      const groups = await guard(() =>
        groupBlocks(batch, async (parts) => {
          const file = (await (await this.#openFiles().catch(() => null))?.write(parts)) ?? null;
          if (file !== null) written.push(file);
          return file;
        }),
      );
      await this.#change((blocks) => putGroups(blocks, groups));
      if (written.length > 0) await (await this.#openFiles())?.close(written);
    } catch (error) {
      if (written.length > 0) await (await this.#openFiles())?.release(written);
      throw error;
    }
  }

  /** Space comes free. A pack that cannot be written anew, for want of it, stays as it is until others have lost blocks. */
  async #tidy({ left, emptied }: Change): Promise<void> {
    if (emptied.length > 0) await (await this.#openFiles().catch(() => null))?.release(emptied);
    for (const pack of left) this.#toCompact.add(pack);
    if (left.size === 0) return;
    for (const pack of this.#toCompact) {
      this.#toCompact.delete(pack);
      try {
        const blocks = await guard(async () => readWasted(this.#place, pack, await this.#openFilesOf(pack)));
        if (blocks.length > 0) await this.#put(blocks);
      } catch {
        this.#toCompact.add(pack);
        return;
      }
    }
  }

  async #openFilesOf(pack: Pack): Promise<PackFiles | null> {
    return typeof pack === 'string' ? await this.#openFiles() : null;
  }

  #openFiles(): Promise<PackFiles | null> {
    this.#files ??= this.#lookForFiles().catch((error: unknown) => {
      this.#files = null;
      throw error;
    });
    return this.#files;
  }

  async #lookForFiles(): Promise<PackFiles | null> {
    const part = await needPart(() => import('./pack-files.ts'));
    const files = await part.PackFiles.open({
      folder: this.#name,
      listUsed: () => listPackFiles(this.#place),
      isUsed: (file) => isPackHeld(this.#place, file),
    });
    const missing = files?.missing ?? [];
    if (missing.length > 0) {
      const forget = () => this.#change((blocks) => removeFiles(blocks, missing));
      // Not waited for: who opens the files may be a change, which has its turn now. The next run tries again.
      void this.#inTurn(forget).catch(() => undefined);
    }
    return files;
  }

  #write<T>(change: (blocks: IDBObjectStore) => Promise<T>): Promise<T> {
    return guard(() => writePacks(this.#place, change));
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const next = this.#turn.then(change);
    this.#turn = next.catch(() => undefined);
    return next;
  }
}

/** Null where the totals stand beside the blocks, or there are no blocks; else what a look at every block says. */
async function countUnlessTold(blocks: IDBObjectStore): Promise<Totals | null> {
  const known: number = await promisifyRequest(blocks.count());
  if (known === 0 || (await promisifyRequest(blocks.getKey(TOTALS_KEY))) !== undefined) return null;
  const cursor = blocks.openCursor();
  const totals = { blocks: 0, bytes: 0 };
  return await new Promise((resolve, reject) => {
    cursor.onerror = () => reject(cursor.error ?? new Error('blocks not counted'));
    cursor.onsuccess = () => {
      if (!cursor.result) return resolve(totals);
      totals.blocks += 1;
      totals.bytes += (cursor.result.value as { readonly length: number }).length;
      cursor.result.continue();
    };
  });
}
