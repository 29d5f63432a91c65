// Two browsers, one group: founded in one profile, joined in another, a page written by both, over relays and directly.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { parseInviteLink } from '../../shared/node/invite-link.ts';
import { openTab } from './engine-tabs.ts';
import {
  append,
  closeAll,
  detailsOf,
  expectSamePage,
  foundGroup,
  inviteTo,
  joinAndWait,
  membersOf,
  openMember,
  SOON,
  textOf,
} from './group-tabs.ts';
import { describeInChromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

const LIVE_EDITS = 20;

let mesh: Mesh;

function keyEpochOf(url: string): number {
  const link = parseInviteLink(url);
  if (!link.ok) throw new Error(link.error.because);
  return link.value.keyEpoch ?? 0;
}

/** Milliseconds from `change` here until the page is told there: both read the one clock of this machine. */
async function measureLiveEdits(from: Page, to: Page, groupId: string): Promise<number> {
  await to.evaluate(async (id) => {
    const seen: number[] = [];
    Object.assign(globalThis, { seen });
    const page = await weft.documents.open(id, 'pages/plan');
    await page.subscribe(
      ({ kind }) => void (kind === 'changed' && seen.push(performance.timeOrigin + performance.now())),
    );
  }, groupId);
  const began = await from.evaluate(
    async ({ id, times }) => {
      const page = await weft.documents.open(id, 'pages/plan');
      const sent: number[] = [];
      for (let n = 0; n < times; n++) {
        sent.push(performance.timeOrigin + performance.now());
        await page.change([{ action: 'splice', path: ['text', 0], value: 'x' }]);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      return sent;
    },
    { id: groupId, times: LIVE_EDITS },
  );
  const read = () => to.evaluate(() => (globalThis as unknown as { seen: number[] }).seen);
  await expect.poll(async () => (await read()).length, SOON).toBe(LIVE_EDITS);
  const seen = await read();
  const latencies = began.map((at, n) => seen[n]! - at).sort((a, b) => a - b);
  return latencies[LIVE_EDITS / 2]!;
}

describeInChromium('two browsers in one group', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test.each([
    ['direct', false],
    ['relay', true],
  ] as const)('a page is written by both, and becomes final (%s)', async (via, relayOnly) => {
    const alice = await openMember(mesh.app, { relayOnly });
    const bob = await openMember(mesh.app, { relayOnly });
    const groupId = await foundGroup(alice.tab, 'Weavers');
    await append(alice.tab, groupId, 'warp ');
    await joinAndWait(bob.tab, await inviteTo(alice.tab, groupId));
    await expect.poll(() => textOf(bob.tab, groupId), SOON).toBe('warp ');
    await append(bob.tab, groupId, 'and weft');
    expect(await expectSamePage([alice.tab, bob.tab], groupId)).toBe('warp and weft');
    expect(await membersOf(alice.tab, groupId)).toMatchObject([
      { you: true, role: 'admin' },
      { name: 'Newcomer', role: 'member', online: true },
    ]);
    await expect.poll(async () => (await membersOf(alice.tab, groupId))[1]?.via, SOON).toBe(via);
    const latency = await measureLiveEdits(alice.tab, bob.tab, groupId);
    console.info(`a live edit over ${via}: p50 ${latency.toFixed(1)} ms`);
    await expectSamePage([alice.tab, bob.tab], groupId);
    await closeAll(alice, bob);
  });

  test('the leading tab is closed while a second one edits: its handle goes on, and nothing on disk is lost', async () => {
    const alice = await openMember(mesh.app);
    const bob = await openMember(mesh.app);
    const groupId = await foundGroup(alice.tab, 'Weavers');
    await append(alice.tab, groupId, '.');
    await joinAndWait(bob.tab, await inviteTo(alice.tab, groupId));
    const second = await openTab(alice.browser.context, mesh.app);
    expect(await second.evaluate(() => weft.status())).toMatchObject({ leader: false, tabs: 2 });
    const editing = second.evaluate(async (id) => {
      const page = await weft.documents.open(id, 'pages/plan');
      const flushed: string[] = [];
      for (let n = 0; n < 60; n++) {
        const word = `<${n}>`;
        try {
          await page.change([{ action: 'splice', path: ['text', 0], value: word }]);
          await page.flush();
          flushed.push(word);
        } catch {
          // The engine went away under it: the next one.
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return flushed;
    }, groupId);
    await expect.poll(() => textOf(bob.tab, groupId), SOON).toContain('<5>');
    await alice.tab.close();
    const flushed = await editing;
    expect(await second.evaluate(() => weft.status())).toMatchObject({ leader: true });
    const text = await expectSamePage([second, bob.tab], groupId);
    expect(flushed.filter((word) => !text.includes(word))).toEqual([]);
    expect(flushed.length).toBeGreaterThan(50);
    await closeAll(alice, bob);
  });

  test('a member is removed while it writes: what is in the cut counts, and everybody sees the same page', async () => {
    const alice = await openMember(mesh.app);
    const bob = await openMember(mesh.app);
    const carol = await openMember(mesh.app);
    const groupId = await foundGroup(alice.tab, 'Weavers');
    await append(alice.tab, groupId, '.');
    const url = await inviteTo(alice.tab, groupId);
    await joinAndWait(bob.tab, url, 'Bob');
    await joinAndWait(carol.tab, url, 'Carol');
    await expect.poll(() => textOf(bob.tab, groupId), SOON).toBe('.');
    const failed = bob.tab.evaluate(async (id) => {
      const page = await weft.documents.open(id, 'pages/plan');
      for (let n = 0; ; n++) {
        try {
          await page.change([{ action: 'splice', path: ['text', 0], value: 'b' }]);
          await page.flush();
        } catch (error) {
          const { code, message } = error as { code: string; message: string };
          return { code, message, edits: n };
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }, groupId);
    await expect.poll(() => textOf(carol.tab, groupId), SOON).toContain('bbb');
    const bobs = (await membersOf(alice.tab, groupId)).find(({ name }) => name === 'Bob')!;
    await alice.tab.evaluate(([id, who]) => weft.groups.remove(id!, who!), [groupId, bobs.identity]);
    expect(await failed).toMatchObject({ code: 'member_removed', message: expect.stringContaining('taken you out') });
    await append(alice.tab, groupId, 'a');
    await append(carol.tab, groupId, 'c');
    const text = await expectSamePage([alice.tab, carol.tab], groupId);
    expect(text).toMatch(/^b+\.(ac|ca)$/);
    expect(await detailsOf(bob.tab, groupId)).toMatchObject({ role: 'removed' });
    const ofBob = await textOf(bob.tab, groupId);
    expect(ofBob).toMatch(/^b+\.$/);
    // What did not count is not shown as if it did.
    await expect.poll(async () => (await textOf(bob.tab, groupId)).length, SOON).toBe(text.length - 2);
    // GK2, GK6: an admin's browser has drawn a new key, and who joins with it reads all there is.
    await expect.poll(async () => keyEpochOf(await inviteTo(alice.tab, groupId)), SOON).toBe(1);
    const dave = await openMember(mesh.app);
    await joinAndWait(dave.tab, await inviteTo(alice.tab, groupId), 'Dave');
    await append(dave.tab, groupId, 'd');
    expect(await expectSamePage([alice.tab, carol.tab, dave.tab], groupId)).toBe(`${text}d`);
    expect(await textOf(bob.tab, groupId)).not.toContain('d');
    await closeAll(alice, bob, carol, dave);
  });
});
