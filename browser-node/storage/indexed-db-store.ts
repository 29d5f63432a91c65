// The Store port over IndexedDB: records of the `records` place, atomic batches, fenced by the database.

import type { Store, StorePut } from '../../shared/platform/ports.ts';
import { compactBytes, type WeftDatabase } from './weft-database.ts';

type Bounds = Parameters<Store['range']>[0];

/** Closing the store closes the database. */
export function createIndexedDbStore(database: WeftDatabase): Store {
  return {
    async get(key) {
      return await database.read<Uint8Array | undefined>('records', (records) => records.get(key));
    },
    async range(bounds) {
      const { from, to, limit } = bounds;
      if (from >= to || limit === 0) {
        // An empty answer, unless the store is closed.
        await database.read('records', (records) => records.count(from));
        return [];
      }
      return await database.readAll<StorePut[]>('records', (records, done) => {
        if (bounds.reverse === true) readBackwards(records, bounds, done);
        else readForwards(records, bounds, done);
      });
    },
    async write({ put = [], remove = [] }, durability) {
      await database.write('records', durability, (records) => {
        for (const key of remove) records.delete(key);
        for (const { key, value } of put) records.put(compactBytes(value), key);
      });
    },
    async close() {
      database.close();
    },
  };
}

function rangeOf({ from, to }: Bounds): IDBKeyRange {
  return IDBKeyRange.bound(from, to, false, true);
}

/** Two requests for all of it, which is far faster than a cursor; they see the same transaction. */
function readForwards(records: IDBObjectStore, bounds: Bounds, done: (result: StorePut[]) => void): void {
  const keys = records.getAllKeys(rangeOf(bounds), bounds.limit);
  const values: IDBRequest<Uint8Array[]> = records.getAll(rangeOf(bounds), bounds.limit);
  values.addEventListener('success', () =>
    done(values.result.map((value, at) => ({ key: keys.result[at] as string, value }))),
  );
}

function readBackwards(records: IDBObjectStore, bounds: Bounds, done: (result: StorePut[]) => void): void {
  const { limit = Infinity } = bounds;
  const found: StorePut[] = [];
  const request = records.openCursor(rangeOf(bounds), 'prev');
  request.addEventListener('success', () => {
    const cursor = request.result;
    if (cursor === null || found.length >= limit) return done(found);
    found.push({ key: cursor.key as string, value: cursor.value as Uint8Array });
    cursor.continue();
  });
}
