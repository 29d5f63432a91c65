import { expect, test } from 'vitest';
import type { Cid, CidCodec } from '../shared/codec/cid.ts';
import { cidFromDigest } from '../shared/codec/cid.ts';
import { encodeFileNode } from '../shared/content/file-node.ts';
import { BLOB_LEAF_BYTES } from '../shared/core/limits.ts';
import { BlockFetcher } from '../shared/node/block-fetcher.ts';
import { createWebClock } from '../shared/platform/web/web-clock.ts';
import { createWebHasher } from '../shared/platform/web/web-crypto.ts';
import { createMemoryDisk } from '../test/simulator/memory-store.ts';
import { encodeManifest, type Resource } from './manifest.ts';
import { fetchSite } from './site-blocks.ts';

const hasher = createWebHasher();
const MIB = 1024 * 1024;

type World = Map<Cid, Uint8Array<ArrayBuffer>>;

async function addBlock(world: World, codec: CidCodec, bytes: Uint8Array<ArrayBuffer>): Promise<Cid> {
  const cid = cidFromDigest(codec, await hasher.sha256(bytes));
  world.set(cid, bytes);
  return cid;
}

/** A node over `count` links to one child. */
async function addNode(world: World, child: { cid: Cid; size: number; total: number }, count: number) {
  const bytes = encodeFileNode(Array.from({ length: count }, () => child));
  const cid = await addBlock(world, 'dag-pb', bytes);
  return { cid, size: count * child.size, total: count * child.total + bytes.length };
}

async function addLeaf(world: World, size: number) {
  const cid = await addBlock(world, 'raw', new Uint8Array(size).fill(size % 251));
  return { cid, size, total: size };
}

async function fetchAs(world: World, resources: readonly (readonly [string, Resource])[]) {
  const total = resources.reduce((sum, [, { size }]) => sum + size, 0);
  const manifest = encodeManifest({ v: 1, resources: new Map(resources), created: 1, total });
  const cid = await addBlock(world, 'dag-cbor', manifest);
  const blobs = createMemoryDisk().openBlobs();
  const fetcher = new BlockFetcher({ clock: createWebClock(), hasher });
  fetcher.addSource({
    id: 'publisher',
    kind: 'peer',
    rank: 0,
    async ask(cids, onBlock) {
      for (const asked of cids) {
        const bytes = world.get(asked);
        if (bytes) await onBlock(asked, bytes);
      }
      return cids.filter((asked) => !world.has(asked));
    },
  });
  const site = await fetchSite({ cid, blobs, hasher, fetcher, bytesMax: 100 * MIB });
  return { site, stored: await blobs.stats() };
}

test('a site is whole when all its blocks are here, each fetched once', async () => {
  const world: World = new Map();
  const small = await addLeaf(world, 5);
  const file = await addNode(world, await addLeaf(world, BLOB_LEAF_BYTES), 3);
  const { site, stored } = await fetchAs(world, [
    ['/a', { src: small.cid, size: small.size }],
    ['/b', { src: small.cid, size: small.size }],
    ['/c', { src: file.cid, size: file.size }],
  ]);
  expect(site).toMatchObject({ ok: true, value: { bytes: 10 + 3 * BLOB_LEAF_BYTES } });
  expect(stored.blocks).toBe(4);
});

test('CT7: a leaf larger than its manifest says is not kept: sizes are what a node counts against its limit', async () => {
  const world: World = new Map();
  const leaf = await addLeaf(world, BLOB_LEAF_BYTES);
  const { site, stored } = await fetchAs(world, [['/a', { src: leaf.cid, size: 1 }]]);
  expect(site).toMatchObject({ error: { code: 'bad_block' } });
  expect(stored.bytes).toBeLessThan(BLOB_LEAF_BYTES);
});

test('CT7: a tree that holds more than its manifest says ends the fetch before its leaves are asked for', async () => {
  const world: World = new Map();
  const file = await addNode(world, await addLeaf(world, BLOB_LEAF_BYTES), 1_000);
  const { site, stored } = await fetchAs(world, [['/a', { src: file.cid, size: BLOB_LEAF_BYTES + 1 }]]);
  expect(site).toMatchObject({ error: { code: 'bad_block' } });
  expect(stored.bytes).toBeLessThan(BLOB_LEAF_BYTES);
});

test('CT7: a branch that holds more than the node above it says is found out', async () => {
  const world: World = new Map();
  const branch = await addNode(world, await addLeaf(world, BLOB_LEAF_BYTES), 1_000);
  const root = await addNode(world, { cid: branch.cid, size: BLOB_LEAF_BYTES + 1, total: BLOB_LEAF_BYTES + 100 }, 1);
  const { site } = await fetchAs(world, [['/a', { src: root.cid, size: root.size }]]);
  expect(site).toMatchObject({ error: { code: 'bad_block' } });
});

test('CT7: a tree deeper than any file needs is refused', async () => {
  const world: World = new Map();
  let node = await addNode(world, await addLeaf(world, BLOB_LEAF_BYTES), 2);
  for (let level = 0; level < 4; level++) node = await addNode(world, node, 1);
  const { site } = await fetchAs(world, [['/a', { src: node.cid, size: node.size }]]);
  expect(site).toMatchObject({ error: { code: 'bad_block' } });
});

test('one content with two sizes is refused: it would be counted as the smaller one', async () => {
  const world: World = new Map();
  const leaf = await addLeaf(world, 1_000);
  const { site } = await fetchAs(world, [
    ['/a', { src: leaf.cid, size: 1 }],
    ['/b', { src: leaf.cid, size: 1_000 }],
  ]);
  expect(site).toMatchObject({ error: { code: 'bad_block' } });
});
