// Two browsers of one person: the phrase alone brings the groups and their pages, and a device that is revoked is shut out and told.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import {
  append,
  closeAll,
  expectSamePage,
  foundGroup,
  inviteTo,
  joinAndWait,
  openMember,
  SOON,
  textOf,
} from './group-tabs.ts';
import { failureOf } from './engine-tabs.ts';
import { describeInChromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

let mesh: Mesh;

function namesOf(tab: Page): Promise<string[]> {
  return tab.evaluate(async () => (await weft.groups.list()).map(({ name }) => name).sort());
}

function devicesOf(tab: Page) {
  return tab.evaluate(() => weft.wallet.devices());
}

/** The code that an edit ends with, null when it is on disk. */
function writeFailure(tab: Page, groupId: string): Promise<string | null> {
  return tab.evaluate(async (id) => {
    try {
      const page = await weft.documents.open(id, 'pages/plan');
      await page.change([{ action: 'put', path: ['title'], value: 'late' }]);
      await page.flush();
      return null;
    } catch (error) {
      return (error as { code: string }).code;
    }
  }, groupId);
}

async function openWallet(tab: Page): Promise<void> {
  await tab.evaluate(() => void (location.hash = '#/wallet'));
  await tab.getByRole('heading', { name: 'Devices' }).waitFor();
}

describeInChromium('devices of one person', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test('a restored phrase brings its groups and pages by itself; a device that is revoked is shut out, and says so', async () => {
    const bob = await openMember(mesh.app);
    const first = await openMember(mesh.app);
    const own = await foundGroup(first.tab, 'Weavers');
    await append(first.tab, own, 'one');
    const shared = await foundGroup(bob.tab, 'Night shift');
    await joinAndWait(first.tab, await inviteTo(bob.tab, shared), 'Alice');
    expect(await namesOf(first.tab)).toEqual(['Night shift', 'Weavers']);
    const phrase = await first.tab.evaluate(() => weft.wallet.recoveryPhrase());

    const second = await openMember(mesh.app, { phrase });
    await expect.poll(() => namesOf(second.tab), SOON).toEqual(['Night shift', 'Weavers']);
    await expect.poll(() => textOf(second.tab, own), SOON).toBe('one');
    await append(second.tab, own, ' two');
    expect(await expectSamePage([first.tab, second.tab], own)).toBe('one two');
    await append(first.tab, own, ' three');
    expect(await expectSamePage([first.tab, second.tab], own)).toBe('one two three');
    // What the second one founds comes back to the first, and one's devices are no group among the groups.
    const later = await foundGroup(second.tab, 'Later');
    await expect.poll(() => namesOf(first.tab), SOON).toEqual(['Later', 'Night shift', 'Weavers']);
    await append(second.tab, later, 'here');
    await expect.poll(() => textOf(first.tab, later), SOON).toBe('here');
    await expect.poll(async () => (await devicesOf(first.tab)).length, SOON).toBe(2);
    for (const { name, since, revoked } of await devicesOf(first.tab)) {
      expect({ name, since, revoked }).toEqual({
        name: expect.stringMatching(/^Chrom/),
        since: expect.any(Number),
        revoked: false,
      });
      expect(since).toBeGreaterThan(0);
    }

    await openWallet(first.tab);
    await first.tab.getByRole('button', { name: /^Revoke/ }).click();
    const question = first.tab.getByRole('dialog');
    expect(await question.innerText()).toContain('nothing that it writes counts');
    await question.getByRole('button', { name: 'Revoke' }).click();
    // Also where it has written nothing: in the group that Bob orders.
    const ids = (await devicesOf(first.tab)).filter(({ current }) => !current);
    expect(ids).toHaveLength(1);
    await expect.poll(() => writeFailure(second.tab, own), SOON).toBe('device_revoked');
    await expect.poll(() => writeFailure(second.tab, shared), SOON).toBe('device_revoked');
    await openWallet(second.tab);
    await expect.poll(() => second.tab.getByText('This device was revoked.').count(), SOON).toBe(1);
    const refused = await failureOf(second.tab, () => weft.handles.register('weavers'));
    expect(refused).toMatchObject({ code: 'device_revoked', message: expect.stringContaining('revoked this one') });
    const invited = await second.tab.evaluate(
      (id) => weft.groups.invite(id).then(String, ({ code }: { code: string }) => code),
      own,
    );
    expect(invited).toBe('device_revoked');
    await second.tab.evaluate((id) => void (location.hash = `#/groups/${id}/pages/plan`), own);
    await second.tab.getByRole('textbox', { name: 'Title' }).waitFor();
    await expect.poll(() => second.tab.getByText('This device was revoked.').count(), SOON).toBe(1);
    const seen = await textOf(second.tab, own);
    await append(first.tab, own, ' four');
    await append(first.tab, shared, 'warp');
    await expect.poll(() => textOf(bob.tab, shared), SOON).toBe('warp');
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await textOf(second.tab, own)).toBe(seen);
    expect(await textOf(second.tab, shared)).toBe('');
    expect(await textOf(first.tab, own)).toBe('one two three four');
    await closeAll(bob, first, second);
  });

  test('the device that ordered the list is lost: another one revokes it, and a third finds everything through that one', async () => {
    const first = await openMember(mesh.app);
    const own = await foundGroup(first.tab, 'Weavers');
    await append(first.tab, own, 'one');
    const phrase = await first.tab.evaluate(() => weft.wallet.recoveryPhrase());
    const second = await openMember(mesh.app, { phrase });
    await expect.poll(() => textOf(second.tab, own), SOON).toBe('one');
    await expect.poll(async () => (await devicesOf(second.tab)).length, SOON).toBe(2);
    await first.browser.close();

    const lost = (await devicesOf(second.tab)).find(({ current }) => !current)!.device;
    await second.tab.evaluate((device) => weft.wallet.revokeDevice(device), lost);
    // The commons has it; the group waits for whom it was revoked.
    const stateOf = async () => (await devicesOf(second.tab)).find(({ device }) => device === lost);
    await expect.poll(stateOf, SOON).toMatchObject({ revoked: false, revoking: true });
    await append(second.tab, own, ' two');

    const third = await openMember(mesh.app, { phrase });
    await expect.poll(() => namesOf(third.tab), SOON).toEqual(['Weavers']);
    await expect.poll(() => textOf(third.tab, own), SOON).toBe('one two');
    await append(third.tab, own, ' three');
    await expect.poll(() => textOf(second.tab, own), SOON).toBe('one two three');
    // The lost one is still known by its name.
    await expect.poll(async () => (await devicesOf(third.tab)).length, SOON).toBe(3);
    const names = (await devicesOf(third.tab)).map(({ name }) => name);
    expect(names).not.toContain('Another device');
    await closeAll(second, third);
  });
});
