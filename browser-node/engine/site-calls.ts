// The calls on sites: publishing from this browser, what it has published, and looking at sites as a visitor would.

import type { OwnSite, PublishedSite, PublishJob, WeftApi } from '../api.ts';
import type { EngineApi } from '../transport/engine-api.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import type { Site } from '../../shared/ledger/records.ts';
import type { SiteId } from '../../site-host/local-url.ts';
import type { Job } from '../../site-host/publish-jobs.ts';
import type { PublisherProgress } from '../../site-host/publish-progress.ts';
import type { SiteFile } from '../../site-host/bundle.ts';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { needPart } from '../../shared/core/late-part.ts';
import { verifyBlock } from '../../shared/content/blob-verify.ts';
import { HANDLE, OWNERSHIP, SITE } from '../../shared/ledger/records.ts';
import { judgeFreshness, resolveSite, siteKeys } from '../../shared/light-client/site-record.ts';
import { BlockFetcher } from '../../shared/node/block-fetcher.ts';
import { siteUrl } from '../../site-host/local-url.ts';
import { decodeManifest, type Manifest } from '../../site-host/manifest.ts';
import { visitSite } from '../../site-host/visit-site.ts';
import { orThrow, reject } from '../transport/failure-transfer.ts';
import { readCertified, requireWriter, withinNetworkWait, type EngineContext } from './engine-context.ts';
import { JobWatch } from './job-watch.ts';
import { readSite, readSiteId } from './site-text.ts';

/** Whoever holds a site says so at once; nobody waits for those who do not. */
const COPIES_WAIT = 1_000;

export type SiteCalls = Omit<WeftApi['sites'], 'versions' | 'rollback'> & Pick<EngineApi, 'followPublish'>;

export function createSiteCalls(context: EngineContext, watch: JobWatch): SiteCalls {
  const { publisher, keeper, node, clock, sitesOrigin, edge, hasher, verifier, entry } = context;
  const published = (job: Job): PublishedSite => ({
    url: siteUrl(job, sitesOrigin),
    manifest: job.manifest,
    seq: job.seq ?? 0,
  });

  return {
    async publish({ files, ...where }, onProgress) {
      const site = orThrow(readSiteId(where));
      await requireWriter(context);
      const task = {
        ...site,
        files: files.map(readFileBody),
        ...(onProgress && { onProgress: (progress: PublisherProgress) => onProgress(progress) }),
      };
      return await keeper.during(async (blobs) => published(orThrow(await publisher.publish({ ...task, blobs }))));
    },

    async followPublish({ since, ...where }, onProgress) {
      const site = orThrow(readSiteId(where));
      const job = publisher.jobs.findLast((one) => isSame(one, site) && one.created >= since);
      return job ? published(orThrow(await watch.untilEnd(job.id, onProgress))) : null;
    },

    async cancel(id) {
      orThrow(await publisher.cancel(id));
    },

    async jobs() {
      return publisher.jobs.map(describeJob);
    },

    mine: () => listOwnSites(context),

    async resolve(text) {
      const site = orThrow(readSite(text, sitesOrigin.suffix));
      const resolved = orThrow(await node.resolve(siteKeys(site)[0]));
      const found = orThrow(resolveSite(resolved, clock.now()));
      const { manifest, seq, owner, generation, lease: leaseUntil } = found;
      const freshness = judgeFreshness(resolved, clock.now()).age;
      return { ...site, owner, manifest, seq, generation, leaseUntil, height: resolved.height, freshness };
    },

    async unpublish(where) {
      const site = orThrow(readSiteId(where));
      const { member } = await requireWriter(context);
      orThrow(await withinNetworkWait(context, member.unpublish(site)));
      context.mark('sites');
    },

    async exportCar(where) {
      const site = orThrow(readSiteId(where));
      const { manifest: cid } = orThrow(resolveSite(orThrow(await node.resolve(siteKeys(site)[0])), clock.now()));
      const manifest = await readManifest(context, cid);
      if (!manifest) return reject('manifest_missing', 'Nobody who is reachable now has this site: try again later.');
      // Few export: what it takes is loaded when somebody does.
      const { exportSiteCar } = await needPart(() => import('./site-export.ts'));
      return await exportSiteCar(context, { cid, manifest });
    },

    async visit(text) {
      const site = orThrow(readSite(text, sitesOrigin.suffix));
      const network = { edge, room: node.room, reads: node.reads };
      const { group, genesis } = entry;
      return orThrow(await visitSite({ group, genesis, site, clock, hasher, verifier, network }));
    },
  };
}

function readFileBody({ path, body }: { path: string; body: Blob | Uint8Array | string }): SiteFile {
  if (typeof body === 'string') return { path, body: encodeUtf8(body) };
  if (body instanceof Uint8Array || body instanceof Blob) return { path, body };
  return reject('bad_file', `The body of ${path} is neither a Blob, nor bytes, nor text.`);
}

export function describeJob({
  id,
  handle,
  name,
  manifest,
  files,
  bytes,
  state,
  copies,
  code,
  because,
}: Job): PublishJob {
  const failure = code === undefined ? {} : { failure: { code, message: because ?? code } };
  return { id, handle, name, manifest, files, bytes, state, copies, ...failure };
}

function isSame(a: SiteId, b: SiteId): boolean {
  return a.handle === b.handle && a.name === b.name;
}

/** What the commons says is published under own handles; while nobody answers, what was published from here. */
async function listOwnSites(context: EngineContext): Promise<readonly OwnSite[]> {
  const identity = context.wallet.about?.identity;
  if (!identity) return [];
  const owned = await readCertified(context, OWNERSHIP, identity);
  if (!owned.ok) return listFromJobs(context);
  const sites = await Promise.all(
    (owned.value?.handles ?? []).map(async (handle): Promise<OwnSite[]> => {
      const lease = orThrow(await readCertified(context, HANDLE, handle));
      // `sites` lists the names in use; the default site may be among them or not be published.
      const names = new Set(lease?.sites ?? []);
      const found = [...names].map(async (name) => {
        const record = orThrow(await readCertified(context, SITE, { handle, name }));
        return record?.manifest ? [await describeOwn(context, { handle, name }, record)] : [];
      });
      return (await Promise.all(found)).flat();
    }),
  );
  return sites.flat();
}

function listFromJobs({ publisher, sitesOrigin }: EngineContext): OwnSite[] {
  const finals = publisher.jobs.filter(({ state }) => state === 'ordered' || state === 'held');
  const newest = new Map(finals.map((job) => [siteUrl(job, sitesOrigin), job]));
  return [...newest].map(([url, { handle, name, manifest, seq = 0, files, bytes, copies, created }]) => {
    return { handle, name, url, manifest, seq, files, bytes, copies, publishedAt: created };
  });
}

async function describeOwn(context: EngineContext, site: SiteId, { manifest: cid, seq }: Site): Promise<OwnSite> {
  const manifest = await readManifest(context, cid!);
  const job = context.publisher.jobs.find((one) => one.manifest === cid);
  return {
    ...site,
    url: siteUrl(site, context.sitesOrigin),
    manifest: cid!,
    seq,
    files: manifest?.resources.size ?? 0,
    bytes: manifest?.total ?? 0,
    copies: job ? job.copies : await countCopies(context, cid!),
    publishedAt: manifest?.created ?? 0,
  };
}

/** Published from another device: the nodes of the room that say now that they have it; 0 while nobody can be asked. */
async function countCopies({ node: { room } }: EngineContext, manifest: Cid): Promise<number> {
  if (!room.online) return 0;
  const found = await room.find(manifest, COPIES_WAIT);
  return found.filter((peer) => peer !== room.you).length;
}

/** From the disk, or (after a restore) from whoever has it; null where nobody does. */
export async function readManifest({ blobs, node, clock, hasher }: EngineContext, cid: Cid): Promise<Manifest | null> {
  const held = await blobs.get(cid);
  if (held && (await verifyBlock(cid, held, hasher))) return parsed(held);
  const fetcher = new BlockFetcher({ clock, hasher });
  for (const source of await node.findSources(cid)) fetcher.addSource(source);
  const fetched = await fetcher.fetch({ cid }, true);
  fetcher.abandon();
  if (!fetched) return null;
  await blobs.putMany([fetched]);
  return parsed(fetched.bytes);
}

function parsed(bytes: Uint8Array): Manifest | null {
  const manifest = decodeManifest(bytes);
  return manifest.ok ? manifest.value : null;
}
