// Puts the files of a site on this device's disk: of a version that follows another only what is new is written (rule SI29).

import type { Cid } from '../shared/codec/cid.ts';
import type { Block } from '../shared/content/unixfs.ts';
import type { BlobStore, Clock, Hasher } from '../shared/platform/ports.ts';
import type { BundleFailure, BundleProgress, SiteBundle, SiteFile } from './bundle.ts';
import { ok, type Result } from '../shared/core/result.ts';
import { bundleSite } from './bundle.ts';

export type SiteToStore = {
  readonly files: readonly SiteFile[];
  /** The version before: its blocks are likely to be here. */
  readonly prev: Cid | undefined;
  readonly onProgress: ((progress: BundleProgress) => void) | undefined;
  /** Throws to stop. */
  readonly checkWanted: () => void;
};

/** `written`: bytes of blocks that were not here before, the manifest's among them. */
export type StoredSite = { readonly bundle: SiteBundle; readonly written: number };

export async function storeSite(
  disk: { readonly blobs: BlobStore; readonly clock: Clock; readonly hasher: Hasher },
  site: SiteToStore,
): Promise<Result<StoredSite, BundleFailure>> {
  if (site.prev !== undefined) {
    const delta = await storeOnce(disk, site, true);
    if (!delta.ok) return delta;
    if (!delta.value.isTorn) return ok(delta.value);
    // Something made room meanwhile: then all of it is written.
  }
  return await storeOnce(disk, site, false);
}

async function storeOnce(
  { blobs, clock, hasher }: Parameters<typeof storeSite>[0],
  { files, prev, onProgress, checkWanted }: SiteToStore,
  isDelta: boolean,
): Promise<Result<StoredSite & { readonly isTorn: boolean }, BundleFailure>> {
  const reused: Cid[] = [];
  let written = 0;
  const putBlocks = async (blocks: readonly Block[]): Promise<void> => {
    checkWanted();
    const held = isDelta ? await blobs.has(blocks.map(({ cid }) => cid)) : [];
    const fresh = blocks.filter(({ cid }, at) => {
      if (held[at]) reused.push(cid);
      return !held[at];
    });
    if (fresh.length > 0) await blobs.putMany(fresh);
    written += fresh.reduce((sum, { bytes }) => sum + bytes.length, 0);
  };
  const bundle = await bundleSite({
    files,
    now: clock.now(),
    hasher,
    putBlocks,
    ...(prev === undefined ? {} : { prev }),
    ...(onProgress && { onProgress }),
  });
  if (!bundle.ok) return bundle;
  const still = await blobs.has(reused);
  return ok({ bundle: bundle.value, written, isTorn: still.includes(false) });
}
