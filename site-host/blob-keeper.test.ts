// What a node keeps when space is short: all that is published, pinned or in work, whatever happens at the same time.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMemoryDisk, type MemoryDisk } from '../test/simulator/memory-store.ts';
import { createSeededRandom } from '../test/simulator/seeded-random.ts';
import { silentLog as log } from '../test/simulator/silent-log.ts';
import type { Cid } from '../shared/codec/cid.ts';
import type { Clock, ListedBlobStore } from '../shared/platform/ports.ts';
import { cidFromDigest } from '../shared/codec/cid.ts';
import { addFile, splitFile, type Block } from '../shared/content/unixfs.ts';
import { BLOB_LEAF_BYTES } from '../shared/core/limits.ts';
import { assert } from '../shared/core/assert.ts';
import { StoreError } from '../shared/platform/ports.ts';
import { createWebHasher } from '../shared/platform/web/web-crypto.ts';
import { BlobKeeper } from './blob-keeper.ts';
import { bundleSite } from './bundle.ts';

const hasher = createWebHasher();
const LARGE = 600_000;
const RUNS = 200;

/** What is due is due at once: only the order of things matters here. */
const clock: Clock = {
  now: () => 0,
  after(_delay, task) {
    const timer = setImmediate(task);
    return () => clearImmediate(timer);
  },
};

type Content = { readonly root: Cid; readonly bytes: number; readonly blocks: readonly Block[] };

function bytesOf(n: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  // Each leaf another.
  for (let at = 0; at < length; at += BLOB_LEAF_BYTES) bytes.fill(16 * n + at / BLOB_LEAF_BYTES, at);
  return bytes;
}

async function createFile(n: number, length: number): Promise<Content> {
  if (length < LARGE) {
    const { cid, blocks } = await addFile(bytesOf(n, length), hasher);
    return { root: cid, bytes: length, blocks };
  }
  const blocks: Block[] = [];
  const parts = splitFile(bytesOf(n, length), hasher);
  for (;;) {
    const { done, value } = await parts.next();
    if (done) return { root: value.cid, bytes: length, blocks };
    blocks.push(...value);
  }
}

/** `files`: by number; the first is large, and sites share what they name alike. */
async function createSite(files: readonly number[]): Promise<Content> {
  const blocks: Block[] = [];
  const bundle = await bundleSite({
    files: files.map((n) => ({ path: `${n}.bin`, body: bytesOf(n, n === 0 ? LARGE : 1_000 + n) })),
    now: 1,
    hasher,
    putBlocks: async (put) => void blocks.push(...put),
  });
  assert(bundle.ok, 'a few small files make a site');
  return { root: bundle.value.cid, bytes: bundle.value.bytes, blocks };
}

const SITES = await Promise.all([[0, 1], [1, 2], [0, 2, 3], [3, 4], [5]].map(createSite));
const FILES = await Promise.all([createFile(0, LARGE), createFile(7, LARGE), createFile(1, 1_001), createFile(8, 900)]);

type Options = { readonly quota?: number; readonly limit?: number; readonly turn?: () => Promise<void> };

/** A disk that holds `quota` bytes of blocks and takes its time. */
function limitBlobs(disk: MemoryDisk, { quota = Infinity, turn = async () => undefined }: Options): ListedBlobStore {
  const blobs = disk.openBlobs();
  const slow = <A extends unknown[], T>(use: (...args: A) => Promise<T>) => {
    return async (...args: A): Promise<T> => {
      await turn();
      const result = await use(...args);
      await turn();
      return result;
    };
  };
  return {
    get: slow((cid) => blobs.get(cid)),
    getMany: slow((cids) => blobs.getMany(cids)),
    has: slow((cids) => blobs.has(cids)),
    list: slow((page) => blobs.list({ ...page, limit: Math.min(page.limit, 3) })),
    remove: slow((cids) => blobs.remove(cids)),
    stats: slow(() => blobs.stats()),
    putMany: slow(async (blocks) => {
      const { bytes } = await blobs.stats();
      if (blocks.reduce((sum, block) => sum + block.bytes.length, bytes) > quota)
        throw new StoreError('quota_exceeded', 'The disk is full.');
      await blobs.putMany(blocks);
    }),
  };
}

async function openKeeper(options: Options = {}) {
  const disk = createMemoryDisk();
  const roots = new Set<Cid>();
  const keeper = await BlobKeeper.open({
    store: disk.openStore(),
    blobs: limitBlobs(disk, options),
    hasher,
    clock,
    log,
    roots: async () => {
      await options.turn?.();
      return [...roots];
    },
    limit: async () => options.limit ?? Infinity,
  });
  const holds = async (content: Content): Promise<boolean> =>
    (await disk.openBlobs().has(content.blocks.map(({ cid }) => cid))).every(Boolean);
  return { disk, keeper, roots, holds };
}

type Setting = Awaited<ReturnType<typeof openKeeper>>;

/** As a publish does: what is here is not written again, and the root is named before the hold ends. */
async function publish({ keeper, roots, holds }: Setting, site: Content): Promise<void> {
  const hold = keeper.hold();
  try {
    for (const block of site.blocks) {
      if (!(await hold.blobs.has([block.cid]))[0]) await hold.blobs.putMany([block]);
    }
    expect(await holds(site), 'all that a hold put or found is there').toBe(true);
    roots.add(site.root);
    hold.end('kept');
  } catch (error) {
    hold.end('given up');
    if (!(error instanceof StoreError)) throw error;
  }
}

async function putPinned({ keeper, holds }: Setting, file: Content): Promise<void> {
  const hold = keeper.hold();
  try {
    for (const block of file.blocks) await hold.blobs.putMany([block]);
    await keeper.pin(file.root, file.bytes);
    expect(await holds(file), 'what was put is there').toBe(true);
    hold.end('kept');
  } catch (error) {
    hold.end('given up');
    if (!(error instanceof StoreError)) throw error;
  }
}

async function expectKept({ keeper, roots, holds }: Setting): Promise<void> {
  for (const site of SITES) if (roots.has(site.root)) expect(await holds(site), 'a kept site is whole').toBe(true);
  for (const file of FILES)
    if (keeper.pins.has(file.root)) expect(await holds(file), 'a pinned file is whole').toBe(true);
}

type Action = { readonly kind: 'publish' | 'retract' | 'put' | 'unpin' | 'cache' | 'sweep'; readonly n: number };

async function act(setting: Setting, { kind, n }: Action): Promise<void> {
  const { keeper, roots } = setting;
  const [site, file] = [SITES[n % SITES.length]!, FILES[n % FILES.length]!];
  if (kind === 'publish') await publish(setting, site);
  if (kind === 'retract') roots.delete(site.root);
  if (kind === 'put') await putPinned(setting, file);
  if (kind === 'unpin') await keeper.unpin(file.root);
  if (kind === 'sweep') await keeper.sweep();
  if (kind === 'cache') {
    await keeper.blobs.putMany(n % 2 === 0 ? site.blocks : file.blocks).catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
    });
  }
}

const actions = fc.array(
  fc.record({
    kind: fc.constantFrom<Action['kind']>('publish', 'retract', 'put', 'unpin', 'cache', 'cache', 'sweep'),
    n: fc.nat({ max: 20 }),
  }),
  { maxLength: 10 },
);

describe('a blob keeper', () => {
  test('CT40, CT43: whatever is put, pinned, let go of and swept at once, nothing kept or held is ever lost', async () => {
    const property = fc.asyncProperty(
      fc.record({ workers: fc.array(actions, { minLength: 1, maxLength: 4 }), seed: fc.nat(), full: fc.boolean() }),
      async ({ workers, seed, full }) => {
        const random = createSeededRandom(seed);
        const turn = async (): Promise<void> => {
          const turns = random.bytes(1)[0]! % 4;
          for (let one = 0; one < turns; one++) await new Promise((resolve) => setImmediate(resolve));
        };
        const setting = await openKeeper({ turn, limit: 50_000, ...(full && { quota: 1_300_000 }) });
        await Promise.all(
          workers.map(async (list) => {
            for (const action of list) await act(setting, action);
          }),
        );
        await expectKept(setting);
        await setting.keeper.sweep();
        await expectKept(setting);
        const { keeper, roots, disk } = setting;
        const kept = [
          ...SITES.filter(({ root }) => roots.has(root)),
          ...FILES.filter((one) => keeper.pins.has(one.root)),
        ];
        const wanted = new Set(kept.flatMap(({ blocks }) => blocks.map(({ cid }) => cid)));
        expect((await disk.openBlobs().stats()).blocks, 'and nothing else stays').toBe(wanted.size);
        await keeper.close();
      },
    );
    await fc.assert(property, { numRuns: RUNS });
  }, 60_000);

  test('CT42: a full disk is swept and the write made again, also that of a record', async () => {
    const setting = await openKeeper({ quota: 1_000_000 });
    const { keeper, holds } = setting;
    await keeper.blobs.putMany(FILES[1].blocks);
    await putPinned(setting, FILES[0]);
    expect([await holds(FILES[0]), await holds(FILES[1])]).toEqual([true, false]);

    let isFull = true;
    const disk = createMemoryDisk();
    const store = disk.openStore();
    const records = await BlobKeeper.open({
      store: {
        ...store,
        write: async (batch, durability) => {
          // A removal alone takes no space.
          if (isFull && batch.put) throw new StoreError('quota_exceeded', 'The disk is full.');
          await store.write(batch, durability);
        },
      },
      blobs: { ...disk.openBlobs(), remove: async () => void (isFull = false) },
      hasher,
      clock,
      log,
      roots: async () => [],
      limit: async () => Infinity,
    });
    await records.blobs.putMany(FILES[3].blocks);
    await records.store.write({ put: [{ key: 'entry', value: Uint8Array.of(1) }] }, 'strict');
    expect(await store.get('entry')).toEqual(Uint8Array.of(1));
  });

  test('CT42: with everything kept the write fails, says how to make room, and nothing kept is touched', async () => {
    const setting = await openKeeper({ quota: 1_000_000 });
    await putPinned(setting, FILES[0]);
    const failing = setting.keeper.blobs.putMany(FILES[1].blocks);
    await expect(failing).rejects.toMatchObject({
      code: 'quota_exceeded',
      message: 'The disk is full. Or unpin what is not needed any more: pins take 1 MiB here.',
    });
    expect(await setting.holds(FILES[0])).toBe(true);
    expect(await setting.keeper.unpin(FILES[0].root)).toBe(true);
    await putPinned(setting, FILES[1]);
    expect(await setting.holds(FILES[1])).toBe(true);
  });

  test('CT42: what work that is given up had stored is freed by itself', async () => {
    const { keeper, disk } = await openKeeper();
    const hold = keeper.hold();
    await hold.blobs.putMany(SITES[0]!.blocks);
    await keeper.sweep();
    expect((await disk.openBlobs().stats()).blocks).toBe(SITES[0]!.blocks.length);
    hold.end('given up');
    await expect.poll(async () => (await disk.openBlobs().stats()).blocks).toBe(0);
  });

  test('CT43: a cache that outgrows its share is swept by itself', async () => {
    const { keeper, disk, roots } = await openKeeper({ limit: 500_000 });
    roots.add(SITES[1]!.root);
    await keeper.blobs.putMany(SITES[1]!.blocks);
    await keeper.blobs.putMany(FILES[1].blocks);
    await expect.poll(async () => (await disk.openBlobs().stats()).blocks).toBe(SITES[1]!.blocks.length);
  });

  test('CT41: nothing is removed while a node of something kept cannot be read', async () => {
    const { keeper, disk, roots } = await openKeeper();
    const [site] = SITES;
    roots.add(site!.root);
    await keeper.blobs.putMany([...site!.blocks, ...FILES[1].blocks]);
    await disk.openBlobs().putMany([{ cid: site!.root, bytes: Uint8Array.of(1) }]);
    expect(await keeper.sweep()).toBe(0);
    await disk.openBlobs().putMany(site!.blocks);
    expect(await keeper.sweep()).toBe(FILES[1].blocks.length);
  });

  test('CT40: pins outlive the run, and a pin of what is not a pin any more is no failure', async () => {
    const disk = createMemoryDisk();
    const open = () =>
      BlobKeeper.open({
        store: disk.openStore(),
        blobs: disk.openBlobs(),
        hasher,
        clock,
        log,
        roots: async () => [],
        limit: async () => Infinity,
      });
    const first = await open();
    await first.pin(FILES[2].root, FILES[2].bytes);
    const second = await open();
    expect([...second.pins]).toEqual([[FILES[2].root, FILES[2].bytes]]);
    expect([await second.unpin(FILES[2].root), await second.unpin(FILES[2].root)]).toEqual([true, false]);
    expect((await open()).pins.size).toBe(0);
  });

  test('CT43, BN3: a keeper whose records have another owner by now removes nothing', async () => {
    const disk = createMemoryDisk();
    const store = disk.openStore();
    const deposed = new StoreError('store_failed', 'Another tab has taken over.');
    const keeper = await BlobKeeper.open({
      store: { ...store, write: () => Promise.reject(deposed) },
      blobs: disk.openBlobs(),
      hasher,
      clock,
      log,
      roots: async () => [],
      limit: async () => Infinity,
    });
    await keeper.blobs.putMany(FILES[3].blocks);
    await expect(keeper.sweep()).rejects.toBe(deposed);
    expect((await disk.openBlobs().stats()).blocks).toBe(FILES[3].blocks.length);
  });

  test('CT41: a root that is not here keeps nothing else from being freed', async () => {
    const { keeper, roots } = await openKeeper();
    roots.add(cidFromDigest('dag-cbor', new Uint8Array(32)));
    await keeper.blobs.putMany(FILES[3].blocks);
    expect(await keeper.sweep()).toBe(1);
  });
});
