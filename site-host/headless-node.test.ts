// The always-on node in one mesh: it says nothing that the edge could lose, answers after a restart, and keeps what people read.

import { describe, expect, test } from 'vitest';
import { createMemoryMesh, solveAtOnce, type MemoryMesh, type MemoryTab } from '../test/simulator/memory-mesh.ts';
import { checkPuzzle, searchPuzzle } from '../shared/ledger/puzzle.ts';
import { createMemoryDisk } from '../test/simulator/memory-store.ts';
import { encodeUtf8 } from '../shared/codec/base.ts';
import { cidFromDigest } from '../shared/codec/cid.ts';
import { assert } from '../shared/core/assert.ts';
import { sha256 } from '../shared/crypto/sha256.ts';
import { handleRegister } from '../shared/ledger/families/handles.ts';
import { memberJoin } from '../shared/ledger/families/membership.ts';
import { sitePublish } from '../shared/ledger/families/sites.ts';
import type { Handle, SiteName } from '../shared/ledger/handle-grammar.ts';

const alice = 'alice' as Handle;
const docs = 'docs' as Handle;
const root = '' as SiteName;
const page = (text: string) => [{ path: 'index.html', body: encodeUtf8(text) }];
/** Blocks come every quarter of a second here; long enough for one that must not count. */
const NEXT_BLOCK = 800;
const pause = (span: number) => new Promise((resolve) => setTimeout(resolve, span));

async function createStand(seed: string, policy: { readonly joinsPerHour?: number } = {}) {
  const mesh = await createMemoryMesh(seed, 1, policy);
  const disk = createMemoryDisk();
  const headless = await mesh.startHeadless(disk);
  assert((await headless.publishSite({ handle: docs, name: root, files: page('docs') })).ok, 'the docs are published');
  return { mesh, disk, headless };
}

async function openMember(mesh: MemoryMesh, name: string): Promise<MemoryTab> {
  const tab = await mesh.startTab(name, createMemoryDisk());
  assert((await tab.account.member.ensureJoined()).ok, 'a newcomer joins');
  return tab;
}

const register = (tab: MemoryTab) => tab.account.outbox.submit([handleRegister.create({ handle: alice })]);

describe('an always-on node', () => {
  test('an outcome is told only when the edge has its block', async () => {
    const { mesh, headless } = await createStand('edge first');
    const tab = await openMember(mesh, 'alice');
    const before = mesh.edge.blocksStored.length;
    mesh.edge.reachable = false;
    const entry = await register(tab);
    while (headless.status().height === before) await pause(20);
    await pause(NEXT_BLOCK);
    expect(tab.node.hasSeen(entry)).toBe(true);
    expect(await tab.account.outbox.state(entry)).toEqual({ state: 'pending' });
    mesh.edge.reachable = true;
    expect(await tab.account.outbox.whenSettled(entry)).toMatchObject({ code: 'ok', height: before + 1 });
    expect(mesh.edge.blocksStored).toHaveLength(before + 1);
    tab.close();
    await headless.close();
  });

  test('stopped between a final block and the edge, it tells the outcome after the restart, once the edge has the block', async () => {
    const { mesh, disk, headless } = await createStand('restart');
    const tab = await openMember(mesh, 'alice');
    const before = mesh.edge.blocksStored.length;
    mesh.edge.reachable = false;
    const entry = await register(tab);
    while (headless.status().height === before) await pause(20);
    const killed = disk.copy();
    await headless.close();
    expect(mesh.edge.blocksStored).toHaveLength(before);
    mesh.edge.reachable = true;
    const { storeBlock } = mesh.edge;
    Object.assign(mesh.edge, { storeBlock: () => Promise.reject(new Error('the edge takes nothing')) });
    const again = await mesh.startHeadless(killed);
    while (!tab.node.hasSeen(entry) || tab.node.status().validators === 0) await pause(20);
    await pause(NEXT_BLOCK);
    expect(await tab.account.outbox.state(entry)).toEqual({ state: 'pending' });
    Object.assign(mesh.edge, { storeBlock });
    expect(await tab.account.outbox.whenSettled(entry)).toMatchObject({ code: 'ok', height: before + 1 });
    expect(mesh.edge.blocksStored).toHaveLength(before + 1);
    expect(again.status().height).toBe(before + 1);
    tab.close();
    await again.close();
  });

  test('a clean stop leaves no block behind that only its own folder knows', async () => {
    const { mesh, headless } = await createStand('clean stop');
    const tab = await openMember(mesh, 'alice');
    mesh.edge.reachable = false;
    await register(tab);
    const before = mesh.edge.blocksStored.length;
    while (headless.status().height === before) await pause(20);
    mesh.edge.reachable = true;
    await headless.close();
    expect(mesh.edge.blocksStored).toHaveLength(headless.status().height);
    tab.close();
  });

  test('HD9: versions that somebody else names for a handle push out nothing that is kept', async () => {
    const { mesh, headless } = await createStand('hostile pins');
    const tab = await openMember(mesh, 'mallory');
    const held = headless.status().pinned;
    for (const [at, text] of ['one', 'two', 'three'].entries()) {
      // Files that mallory really serves, so that nothing but the rule keeps them out.
      const site = await tab.publisher.publish({ handle: docs, name: root, files: page(text) });
      expect(site).toMatchObject({ ok: false, error: { code: 'handle_taken' } });
      const manifest = tab.publisher.jobs.at(-1)!.manifest;
      const entry = await tab.account.outbox.submit([
        sitePublish.create({ handle: docs, name: root, manifest, seq: 1_000 + at }),
      ]);
      expect(await tab.account.outbox.whenSettled(entry)).toMatchObject({ code: 'not_owner' });
    }
    expect(headless.status().pinned).toBe(held);
    const visitor = await mesh.startTab('visitor', createMemoryDisk());
    expect(await visitor.node.resolve('sites/docs/')).toMatchObject({ ok: true });
    for (const open of [tab, visitor]) open.close();
    await headless.close();
  });

  test('LG6: a newcomer whose puzzle is too old is not stuck: the next join opens another feed and is final', async () => {
    const { mesh, headless } = await createStand('late puzzle');
    const tab = await mesh.startTab('alice', createMemoryDisk());
    const { outbox, member } = tab.account;
    const block = cidFromDigest('dag-cbor', sha256(encodeUtf8('a block of long ago')));
    const join = { block, nonce: new Uint8Array(8), sealingKey: sha256(encodeUtf8('sealing key')) };
    const late = await outbox.submit([memberJoin.create(join)]);
    expect(await outbox.whenSettled(late)).toMatchObject({ code: 'puzzle_invalid', height: null });
    expect(await member.ensureJoined()).toMatchObject({ ok: true });
    expect(await member.register(alice)).toMatchObject({ ok: true });
    tab.close();
    await headless.close();
  });

  test('LG131: a newcomer whom others overtook at the door is asked for more, and solves that by itself', async () => {
    const { mesh, headless } = await createStand('rush', { joinsPerHour: 1 });
    const asked: number[] = [];
    const late = await mesh.startTab('late', createMemoryDisk(), async (puzzle, giveUp) => {
      asked.push(puzzle.bits);
      // Just what is asked, so that one bit more is too little luck; two others are in before it is found.
      if (asked.length > 1) return await solveAtOnce(puzzle, giveUp);
      for (const name of ['first', 'second']) (await openMember(mesh, name)).close();
      for (let from = 0; ; from++) {
        const { nonce } = searchPuzzle({ ...puzzle, from, count: 1 });
        if (nonce && !checkPuzzle({ ...puzzle, bits: puzzle.bits + 1 }, nonce)) return nonce;
      }
    });
    expect(await late.account.member.ensureJoined()).toMatchObject({ ok: true });
    expect(asked).toEqual([4, 6]);
    late.close();
    await headless.close();
  });

  test('an old copy of a tab put back goes on without a fork, and its site with the next number', async () => {
    const { mesh, headless } = await createStand('old tab');
    const disk = createMemoryDisk();
    const first = await mesh.startTab('alice', disk);
    expect(await first.account.member.register(alice)).toMatchObject({ ok: true });
    const old = disk.copy();
    for (const text of ['one', 'two']) {
      expect(await first.publisher.publish({ handle: alice, name: root, files: page(text) })).toMatchObject({
        ok: true,
      });
    }
    first.close();
    const second = await mesh.startTab('alice', old);
    expect(await second.publisher.publish({ handle: alice, name: root, files: page('three') })).toMatchObject({
      ok: true,
      value: { seq: 3 },
    });
    expect(second.account.outbox.pending).toEqual([]);
    second.close();
    await headless.close();
  });
});
