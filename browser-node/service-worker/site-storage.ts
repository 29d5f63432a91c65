// What a site's service worker keeps: blocks by CID and two records beside them, in one database of the site's origin (VS8).

import type { BlobStore } from '../../shared/platform/ports.ts';
import type { RecordMemory } from '../../site-host/site-source.ts';
import { createBlockPlace, createIdbBlobStore } from '../storage/idb-blob-store.ts';

/** Never wiped with the rest of the origin: what is in it is verified whenever it is read. */
export const SITE_DATABASE = 'weft-site';

export type SiteStorage = { readonly blobs: BlobStore; readonly record: RecordMemory; readonly notes: RecordMemory };

export function createSiteStorage(): SiteStorage {
  const blobs = createIdbBlobStore(createBlockPlace(SITE_DATABASE, true));
  // No CID looks like the names of these.
  const place = (key: string): RecordMemory => ({
    load: () => blobs.get(key).catch(() => undefined),
    save: (bytes) => blobs.putMany([{ cid: key, bytes }]),
  });
  return { blobs, record: place('record'), notes: place('notes') };
}
