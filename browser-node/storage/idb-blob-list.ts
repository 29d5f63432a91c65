// The ListedBlobStore port over IndexedDB: the blocks of a node, which has to know what it holds, and to remove some of it when
// the disk is full.

import { promisifyRequest } from 'idb-keyval';
import { StoreError, type ListedBlobStore } from '../../shared/platform/ports.ts';
import { createIdbBlobStore, guard, TOTALS_KEY, type Block, type BlockPlace, type Totals } from './idb-blob-store.ts';
import {
  addToTotals,
  compactPack,
  createPackedPlace,
  putBlocks,
  readBlocks,
  removeBlocks,
  writePacks,
} from './idb-packs.ts';

/** Every call rejects with StoreError. Opens nothing yet. */
export function createListedIdbBlobStore(name: string): ListedBlobStore {
  return new ListedIdbBlobStore(createPackedPlace(name));
}

/**
 * A full disk takes no write at all, not even new totals; only a transaction that does nothing but delete goes through. So
 * where totals cannot be written with a removal they are deleted with it, and written, before any block is, when there is
 * room again. Only a run that ends before that has to count.
 */
class ListedIdbBlobStore implements ListedBlobStore {
  readonly #place: BlockPlace;
  /** For what is the same with and without packs. */
  readonly #plain: ReturnType<typeof createIdbBlobStore>;
  /** Packs that lost blocks, until it was seen to that not too much of them is waste. */
  readonly #toCompact = new Set<number>();
  /** The totals that are not on disk: `null` when they are; undefined until somebody has looked. */
  #unwritten: Totals | null | undefined;
  /** Changes run one after another: each needs the totals of the one before. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(place: BlockPlace) {
    this.#place = place;
    this.#plain = createIdbBlobStore(place);
  }

  async get(cid: string): Promise<Uint8Array | undefined> {
    return (await this.getMany([cid]))[0];
  }

  getMany(cids: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return guard(() => readBlocks(this.#place, cids));
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
      await this.#change((blocks) => putBlocks(blocks, batch));
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
    const { change, left } = await this.#write(async (blocks) => {
      const removed = await removeBlocks(blocks, cids);
      blocks.delete(TOTALS_KEY);
      return removed;
    });
    this.#unwritten = { blocks: before.blocks + change.blocks, bytes: before.bytes + change.bytes };
    await this.#compact(left);
  }

  async #change(change: (blocks: IDBObjectStore) => ReturnType<typeof putBlocks>): Promise<void> {
    const { left } = await this.#write(async (blocks) => {
      const changed = await change(blocks);
      await addToTotals(blocks, changed.change);
      return changed;
    });
    await this.#compact(left);
  }

  /** A pack that cannot be written anew, for want of space, stays as it is until others have lost blocks. */
  async #compact(left: ReadonlySet<number>): Promise<void> {
    if (left.size === 0) return;
    for (const pack of left) this.#toCompact.add(pack);
    for (const pack of this.#toCompact) {
      try {
        await this.#write((blocks) => compactPack(blocks, pack));
        this.#toCompact.delete(pack);
      } catch {
        return;
      }
    }
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
