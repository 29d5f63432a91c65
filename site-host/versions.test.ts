// Versions of a site: what a new one costs, how they hang together, and going back to an old one.

import { expect, test } from 'vitest';
import { createMemoryMesh } from '../test/simulator/memory-mesh.ts';
import { createMemoryDisk, type MemoryDisk } from '../test/simulator/memory-store.ts';
import { encodeUtf8 } from '../shared/codec/base.ts';
import type { Cid } from '../shared/codec/cid.ts';
import { assert } from '../shared/core/assert.ts';
import type { Handle, SiteName } from '../shared/ledger/handle-grammar.ts';
import { resolveSite } from '../shared/light-client/site-record.ts';
import type { SiteFile } from './bundle.ts';
import { decodeManifest, type Manifest } from './manifest.ts';
import type { PublisherProgress } from './publish-progress.ts';
import { loadVersions, noteVersion, VERSIONS_KEPT_MAX } from './version-records.ts';

const alice = { handle: 'alice' as Handle, name: '' as SiteName };
const FILES = 60;

function filesOf(changed: string): SiteFile[] {
  const small = Array.from({ length: FILES }, (_, at) => ({ path: `page-${at}.html`, body: encodeUtf8(`page ${at}`) }));
  const large = { path: 'large.bin', body: new Uint8Array(700_000).map((_, at) => (at * 7 + (at >> 11)) & 0xff) };
  return [...small, large, { path: 'index.html', body: encodeUtf8(changed) }];
}

/** A disk that says what is written to its blobs. */
function countBlocks(disk: MemoryDisk): MemoryDisk & { readonly put: string[] } {
  const put: string[] = [];
  return {
    ...disk,
    put,
    openBlobs() {
      const blobs = disk.openBlobs();
      return {
        ...blobs,
        async putMany(blocks) {
          put.push(...blocks.map(({ cid }) => cid));
          await blobs.putMany(blocks);
        },
      };
    },
  };
}

async function readManifest(disk: MemoryDisk, cid: Cid): Promise<Manifest> {
  const bytes = await disk.openBlobs().get(cid);
  const manifest = bytes && decodeManifest(bytes);
  assert(manifest?.ok, 'the manifest is on the disk');
  return manifest.value;
}

test('SI28, SI29: a new version costs what is new in it, here and at the node that pins; an old one comes back for nothing', async () => {
  const mesh = await createMemoryMesh('versions');
  const pinning = countBlocks(createMemoryDisk());
  const headless = await mesh.startHeadless(pinning);
  await headless.publishSite({ handle: 'docs' as Handle, name: '' as SiteName, files: filesOf('docs') });
  const disk = countBlocks(createMemoryDisk());
  const tab = await mesh.startTab('alice', disk);
  expect(await tab.account.member.register(alice.handle)).toMatchObject({ ok: true });
  const publish = async (changed: string): Promise<{ manifest: Cid; stored: PublisherProgress | undefined }> => {
    const heard: PublisherProgress[] = [];
    const job = await tab.publisher.publish({
      ...alice,
      files: filesOf(changed),
      onProgress: (said) => void heard.push(said),
    });
    assert(job.ok, 'the site is published');
    return { manifest: job.value.manifest, stored: heard.find(({ step }) => step === 'stored') };
  };

  const first = await publish('one');
  expect(first.stored).toMatchObject({ written: expect.any(Number), warnings: [] });
  disk.put.length = 0;
  pinning.put.length = 0;
  const second = await publish('two');
  const page = (await readManifest(disk, second.manifest)).resources.get('/index.html')!.src;
  // Of 62 files, one changed: its block and the manifest, and nothing else, on either side.
  expect(disk.put.toSorted()).toEqual([page, second.manifest].toSorted());
  expect(pinning.put.toSorted()).toEqual([page, second.manifest].toSorted());
  const manifestBytes = (await disk.openBlobs().get(second.manifest))!.length;
  expect(second.stored).toMatchObject({ written: 'two'.length + manifestBytes });
  expect((await readManifest(disk, second.manifest)).prev).toBe(first.manifest);

  disk.put.length = 0;
  pinning.put.length = 0;
  const { files, bytes } = (await loadVersions(disk.openStore(), alice)).find(({ seq }) => seq === 1)!;
  const back = await tab.publisher.republish({ ...alice, manifest: first.manifest, files, bytes });
  expect(back).toMatchObject({ ok: true, value: { seq: 3, manifest: first.manifest, state: 'held' } });
  expect([disk.put, pinning.put]).toEqual([[], []]);
  const resolved = await tab.node.resolve('sites/alice/');
  assert(resolved.ok, 'the site resolves');
  expect(resolveSite(resolved.value, Date.now())).toMatchObject({ value: { seq: 3, manifest: first.manifest } });
  expect((await loadVersions(disk.openStore(), alice)).map(({ seq, manifest }) => [seq, manifest])).toEqual([
    [3, first.manifest],
    [2, second.manifest],
    [1, first.manifest],
  ]);
  tab.close();
  await headless.close();
});

test('SI29: what made room between two versions is written again', async () => {
  const mesh = await createMemoryMesh('room');
  const headless = await mesh.startHeadless(createMemoryDisk());
  await headless.publishSite({ handle: 'docs' as Handle, name: '' as SiteName, files: filesOf('docs') });
  const disk = createMemoryDisk();
  let isTearing = false;
  const tearing: MemoryDisk = {
    ...disk,
    openBlobs() {
      const blobs = disk.openBlobs();
      return {
        ...blobs,
        async has(cids) {
          const held = await blobs.has(cids);
          // Answered, and gone.
          if (isTearing) await blobs.remove(cids.slice(0, 3));
          isTearing = false;
          return held;
        },
      };
    },
  };
  const tab = await mesh.startTab('alice', tearing);
  await tab.account.member.register(alice.handle);
  await tab.publisher.publish({ ...alice, files: filesOf('one') });
  isTearing = true;
  const second = await tab.publisher.publish({ ...alice, files: filesOf('two') });
  assert(second.ok, 'the site is published');
  const cids = [...(await readManifest(disk, second.value.manifest)).resources.values()].map(({ src }) => src);
  expect(await disk.openBlobs().has(cids)).not.toContain(false);
  tab.close();
  await headless.close();
});

test('SI28: the list of versions is bounded, and that of one site is not that of another', async () => {
  const disk = createMemoryDisk();
  const store = disk.openStore();
  const manifest = `bafyrei${'a'.repeat(52)}` as Cid;
  const note = async (name: string, seq: number): Promise<void> => {
    const version = { manifest, seq, time: seq, files: 1, bytes: 1 };
    await store.write(await noteVersion(store, { ...alice, name: name as SiteName }, version), 'strict');
  };
  for (let seq = 1; seq <= VERSIONS_KEPT_MAX + 5; seq++) await note('', seq);
  await note('blog', 1);
  await note('blog', 1);
  const kept = (await loadVersions(store, alice)).map(({ seq }) => seq);
  expect([kept.length, kept[0], kept.at(-1)]).toEqual([VERSIONS_KEPT_MAX, VERSIONS_KEPT_MAX + 5, 6]);
  expect(await loadVersions(store, { ...alice, name: 'blog' as SiteName })).toHaveLength(1);
});
