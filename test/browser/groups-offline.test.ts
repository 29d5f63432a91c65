// A group without a network: many edits on both sides, a month apart, and everybody has the same page afterwards.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { startFlipProxy } from './flip-proxy.ts';
import {
  append,
  closeAll,
  detailsOf,
  editMany,
  expectSamePage,
  foundGroup,
  headsOf,
  inviteTo,
  joinAndWait,
  membersOf,
  openMember,
  SOON,
  textOf,
} from './group-tabs.ts';
import { closeAtEnd, describeInChromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

const LONG = process.env['WEFT_LONG'] === '1';
/** Of each side. */
const EDITS = LONG ? 1_000 : 200;
const MONTH = 30 * 86_400_000;
/** Put before the engine's script: its clock is asked for when it starts. */
const CLOCK_FROM_PROXY = `{ const asked = new XMLHttpRequest();
asked.open('GET', '/clock-shift', false);
asked.send();
const own = Date.now, by = Number(asked.responseText);
Date.now = () => own() + by; }`;

let mesh: Mesh;

function untilOffline(tab: Page, groupId: string): Promise<void> {
  return expect.poll(async () => (await detailsOf(tab, groupId)).connected, SOON).toBe(0);
}

/** As a browser says when its network is back. */
function sayOnline(tab: Page): Promise<unknown> {
  return tab.evaluate(() => globalThis.dispatchEvent(new Event('online')));
}

/** A proxy before the edge; engines that start behind it have a clock that is `shift` ahead. */
async function openTimeMachine(): Promise<{ url: string; shift: number }> {
  const machine = { url: '', shift: 0 };
  const proxy = await startFlipProxy({
    targetPort: mesh.port,
    seed: 1,
    rewrite: ({ path, bytes }) => {
      if (path === '/clock-shift') return Buffer.from(String(machine.shift));
      return /^\/engine-[A-Z0-9]{8}\.js$/.test(path)
        ? Buffer.concat([Buffer.from(CLOCK_FROM_PROXY), bytes])
        : undefined;
    },
  });
  closeAtEnd(() => proxy.close());
  machine.url = `http://localhost:${proxy.port}/`;
  return machine;
}

describeInChromium('a group without a network', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test('BN17: Automerge comes with the first group and is kept: the group opens again without the edge', async () => {
    const { browser, tab } = await openMember(mesh.app);
    const listKept = (): Promise<string[]> =>
      tab.evaluate(async () => {
        const requests = (await caches.keys()).map(async (name) => await (await caches.open(name)).keys());
        return (await Promise.all(requests)).flat().map(({ url }) => new URL(url).pathname);
      });
    // The list goes in last: everything that is kept for everybody is there.
    await expect.poll(listKept, SOON).toContain('/files.json');
    expect((await listKept()).filter((path) => path.endsWith('.wasm'))).toEqual([]);
    const groupId = await foundGroup(tab, 'Weavers');
    await append(tab, groupId, 'kept');
    await expect.poll(listKept, SOON).toContainEqual(expect.stringMatching(/\.wasm$/));
    await browser.close();
    await mesh.stopEdge();
    const again = await openMember(mesh.app, { profileDir: browser.profileDir });
    expect(await textOf(again.tab, groupId)).toBe('kept');
    await mesh.startEdge();
    await closeAll(again);
  });

  test.each([
    ['gathered', false],
    ['each on disk before the next', true],
  ])(`${EDITS} edits on each side, %s, become one page`, async (_how, flushEach) => {
    const alice = await openMember(mesh.app, { relayOnly: true });
    const bob = await openMember(mesh.app, { relayOnly: true });
    const groupId = await foundGroup(alice.tab, 'Weavers');
    await append(alice.tab, groupId, '.');
    await joinAndWait(bob.tab, await inviteTo(alice.tab, groupId));
    await expect.poll(() => textOf(bob.tab, groupId), SOON).toBe('.');
    await mesh.stopEdge();
    const tabs = [alice.tab, bob.tab];
    await Promise.all(tabs.map((tab) => untilOffline(tab, groupId)));
    await Promise.all([
      editMany(alice.tab, groupId, { text: 'a', times: EDITS, flushEach }),
      editMany(bob.tab, groupId, { text: 'b', times: EDITS, flushEach }),
    ]);
    expect(await textOf(alice.tab, groupId)).not.toContain('b');
    await mesh.startEdge();
    const started = performance.now();
    await Promise.all(tabs.map(sayOnline));
    const equal = async (): Promise<boolean> => {
      const [ofAlice, ofBob] = await Promise.all(tabs.map((tab) => headsOf(tab, groupId)));
      const { length } = await textOf(alice.tab, groupId);
      return length === 2 * EDITS + 1 && ofAlice!.join() === ofBob!.join();
    };
    await expect.poll(equal, { timeout: 120_000, interval: 100 }).toBe(true);
    const equalAfter = performance.now() - started;
    const text = await expectSamePage(tabs, groupId);
    const finalAfter = performance.now() - started;
    console.info(
      `2 x ${EDITS} edits: equal after ${Math.round(equalAfter)} ms, final after ${Math.round(finalAfter)} ms`,
    );
    expect(text.split('').sort().join('')).toBe(`.${'a'.repeat(EDITS)}${'b'.repeat(EDITS)}`);
    await closeAll(alice, bob);
  });

  test('a month later both come back, and what was written before counts', async () => {
    const machine = await openTimeMachine();
    const alice = await openMember(machine.url, { relayOnly: true });
    const bob = await openMember(machine.url, { relayOnly: true });
    const groupId = await foundGroup(alice.tab, 'Weavers');
    await joinAndWait(bob.tab, await inviteTo(alice.tab, groupId));
    await append(alice.tab, groupId, 'before ');
    await expectSamePage([alice.tab, bob.tab], groupId);
    await bob.tab.evaluate(() => globalThis.dispatchEvent(new Event('offline')));
    await mesh.stopEdge();
    await untilOffline(bob.tab, groupId);
    await editMany(bob.tab, groupId, { text: 'b', times: 20, flushEach: true });
    await bob.browser.close();
    await mesh.startEdge();
    await editMany(alice.tab, groupId, { text: 'a', times: 20, flushEach: true });
    await expect.poll(async () => (await detailsOf(alice.tab, groupId)).pending, SOON).toBe(0);
    await alice.browser.close();

    machine.shift = MONTH;
    const [later, back] = [
      await openMember(machine.url, { profileDir: alice.browser.profileDir, relayOnly: true }),
      await openMember(machine.url, { profileDir: bob.browser.profileDir, relayOnly: true }),
    ];
    const text = await expectSamePage([later.tab, back.tab], groupId);
    expect(text).toContain('before ');
    expect([text.split('a').length, text.split('b').length]).toEqual([21, 22]);
    await append(back.tab, groupId, ' after');
    expect(await expectSamePage([later.tab, back.tab], groupId)).toContain(' after');
    expect((await membersOf(later.tab, groupId)).map(({ role }) => role).sort()).toEqual(['admin', 'member']);
    await closeAll(later, back);
  });
});
