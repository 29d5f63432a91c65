// From a site's name to its verified manifest (ED30–ED32): record, lease, manifest; each checked before the next is asked for.

import type { Failure, Result } from '../../shared/core/result.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import type { SiteCode } from '../../shared/light-client/site-record.ts';
import type { Handle, SiteName } from '../../shared/ledger/handle-grammar.ts';
import type { Manifest } from '../../site-host/manifest.ts';
import type { Edge } from '../edge.ts';
import type { EdgeMetrics } from '../metrics.ts';
import type { BlockSource } from './block-source.ts';
import type { ByteCache } from './byte-cache.ts';
import type { RecordFailure, RecordOrigin, Records } from './records.ts';
import type { SiteDirectories } from './site-directories.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { resolveSite, siteKeys } from '../../shared/light-client/site-record.ts';
import { decodeManifest } from '../../site-host/manifest.ts';
import { createBlockSource } from './block-source.ts';

/** Encoded bytes of the manifests that are kept decoded, in all. */
const MANIFEST_MEMORY_BYTES_MAX = 16 * 1024 * 1024;

/** Files of a site whose directory is made when it is visited: in about 20 ms. That of a larger one waits until an IPFS tool asks. */
const DIRECTORY_FILES_MAX = 2_000;

export type OpenSite = {
  readonly manifest: Manifest;
  readonly manifestCid: Cid;
  readonly blocks: BlockSource;
  readonly recordOrigin: RecordOrigin;
};

export type SiteFailure = Failure<SiteCode | RecordFailure['code'] | 'manifest_missing' | 'manifest_invalid'>;

export type SiteReader = {
  open(site: { readonly handle: Handle; readonly name: SiteName }): Promise<Result<OpenSite, SiteFailure>>;
  /** One version by its manifest, whoever published it: it proves itself. */
  openVersion(manifestCid: Cid): Promise<Result<OpenVersion, SiteFailure>>;
};

export type OpenVersion = Omit<OpenSite, 'recordOrigin'>;

type Shared = {
  readonly edge: Edge;
  readonly memory: ByteCache;
  readonly metrics: EdgeMetrics;
  readonly records: Records;
  readonly directories: SiteDirectories;
};

export function createSiteReader(shared: Shared): SiteReader {
  const { edge, records, directories } = shared;
  const manifests = new Map<Cid, { readonly manifest: Manifest; readonly size: number }>();
  let manifestBytes = 0;

  async function readManifest(cid: Cid, blocks: BlockSource): Promise<Result<Manifest, SiteFailure>> {
    const known = manifests.get(cid);
    if (known) {
      manifests.delete(cid);
      manifests.set(cid, known);
      return ok(known.manifest);
    }
    const bytes = await blocks.getBlock(cid, 0);
    if (!bytes) return fail('manifest_missing', 'Nobody who holds this site is online now: try again later.');
    const manifest = decodeManifest(bytes);
    if (!manifest.ok) return fail('manifest_invalid', manifest.error.because);
    remember(cid, { manifest: manifest.value, size: bytes.length });
    if (manifest.value.resources.size <= DIRECTORY_FILES_MAX) edge.later(directories.learn(cid, manifest.value));
    return manifest;
  }

  async function openVersion(manifestCid: Cid): Promise<Result<OpenVersion, SiteFailure>> {
    const blocks = createBlockSource(shared, manifestCid);
    const manifest = await readManifest(manifestCid, blocks);
    return manifest.ok ? ok({ manifest: manifest.value, manifestCid, blocks }) : manifest;
  }

  function remember(cid: Cid, kept: { manifest: Manifest; size: number }): void {
    // Two visitors may have read it at once: counted twice, it would take the place of others for ever.
    manifestBytes -= manifests.get(cid)?.size ?? 0;
    manifests.set(cid, kept);
    manifestBytes += kept.size;
    for (const [oldest, { size }] of manifests) {
      if (manifestBytes <= MANIFEST_MEMORY_BYTES_MAX) break;
      manifests.delete(oldest);
      manifestBytes -= size;
    }
  }

  return {
    async open(site) {
      const record = await records.read(siteKeys(site)[0]);
      if (!record.ok) return record;
      const resolved = resolveSite(record.value.resolved, edge.now());
      if (!resolved.ok) return resolved;
      const version = await openVersion(resolved.value.manifest);
      return version.ok ? ok({ ...version.value, recordOrigin: record.value.origin }) : version;
    },
    openVersion,
  };
}
