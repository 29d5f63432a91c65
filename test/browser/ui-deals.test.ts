// Deals of a group in the app's page over a node in memory: what is open, asking for a task, taking one, buying, and nothing at all.

import { expect, test } from 'vitest';

import { CIRCLE, GARDEN } from './fake-groups.ts';
import { describeInChromium } from './harness.ts';
import { auditPage } from './ui-audit.ts';
import { button, seen, visitUi } from './ui-visit.ts';

const FULL = { wallet: 'kept', groups: 2 } as const;
const DEALS = `#/groups/${GARDEN}/deals`;

describeInChromium('deals in the app', () => {
  const { open } = visitUi();

  test('what is open is told in sentences, each with what one may do', async () => {
    const page = await open(FULL, `#/groups/${GARDEN}`);
    await page.getByRole('link', { name: 'Tasks and deals' }).click();
    await page.getByRole('heading', { name: 'Tasks and deals', level: 1 }).waitFor();
    await seen(page, /^Ann asks for it, for 5\.000 consumer tokens, which are held\. Anyone may take it, until /);
    await seen(page, /^You ask for it, .* Ann is at it, until /);
    await seen(page, /^Ann sells it for 4\.000 consumer tokens, until /);
    await seen(page, /^You bought it from Ann: 4\.000 consumer tokens are held until the key comes/);
    await seen(page, /Ann voted for 4\.000 to the provider\.$/);
    await seen(page, /^Rosa \(you\) may use 3 of “an hour of digging” of Ann/);
  });

  test('a task is asked for: the reward is taken, within what one has, and the task is on the list when it is ordered', async () => {
    const page = await open(FULL, DEALS);
    expect(await button(page, 'Ask for it…').isDisabled()).toBe(true);
    await page.getByLabel('What is to be done').fill('Paint the shed');
    await page.getByLabel('Reward').fill('40.001');
    await seen(page, 'This would not be done.');
    await page.getByLabel('Reward').fill('12.5');
    await seen(page, '27.500 consumer tokens');
    await page.getByRole('button', { name: 'Ask for it… (Paint the shed)' }).click();
    const dialog = page.getByRole('dialog', { name: 'Ask for “Paint the shed”?' });
    await dialog.getByText('12.500 consumer tokens').waitFor();
    await dialog.getByRole('button', { name: 'Ask for it', exact: true }).click();
    await page.getByRole('status').filter({ hasText: 'Signed and stored.' }).getByText('pending').waitFor();
    await page.evaluate((groupId) => globalThis.fake.order(groupId), GARDEN);
    await page
      .getByRole('listitem')
      .filter({ hasText: 'Paint the shed' })
      .getByText('12.500 consumer tokens')
      .waitFor();
  });

  test('a task is taken by keyboard, and then it can be begun', async () => {
    const page = await open(FULL, DEALS);
    const take = page.getByRole('button', { name: 'Take it… (Water the beds while we are away)' });
    await take.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Take “Water the beds while we are away”?' });
    await dialog.getByText('stay as they are').waitFor();
    await dialog.getByRole('button', { name: 'Take it', exact: true }).focus();
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await page.evaluate((groupId) => globalThis.fake.order(groupId), GARDEN);
    await page.getByRole('button', { name: 'Begin… (Water the beds while we are away)' }).waitFor();
  });

  test('buying says what is held, and a failure stays where one asked', async () => {
    const fail = { call: 'groups.deal', code: 'quota_exceeded', message: 'The disk is full: make room.' };
    const page = await open({ ...FULL, fail }, DEALS);
    await page.getByRole('button', { name: 'Buy… (Seeds of old beans)' }).click();
    const dialog = page.getByRole('dialog', { name: 'Buy “Seeds of old beans”?' });
    await dialog.getByText('36.000 consumer tokens').waitFor();
    await dialog.getByRole('button', { name: 'Buy', exact: true }).click();
    await dialog.getByRole('alert').getByText('The disk is full: make room.').waitFor();
  });

  test('where nothing is open the page says so, and a group without tokens asks for no reward', async () => {
    const page = await open(FULL, `#/groups/${CIRCLE}/deals`);
    await seen(page, 'Nobody asks for anything now.');
    await seen(page, 'Nothing is for sale, bought, or held in escrow in this group now.');
    expect(await page.getByLabel('Reward').count()).toBe(0);
  });

  for (const [width, colorScheme] of [
    [1280, 'light'],
    [360, 'dark'],
    [320, 'light'],
  ] as const) {
    test(`the page can be read and reached: ${width} px, ${colorScheme}`, async () => {
      const page = await open(FULL, DEALS);
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await page.getByLabel('What is to be done').fill('Paint the shed');
      await page.getByLabel('Reward').fill('12.5');
      await seen(page, '27.500 consumer tokens');
      expect(await auditPage(page)).toEqual([]);
      const shots = process.env['WEFT_SHOTS'];
      if (shots) await page.screenshot({ path: `${shots}/deals-${width}-${colorScheme}.png`, fullPage: true });
    });
  }
});
