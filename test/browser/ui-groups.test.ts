// Groups in the app's page over a node in memory: founding, inviting, joining, removing, and what waits.

import { expect, test } from 'vitest';

import { CIRCLE, GARDEN } from './fake-groups.ts';
import { describeInChromium } from './harness.ts';
import { auditPage } from './ui-audit.ts';
import { button, seen, tabTo, visitUi } from './ui-visit.ts';

const FULL = { wallet: 'kept', groups: 2 } as const;
const INVITE = 'good-pGF2AWVncm91cHg7YmFmeXJlaQ';

describeInChromium('groups in the app', () => {
  const { open } = visitUi();

  test('a group is founded by keyboard, without a wallet before, and its page takes the focus', async () => {
    const page = await open({}, '#/groups');
    await seen(page, 'No group yet.');
    await page.getByLabel('Name of the group').focus();
    await page.keyboard.type('Sunday bakers');
    await tabTo(page, 'Found the group');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Sunday bakers', level: 1 }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Sunday bakers');
    await seen(page, 'You are an admin · 1 member · read by members only');
    await seen(page, 'nothing to order yet');
    expect(await page.locator('main .icon-line').getByText('final').count()).toBe(0);
    expect(await page.evaluate(() => globalThis.fake.wallet.status())).toMatchObject({ state: 'unlocked' });
    expect(await page.getByRole('link', { name: 'Groups', exact: true }).getAttribute('aria-current')).toBe('page');
  });

  test('an invite comes with a sentence of what whoever has it can do', async () => {
    const page = await open(FULL, `#/groups/${GARDEN}`);
    await page.getByRole('radio', { name: 'Admin' }).check();
    await page.getByRole('radio', { name: 'Ten' }).check();
    await button(page, 'Make a link').click();
    await seen(
      page,
      /Whoever has this link can join “Community garden on the hill” as an admin, 10 times, until .*removes members/,
    );
    expect(await page.getByLabel('Invite link').inputValue()).toContain('#join=');
    await button(page, 'Copy invite link').waitFor();
  });

  test('a member is removed only after a question, and Escape removes nobody', async () => {
    const page = await open(FULL, `#/groups/${GARDEN}`);
    await button(page, 'Remove Ann').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: /^Remove Ann from/ }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await button(page, 'Remove Ann').count()).toBe(1);
    await button(page, 'Remove Ann').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
    await button(page, 'Remove Ann').waitFor({ state: 'detached' });
    await seen(page, '3 members');
  });

  test('who is reached how, and what is pending, is told in words', async () => {
    const page = await open(FULL, `#/groups/${GARDEN}`);
    const row = (name: string) => page.getByRole('listitem').filter({ hasText: name });
    await row('Ann').getByText('here, browser to browser').waitFor();
    await row('Bartholomew').getByText('here, through a relay').waitFor();
    await row('Bartholomew').getByText('pending').waitFor();
    await row('Member …jVJG').getByText('away').waitFor();
  });

  test('a group that waits says for whom, and stops saying so when it is ordered', async () => {
    const page = await open(FULL, `#/groups/${CIRCLE}`);
    await seen(page, '2 entries wait for the device that orders');
    await page.evaluate((groupId) => globalThis.fake.order(groupId), CIRCLE);
    await page.getByText('2 entries wait').waitFor({ state: 'detached' });
    await seen(page, '42 blocks final');
  });

  test('an invite in the address says what it invites to, and joins; its secret leaves the history', async () => {
    const page = await open({}, `#join=${INVITE}`);
    await page.getByRole('heading', { name: 'Join “Reading circle”' }).waitFor();
    await seen(page, /You are invited as a member, who reads everything .* good until/);
    await page.getByLabel('Your name in this group').fill('Rosa');
    await page.keyboard.press('Enter');
    await seen(page, 'You are in as soon as the group has ordered it.');
    expect(page.url()).not.toContain('join');
    await page.evaluate((groupId) => globalThis.fake.order(groupId), CIRCLE);
    await seen(page, 'You are a member');
  });

  test('a pasted link opens the invite, and something else is refused with a sentence', async () => {
    const page = await open({}, '#/groups');
    const field = page.getByLabel('Invite link');
    await field.fill('see you tomorrow');
    await button(page, 'Show the invite').click();
    await seen(page, 'There is no invite in this');
    await field.fill(`<https://weft.example/#join=${INVITE}>`);
    await button(page, 'Show the invite').click();
    await page.getByRole('heading', { name: 'Join “Reading circle”' }).waitFor();
  });

  test('an invite that does not work ends in a sentence with what to do', async () => {
    for (const [kind, said, advice] of [
      ['expired', 'The invite has expired.', 'Ask whoever invited you for a new link.'],
      ['used', 'as often as it may be', 'Ask whoever invited you for a new link.'],
      ['invalid', 'This is not an invite', 'If that changes nothing'],
    ] as const) {
      const page = await open({}, `#join=${kind}-abcdefghijkl`);
      await page.getByRole('alert').getByText(said).waitFor();
      await page.getByRole('alert').getByText(advice).waitFor();
    }
    const page = await open(FULL, '#join=joined-abcdefghijkl');
    await seen(page, 'You are in this group already.');
    await page.getByRole('link', { name: 'Open the group' }).click();
    await page.getByRole('heading', { name: 'Reading circle', level: 1 }).waitFor();
  });

  for (const [width, colorScheme] of [
    [1280, 'light'],
    [360, 'dark'],
    [320, 'light'],
  ] as const) {
    test(`every page of groups can be read and reached: ${width} px, ${colorScheme}`, async () => {
      const found: string[] = [];
      for (const hash of [`#/groups/${GARDEN}`, `#/groups/${CIRCLE}`, `#join=${INVITE}`, '#join=used-abcdefghijkl']) {
        const page = await open(FULL, hash);
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme });
        await page
          .getByText(/final|invited|as often/)
          .first()
          .waitFor();
        found.push(...(await auditPage(page)).map((sentence) => `${hash}: ${sentence}`));
        await page.close();
      }
      expect(found).toEqual([]);
    });
  }
});
