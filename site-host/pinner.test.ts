// What a node keeps of a site: the newest two versions, blocks counted by who needs them, and nothing half done after a kill.

import { describe, expect, test } from 'vitest';
import { createMemoryDisk, type MemoryDisk } from '../test/simulator/memory-store.ts';
import { silentLog as log } from '../test/simulator/silent-log.ts';
import { encodeUtf8 } from '../shared/codec/base.ts';
import type { Cid } from '../shared/codec/cid.ts';
import { assert } from '../shared/core/assert.ts';
import type { BlockSource } from '../shared/node/block-fetcher.ts';
import { createWebClock } from '../shared/platform/web/web-clock.ts';
import { createWebHasher } from '../shared/platform/web/web-crypto.ts';
import { BlobKeeper } from './blob-keeper.ts';
import { bundleSite } from './bundle.ts';
import { listPinned } from './pin-records.ts';
import { Pinner } from './pinner.ts';

const hasher = createWebHasher();
const clock = createWebClock();
const KEY = 'alice/';

type Version = { readonly manifest: Cid; readonly blocks: ReadonlyMap<string, Uint8Array> };

/** `logo` is in every version; `text` makes it another one. */
async function createVersion(text: string): Promise<Version> {
  const blocks = new Map<string, Uint8Array>();
  const bundle = await bundleSite({
    files: [
      { path: 'index.html', body: encodeUtf8(text) },
      { path: 'logo.svg', body: encodeUtf8('the same in all') },
    ],
    now: 1,
    hasher,
    putBlocks: async (put) => {
      for (const { cid, bytes } of put) blocks.set(cid, bytes);
    },
  });
  assert(bundle.ok, 'two small files make a site');
  return { manifest: bundle.value.cid, blocks };
}

function createSource(versions: readonly Version[]): BlockSource {
  const blocks = new Map(versions.flatMap((version) => [...version.blocks]));
  return {
    id: 'peer',
    kind: 'peer',
    rank: 0,
    async ask(cids, onBlock) {
      for (const cid of cids) if (blocks.has(cid)) await onBlock(cid, blocks.get(cid)!);
      return cids.filter((cid) => !blocks.has(cid));
    },
  };
}

function open(disk: MemoryDisk, versions: readonly Version[]): Promise<Pinner> {
  return Pinner.open({
    store: disk.openStore(),
    blobs: disk.openBlobs(),
    clock,
    hasher,
    log,
    findSources: async () => [createSource(versions)],
    onHeld: () => undefined,
  });
}

async function holdsAll(disk: MemoryDisk, { blocks }: Version): Promise<boolean> {
  return (await disk.openBlobs().has([...blocks.keys()])).every(Boolean);
}

describe('a pinner', () => {
  test('keeps the newest two versions, and lets go of blocks that only the third one had', async () => {
    const versions = await Promise.all(['one', 'two', 'three'].map(createVersion));
    const disk = createMemoryDisk();
    const pinner = await open(disk, versions);
    for (const [at, { manifest }] of versions.entries()) {
      expect(await pinner.pin({ key: KEY, generation: 1, manifest, seq: at + 1 })).toMatchObject({ ok: true });
    }
    expect(pinner.held).toEqual([versions[2]!.manifest, versions[1]!.manifest]);
    expect(await Promise.all(versions.map((version) => holdsAll(disk, version)))).toEqual([false, true, true]);
    const { blocks } = await disk.openBlobs().stats();
    expect(blocks).toBe(new Set(versions.slice(1).flatMap((version) => [...version.blocks.keys()])).size);
  });

  test('a block that two sites share stays until both are gone', async () => {
    const versions = await Promise.all(['one', 'two', 'three'].map(createVersion));
    const disk = createMemoryDisk();
    const pinner = await open(disk, versions);
    await pinner.pin({ key: 'bernd/', generation: 1, manifest: versions[0]!.manifest, seq: 1 });
    for (const [at, { manifest }] of versions.entries())
      await pinner.pin({ key: KEY, generation: 1, manifest, seq: at + 1 });
    expect(await Promise.all(versions.map((version) => holdsAll(disk, version)))).toEqual([true, true, true]);
  });

  test('the same files published again are the newest version, and are not let go as the oldest', async () => {
    const versions = await Promise.all(['one', 'two', 'three'].map(createVersion));
    const disk = createMemoryDisk();
    const pinner = await open(disk, versions);
    const [one, two, three] = versions as [Version, Version, Version];
    for (const [seq, version] of [one, two, one, three].entries()) {
      await pinner.pin({ key: KEY, generation: 1, manifest: version.manifest, seq: seq + 1 });
    }
    expect(pinner.held).toEqual([three.manifest, one.manifest]);
    expect(await holdsAll(disk, one)).toBe(true);
    expect((await open(disk, [])).held).toEqual(pinner.held);
  });

  test('SI18: the first version of a new owner outranks every number of the one before', async () => {
    const [one, two, three] = (await Promise.all(['one', 'two', 'three'].map(createVersion))) as [
      Version,
      Version,
      Version,
    ];
    const disk = createMemoryDisk();
    const pinner = await open(disk, [one, two, three]);
    await pinner.pin({ key: KEY, generation: 1, manifest: one.manifest, seq: 8 });
    await pinner.pin({ key: KEY, generation: 1, manifest: two.manifest, seq: 9 });
    await pinner.pin({ key: KEY, generation: 2, manifest: three.manifest, seq: 1 });
    expect(pinner.held).toEqual([three.manifest]);
    expect(await holdsAll(disk, two)).toBe(false);
    // What the new owner publishes may be known from the old one, and what the old one published comes too late.
    await pinner.pin({ key: KEY, generation: 2, manifest: one.manifest, seq: 2 });
    await pinner.pin({ key: KEY, generation: 1, manifest: two.manifest, seq: 10 });
    expect(pinner.held).toEqual([one.manifest, three.manifest]);
    expect((await open(disk, [])).sites).toEqual([{ key: KEY, generation: 2 }]);
  });

  test('the same files of a new owner are counted once, and go with the site', async () => {
    const version = await createVersion('one');
    const disk = createMemoryDisk();
    const pinner = await open(disk, [version]);
    const task = { key: KEY, manifest: version.manifest };
    await Promise.all([pinner.pin({ ...task, generation: 1, seq: 5 }), pinner.pin({ ...task, generation: 2, seq: 1 })]);
    await pinner.pin({ ...task, generation: 3, seq: 1 });
    expect(pinner.sites).toEqual([{ key: KEY, generation: 3 }]);
    await pinner.release({ key: KEY, generation: 2 });
    expect(await holdsAll(disk, version)).toBe(true);
    await pinner.release({ key: KEY, generation: 3 });
    expect(pinner.held).toEqual([]);
    expect((await disk.openBlobs().stats()).blocks).toBe(0);
    expect((await open(disk, [])).sites).toEqual([]);
  });

  test('a site that is let go of leaves what another one needs', async () => {
    const [one, two] = (await Promise.all(['one', 'two'].map(createVersion))) as [Version, Version];
    const disk = createMemoryDisk();
    const pinner = await open(disk, [one, two]);
    await pinner.pin({ key: KEY, generation: 1, manifest: one.manifest, seq: 1 });
    await pinner.pin({ key: 'bernd/', generation: 1, manifest: two.manifest, seq: 1 });
    await pinner.release({ key: KEY, generation: 1 });
    expect([await holdsAll(disk, one), await holdsAll(disk, two)]).toEqual([false, true]);
    expect(await pinner.pin({ key: KEY, generation: 1, manifest: one.manifest, seq: 1 })).toMatchObject({ ok: true });
    expect(await holdsAll(disk, one)).toBe(true);
  });

  test('what nobody has is not found, and is pinned when somebody comes', async () => {
    const version = await createVersion('one');
    const disk = createMemoryDisk();
    const missing = await (await open(disk, [])).pin({ key: KEY, generation: 1, manifest: version.manifest, seq: 1 });
    expect(missing).toMatchObject({ ok: false, error: { code: 'not_found' } });
    const found = await (
      await open(disk, [version])
    ).pin({ key: KEY, generation: 1, manifest: version.manifest, seq: 1 });
    expect(found).toMatchObject({ ok: true });
  });

  test('CT42, SI18: blocks of a pull that failed are freed, those of versions that are kept stay', async () => {
    const [kept, torn] = (await Promise.all(['one', 'two'].map(createVersion))) as [Version, Version];
    const disk = createMemoryDisk();
    const store = disk.openStore();
    const roots = () => listPinned(store);
    const limit = async () => Infinity;
    const keeper = await BlobKeeper.open({ store, blobs: disk.openBlobs(), hasher, clock, log, roots, limit });
    // Of the second version everybody lacks one file.
    const [lacking] = [...torn.blocks.keys()].filter((cid) => cid !== torn.manifest && !kept.blocks.has(cid));
    const blocks = new Map([...torn.blocks].filter(([cid]) => cid !== lacking));
    const pinner = await Pinner.open({
      store,
      blobs: keeper.blobs,
      hold: () => keeper.hold(),
      clock,
      hasher,
      log,
      findSources: async () => [createSource([kept, { manifest: torn.manifest, blocks }])],
      onHeld: () => undefined,
    });
    expect(await pinner.pin({ key: KEY, generation: 1, manifest: kept.manifest, seq: 1 })).toMatchObject({ ok: true });
    const failed = await pinner.pin({ key: KEY, generation: 1, manifest: torn.manifest, seq: 2 });
    expect(failed).toMatchObject({ ok: false, error: { code: 'not_found' } });
    expect((await disk.openBlobs().stats()).blocks).toBeGreaterThan(kept.blocks.size);
    const held = async () => (await disk.openBlobs().stats()).blocks;
    await expect.poll(held, { timeout: 20_000 }).toBe(kept.blocks.size);
    expect(await holdsAll(disk, kept)).toBe(true);
    await keeper.close();
  });

  test('killed at any write it never says it holds what it lacks, and pins the rest afterwards', async () => {
    const versions = await Promise.all(['one', 'two', 'three'].map(createVersion));
    const copies: MemoryDisk[] = [];
    const disk = createMemoryDisk();
    const remember =
      <Args extends unknown[], T>(write: (...args: Args) => Promise<T>) =>
      async (...args: Args) => {
        copies.push(disk.copy());
        return await write(...args);
      };
    const watched: MemoryDisk = {
      ...disk,
      copy: () => disk.copy(),
      openStore() {
        const store = disk.openStore();
        return { ...store, write: remember(store.write) };
      },
      openBlobs() {
        const blobs = disk.openBlobs();
        return { ...blobs, putMany: remember(blobs.putMany), remove: remember(blobs.remove) };
      },
    };
    const pinner = await open(watched, versions);
    for (const [at, { manifest }] of versions.entries())
      await pinner.pin({ key: KEY, generation: 1, manifest, seq: at + 1 });
    expect(copies.length).toBeGreaterThan(versions.length * 2);
    for (const copy of copies) {
      const after = await open(copy, versions);
      for (const version of versions) {
        if (after.holds(version.manifest)) expect(await holdsAll(copy, version)).toBe(true);
      }
      const last = versions[2]!;
      expect(await after.pin({ key: KEY, generation: 1, manifest: last.manifest, seq: 3 })).toMatchObject({ ok: true });
      expect(await holdsAll(copy, last)).toBe(true);
    }
  });
});
