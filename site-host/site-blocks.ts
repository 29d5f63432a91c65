// All blocks of a site: which there are, which are missing here, and fetching those, level by level down its files' trees.

import type { Cid } from '../shared/codec/cid.ts';
import type { BlobStore, Hasher } from '../shared/platform/ports.ts';
import type { BlockFetcher, FetchedBlock } from '../shared/node/block-fetcher.ts';
import type { Manifest } from './manifest.ts';
import { cidCodec } from '../shared/codec/cid.ts';
import { verifyBlock } from '../shared/content/blob-verify.ts';
import { decodeFileNode } from '../shared/content/file-node.ts';
import { TREE_DEPTH_MAX } from '../shared/content/unixfs.ts';
import { fail, ok, type Failure, type Result } from '../shared/core/result.ts';
import { BlockBatch } from './block-batch.ts';
import { decodeManifest } from './manifest.ts';

/** Stored CIDs asked about at once. */
const LOOKUP_BATCH = 512;
/** Tree nodes of one level that are read from memory when they have just come: 4 MiB at most. */
const NODES_HELD_MAX = 64;

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
  /** Nothing of it can be on disk yet. */
  readonly isNew?: boolean;
  /** A verified block that is in memory already, so it need not come again; it is stored like the others. */
  readonly getHeld?: (cid: Cid) => Uint8Array | undefined;
  /** Each block that came, before it is on disk. */
  readonly onBlock?: (block: FetchedBlock) => void;
};

/**
 * Makes every block of a site present and on disk. What is here already is not fetched again; what comes is verified by
 * the fetcher. `not_found` names a block that nobody had.
 */
export async function fetchSite(fetch: SiteFetch): Promise<Result<FetchedSite, SiteBlocksFailure>> {
  const batch = new BlockBatch(fetch.blobs);
  const fetched = await fetchLevels(fetch, batch);
  await batch.flush();
  return fetched;
}

async function fetchLevels(fetch: SiteFetch, batch: BlockBatch): Promise<Result<FetchedSite, SiteBlocksFailure>> {
  const manifest = await fetchManifest(fetch, batch);
  if (!manifest.ok) return manifest;
  if (manifest.value.total > fetch.bytesMax) {
    return fail(
      'too_large',
      `The site has ${manifest.value.total} bytes, and at most ${fetch.bytesMax} are kept of one.`,
    );
  }
  const cids = new Set<Cid>([fetch.cid]);
  const sizes: Sizes = new Map();
  let level = promiseSizes(sizes, manifest.value.resources.values());
  let known = 1 + sizes.size;
  for (let depth = 0; level.ok && level.value.length > 0; depth++) {
    const nodesHeld: NodesHeld = new Map();
    const fetched = await fetchLevel(fetch, level.value, { sizes, cids, known, batch, nodesHeld });
    if (!fetched.ok) return fetched;
    for (const cid of level.value) cids.add(cid);
    const nodes = level.value.filter((cid) => cidCodec(cid) === 'dag-pb');
    if (nodes.length > 0 && depth === TREE_DEPTH_MAX)
      return fail('bad_block', `The tree above ${nodes[0]} is too deep.`);
    const links = await readLinks(fetch, nodes, { sizes, batch, nodesHeld });
    if (!links.ok) return links;
    level = promiseSizes(sizes, links.value);
    if (level.ok) level = ok(level.value.filter((cid) => !cids.has(cid)));
    known += level.ok ? level.value.length : 0;
  }
  if (!level.ok) return level;
  return ok({ manifest: manifest.value, cids: [...cids], bytes: manifest.value.total });
}

/** Bytes of the file below each CID, as whoever named it said. */
type Sizes = Map<Cid, number>;

/** Nodes of the level that has just come: the next level need not wait for the disk. */
type NodesHeld = Map<Cid, Uint8Array>;

/** One CID is one content, so it has one size: a site that gives two was made to be counted wrong. */
function promiseSizes(
  sizes: Sizes,
  named: Iterable<{ readonly src: Cid; readonly size: number }>,
): Result<Cid[], SiteBlocksFailure> {
  const cids = new Set<Cid>();
  for (const { src, size } of named) {
    if ((sizes.get(src) ?? size) !== size) return fail('bad_block', `The block ${src} is said to have two sizes.`);
    sizes.set(src, size);
    cids.add(src);
  }
  return ok([...cids]);
}

/** CT7 holds here too: without it a site of a few bytes by its manifest could fill the disk of everyone who keeps it. */
async function fetchLevel(
  fetch: SiteFetch,
  level: readonly Cid[],
  known: {
    readonly sizes: Sizes;
    readonly cids: ReadonlySet<Cid>;
    readonly known: number;
    readonly batch: BlockBatch;
    readonly nodesHeld: NodesHeld;
  },
): Promise<Result<undefined, SiteBlocksFailure>> {
  const { sizes, cids, batch, nodesHeld } = known;
  let arrived = 0;
  let wrong: Cid | undefined;
  const take = async (cid: Cid, bytes: Uint8Array): Promise<void> => {
    if (cidCodec(cid) === 'raw' && bytes.length !== sizes.get(cid)) wrong ??= cid;
    if (wrong !== undefined) return;
    if (cidCodec(cid) === 'dag-pb' && nodesHeld.size < NODES_HELD_MAX) nodesHeld.set(cid, bytes);
    await batch.add({ cid, bytes });
    fetch.onProgress?.({ blocks: cids.size + ++arrived, blocksKnown: known.known });
  };
  const absent: Cid[] = [];
  for (const cid of fetch.isNew ? level : await findMissing(fetch.blobs, level)) {
    const held = fetch.getHeld?.(cid);
    if (held) await take(cid, held);
    else absent.push(cid);
  }
  const unavailable = await fetch.fetcher.fetchAll(
    absent.map((cid) => ({ cid, ...(cidCodec(cid) === 'raw' ? sizeOf(sizes, cid) : {}) })),
    async (block) => {
      fetch.onBlock?.(block);
      await take(block.cid, block.bytes);
    },
  );
  if (wrong !== undefined) return fail('bad_block', `The block ${wrong} does not have the size that was promised.`);
  if (unavailable.length > 0) return fail('not_found', `Nobody reachable has the block ${unavailable[0]}.`);
  return ok(undefined);
}

async function fetchManifest(fetch: SiteFetch, batch: BlockBatch): Promise<Result<Manifest, SiteBlocksFailure>> {
  const { cid, blobs, hasher } = fetch;
  const stored = fetch.isNew ? undefined : await blobs.get(cid);
  const intact = stored && (await verifyBlock(cid, stored, hasher)) ? stored : undefined;
  const bytes = intact ?? fetch.getHeld?.(cid) ?? (await fetch.fetcher.fetch({ cid }, true))?.bytes;
  if (!bytes) return fail('not_found', `Nobody reachable has the manifest ${cid}.`);
  const manifest = decodeManifest(bytes);
  if (!manifest.ok) return fail('bad_manifest', manifest.error.because);
  if (!intact) await batch.add({ cid, bytes });
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
  nodes: readonly Cid[],
  { sizes, batch, nodesHeld }: { readonly sizes: Sizes; readonly batch: BlockBatch; readonly nodesHeld: NodesHeld },
): Promise<Result<{ src: Cid; size: number }[], SiteBlocksFailure>> {
  const links: { src: Cid; size: number }[] = [];
  if (nodes.some((cid) => !nodesHeld.has(cid))) await batch.flush();
  for (const cid of nodes) {
    const held = nodesHeld.get(cid);
    const bytes = held ?? (await blobs.get(cid));
    if (!bytes || (!held && !(await verifyBlock(cid, bytes, hasher))))
      return fail('bad_block', `The block ${cid} was changed on disk.`);
    const node = decodeFileNode(bytes);
    if (!node.ok) return fail('bad_block', `${cid}: ${node.error.because}`);
    if (node.value.size !== sizes.get(cid))
      return fail('bad_block', `The tree below ${cid} does not have the size that was promised.`);
    for (const link of node.value.links) links.push({ src: link.cid, size: link.size });
  }
  return ok(links);
}

function sizeOf(sizes: ReadonlyMap<Cid, number>, cid: Cid): { size?: number } {
  const size = sizes.get(cid);
  return size === undefined ? {} : { size };
}
