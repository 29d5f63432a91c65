// Two browsers run their group in the app's own page: a device offers and takes over the order, a rule changes, a task is done and paid.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { closeAll, foundGroup, inviteTo, joinAndWait, openMember, SOON } from './group-tabs.ts';
import { describeInChromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

let mesh: Mesh;

async function openPart(
  tab: Page,
  part: { groupId: string; name: 'order' | 'policy' | 'deals'; heading: string },
): Promise<void> {
  const { groupId, name, heading } = part;
  await tab.evaluate((to) => void (location.hash = to), `#/groups/${groupId}/${name}`);
  await tab.getByRole('heading', { name: heading, level: 1 }).waitFor();
}

/** Presses a button that asks, and answers with yes. */
async function confirm(tab: Page, { button, verb }: { button: RegExp | string; verb: string }): Promise<void> {
  await tab.getByRole('button', { name: button }).click(SOON);
  await tab.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
  await tab.getByRole('dialog').waitFor({ state: 'detached' });
}

describeInChromium('how a group is run, between two browsers', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test('LG121, LG67, C13–C17: order is handed over, a rule changes, and a task is asked for, done and paid', async () => {
    const alice = await openMember(mesh.app);
    const bob = await openMember(mesh.app);
    const groupId = await foundGroup(alice.tab, 'Weavers');
    await joinAndWait(bob.tab, await inviteTo(alice.tab, groupId), 'Bob');

    const order = { groupId, name: 'order', heading: 'Who orders' } as const;
    await openPart(alice.tab, order);
    await openPart(bob.tab, order);
    await alice.tab.getByText('This device alone makes entries final').waitFor(SOON);
    await alice.tab
      .getByText(/^Block \d+ · 1 entry/)
      .first()
      .waitFor(SOON);
    await confirm(bob.tab, { button: 'Offer this device…', verb: 'Offer it' });
    await bob.tab.getByText('This device offers to order until').waitFor(SOON);
    await alice.tab.getByRole('checkbox', { name: 'Bob (offers)' }).check(SOON);
    await alice.tab.getByText('These cannot order together.').waitFor(SOON);
    await alice.tab.getByRole('checkbox', { name: /\(you\)|You/ }).uncheck();
    await alice.tab.getByText('From the next block on, one device orders, and must be here.').waitFor(SOON);
    await confirm(alice.tab, { button: 'Change…', verb: 'Change' });
    await bob.tab.getByText('This device alone makes entries final').waitFor(SOON);
    await alice.tab.getByText('A device of Bob alone makes entries final, and it is here.').waitFor(SOON);

    const policy = { groupId, name: 'policy', heading: 'Rules' } as const;
    await openPart(alice.tab, policy);
    await openPart(bob.tab, policy);
    await bob.tab.getByText('Only admins change the rules').waitFor(SOON);
    await alice.tab.getByLabel('Rule').selectOption({ label: 'Kept of what is sent' });
    await alice.tab.getByLabel('New value, in %').fill('2.5');
    await alice.tab.getByText('Kept of what is sent: 0 % becomes 2.5 %, from the next block on.').waitFor(SOON);
    await confirm(alice.tab, { button: 'Change…', verb: 'Change' });
    const told = alice.tab.getByRole('status').filter({ hasText: 'You changed the policy: transferFeeBps 250.' });
    await told.getByText('final', { exact: true }).waitFor(SOON);

    await alice.tab.evaluate(async (id) => {
      const self = (await weft.groups.members(id)).find(({ you }) => you)!.identity;
      await weft.groups.mint(id, { asset: 'industrial', to: self, amount: '10000' });
    }, groupId);
    const deals = { groupId, name: 'deals', heading: 'Tasks and deals' } as const;
    await openPart(alice.tab, deals);
    await openPart(bob.tab, deals);
    await bob.tab.getByText('Kept of what is sent').waitFor({ state: 'detached' });
    await alice.tab.getByLabel('What is to be done').fill('Mend the fence');
    await alice.tab.getByLabel('Reward').fill('4');
    await alice.tab.getByRole('radio', { name: 'Industrial' }).check();
    await alice.tab.getByText('6.000 industrial tokens').waitFor(SOON);
    await confirm(alice.tab, { button: /^Ask for it…/, verb: 'Ask for it' });
    await confirm(bob.tab, { button: /^Take it…/, verb: 'Take it' });
    await confirm(bob.tab, { button: /^Begin…/, verb: 'Begin' });
    await confirm(alice.tab, { button: /^Accept as done…/, verb: 'Accept as done' });
    await bob.tab.getByText('Nobody asks for anything now.').waitFor(SOON);
    const held = (tab: Page): Promise<string | undefined> =>
      tab.evaluate(async (id) => (await weft.groups.money(id))?.balances.industrial.free, groupId);
    expect(BigInt((await held(bob.tab))!)).toBeGreaterThanOrEqual(4_000n);
    expect(await bob.tab.evaluate(async (id) => (await weft.groups.policy(id)).announced, groupId)).toEqual([]);
    await closeAll(alice, bob);
  });
});
