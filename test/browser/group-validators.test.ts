// A group that four browsers order together: one is gone for good, one restarts, and with two gone it waits and loses nothing.

import { beforeAll, expect, test } from 'vitest';
import {
  append,
  closeAll,
  detailsOf,
  expectSamePage,
  inviteTo,
  joinBy,
  openMember,
  SOON,
  textOf,
  type MemberTab,
} from './group-tabs.ts';
import { describeInChromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';
import { pauseTree, resumeTree } from './harness-processes.ts';

/** Far longer than a block takes. */
const ASLEEP_FOR = 6_000;

let mesh: Mesh;

async function foundTogether(members: readonly MemberTab[]): Promise<string> {
  const [first, ...rest] = members.map(({ tab }) => tab);
  const others = await Promise.all(rest.map((tab) => tab.evaluate(() => weft.groups.offer())));
  const groupId = await first!.evaluate(
    async (offers) => (await weft.groups.create({ name: 'Four', others: offers })).groupId,
    others,
  );
  const url = await inviteTo(first!, groupId);
  for (const tab of rest) await joinBy(tab, url);
  return groupId;
}

async function heightOf({ tab }: MemberTab, groupId: string): Promise<number> {
  return (await detailsOf(tab, groupId)).height;
}

async function untilConnected(members: readonly MemberTab[], groupId: string): Promise<void> {
  for (const { tab } of members) {
    const online = async (): Promise<number> =>
      (await detailsOf(tab, groupId)).validators.filter((validator) => validator.online).length;
    await expect.poll(online, SOON).toBeGreaterThanOrEqual(members.length);
  }
}

describeInChromium('a group that its members order together', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test('CN2: of four profiles one is killed for good and edits go on becoming final; another restarts and catches up', async () => {
    const members = await Promise.all(Array.from({ length: 4 }, () => openMember(mesh.app, { relayOnly: true })));
    const groupId = await foundTogether(members);
    await untilConnected(members, groupId);
    for (const [at, { tab }] of members.entries()) await append(tab, groupId, String(at));
    await expectSamePage(
      members.map(({ tab }) => tab),
      groupId,
    );
    const [alice, bob, carol, dave] = members as [MemberTab, MemberTab, MemberTab, MemberTab];
    await dave.browser.kill();
    const before = await heightOf(alice, groupId);
    const left = [alice, bob, carol];
    for (const [at, { tab }] of left.entries()) await append(tab, groupId, `after${at}`);
    await expectSamePage(
      left.map(({ tab }) => tab),
      groupId,
    );
    expect(await heightOf(alice, groupId)).toBeGreaterThan(before);
    await carol.browser.kill();
    await append(alice.tab, groupId, 'alone');
    const again = await openMember(mesh.app, { profileDir: carol.browser.profileDir });
    await expectSamePage([alice.tab, bob.tab, again.tab], groupId);
    expect(await textOf(again.tab, groupId)).toContain('alone');
    await closeAll(alice, bob, again);
  });

  test('CN5: a browser that sleeps with its connections open holds up nobody, and goes on when it wakes up', async () => {
    const members = await Promise.all(Array.from({ length: 4 }, () => openMember(mesh.app)));
    const groupId = await foundTogether(members);
    await untilConnected(members, groupId);
    const [alice, bob, carol, dave] = members as [MemberTab, MemberTab, MemberTab, MemberTab];
    pauseTree(dave.browser.pid);
    const tabs = [alice.tab, bob.tab, carol.tab];
    for (let round = 0; round < 3; round++) {
      for (const [at, tab] of tabs.entries()) await append(tab, groupId, `${round}${at}`);
      await expectSamePage(tabs, groupId);
    }
    resumeTree(dave.browser.pid);
    await append(dave.tab, groupId, 'back');
    await expectSamePage([...tabs, dave.tab], groupId);
    await closeAll(...members);
  });

  test('CN5: of two that order a group, one waits while the other sleeps, and a page that is merely hidden goes on', async () => {
    const [alice, bob] = await Promise.all([openMember(mesh.app), openMember(mesh.app)]);
    const groupId = await foundTogether([alice, bob]);
    await untilConnected([alice, bob], groupId);
    await append(alice.tab, groupId, 'first');
    await expectSamePage([alice.tab, bob.tab], groupId);
    // Timers of the page are throttled and then stopped; what votes is in a worker.
    const lifecycle = await bob.browser.context.newCDPSession(bob.tab);
    await lifecycle.send('Page.setWebLifecycleState', { state: 'frozen' });
    const before = await heightOf(alice, groupId);
    await append(alice.tab, groupId, 'second');
    await expect.poll(() => heightOf(alice, groupId), SOON).toBeGreaterThan(before);
    await lifecycle.send('Page.setWebLifecycleState', { state: 'active' });
    await expectSamePage([alice.tab, bob.tab], groupId);
    pauseTree(bob.browser.pid);
    const asleep = await heightOf(alice, groupId);
    await append(alice.tab, groupId, 'third');
    await new Promise((resolve) => setTimeout(resolve, ASLEEP_FOR));
    expect(await heightOf(alice, groupId)).toBe(asleep);
    resumeTree(bob.browser.pid);
    await expectSamePage([alice.tab, bob.tab], groupId);
    await closeAll(alice, bob);
  });

  test('CN7: on a fresh group two of four are gone: nothing is final, what waits survives, and finishes when one returns', async () => {
    const members = await Promise.all(Array.from({ length: 4 }, () => openMember(mesh.app)));
    const groupId = await foundTogether(members);
    await untilConnected(members, groupId);
    const [alice, bob, carol, dave] = members as [MemberTab, MemberTab, MemberTab, MemberTab];
    const before = await heightOf(alice, groupId);
    await Promise.all([carol.browser.kill(), dave.browser.kill()]);
    await append(alice.tab, groupId, 'kept');
    await expect.poll(() => textOf(bob.tab, groupId), SOON).toContain('kept');
    await expect.poll(async () => (await detailsOf(bob.tab, groupId)).waiting?.code, SOON).toBe('waiting_for_order');
    await alice.browser.kill();
    const back = await openMember(mesh.app, { profileDir: alice.browser.profileDir });
    await expect.poll(async () => (await detailsOf(back.tab, groupId)).pending, SOON).toBeGreaterThan(0);
    expect(await heightOf(bob, groupId)).toBe(before);
    const returned = await openMember(mesh.app, { profileDir: dave.browser.profileDir });
    await expectSamePage([back.tab, bob.tab, returned.tab], groupId);
    expect(await heightOf(bob, groupId)).toBeGreaterThan(before);
    await closeAll(back, bob, returned);
  });
});
