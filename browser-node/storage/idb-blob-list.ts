// The ListedBlobStore port over IndexedDB: the blocks of a node, which has to know what it holds, and to remove some of it when
// the disk is full.

import { promisifyRequest } from 'idb-keyval';
import { StoreError, type ListedBlobStore } from '../../shared/platform/ports.ts';
import { createIdbBlobStore, guard, TOTALS_KEY, type BlockPlace, type Totals } from './idb-blob-store.ts';
import { committed } from './weft-database.ts';

/** Every call rejects with StoreError. */
export function createListedIdbBlobStore(place: BlockPlace): ListedBlobStore {
  return new ListedIdbBlobStore(place);
}

/**
 * A full disk takes no write at all, not even new totals; only a transaction that does nothing but delete goes through. So
 * where totals cannot be written with a removal they are deleted with it, and written, before any block is, when there is
 * room again. Only a run that ends before that has to count.
 */
class ListedIdbBlobStore implements ListedBlobStore {
  readonly #place: BlockPlace;
  readonly #store: ReturnType<typeof createIdbBlobStore>;
  /** The totals that are not on disk: `null` when they are; undefined until somebody has looked. */
  #unwritten: Totals | null | undefined;
  /** Changes run one after another: each needs the totals of the one before. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(place: BlockPlace) {
    this.#place = place;
    this.#store = createIdbBlobStore(place);
  }

  get(cid: string): Promise<Uint8Array | undefined> {
    return this.#store.get(cid);
  }

  getMany(cids: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return this.#store.getMany(cids);
  }

  has(cids: readonly string[]): Promise<boolean[]> {
    return this.#store.has(cids);
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

  putMany(blocks: readonly { cid: string; bytes: Uint8Array }[]): Promise<void> {
    return this.#inTurn(async () => {
      await this.#writeTotals();
      await this.#store.putMany(blocks);
    });
  }

  remove(cids: readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      try {
        await this.#writeTotals();
        await this.#store.remove(cids);
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'quota_exceeded') throw error;
        await this.#removeOnly(cids);
      }
    });
  }

  stats(): Promise<Totals> {
    return this.#inTurn(async () => (await this.#look()) ?? (await this.#store.stats()));
  }

  async #look(): Promise<Totals | null> {
    if (this.#unwritten === undefined) this.#unwritten = await guard(() => this.#place('readonly', countUnlessTold));
    return this.#unwritten;
  }

  async #writeTotals(): Promise<void> {
    const totals = await this.#look();
    if (totals === null) return;
    await guard(() =>
      this.#place('readwrite', (blocks) => {
        blocks.put(totals, TOTALS_KEY);
        return committed(blocks.transaction);
      }),
    );
    this.#unwritten = null;
  }

  async #removeOnly(cids: readonly string[]): Promise<void> {
    const before = (await this.#look()) ?? (await this.#store.stats());
    const left = { ...before };
    await guard(() =>
      this.#place('readwrite', (blocks) => {
        for (const cid of new Set(cids)) {
          const held: IDBRequest<Uint8Array | undefined> = blocks.get(cid);
          held.addEventListener('success', () => {
            if (held.result === undefined) return;
            left.blocks -= 1;
            left.bytes -= held.result.length;
            blocks.delete(cid);
          });
        }
        blocks.delete(TOTALS_KEY);
        return committed(blocks.transaction);
      }),
    );
    this.#unwritten = left;
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
      totals.bytes += (cursor.result.value as Uint8Array).length;
      cursor.result.continue();
    };
  });
}
