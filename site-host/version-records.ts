// The versions of a site that this device has published, as they stand on its disk: what a rollback can name (rule SI28).

import type { Cid } from '../shared/codec/cid.ts';
import type { Infer } from '../shared/codec/schema.ts';
import type { Store, StoreBatch } from '../shared/platform/ports.ts';
import type { SiteId } from './local-url.ts';
import { encodeCanonical } from '../shared/codec/canonical.ts';
import { link, struct, uint } from '../shared/codec/schema.ts';
import { readOwnRecord } from '../shared/node/own-record.ts';

const PREFIX = 'version/';
const RANGE_END = 'version0';
/** Of one site; older ones are still found by `prev`, while somebody has their manifests. */
export const VERSIONS_KEPT_MAX = 50;
const RECORD_BYTES_MAX = 1_024;
/** Numbers as keys, in their order. */
const SEQ_DIGITS = 16;

const versionSchema = struct({
  manifest: link(),
  seq: uint({ min: 1 }),
  /** When it was published, in ms since 1970 by this device's clock. */
  time: uint(),
  files: uint(),
  bytes: uint(),
});
export type VersionRecord = Infer<typeof versionSchema>;

/** The newest first. */
export async function loadVersions(store: Store, site: SiteId): Promise<VersionRecord[]> {
  const { from, to } = rangeOf(site);
  const records = await store.range({ from, to, reverse: true });
  return records.map(({ value }) => readOwnRecord(versionSchema, value, RECORD_BYTES_MAX));
}

/** What has to be written, with whatever made it final, so that it is in the list; the oldest make room. */
export async function noteVersion(store: Store, site: SiteId, version: VersionRecord): Promise<StoreBatch> {
  const { from, to } = rangeOf(site);
  const known = await store.range({ from, to });
  const key = from + String(version.seq).padStart(SEQ_DIGITS, '0');
  const others = known.map((record) => record.key).filter((other) => other !== key);
  return {
    put: [{ key, value: encodeCanonical(versionSchema, version) }],
    remove: others.slice(0, Math.max(0, others.length + 1 - VERSIONS_KEPT_MAX)),
  };
}

/** The newest manifest that this device has named there. */
export async function newestVersion(store: Store, site: SiteId): Promise<Cid | undefined> {
  const [newest] = await loadVersions(store, site);
  return newest?.manifest;
}

/** Of every site the manifests that this device has named last, `count` different ones at most. */
export async function loadNewestVersions(store: Store, count: number): Promise<Cid[]> {
  const records = await store.range({ from: PREFIX, to: RANGE_END });
  const sites = Map.groupBy(records, ({ key }) => key.slice(0, -SEQ_DIGITS));
  return [...sites.values()].flatMap((site) => {
    const versions = site.map(({ value }) => readOwnRecord(versionSchema, value, RECORD_BYTES_MAX));
    // Not by their numbers: those begin again under a new lease.
    const newest = versions.toSorted((a, b) => b.time - a.time).map(({ manifest }) => manifest);
    return [...new Set(newest)].slice(0, count);
  });
}

function rangeOf({ handle, name }: SiteId): { from: string; to: string } {
  const place = `${PREFIX}${handle}/${name}`;
  // `0` follows `/`.
  return { from: `${place}/`, to: `${place}0` };
}
