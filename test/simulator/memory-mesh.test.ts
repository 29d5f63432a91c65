// The walking skeleton without a browser: publish from a tab, pin, resolve from another, restart with an old disk.

import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { assert } from '../../shared/core/assert.ts';
import type { Handle, SiteName } from '../../shared/ledger/handle-grammar.ts';
import { handleRegister } from '../../shared/ledger/families/handles.ts';
import { decodeRecord, FEED } from '../../shared/ledger/records.ts';
import { resolveSite } from '../../shared/light-client/site-record.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createMemoryMesh } from './memory-mesh.ts';
import { createMemoryDisk } from './memory-store.ts';

const alice = 'alice' as Handle;
const root = '' as SiteName;
const files = [
  { path: 'index.html', body: encodeUtf8('<h1>hello</h1>') },
  { path: 'big.bin', body: new Uint8Array(700_000).fill(7) },
];

describe('a mesh of one headless node and tabs', () => {
  test('a site published from a tab is final, held by the headless node, and resolved by a stranger', async () => {
    const mesh = await createMemoryMesh('publish');
    const headless = await mesh.startHeadless(createMemoryDisk());
    const docs = await headless.publishSite({ handle: 'docs' as Handle, name: root, files });
    expect(docs).toMatchObject({ ok: true, value: { seq: 1 } });
    const tab = await mesh.startTab('alice', createMemoryDisk());
    const lease = await tab.account.member.register(alice);
    expect(lease).toMatchObject({ ok: true });
    const steps: string[] = [];
    const published = await tab.publisher.publish({
      handle: alice,
      name: root,
      files,
      onProgress: ({ step }) => steps.push(step),
    });
    expect(published).toMatchObject({ ok: true, value: { state: 'held', seq: 1, copies: 1 } });
    expect(steps.slice(-3)).toEqual(['stored', 'ordered', 'held']);
    expect(mesh.edge.blocksStored.length).toBe(headless.status().height);
    tab.close();
    const visitor = await mesh.startTab('visitor', createMemoryDisk());
    await visitor.node.room.whenOnline(5_000);
    const resolved = await visitor.node.resolve('sites/alice/');
    assert(resolved.ok, 'the record resolves');
    const site = resolveSite(resolved.value, Date.now());
    assert(site.ok && published.ok, 'the site is there');
    expect(site.value.manifest).toBe(published.value.manifest);
    const sources = await visitor.node.findSources(site.value.manifest);
    expect(sources.some(({ kind }) => kind === 'peer')).toBe(true);
    visitor.close();
    await headless.close();
  });

  test('HD7: a handle is renewed by its owner, and by nobody else', async () => {
    const mesh = await createMemoryMesh('renew');
    const headless = await mesh.startHeadless(createMemoryDisk());
    await headless.publishSite({ handle: 'docs' as Handle, name: root, files });
    const tab = await mesh.startTab('alice', createMemoryDisk());
    const first = await tab.account.member.register(alice);
    assert(first.ok, 'the handle is free');
    const renewed = await tab.account.member.renew(alice);
    expect(renewed).toMatchObject({ ok: true, value: { owner: first.value.owner, generation: 1 } });
    expect(renewed.ok && renewed.value.lease).toBeGreaterThan(first.value.lease);
    expect(await tab.account.member.renew('docs' as Handle)).toMatchObject({ error: { code: 'not_owner' } });
    tab.close();
    await headless.close();
  });

  test('LC8: while only an edge that is behind answers, a write waits for somebody who knows the newest state', async () => {
    const mesh = await createMemoryMesh('behind');
    const disk = createMemoryDisk();
    const headless = await mesh.startHeadless(disk);
    await headless.publishSite({ handle: 'docs' as Handle, name: root, files });
    const tab = await mesh.startTab('alice', createMemoryDisk());
    await tab.node.room.whenOnline(5_000);
    const before = await tab.node.resolve('handles/alice');
    assert(before.ok, 'the free handle resolves');
    expect(await tab.account.member.register('zoe' as Handle)).toMatchObject({ ok: true });
    await headless.close();
    mesh.edge.resolve = async () => before.value.bytes;
    expect(await tab.account.member.register(alice)).toMatchObject({
      ok: false,
      error: { code: 'waiting_for_network' },
    });
    const publishing = tab.publisher.publish({ handle: alice, name: root, files });
    const again = await mesh.startHeadless(disk);
    expect(await publishing).toMatchObject({ ok: true, value: { state: 'held', seq: 1 } });
    tab.close();
    await again.close();
  });

  test('an old copy of the headless disk takes what it missed before it signs', async () => {
    const mesh = await createMemoryMesh('old disk');
    const disk = createMemoryDisk();
    const first = await mesh.startHeadless(disk);
    await first.publishSite({ handle: 'docs' as Handle, name: root, files });
    await first.close();
    const old = disk.copy();
    const second = await mesh.startHeadless(disk);
    await second.publishSite({ handle: 'docs' as Handle, name: root, files: [files[0]!] });
    const { height } = second.status();
    await second.close();
    const stored = [...mesh.edge.blocksStored];
    const third = await mesh.startHeadless(old);
    expect(third.status().height).toBe(height);
    const again = await third.publishSite({ handle: 'docs' as Handle, name: root, files: [files[1]!] });
    expect(again).toMatchObject({ ok: true, value: { seq: 3 } });
    expect(mesh.edge.blocksStored.slice(0, stored.length)).toEqual(stored);
    await third.close();
  });

  test('SY12: the validator has the feed of a cloned tab frozen, and the tab goes on in another', async () => {
    const mesh = await createMemoryMesh('clone');
    const headless = await mesh.startHeadless(createMemoryDisk());
    await headless.publishSite({ handle: 'docs' as Handle, name: root, files });
    const disk = createMemoryDisk();
    const first = await mesh.startTab('alice', disk);
    expect(await first.account.member.register('one' as Handle)).toMatchObject({ ok: true });
    first.close();
    const tabs = [await mesh.startTab('alice', disk.copy()), await mesh.startTab('alice', disk.copy())];
    const outboxes = tabs.map(({ account }) => account.outbox);
    await waitUntil(() => outboxes.every(({ reconciled }) => reconciled));
    const { feed, seq } = outboxes[0]!.head!;
    // Both have signed before either hears of the other.
    const written = await Promise.all(
      outboxes.map((outbox, at) => outbox.submit([handleRegister.create({ handle: `two-${at}` })])),
    );
    const outcomes = await Promise.all(outboxes.map((outbox, at) => outbox.whenSettled(written[at]!)));
    expect(outcomes.map(({ code }) => code).toSorted()).toEqual(['forked', 'ok']);
    const readFeed = () => decodeRecord(FEED, headless.readState(FEED.key(feed))!);
    await waitUntil(() => {
      const known = readFeed();
      return known.ok && known.value.frozenAt === seq + 1;
    });
    const loser = outcomes.findIndex(({ code }) => code === 'forked');
    expect(await tabs[loser]!.account.member.register('three' as Handle)).toMatchObject({ ok: true });
    expect(outboxes[loser]!.head!.feed).not.toBe(feed);
    for (const tab of tabs) tab.close();
    await headless.close();
  });
});

async function waitUntil(done: () => boolean): Promise<void> {
  const clock = createWebClock();
  while (!done()) await new Promise<void>((resolve) => clock.after(10, resolve));
}
