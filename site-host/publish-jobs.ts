// Publishes on their way, as they stand on disk: from `stored` on one survives a closed tab and is finished by the next node.

import type { Infer } from '../shared/codec/schema.ts';
import type { Store } from '../shared/platform/ports.ts';
import { decodeCanonical, encodeCanonical } from '../shared/codec/canonical.ts';
import { link, optional, struct, text, uint, words } from '../shared/codec/schema.ts';
import { assert } from '../shared/core/assert.ts';
import { handleSchema, siteNameSchema } from '../shared/ledger/records.ts';
import { noteVersion } from './version-records.ts';

const PREFIX = 'job/';
const RANGE_END = 'job0';
const JOB_BYTES_MAX = 4_096;
const FAILED_KEPT_MAX = 5;

/**
 * `stored`: every block is on disk here. `submitted`: its entry is too. `ordered`: the entry is final. `held`: another
 * node has every block. `failed`: it will not go on, `code` and `because` say why.
 */
const JOB_STATES = ['stored', 'submitted', 'ordered', 'held', 'failed'] as const;

const jobSchema = struct({
  id: text({ max: 32 }),
  handle: handleSchema,
  name: siteNameSchema,
  manifest: link(),
  files: uint({}),
  bytes: uint({}),
  /** Milliseconds since the Unix epoch. */
  created: uint({}),
  state: words(...JOB_STATES),
  entry: optional(link()),
  seq: optional(uint({})),
  height: optional(uint({})),
  /** Other nodes that said they hold it. */
  copies: uint({}),
  code: optional(text({ max: 64 })),
  because: optional(text({ max: 1_024 })),
});
export type Job = Infer<typeof jobSchema>;

export function isFinished({ state }: Job): boolean {
  return state === 'held' || state === 'failed';
}

/** Oldest first. */
export async function loadJobs(store: Store): Promise<Job[]> {
  const records = await store.range({ from: PREFIX, to: RANGE_END });
  const jobs = records.map(({ value }) => {
    const decoded = decodeCanonical(jobSchema, value, { max: JOB_BYTES_MAX });
    assert(decoded.ok, 'an own job decodes');
    return decoded.value;
  });
  return jobs.sort((a, b) => a.created - b.created);
}

/** In one write: a version that became final is in the list of versions from then on. */
export async function writeJob(store: Store, job: Job): Promise<void> {
  const put = [{ key: PREFIX + job.id, value: encodeCanonical(jobSchema, job) }];
  const { handle, name, manifest, files, bytes, created: time, seq } = job;
  if (job.state !== 'ordered' || seq === undefined) return await store.write({ put }, 'strict');
  const noted = await noteVersion(store, { handle, name }, { manifest, seq, time, files, bytes });
  await store.write({ put: [...put, ...(noted.put ?? [])], remove: noted.remove ?? [] }, 'strict');
}

/** Finished ones that need not be shown any more: of each site the newest version stays, and a few that failed. */
export function listForgotten(jobs: readonly Job[], newest: Job): string[] {
  const older = jobs.filter(
    (job) =>
      job.id !== newest.id &&
      job.handle === newest.handle &&
      job.name === newest.name &&
      (job.state === 'held' || (job.state === 'ordered' && (job.seq ?? 0) < (newest.seq ?? 0))),
  );
  const failed = jobs.filter(({ state }) => state === 'failed').slice(0, -FAILED_KEPT_MAX);
  return [...older, ...failed].map(({ id }) => id);
}

export async function removeJobs(store: Store, ids: readonly string[]): Promise<void> {
  await store.write({ remove: ids.map((id) => PREFIX + id) }, 'relaxed');
}

/** Versions of a site are named in the order in which they were stored: else an old one came back over a newer one. */
export function isBehindOlder({ id, handle, name }: Job, oldestFirst: readonly Job[]): boolean {
  const at = oldestFirst.findIndex((job) => job.id === id);
  return oldestFirst
    .slice(0, Math.max(at, 0))
    .some((job) => job.state === 'stored' && job.handle === handle && job.name === name);
}
