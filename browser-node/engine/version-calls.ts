// The versions of own sites: which there were, and showing one of them again under a new number.

import type { SiteVersion, WeftApi } from '../api.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import type { Job } from '../../site-host/publish-jobs.ts';
import type { SiteId } from '../../site-host/local-url.ts';
import type { Manifest } from '../../site-host/manifest.ts';
import { parseCid } from '../../shared/codec/cid.ts';
import { PIN_SITE_BYTES_MAX } from '../../shared/core/limits.ts';
import { SITE } from '../../shared/ledger/records.ts';
import { BlockFetcher } from '../../shared/node/block-fetcher.ts';
import { siteUrl } from '../../site-host/local-url.ts';
import { fetchSite } from '../../site-host/site-blocks.ts';
import { loadVersions } from '../../site-host/version-records.ts';
import { orThrow, reject } from '../transport/failure-transfer.ts';
import { readCertified, requireWriter, type EngineContext } from './engine-context.ts';
import { readManifest } from './site-calls.ts';
import { readSiteId } from './site-text.ts';

/** Versions followed back by `prev`: each is a manifest that somebody has to have. */
const FOLLOWED_MAX = 20;

export function createVersionCalls(context: EngineContext): Pick<WeftApi['sites'], 'versions' | 'rollback'> {
  return {
    async versions(where) {
      return await listVersions(context, orThrow(readSiteId(where)));
    },

    async rollback({ manifest, seq, ...where }) {
      const site = orThrow(readSiteId(where));
      await requireWriter(context);
      const cid = manifest === undefined ? await findByNumber(context, site, seq) : orThrow(parseCid(manifest));
      const job = await context.keeper.during(async (blobs): Promise<Job> => {
        const { files, bytes } = await holdWhole({ ...context, blobs }, cid);
        return orThrow(await context.publisher.republish({ ...site, manifest: cid, files, bytes }));
      });
      return { url: siteUrl(site, context.sitesOrigin), manifest: cid, seq: job.seq ?? 0 };
    },
  };
}

async function listVersions(context: EngineContext, site: SiteId): Promise<SiteVersion[]> {
  const noted = await loadVersions(context.store, site);
  const record = await readCertified(context, SITE, site);
  // While nobody answers, what this device named last is what it knows to be shown.
  const current = record.ok ? record.value : (noted[0] ?? null);
  const known = noted
    // A number above the newest one is of a lease before, which counted for itself.
    .filter(({ seq }) => seq <= (current?.seq ?? 0))
    .map(({ seq, manifest, time, files, bytes }): SiteVersion => {
      return { seq, manifest, publishedAt: time, files, bytes, current: seq === current?.seq };
    });
  const start = current?.manifest ?? (known[0]?.manifest as Cid | undefined) ?? null;
  const elsewhere: SiteVersion[] = [];
  let at: Cid | null = start;
  for (let steps = 0; at !== null && steps < FOLLOWED_MAX; steps++) {
    const manifest: Manifest | null = await readManifest(context, at);
    if (!manifest) break;
    if (!known.some((one) => one.manifest === at)) {
      const isCurrent = at === current?.manifest;
      const { created: publishedAt, total: bytes, resources } = manifest;
      const seq = isCurrent ? current.seq : null;
      elsewhere.push({ seq, manifest: at, publishedAt, files: resources.size, bytes, current: isCurrent });
    }
    at = manifest.prev ?? null;
  }
  return [...known, ...elsewhere].toSorted(
    (a, b) => Number(b.current) - Number(a.current) || b.publishedAt - a.publishedAt,
  );
}

async function findByNumber({ store }: EngineContext, site: SiteId, seq: number | undefined): Promise<Cid> {
  const version = (await loadVersions(store, site)).find((one) => one.seq === seq);
  if (version) return version.manifest;
  return reject('not_found', 'This browser has published no such version: name it by its manifest.');
}

/** Every block of it on this disk, so that others can be given it; what is missing is fetched. */
async function holdWhole(
  { node, blobs, clock, hasher }: EngineContext,
  cid: Cid,
): Promise<{ files: number; bytes: number }> {
  const fetcher = new BlockFetcher({ clock, hasher });
  for (const source of await node.findSources(cid)) fetcher.addSource(source);
  const site = await fetchSite({ cid, blobs, hasher, fetcher, bytesMax: PIN_SITE_BYTES_MAX });
  fetcher.abandon();
  if (site.ok) return { files: site.value.manifest.resources.size, bytes: site.value.manifest.total };
  const { code, because } = site.error;
  return code === 'not_found'
    ? reject('version_gone', 'Nobody who is reachable has this version any more: publish its files again.')
    : reject(code, because);
}
