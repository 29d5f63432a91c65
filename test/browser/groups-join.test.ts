// Ways into a group: with the inviter away, with nobody there, with an invite that does not hold, and with a second device.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { openTab } from './engine-tabs.ts';
import {
  append,
  closeAll,
  detailsOf,
  expectSamePage,
  foundGroup,
  inviteTo,
  joinAndWait,
  joinBy,
  membersOf,
  openMember,
  SOON,
  textOf,
} from './group-tabs.ts';
import { describeInChromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

let mesh: Mesh;

function waitingOf(tab: Page, groupId: string): Promise<{ code: string; message: string } | undefined> {
  return detailsOf(tab, groupId).then(({ waiting }) => waiting);
}

/** The failure that joining by this address ends with at once. */
function joinFailure(tab: Page, url: string): Promise<unknown> {
  return tab.evaluate(
    (given) =>
      weft.groups.join(given).then(
        () => null,
        ({ code, message }: { code: string; message: string }) => ({ code, message }),
      ),
    url,
  );
}

/** The failure that an edit ends with, null when it is on disk. */
function writeFailure(tab: Page, groupId: string): Promise<unknown> {
  return tab.evaluate(async (id) => {
    try {
      const page = await weft.documents.open(id, 'pages/plan');
      await page.change([{ action: 'splice', path: ['text', 0], value: 'late' }]);
      await page.flush();
      return null;
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      return { code, message };
    }
  }, groupId);
}

describeInChromium('ways into a group', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test('while the inviter is away another member lets the newcomer read; with nobody there it waits, and says why', async () => {
    const alice = await openMember(mesh.app);
    const bob = await openMember(mesh.app);
    const groupId = await foundGroup(alice.tab, 'Weavers');
    await append(alice.tab, groupId, 'warp');
    const url = await inviteTo(alice.tab, groupId);
    await joinAndWait(bob.tab, url, 'Bob');
    await expect.poll(() => textOf(bob.tab, groupId), SOON).toBe('warp');
    await alice.browser.close();

    const carol = await openMember(mesh.app);
    await joinBy(carol.tab, url, 'Carol');
    await expect.poll(() => textOf(carol.tab, groupId), SOON).toBe('warp');
    expect(await detailsOf(carol.tab, groupId)).toMatchObject({ role: 'joining', connected: 1 });
    await expect
      .poll(() => waitingOf(carol.tab, groupId), SOON)
      .toMatchObject({
        code: 'waiting_for_order',
        message: expect.stringContaining('is not connected'),
      });
    await append(carol.tab, groupId, ' and weft');
    await expect.poll(() => textOf(bob.tab, groupId), SOON).toBe('warp and weft');
    await closeAll(bob, carol);

    const dave = await openMember(mesh.app);
    await joinBy(dave.tab, url, 'Dave');
    await expect
      .poll(() => waitingOf(dave.tab, groupId), SOON)
      .toMatchObject({
        code: 'waiting_for_members',
        message: expect.stringContaining('Nobody of the group is connected'),
      });
    const again = await openMember(mesh.app, { profileDir: alice.browser.profileDir });
    await expect.poll(async () => (await detailsOf(dave.tab, groupId)).role, SOON).toBe('member');
    expect(await waitingOf(dave.tab, groupId)).toBeUndefined();
    const carolAgain = await openMember(mesh.app, { profileDir: carol.browser.profileDir });
    await expect.poll(async () => (await detailsOf(carolAgain.tab, groupId)).role, SOON).toBe('member');
    const tabs = [again.tab, dave.tab, carolAgain.tab];
    expect(await expectSamePage(tabs, groupId)).toBe('warp and weft');
    await closeAll(again, dave, carolAgain);
  });

  test('a newcomer joins and leaves while nobody is there, and is let in all the same', async () => {
    const alice = await openMember(mesh.app);
    const bob = await openMember(mesh.app);
    const groupId = await foundGroup(alice.tab, 'Night shift');
    const url = await inviteTo(alice.tab, groupId);
    await alice.tab.close();
    await joinBy(bob.tab, url);
    await expect.poll(() => waitingOf(bob.tab, groupId), SOON).toMatchObject({ code: 'waiting_for_members' });
    // The entry that joins is left at the relay a few seconds after nobody took it; then the newcomer is gone.
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    await bob.tab.close();
    const back = await openTab(alice.browser.context, mesh.app);
    await expect.poll(async () => (await membersOf(back, groupId)).map(({ name }) => name), SOON).toContain('Newcomer');
    const again = await openTab(bob.browser.context, mesh.app);
    await expect.poll(async () => (await detailsOf(again, groupId)).role, SOON).toBe('member');
    await closeAll(alice, bob);
  });

  test('an invite that is expired, used up or not whole ends in a sentence', async () => {
    const alice = await openMember(mesh.app);
    const bob = await openMember(mesh.app);
    const carol = await openMember(mesh.app);
    const groupId = await foundGroup(alice.tab, 'Weavers');
    const once = await inviteTo(alice.tab, groupId, { uses: 1 });
    await joinAndWait(bob.tab, once, 'Bob');

    expect(await joinFailure(carol.tab, await inviteTo(alice.tab, groupId, { expiresIn: 1 }))).toMatchObject({
      code: 'invite_expired',
      message: expect.stringContaining('ask whoever sent it'),
    });
    for (const wrong of ['hello', `${mesh.app}#join=`, once.slice(0, -7), `${mesh.app}#join=AAAA`]) {
      expect(await joinFailure(carol.tab, wrong)).toMatchObject({
        code: 'invite_invalid',
        message: expect.stringContaining('copy it again'),
      });
    }
    expect(await carol.tab.evaluate(() => weft.groups.list())).toEqual([]);

    await joinBy(carol.tab, once, 'Carol');
    await expect
      .poll(() => waitingOf(carol.tab, groupId), SOON)
      .toMatchObject({
        code: 'invite_used',
        message: expect.stringContaining('as often as it may be'),
      });
    // With a good one the same browser gets in after all.
    await joinAndWait(carol.tab, await inviteTo(alice.tab, groupId), 'Carol');
    expect(await waitingOf(carol.tab, groupId)).toBeUndefined();
    await closeAll(alice, bob, carol);
  });

  test('a second device gets in by its phrase and any invite, and what it writes after its revocation does not count', async () => {
    const alice = await openMember(mesh.app);
    const bob = await openMember(mesh.app, { relayOnly: true });
    const groupId = await foundGroup(alice.tab, 'Weavers');
    await append(alice.tab, groupId, 'one');
    const once = await inviteTo(alice.tab, groupId, { uses: 1 });
    await joinAndWait(bob.tab, once, 'Bob');
    const phrase = await bob.tab.evaluate(() => weft.wallet.recoveryPhrase());
    const second = await openMember(mesh.app, { phrase, relayOnly: true });
    await joinBy(second.tab, once, 'Bob');
    await expect.poll(async () => (await detailsOf(second.tab, groupId)).role, SOON).toBe('member');
    await expect.poll(() => textOf(second.tab, groupId), SOON).toBe('one');
    await append(second.tab, groupId, ' two');
    expect(await expectSamePage([alice.tab, bob.tab, second.tab], groupId)).toBe('one two');
    const details = await detailsOf(alice.tab, groupId);
    expect(details).toMatchObject({ members: 2, invites: [{ used: 1 }] });
    expect((await membersOf(alice.tab, groupId)).find(({ name }) => name === 'Bob')).toMatchObject({ devices: 2 });
    await expect.poll(() => waitingOf(second.tab, groupId), SOON).toBeUndefined();

    const devices = await bob.tab.evaluate(() => weft.wallet.devices());
    expect(devices.map(({ current, revoked }) => ({ current, revoked }))).toEqual([
      { current: true, revoked: false },
      { current: false, revoked: false },
    ]);
    const lost = devices.find(({ current }) => !current)!.device;
    await bob.tab.evaluate((device) => weft.wallet.revokeDevice(device), lost);
    await expect
      .poll(() => bob.tab.evaluate(() => weft.wallet.devices()), SOON)
      .toContainEqual(expect.objectContaining({ device: lost, revoked: true }));
    const revoked = { code: 'device_revoked', message: expect.stringContaining('revoked') };
    await expect.poll(() => writeFailure(second.tab, groupId), SOON).toMatchObject(revoked);
    expect((await membersOf(alice.tab, groupId)).find(({ name }) => name === 'Bob')).toMatchObject({ devices: 1 });
    await append(bob.tab, groupId, ' three');
    expect(await expectSamePage([alice.tab, bob.tab], groupId)).toMatch(/^(late)*one two three$/);
    await closeAll(alice, bob, second);
  });
});
