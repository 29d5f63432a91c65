// Two browsers exchange tokens of their group in the app's own page: made, sent back, and what each of them reads of it.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { closeAll, foundGroup, inviteTo, joinAndWait, openMember, SOON } from './group-tabs.ts';
import { describeInChromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

let mesh: Mesh;

async function openTokens(tab: Page, groupId: string): Promise<void> {
  await tab.evaluate((id) => void (location.hash = `#/groups/${id}/tokens`), groupId);
  await tab.getByRole('heading', { name: 'Tokens', level: 1 }).waitFor();
}

/** Types an amount into one of the two forms, and answers the question with yes. */
async function confirm(tab: Page, form: { label: string; verb: string; amount: string }): Promise<void> {
  await tab.getByLabel(form.label, { exact: true }).fill(form.amount);
  await tab.getByRole('button', { name: `${form.verb}…`, exact: true }).click();
  await tab.getByRole('dialog').getByRole('button', { name: form.verb, exact: true }).click();
}

function freeOf(tab: Page, groupId: string): Promise<string | undefined> {
  return tab.evaluate(async (id) => (await weft.groups.money(id))?.balances.industrial.free, groupId);
}

async function expectFinal(tab: Page, sentence: string): Promise<void> {
  const row = tab.getByRole('listitem').filter({ hasText: sentence });
  await row.getByText('final', { exact: true }).waitFor(SOON);
}

describeInChromium('tokens between two browsers', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test('an admin makes some, a member sends a part back, and both read what happened', async () => {
    const alice = await openMember(mesh.app);
    const bob = await openMember(mesh.app);
    const groupId = await foundGroup(alice.tab, 'Weavers');
    await joinAndWait(bob.tab, await inviteTo(alice.tab, groupId), 'Bob');
    await openTokens(alice.tab, groupId);
    await alice.tab.getByLabel('For', { exact: true }).selectOption({ label: 'Bob' });
    await alice.tab.getByRole('radio', { name: 'Industrial' }).last().check();
    await confirm(alice.tab, { label: 'How many to make', verb: 'Make', amount: '50' });
    await expectFinal(alice.tab, 'You minted 50.000 industrial tokens for Bob.');
    await expect.poll(() => freeOf(bob.tab, groupId), SOON).toBe('50000');

    await openTokens(bob.tab, groupId);
    await bob.tab.getByText('50.000 industrial tokens').first().waitFor(SOON);
    await bob.tab.getByRole('radio', { name: 'Industrial' }).check();
    await bob.tab.getByLabel('How many', { exact: true }).fill('50.001');
    await bob.tab.getByText('This cannot be sent.').waitFor(SOON);
    await confirm(bob.tab, { label: 'How many', verb: 'Send', amount: '12.5' });
    const received = bob.tab.getByRole('listitem').filter({ hasText: '50.000 industrial tokens for you' });
    await received.getByText('final', { exact: true }).waitFor(SOON);
    await expectFinal(bob.tab, 'You sent 12.500 industrial tokens to');
    await expectFinal(alice.tab, 'Bob sent 12.500 industrial tokens to you.');
    expect(await freeOf(bob.tab, groupId)).toBe('37500');
    expect(await freeOf(alice.tab, groupId)).toMatch(/^\d+$/);
    await alice.tab
      .getByText(/^\d+\.500 industrial tokens$/)
      .first()
      .waitFor(SOON);
    const refused = bob.tab.evaluate(async (id) => {
      const to = (await weft.groups.members(id)).find(({ you }) => !you)!.identity;
      return await weft.groups
        .transfer(id, { asset: 'industrial', to, amount: '37501' })
        .catch(({ code }: { code: string }) => code);
    }, groupId);
    expect(await refused).toBe('insufficient_funds');
    await closeAll(alice, bob);
  });
});
