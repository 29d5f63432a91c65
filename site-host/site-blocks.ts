// All blocks of a site: which there are, which are missing here, and fetching those, level by level down its files' trees.

import type { Cid } from '../shared/codec/cid.ts';
import type { BlobStore, Hasher } from '../shared/platform/ports.ts';
import type { BlockFetcher } from '../shared/node/block-fetcher.ts';
import type { Manifest } from './manifest.ts';
import { cidCodec } from '../shared/codec/cid.ts';
import { verifyBlock } from '../shared/content/blob-verify.ts';
import { decodeFileNode } from '../shared/content/file-node.ts';
import { fail, ok, type Failure, type Result } from '../shared/core/result.ts';
import { BlockBatch } from './block-batch.ts';
import { decodeManifest } from './manifest.ts';

/** Stored CIDs asked about at once. */
const LOOKUP_BATCH = 512;

export type SiteBlocksFailure = Failure<'too_large' | 'not_found' | 'bad_manifest' | 'bad_block'>;

export type FetchedSite = {
  readonly manifest: Manifest;
  /** Every block of the site, its manifest first. */
  readonly cids: readonly Cid[];
  readonly bytes: number;
};

export type SiteFetch = {
  readonly cid: Cid;
  readonly blobs: BlobStore;
  readonly hasher: Hasher;
  readonly fetcher: BlockFetcher;
  /** Sites larger than this are refused before a file is fetched. */
  readonly bytesMax: number;
  readonly onProgress?: (progress: { readonly blocks: number; readonly blocksKnown: number }) => void;
};

/**
 * Makes every block of a site present and on disk. What is here already is not fetched again; what comes is verified by
 * the fetcher. `not_found` names a block that nobody had.
 */
export async function fetchSite(fetch: SiteFetch): Promise<Result<FetchedSite, SiteBlocksFailure>> {
  const manifest = await fetchManifest(fetch);
  if (!manifest.ok) return manifest;
  if (manifest.value.total > fetch.bytesMax) {
    return fail(
      'too_large',
      `The site has ${manifest.value.total} bytes, and at most ${fetch.bytesMax} are kept of one.`,
    );
  }
  const cids = new Set<Cid>([fetch.cid]);
  const sizes = new Map([...manifest.value.resources.values()].map(({ src, size }) => [src, size]));
  let level = [...sizes.keys()];
  let known = 1 + level.length;
  while (level.length > 0) {
    const batch = new BlockBatch(fetch.blobs);
    const missing = await findMissing(fetch.blobs, level);
    let arrived = 0;
    const unavailable = await fetch.fetcher.fetchAll(
      missing.map((cid) => ({ cid, ...(cidCodec(cid) === 'raw' ? sizeOf(sizes, cid) : {}) })),
      async ({ cid, bytes }) => {
        await batch.add({ cid, bytes });
        fetch.onProgress?.({ blocks: cids.size + ++arrived, blocksKnown: known });
      },
    );
    await batch.flush();
    if (unavailable.length > 0) return fail('not_found', `Nobody reachable has the block ${unavailable[0]}.`);
    for (const cid of level) cids.add(cid);
    const next = await readLinks(fetch, level);
    if (!next.ok) return next;
    level = [...next.value.keys()].filter((cid) => !cids.has(cid));
    for (const [cid, size] of next.value) sizes.set(cid, size);
    known += level.length;
  }
  return ok({ manifest: manifest.value, cids: [...cids], bytes: manifest.value.total });
}

async function fetchManifest(fetch: SiteFetch): Promise<Result<Manifest, SiteBlocksFailure>> {
  const { cid, blobs, hasher } = fetch;
  const stored = await blobs.get(cid);
  const intact = stored && (await verifyBlock(cid, stored, hasher)) ? stored : undefined;
  const bytes = intact ?? (await fetch.fetcher.fetch({ cid }, true))?.bytes;
  if (!bytes) return fail('not_found', `Nobody reachable has the manifest ${cid}.`);
  const manifest = decodeManifest(bytes);
  if (!manifest.ok) return fail('bad_manifest', manifest.error.because);
  if (!intact) await blobs.putMany([{ cid, bytes }]);
  return manifest;
}

async function findMissing(blobs: BlobStore, cids: readonly Cid[]): Promise<Cid[]> {
  const missing: Cid[] = [];
  for (let at = 0; at < cids.length; at += LOOKUP_BATCH) {
    const batch = cids.slice(at, at + LOOKUP_BATCH);
    const held = await blobs.has(batch);
    missing.push(...batch.filter((_, i) => !held[i]));
  }
  return missing;
}

/** What the tree nodes of a level link to, with sizes. */
async function readLinks(
  { blobs, hasher }: SiteFetch,
  level: readonly Cid[],
): Promise<Result<Map<Cid, number>, SiteBlocksFailure>> {
  const nodes = level.filter((cid) => cidCodec(cid) === 'dag-pb');
  const links = new Map<Cid, number>();
  for (const cid of nodes) {
    const bytes = await blobs.get(cid);
    if (!bytes || !(await verifyBlock(cid, bytes, hasher)))
      return fail('bad_block', `The block ${cid} was changed on disk.`);
    const node = decodeFileNode(bytes);
    if (!node.ok) return fail('bad_block', `${cid}: ${node.error.because}`);
    for (const link of node.value.links) links.set(link.cid, link.size);
  }
  return ok(links);
}

function sizeOf(sizes: ReadonlyMap<Cid, number>, cid: Cid): { size?: number } {
  const size = sizes.get(cid);
  return size === undefined ? {} : { size };
}
