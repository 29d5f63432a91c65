// A commons that several headless nodes order, over one memory room: tabs write to all of them, and one may go.

import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import type { Handle, SiteName } from '../../shared/ledger/handle-grammar.ts';
import type { HeadlessNode } from '../../site-host/headless-node.ts';
import { createMemoryMesh } from './memory-mesh.ts';
import { createMemoryDisk } from './memory-store.ts';

const WAIT_STEP = 100;
const WAIT_MAX = 60_000;

async function until(done: () => boolean): Promise<void> {
  for (let waited = 0; !done(); waited += WAIT_STEP) {
    expect(waited).toBeLessThan(WAIT_MAX);
    await new Promise((resolve) => setTimeout(resolve, WAIT_STEP));
  }
}

function heights(nodes: readonly HeadlessNode[]): Set<number> {
  return new Set(nodes.map((node) => node.status().height));
}

describe('a commons with four validators', () => {
  test('CN2: handles are registered; one node stops and it goes on; it returns, catches up, and another may stop', async () => {
    const mesh = await createMemoryMesh('four', 4);
    const disks = Array.from({ length: 4 }, () => createMemoryDisk());
    const nodes = await Promise.all(disks.map((disk, index) => mesh.startHeadless(disk, index)));
    const files = [{ path: 'index.html', body: encodeUtf8('<h1>docs</h1>') }];
    const docs = await nodes[0]!.publishSite({ handle: 'docs' as Handle, name: '' as SiteName, files });
    expect(docs).toMatchObject({ ok: true, value: { seq: 1 } });
    const tab = await mesh.startTab('alice', createMemoryDisk());
    expect(await tab.account.member.register('alice' as Handle)).toMatchObject({ ok: true });
    await until(() => heights(nodes).size === 1);
    await nodes[0]!.close();
    expect(await tab.account.member.register('bob' as Handle)).toMatchObject({ ok: true });
    await until(() => heights(nodes.slice(1)).size === 1);
    nodes[0] = await mesh.startHeadless(disks[0]!, 0);
    await until(() => heights(nodes).size === 1);
    await nodes[2]!.close();
    expect(await tab.account.member.register('carol' as Handle)).toMatchObject({ ok: true });
    const left = nodes.filter((_, index) => index !== 2);
    await until(() => heights(left).size === 1);
    expect(mesh.edge.blocksStored.length).toBe(left[0]!.status().height);
    tab.close();
    await Promise.all(left.map((node) => node.close()));
  });
});
