// A visit without a browser: resolves a site, fetches all of it from other nodes, verifies, and counts what came from where (VS9).

import type { Cid } from '../shared/codec/cid.ts';
import type { Millis } from '../shared/core/brand.ts';
import type { Failure, Result } from '../shared/core/result.ts';
import type { Clock, Hasher, Verifier } from '../shared/platform/ports.ts';
import type { SiteId } from './local-url.ts';
import type { SiteNetwork } from './site-source-peers.ts';
import { cidCodec } from '../shared/codec/cid.ts';
import { decodeFileNode } from '../shared/content/file-node.ts';
import { fail, ok } from '../shared/core/result.ts';
import { BlockFetcher } from '../shared/node/block-fetcher.ts';
import { decodeManifest } from './manifest.ts';
import { SiteSource } from './site-source.ts';
import { connectSources } from './site-source-peers.ts';

/** Wants outlive the last source so long: a peer that comes back within is used. */
const PATIENCE: Millis = 10_000;

/** Every number is measured. `failed` counts blocks that came wrong and blocks that did not come. */
export type SiteVisit = {
  readonly files: number;
  readonly bytes: number;
  readonly bytesBySource: { readonly disk: number; readonly peer: number; readonly edge: number };
  readonly peers: number;
  readonly verified: number;
  readonly failed: number;
  readonly ms: number;
};

export type VisitOptions = {
  readonly group: Cid;
  readonly genesis: Uint8Array;
  readonly site: SiteId;
  readonly clock: Clock;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  readonly network: SiteNetwork;
};

/** As a first visitor: nothing is read from or written to a disk. Fails when record or manifest cannot be had or do not verify. */
export async function visitSite(options: VisitOptions): Promise<Result<SiteVisit, Failure>> {
  const { clock, hasher, network } = options;
  const started = clock.now();
  const source = new SiteSource({ ...options, memory: null });
  const record = await source.check();
  if (!record.ok) return record;
  const site = source.read(record.value);
  if (!site.ok) return site;
  const fetcher = new BlockFetcher({ clock, hasher, patience: PATIENCE });
  const disconnect = connectSources({ manifest: site.value.manifest, network, fetcher, clock });
  try {
    const fetched = await fetchEverything(fetcher, site.value.manifest);
    if (!fetched.ok) return fetched;
    const { bytes, sources, verified, refused } = fetcher.counters;
    return ok({
      files: fetched.value.files,
      bytes: bytes.peer + bytes.edge,
      bytesBySource: { disk: 0, ...bytes },
      peers: sources.size,
      verified,
      failed: refused.length + fetched.value.missing,
      ms: clock.now() - started,
    });
  } finally {
    disconnect();
    fetcher.abandon();
  }
}

/** Level by level down the trees of the files; only nodes are held, and only until the next level. */
async function fetchEverything(
  fetcher: BlockFetcher,
  cid: Cid,
): Promise<Result<{ files: number; missing: number }, Failure>> {
  const block = await fetcher.fetch({ cid }, true);
  if (!block) return fail('manifest_missing', `Nobody who is reachable now has this site (its manifest is ${cid}).`);
  const manifest = decodeManifest(block.bytes);
  if (!manifest.ok) return fail('bad_manifest', manifest.error.because);
  const seen = new Set<Cid>();
  let missing = 0;
  let level = new Map<Cid, number>();
  for (const { src, size } of manifest.value.resources.values()) level.set(src, size);
  while (level.size > 0) {
    const next = new Map<Cid, number>();
    for (const wanted of level.keys()) seen.add(wanted);
    const lacking = await fetcher.fetchAll(
      [...level].map(([wanted, size]) => (cidCodec(wanted) === 'raw' ? { cid: wanted, size } : { cid: wanted })),
      (arrived) => {
        if (cidCodec(arrived.cid) !== 'dag-pb') return;
        const node = decodeFileNode(arrived.bytes);
        if (!node.ok) missing += 1;
        else for (const link of node.value.links) if (!seen.has(link.cid)) next.set(link.cid, link.size);
      },
    );
    missing += lacking.length;
    level = next;
  }
  return ok({ files: manifest.value.resources.size, missing });
}
