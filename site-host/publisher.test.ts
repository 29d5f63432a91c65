// A publish through kills, locks and cancels: it finishes once, under one number, and a person always hears how it ended.

import { describe, expect, test } from 'vitest';
import { createMemoryMesh, type MemoryMesh, type MemoryTab } from '../test/simulator/memory-mesh.ts';
import { createMemoryDisk, type MemoryDisk } from '../test/simulator/memory-store.ts';
import { createSimulatedClock } from '../test/simulator/simulated-clock.ts';
import { silentLog } from '../test/simulator/silent-log.ts';
import { encodeUtf8 } from '../shared/codec/base.ts';
import { assert } from '../shared/core/assert.ts';
import type { Handle, SiteName } from '../shared/ledger/handle-grammar.ts';
import { resolveSite } from '../shared/light-client/site-record.ts';
import type { AttachedAccount } from '../shared/node/light-node.ts';
import { OWN_PENDING_PREFIX } from '../shared/node/outbox-records.ts';
import { StoreError, type StoreBatch } from '../shared/platform/ports.ts';
import { createWebHasher, createWebRandom } from '../shared/platform/web/web-crypto.ts';
import type { PublisherProgress } from './publish-progress.ts';
import { Publisher } from './publisher.ts';

const alice = 'alice' as Handle;
const root = '' as SiteName;
const page = (text: string) => [{ path: 'index.html', body: encodeUtf8(text) }];
const forever = (): Promise<never> => new Promise(() => {});

/**
 * A disk whose process is killed at a strict write: that one and all later ones never end, and those before are on it.
 * Relaxed ones (how far the chain has been seen) come when others give cause, and nothing waits for them.
 */
function killAtWrite(disk: MemoryDisk, nth: number): MemoryDisk & { readonly killed: Promise<void>; writes: number } {
  let kill = (): void => {};
  const killed = new Promise<void>((resolve) => (kill = resolve));
  const killing = {
    ...disk,
    killed,
    writes: 0,
    openStore() {
      const store = disk.openStore();
      const write = (batch: StoreBatch, durability: 'strict' | 'relaxed') => {
        // How many others there are is chance.
        if (durability === 'strict') killing.writes++;
        if (killing.writes < nth) return store.write(batch, durability);
        kill();
        return forever();
      };
      return { ...store, write };
    },
  };
  return killing;
}

/** A disk that holds back the write of the first entry until it is released. */
function holdEntry(disk: MemoryDisk): MemoryDisk & { readonly writing: Promise<void>; release(): void } {
  const writing = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  return {
    ...disk,
    writing: writing.promise,
    release: () => released.resolve(),
    openStore() {
      const store = disk.openStore();
      const write = async (batch: StoreBatch, durability: 'strict' | 'relaxed') => {
        if (batch.put?.some(({ key }) => key.startsWith(OWN_PENDING_PREFIX))) {
          writing.resolve();
          await released.promise;
        }
        await store.write(batch, durability);
      };
      return { ...store, write };
    },
  };
}

/** A disk without space from its nth next strict write on, until some is freed; how many others there are is chance. */
function fillAtWrite(disk: MemoryDisk): MemoryDisk & { fill(nth: number): void; free(): void } {
  let left = Infinity;
  return {
    ...disk,
    fill: (nth) => (left = nth - 1),
    free: () => (left = Infinity),
    openStore() {
      const store = disk.openStore();
      const write = (batch: StoreBatch, durability: 'strict' | 'relaxed') => {
        if (durability === 'strict') left -= 1;
        return left < 0 ? Promise.reject(new StoreError('quota_exceeded', 'no space')) : store.write(batch, durability);
      };
      return { ...store, write };
    },
  };
}

async function openAlice(mesh: MemoryMesh, disk: MemoryDisk): Promise<MemoryTab> {
  const tab = await mesh.startTab('alice', disk);
  expect(await tab.account.member.register(alice)).toMatchObject({ ok: true });
  return tab;
}

async function whenFinished(tab: MemoryTab): Promise<void> {
  while (tab.publisher.jobs.some(({ state }) => state !== 'held' && state !== 'failed')) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The certified number of the site. */
async function readSeq(tab: MemoryTab): Promise<number> {
  const resolved = await tab.node.resolve('sites/alice/');
  assert(resolved.ok, 'the site resolves');
  const site = resolveSite(resolved.value, Date.now());
  assert(site.ok, 'the site is there');
  return site.value.seq;
}

/** Writes of a publish: the job, its entry, the job again three times, the entry's outcome; one more to see it pass. */
const WRITES = 7;

describe('a tab killed at any write of a publish', () => {
  test.each(Array.from({ length: WRITES }, (_, at) => at + 1))(
    'write %i: the next tab finishes what was stored, once, and loses nothing',
    async (nth) => {
      const mesh = await createMemoryMesh(`kill ${nth}`);
      const headless = await mesh.startHeadless(createMemoryDisk());
      await headless.publishSite({ handle: 'docs' as Handle, name: root, files: page('docs') });
      const disk = createMemoryDisk();
      (await openAlice(mesh, disk)).close();
      const killing = killAtWrite(disk, nth);
      const first = await mesh.startTab('alice', killing);
      const publishing = first.publisher.publish({ handle: alice, name: root, files: page('hello') });
      const outcome = await Promise.race([killing.killed, publishing]);
      first.close();
      const second = await mesh.startTab('alice', disk);
      await whenFinished(second);
      // Killed before the job was on disk, nothing was said to be stored.
      const wasStored = nth > 1;
      expect(second.publisher.jobs.map(({ state, seq }) => [state, seq])).toEqual(wasStored ? [['held', 1]] : []);
      if (wasStored) expect(await readSeq(second)).toBe(1);
      if (nth === WRITES) expect(outcome).toMatchObject({ ok: true });
      expect(second.account.outbox.pending).toEqual([]);
      const again = await second.publisher.publish({ handle: alice, name: root, files: page('again') });
      expect(again).toMatchObject({ ok: true, value: { seq: wasStored ? 2 : 1 } });
      second.close();
      await headless.close();
    },
  );
});

/** Strict writes of a first publish: the same, and before them entry and outcome of join and lease. */
const FIRST_WRITES: number = WRITES - 1 + 4;

describe('a disk that is full from any write of a first publish on', () => {
  test.each(Array.from({ length: FIRST_WRITES + 1 }, (_, at) => at + 1))(
    'BN4: write %i: the call says so, and with space what was stored goes on, before what comes later',
    async (nth) => {
      const mesh = await createMemoryMesh(`full ${nth}`);
      const headless = await mesh.startHeadless(createMemoryDisk());
      await headless.publishSite({ handle: 'docs' as Handle, name: root, files: page('docs') });
      const disk = fillAtWrite(createMemoryDisk());
      const tab = await mesh.startTab('alice', disk);
      let wasStored = false;
      const onProgress = ({ step }: PublisherProgress): void => void (wasStored ||= step === 'stored');
      disk.fill(nth);
      const first = tab.publisher.publish({ handle: alice, name: root, files: page('first'), onProgress });
      const outcome = await first.catch((error: unknown) => error);
      disk.free();
      // One more, to see that these were all.
      expect(outcome).toMatchObject(nth > FIRST_WRITES ? { ok: true } : { code: 'quota_exceeded' });
      expect(wasStored).toBe(nth > 1);
      const second = await tab.publisher.publish({ handle: alice, name: root, files: page('second') });
      expect(second).toMatchObject({ ok: true, value: { seq: wasStored ? 2 : 1 } });
      await whenFinished(tab);
      expect(tab.publisher.jobs.filter(({ state }) => state === 'failed')).toEqual([]);
      expect(await readSeq(tab)).toBe(wasStored ? 2 : 1);
      tab.close();
      await headless.close();
    },
  );
});

describe('a publish that does not go its way', () => {
  test('a job that was cancelled while nobody answered is not submitted later', async () => {
    const mesh = await createMemoryMesh('cancel');
    const headless = await mesh.startHeadless(createMemoryDisk());
    await headless.publishSite({ handle: 'docs' as Handle, name: root, files: page('docs') });
    const tab = await openAlice(mesh, createMemoryDisk());
    mesh.room.setOpen(false);
    mesh.room.cutAll();
    const publishing = tab.publisher.publish({ handle: alice, name: root, files: page('no') });
    while (tab.publisher.jobs.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const { id } = tab.publisher.jobs[0]!;
    expect(await tab.publisher.cancel(id)).toMatchObject({ ok: true });
    expect(await publishing).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    mesh.room.setOpen(true);
    const other = await tab.publisher.publish({ handle: alice, name: root, files: page('yes') });
    expect(other).toMatchObject({ ok: true, value: { seq: 1 } });
    expect(tab.publisher.jobs.find((job) => job.id === id)).toMatchObject({ state: 'failed', code: 'cancelled' });
    tab.close();
    await headless.close();
  });

  test('a cancel while the entry is being written says that it is too late, and the site is published', async () => {
    const mesh = await createMemoryMesh('late cancel');
    const headless = await mesh.startHeadless(createMemoryDisk());
    await headless.publishSite({ handle: 'docs' as Handle, name: root, files: page('docs') });
    const disk = createMemoryDisk();
    (await openAlice(mesh, disk)).close();
    const slow = holdEntry(disk);
    const tab = await mesh.startTab('alice', slow);
    const publishing = tab.publisher.publish({ handle: alice, name: root, files: page('hello') });
    await slow.writing;
    const cancelling = tab.publisher.cancel(tab.publisher.jobs[0]!.id);
    slow.release();
    expect(await cancelling).toMatchObject({ ok: false, error: { code: 'wrong_state' } });
    expect(await publishing).toMatchObject({ ok: true, value: { state: 'held', seq: 1 } });
    tab.close();
    await headless.close();
  });

  test('a handle of somebody else: the job ends with a code and a sentence, and the next publish works', async () => {
    const mesh = await createMemoryMesh('not owner');
    const headless = await mesh.startHeadless(createMemoryDisk());
    await headless.publishSite({ handle: 'docs' as Handle, name: root, files: page('docs') });
    const tab = await openAlice(mesh, createMemoryDisk());
    const refused = await tab.publisher.publish({ handle: 'docs' as Handle, name: root, files: page('mine now') });
    expect(refused).toMatchObject({ ok: false, error: { code: 'handle_taken' } });
    const published = await tab.publisher.publish({ handle: alice, name: root, files: page('mine') });
    expect(published).toMatchObject({ ok: true, value: { seq: 1 } });
    expect(headless.status().pinned).toBe(2);
    tab.close();
    await headless.close();
  });

  test('a wallet that is locked and opened again under a publish: the call still ends, under one number of one feed', async () => {
    const mesh = await createMemoryMesh('lock');
    const headless = await mesh.startHeadless(createMemoryDisk());
    await headless.publishSite({ handle: 'docs' as Handle, name: root, files: page('docs') });
    const tab = await openAlice(mesh, createMemoryDisk());
    mesh.room.setOpen(false);
    mesh.room.cutAll();
    const publishing = tab.publisher.publish({ handle: alice, name: root, files: page('hello') });
    while (tab.publisher.jobs.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const before = tab.account;
    await tab.relock();
    mesh.room.setOpen(true);
    await expect(before.outbox.submit([])).rejects.toMatchObject({ code: 'locked' });
    expect(await publishing).toMatchObject({ ok: true, value: { seq: 1 } });
    expect(await readSeq(tab)).toBe(1);
    tab.close();
    await headless.close();
  });

  test('two publishes of one site at once both end well, one after the other', async () => {
    const mesh = await createMemoryMesh('twice');
    const headless = await mesh.startHeadless(createMemoryDisk());
    await headless.publishSite({ handle: 'docs' as Handle, name: root, files: page('docs') });
    const tab = await openAlice(mesh, createMemoryDisk());
    const both = await Promise.all(
      ['one', 'two'].map((text) => tab.publisher.publish({ handle: alice, name: root, files: page(text) })),
    );
    expect(both).toMatchObject([{ ok: true }, { ok: true }]);
    expect(await readSeq(tab)).toBe(2);
    tab.close();
    await headless.close();
  });
});

test('LG16: a publish whose lease waits for tomorrow’s quota says so', async () => {
  const clock = createSimulatedClock();
  const disk = createMemoryDisk();
  const account = {
    outbox: { delayOf: () => undefined, whyWaiting: { code: 'quota_exceeded', because: 'used up' } },
    member: { register: () => new Promise(() => {}) },
    requestPin: () => undefined,
    cancelPin: () => undefined,
  } as unknown as AttachedAccount;
  const publisher = await Publisher.open({
    store: disk.openStore(),
    blobs: disk.openBlobs(),
    clock,
    random: createWebRandom(),
    hasher: createWebHasher(),
    log: silentLog,
    account: () => account,
    isOnline: () => true,
    onChange: () => undefined,
  });
  const told: PublisherProgress[] = [];
  const onProgress = (progress: PublisherProgress) => void told.push(progress);
  void publisher.publish({ handle: alice, name: root, files: page('hello'), onProgress });
  await expect.poll(() => told.some(({ step }) => step === 'stored')).toBe(true);
  await clock.advance(10_000);
  expect(told.filter(({ step }) => step === 'waiting')).toEqual([
    { step: 'waiting', code: 'quota_exceeded', message: 'used up' },
  ]);
});
