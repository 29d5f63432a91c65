// Who orders a group in the app's page over a node in memory: who is here, offering, changing, blocks, and proven cheats.

import { expect, test } from 'vitest';

import { CIRCLE, GARDEN } from './fake-groups.ts';
import { describeInChromium } from './harness.ts';
import { auditPage } from './ui-audit.ts';
import { button, seen, tabTo, visitUi } from './ui-visit.ts';

const FULL = { wallet: 'kept', groups: 2 } as const;
const OF_GARDEN = `#/groups/${GARDEN}/order`;
const OF_CIRCLE = `#/groups/${CIRCLE}/order`;

describeInChromium('who orders, in the app', () => {
  const { open } = visitUi();

  test('the page of a group says who makes entries final and what was proven, and leads on', async () => {
    const page = await open(FULL, `#/groups/${CIRCLE}`);
    await seen(page, '3 of 4 must be here; 2 are: nothing becomes final until one returns.');
    await seen(page, 'Something was signed twice.');
    await page.getByRole('link', { name: 'Who orders, and how it goes' }).click();
    await page.getByRole('heading', { name: 'Who orders', level: 1 }).waitFor();
    await seen(page, 'for 5 minutes · has block 41');
    await seen(page, 'for 2 days');
    await seen(page, 'not known yet');
    await seen(page, 'signed two votes for different blocks in round 1\u202f041. Block 40 took it out');
    await seen(page, 'signed two different entries with the number 7');
    expect(await page.getByRole('heading', { name: 'Change who orders' }).count()).toBe(0);
  });

  test('a member offers this device by keyboard alone, and sees what becomes of the offer', async () => {
    const page = await open(FULL, OF_CIRCLE);
    await seen(page, 'Order with this device');
    await tabTo(page, 'Offer this device…');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Offer this device to order?' }).waitFor();
    await tabTo(page, 'Offer it');
    await page.keyboard.press('Enter');
    await seen(page, 'others see the offer when the group has ordered it');
    await page.evaluate((groupId) => globalThis.fake.order(groupId), CIRCLE);
    await seen(page, /^This device offers to order until .*An admin decides\.$/);
  });

  test('an admin takes devices in: what that means is shown first, and what is on its way is said', async () => {
    const page = await open(FULL, OF_GARDEN);
    await seen(page, 'This device alone makes entries final');
    await seen(page, '1.2 s, as half of the last 17 entries took no longer');
    const ann = page.getByRole('checkbox', { name: /^Ann .*\(offers\)$/ });
    expect(await button(page, 'Change…').isDisabled()).toBe(true);
    await ann.first().check();
    await seen(page, 'These cannot order together.');
    expect(await button(page, 'Change…').isDisabled()).toBe(true);
    await ann.last().check();
    await seen(page, 'From the next block on, 2 of 3 must be here.');
    await button(page, 'Change…').click();
    const dialog = page.getByRole('dialog', { name: 'Change who orders?' });
    await dialog.getByText('2 of 3 must be here').waitFor();
    await dialog.getByRole('button', { name: 'Change', exact: true }).click();
    await page.getByRole('status').filter({ hasText: 'Signed and stored.' }).getByText('pending').waitFor();
    await page.evaluate((groupId) => globalThis.fake.order(groupId), GARDEN);
    await seen(page, 'Who orders changes.');
    await seen(page, 'It will be: Rosa (you), Ann …v1aH, Ann …v2aH.');
    await page.getByRole('status').getByText('final', { exact: true }).waitFor();
  });

  test('a change that fails says so where one asked', async () => {
    const fail = { call: 'groups.changeOrder', code: 'quota_exceeded', message: 'The disk is full: make room.' };
    const page = await open({ ...FULL, fail }, OF_GARDEN);
    for (const box of await page.getByRole('checkbox', { name: /^Ann .*\(offers\)$/ }).all()) await box.check();
    await button(page, 'Change…').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Change', exact: true }).click();
    await page.getByRole('dialog').getByRole('alert').getByText('The disk is full: make room.').waitFor();
  });

  for (const [width, colorScheme] of [
    [1280, 'light'],
    [360, 'dark'],
    [320, 'light'],
  ] as const) {
    test(`the pages can be read and reached: ${width} px, ${colorScheme}`, async () => {
      const found: string[] = [];
      for (const [name, hash] of Object.entries({ garden: OF_GARDEN, circle: OF_CIRCLE })) {
        const page = await open(FULL, hash);
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme });
        await seen(page, 'Last blocks');
        const boxes = await page.getByRole('checkbox', { name: /^Ann .*\(offers\)$/ }).all();
        for (const box of boxes) await box.check();
        if (boxes.length > 0) await seen(page, '2 of 3 must be here');
        found.push(...(await auditPage(page)));
        const shots = process.env['WEFT_SHOTS'];
        if (shots)
          await page.screenshot({ path: `${shots}/order-${name}-${width}-${colorScheme}.png`, fullPage: true });
      }
      expect(found).toEqual([]);
    });
  }
});
