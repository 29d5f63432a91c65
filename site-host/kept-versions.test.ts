// Which versions a device keeps: the newest two of each site, by when they were published, and whatever is on its way.

import { expect, test } from 'vitest';
import { createMemoryDisk } from '../test/simulator/memory-store.ts';
import type { Handle, SiteName } from '../shared/ledger/handle-grammar.ts';
import type { Job } from './publish-jobs.ts';
import { encodeUtf8 } from '../shared/codec/base.ts';
import { cidFromDigest, type Cid } from '../shared/codec/cid.ts';
import { sha256 } from '../shared/crypto/sha256.ts';
import { listKeptVersions } from './kept-versions.ts';
import { removeJobs, writeJob } from './publish-jobs.ts';

const cidOf = (text: string): Cid => cidFromDigest('dag-cbor', sha256(encodeUtf8(text)));

function jobOf(text: string, change: Partial<Job>): Job {
  const job = { id: text, handle: 'alice' as Handle, name: '' as SiteName, manifest: cidOf(text), files: 1, bytes: 1 };
  return { ...job, created: 1, state: 'ordered', copies: 0, ...change };
}

test('CT40: the newest two versions of each site are kept, by time and not by number, and jobs that have not failed', async () => {
  const store = createMemoryDisk().openStore();
  const named = [
    jobOf('old', { seq: 7, created: 10 }),
    jobOf('older lease', { seq: 8, created: 20 }),
    // Under a new lease numbers begin again.
    jobOf('before', { seq: 1, created: 30 }),
    jobOf('newest', { seq: 2, created: 40 }),
    jobOf('other site', { seq: 1, created: 5, name: 'notes' as SiteName }),
  ];
  for (const job of named) await writeJob(store, job);
  await removeJobs(
    store,
    named.map(({ id }) => id),
  );
  await writeJob(store, jobOf('stored', { state: 'stored' }));
  await writeJob(store, jobOf('failed', { state: 'failed', code: 'cancelled', because: 'It was cancelled.' }));
  const kept = ['stored', 'newest', 'before', 'other site'].map(cidOf);
  expect((await listKeptVersions(store)).toSorted()).toEqual(kept.toSorted());
});

test('CT40: a version shown again is one version, and the one before it stays', async () => {
  const store = createMemoryDisk().openStore();
  const shown = [
    ['first', 1],
    ['second', 2],
    ['second', 3],
  ] as const;
  for (const [text, seq] of shown) await writeJob(store, jobOf(text, { id: `${seq}`, seq, created: seq }));
  await removeJobs(store, ['1', '2', '3']);
  expect(await listKeptVersions(store)).toEqual([cidOf('second'), cidOf('first')]);
});
