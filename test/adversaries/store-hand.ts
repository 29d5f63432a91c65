// A hand in a site's IndexedDB, as any script of the origin has it: removes what the service worker keeps, or flips bits in it.

import type { Page } from 'playwright-core';
import { SITE_DATABASE } from '../../browser-node/service-worker/site-storage.ts';

export type StoreFlip = { readonly key: string; readonly at: number; readonly bit: number };

export type StoreSeen = {
  /** Bytes under each key that holds bytes: blocks by CID, `record` and `notes` beside them. */
  readonly sizes: ReadonlyMap<string, number>;
  /** The resolution that was remembered. */
  readonly record: Uint8Array;
};

/** Removes all but `keepOnly`, flips the rest, and returns what was there before. The worker must be stopped, or it goes on with what it remembers and writes it again. */
export async function touchStore(
  page: Page,
  touch: { keepOnly?: readonly string[]; flips?: readonly StoreFlip[] },
): Promise<StoreSeen> {
  const { keepOnly = null, flips = [] } = touch;
  const seen = await page.evaluate(
    ({ database, kept, places }) =>
      new Promise<{ sizes: [string, number][]; record: number[] }>((resolve, reject) => {
        const sizes: [string, number][] = [];
        let record: number[] = [];
        const opening = indexedDB.open(database);
        const fail = () => reject(opening.error ?? new Error('the store cannot be used'));
        opening.onerror = fail;
        opening.onsuccess = () => {
          const change = opening.result.transaction('blocks', 'readwrite');
          const blocks = change.objectStore('blocks');
          const reading = blocks.openCursor();
          reading.onsuccess = () => {
            const at = reading.result;
            const bytes: unknown = at?.value;
            if (at && bytes instanceof Uint8Array) {
              const key = at.key as string;
              sizes.push([key, bytes.length]);
              if (key === 'record') record = [...bytes];
              const here = places.filter((place) => place.key === key);
              for (const place of here) bytes[place.at]! ^= 1 << place.bit;
              if (here.length > 0) at.update(bytes);
            }
            if (at && kept && !kept.includes(at.key as string)) at.delete();
            at?.continue();
          };
          change.onabort = fail;
          change.oncomplete = () => {
            opening.result.close();
            resolve({ sizes, record });
          };
        };
      }),
    { database: SITE_DATABASE, kept: keepOnly, places: flips },
  );
  return { sizes: new Map(seen.sizes), record: Uint8Array.from(seen.record) };
}
