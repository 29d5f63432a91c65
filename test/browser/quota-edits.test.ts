// Edits on a disk that is full: the page says at once that they are not stored, and they go out without a reload once there is space.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';

import { fillDisk } from './full-disk.ts';
import { foundGroup, inviteTo, joinAndWait, openMember, SOON, textOf, type MemberTab } from './group-tabs.ts';
import { describeInChromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

/** A full disk is asked again after a minute at the latest. */
const RETRIED = { timeout: 90_000 };

let mesh: Mesh;
let ann: MemberTab;
let bob: MemberTab;
let group: string;

async function openPlan({ tab }: MemberTab): Promise<void> {
  await tab.evaluate((id) => (location.hash = `#/groups/${id}/pages/plan`), group);
  await tab.getByRole('textbox', { name: 'Text of the page' }).waitFor();
}

async function type({ tab }: MemberTab, text: string): Promise<void> {
  await tab.getByRole('textbox', { name: 'Text of the page' }).click();
  await tab.keyboard.press('Control+End');
  await tab.keyboard.type(text);
}

const pendingIn = (tab: Page): Promise<number> =>
  tab.evaluate(async (id) => (await weft.groups.get(id)).pending, group);

describeInChromium('BN23: an edit on a disk that is full', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test('a page that two write', async () => {
    [ann, bob] = [await openMember(mesh.app), await openMember(mesh.app)];
    group = await foundGroup(ann.tab, 'Full');
    await joinAndWait(bob.tab, await inviteTo(ann.tab, group), 'Bob');
    for (const member of [ann, bob]) await openPlan(member);
    await type(ann, 'Before. ');
    await expect.poll(() => textOf(bob.tab, group), SOON).toBe('Before. ');
    await expect.poll(() => pendingIn(ann.tab), SOON).toBe(0);
  });

  for (const [who, own, other] of [
    ['of a member', () => bob, () => ann],
    ['of who orders the group', () => ann, () => bob],
  ] as const) {
    test(`${who} is said not to be stored at once, and delivered without a reload`, async () => {
      const [{ tab }, reader] = [own(), other()];
      const before = await textOf(reader.tab, group);
      await fillDisk(tab, 0);
      await type(own(), 'Kept. ');
      await tab.getByRole('alert').getByText('no more space').waitFor();
      await tab.locator('main .icon-line').getByText('not saved').waitFor();
      await type(own(), 'Also kept. ');
      expect(await tab.getByRole('alert').getByText('no more space').count()).toBe(1);
      expect(await textOf(tab, group)).toBe(`${before}Kept. Also kept. `);
      expect(await tab.evaluate(async (id) => (await weft.groups.get(id)).waiting?.code, group)).toBe('quota_exceeded');
      expect(await textOf(reader.tab, group)).toBe(before);
      await fillDisk(tab, Infinity);
      await tab.locator('main .icon-line').getByText('saved on this device').waitFor(RETRIED);
      expect(await tab.getByRole('alert').count()).toBe(0);
      await expect.poll(() => textOf(reader.tab, group), SOON).toBe(`${before}Kept. Also kept. `);
      for (const member of [ann, bob]) await expect.poll(() => pendingIn(member.tab), RETRIED).toBe(0);
    });
  }
});
