// The edge killed under a publish, two tabs after one name, and a clock that is a day off: each ends well, or in a sentence that says what to do.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { assert } from '../../shared/core/assert.ts';
import { resolveSite } from '../../shared/light-client/site-record.ts';
import type { Clock } from '../../shared/platform/ports.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { closeAtEnd, makeTempFolder } from '../browser/harness.ts';
import { findProcesses, isAlive } from '../browser/harness-processes.ts';
import { folderDisk, openNodeTab, type NodeTab } from '../browser/node-tab.ts';
import { HistoryWatch, readBlocks } from './mesh-ledger.ts';
import { startMeshParts, type MeshParts } from './mesh-parts.ts';

const DAY = 24 * 60 * 60 * 1_000;
const POLL = 50;
const page = (text: string) => [{ path: 'index.html', body: encodeUtf8(text) }];

async function openTab(mesh: MeshParts, options: Omit<Parameters<typeof openNodeTab>[0], 'origin'>): Promise<NodeTab> {
  const tab = await openNodeTab({ origin: mesh.origin, ...options });
  closeAtEnd(() => tab.close());
  return tab;
}

function shiftClock(by: () => number): Clock {
  const clock = createWebClock();
  return { now: () => clock.now() + by(), after: clock.after };
}

test('the edge killed at every step of a publish and started again: it finishes, nothing acknowledged is lost, no workerd stays', async () => {
  const mesh = await startMeshParts();
  const { origin, port, founded } = mesh;
  const tab = await openTab(mesh, { name: 'alice' });
  expect(await tab.register('alice')).toMatchObject({ ok: true });
  const history = new HistoryWatch();
  for (const killAt of ['stored', 'ordered'] as const) {
    let reached = (): void => {};
    const step = new Promise<void>((resolve) => (reached = resolve));
    const publishing = tab.publish({
      handle: 'alice',
      files: [...page(`killed at ${killAt}`), { path: 'big.bin', body: new Uint8Array(3_000_000).fill(killAt.length) }],
      onProgress: (progress) => (progress.step === killAt ? reached() : undefined),
    });
    await step;
    const ofEdge = findProcesses((command) => command.some((part) => part.includes(`127.0.0.1:${port}`)));
    expect(ofEdge.length).toBeGreaterThan(0);
    process.kill(mesh.edgePid, 'SIGKILL');
    while (ofEdge.some(isAlive)) await sleep(POLL);
    await mesh.stopEdge();
    await mesh.startEdge();
    expect(await publishing).toMatchObject({ ok: true, value: { state: 'held' } });
    history.check(await readBlocks(origin), founded.commons);
  }
  expect(tab.publisher.jobs).toMatchObject([{ state: 'held', seq: 2 }]);
});

test('two tabs after one handle: one has it, the other hears a sentence and goes on under another name with the same files', async () => {
  const mesh = await startMeshParts();
  const tabs = await Promise.all(['alice', 'bernd'].map((name) => openTab(mesh, { name })));
  // Both are members before either asks: what is contested is the name alone.
  expect(await Promise.all(tabs.map(({ account }) => account.member.ensureJoined()))).toMatchObject([
    { ok: true },
    { ok: true },
  ]);
  const leases = await Promise.all(tabs.map((tab) => tab.register('garden')));
  const lost = leases.findIndex(({ ok }) => !ok);
  expect(leases.filter(({ ok }) => ok)).toHaveLength(1);
  expect(leases[lost]).toMatchObject({ ok: false, error: { code: 'handle_taken' } });
  const loss = leases[lost]!;
  assert(!loss.ok, 'one lost');
  expect(loss.error.because).toMatch(/Somebody else has this handle: choose another\./);
  const loser = tabs[lost]!;
  const refused = await loser.publish({ handle: 'garden', files: page('mine') });
  expect(refused).toMatchObject({ ok: false, error: { code: 'handle_taken' } });
  expect(await loser.register('garden-2')).toMatchObject({ ok: true });
  const published = await loser.publish({ handle: 'garden-2', files: page('mine') });
  expect(published).toMatchObject({ ok: true, value: { state: 'held', seq: 1 } });
  const won = await tabs[1 - lost]!.publish({ handle: 'garden', files: page('theirs') });
  expect(won).toMatchObject({ ok: true, value: { state: 'held', seq: 1 } });
});

test('LG5: a clock a day ahead is refused with a sentence, and once it is right the feed goes on', async () => {
  const mesh = await startMeshParts();
  let ahead = 0;
  const clock = shiftClock(() => ahead);
  const disk = folderDisk(await makeTempFolder('tab'));
  const tab = await openTab(mesh, { name: 'alice', disk, clock });
  expect(await tab.register('alice')).toMatchObject({ ok: true });
  ahead = DAY;
  const refused = await tab.publish({ handle: 'alice', files: page('tomorrow') });
  assert(!refused.ok, 'an entry of tomorrow is not ordered today');
  expect(refused.error.code).toBe('clock_ahead');
  expect(refused.error.because).toMatch(/clock of the device .* set it right/);
  expect(tab.account.outbox.pending).toEqual([]);
  ahead = 0;
  const published = await tab.publish({ handle: 'alice', files: page('today') });
  expect(published).toMatchObject({ ok: true, value: { state: 'held', seq: 1 } });
  await tab.close();
  const again = await openTab(mesh, { name: 'alice', disk });
  expect(await again.publish({ handle: 'alice', files: page('once more') })).toMatchObject({
    ok: true,
    value: { seq: 2 },
  });
  new HistoryWatch().check(await readBlocks(mesh.origin), mesh.founded.commons);
});

test('LG5, LC10: a first start with a clock a day ahead or behind: a newcomer hears it, or joins; the lease is judged by the reader', async () => {
  const mesh = await startMeshParts();
  const early = await openTab(mesh, { name: 'early', clock: shiftClock(() => DAY) });
  expect(await early.register('early')).toMatchObject({ ok: false, error: { code: 'clock_ahead' } });
  const late = await openTab(mesh, { name: 'late', clock: shiftClock(() => -DAY) });
  expect(await late.register('late')).toMatchObject({ ok: true });
  expect(await late.publish({ handle: 'late', files: page('yesterday') })).toMatchObject({ ok: true });
  const resolved = await early.node.resolve('sites/late/');
  assert(resolved.ok, 'a reader a day ahead still resolves');
  expect(resolveSite(resolved.value, Date.now() + DAY).ok).toBe(true);
  expect(resolveSite(resolved.value, Date.now() + 366 * DAY)).toMatchObject({
    ok: false,
    error: { code: 'lease_expired', because: expect.stringContaining('If the clock of this device is wrong, set it.') },
  });
});
