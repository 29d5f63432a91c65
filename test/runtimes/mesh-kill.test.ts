// The always-on node killed in the middle of its work, again and again, while tabs publish: nothing acknowledged is lost, nothing forks.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import { assert } from '../../shared/core/assert.ts';
import { resolveSite } from '../../shared/light-client/site-record.ts';
import { openNodeTab, type NodeTab } from '../browser/node-tab.ts';
import { isAlive } from '../browser/harness-processes.ts';
import { HistoryWatch, readBlocks } from './mesh-ledger.ts';
import { startMeshParts, type MeshParts } from './mesh-parts.ts';

const DEFAULT_KILLS = 4;
const LONG_KILLS = 50;
const kills = Number(process.env['WEFT_KILLS'] ?? (process.env['WEFT_LONG'] ? LONG_KILLS : DEFAULT_KILLS));

/** The node is killed at another moment of its work each time: while it starts, orders, pins or reports. */
const KILL_AFTER_MAX = 2_000;

type Acknowledged = { readonly handle: string; readonly seq: number; readonly manifest: string };

/** Publishes one version after the other until told to stop; every one that resolves `ok` was final and held. */
async function publishOn(tab: NodeTab, handle: string, given: { stopped: AbortSignal; done: Acknowledged[] }) {
  for (let turn = 1; !given.stopped.aborted; turn++) {
    const files = [
      { path: 'index.html', body: encodeUtf8(`<h1>${handle} ${turn}</h1>`) },
      { path: 'block.bin', body: new Uint8Array(300_000).fill(turn % 251) },
    ];
    const published = await tab.publish({ handle, files });
    if (!published.ok) {
      // Without the node for 30 s: the job goes on by itself.
      expect(published.error.code).toBe('waiting_for_network');
      continue;
    }
    const { seq, manifest } = published.value;
    assert(seq !== undefined, 'a held version has a number');
    given.done.push({ handle, seq, manifest });
  }
}

async function openPublisher(mesh: MeshParts, name: string): Promise<NodeTab> {
  const tab = await openNodeTab({ origin: mesh.origin, name });
  const lease = await tab.register(name);
  assert(lease.ok, 'the handle is free');
  return tab;
}

test(`${kills} SIGKILLs of the headless node while tabs publish: 0 lost, 0 forks, one history`, async () => {
  const mesh = await startMeshParts();
  const names = ['alice', 'bernd'];
  const tabs = await Promise.all(names.map((name) => openPublisher(mesh, name)));
  const stopped = new AbortController();
  const done: Acknowledged[] = [];
  const publishing = tabs.map((tab, at) => publishOn(tab, names[at]!, { stopped: stopped.signal, done }));
  const history = new HistoryWatch();
  const seen = new Set<Cid>();
  for (let kill = 0; kill < kills; kill++) {
    await sleep((KILL_AFTER_MAX * ((kill * 7) % 10)) / 10);
    const { headlessPid } = mesh;
    for (const { node, account } of tabs) {
      for (const { id } of account.outbox.pending) if (node.hasSeen(id)) seen.add(id);
    }
    await mesh.stopHeadless('SIGKILL');
    expect(isAlive(headlessPid)).toBe(false);
    history.check(await readBlocks(mesh.origin), mesh.founded.commons);
    await mesh.startHeadless();
  }
  const before = done.length;
  while (done.length < before + names.length) await sleep(100);
  stopped.abort();
  await Promise.all(publishing);

  history.check(await readBlocks(mesh.origin), mesh.founded.commons);
  expect(done.length).toBeGreaterThan(names.length);
  expect([...seen].filter((id) => !history.entries.has(id))).toEqual([]);
  for (const [at, tab] of tabs.entries()) {
    const handle = names[at]!;
    const own = done.filter((version) => version.handle === handle);
    const seqs = own.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(new Set(seqs).size).toBe(seqs.length);
    const resolution = await tab.node.resolve(`sites/${handle}/`);
    assert(resolution.ok, 'the site resolves');
    const site = resolveSite(resolution.value, Date.now());
    assert(site.ok, 'the site is published');
    expect(site.value.seq).toBeGreaterThanOrEqual(own.at(-1)!.seq);
    expect(tab.account.outbox.pending).toEqual([]);
    expect(tab.publisher.jobs.map(({ state }) => state)).toEqual(['held']);
    await tab.close();
  }
});
