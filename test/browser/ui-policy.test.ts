// The rules of a group in the app's page over a node in memory: reading them, changing one within its bounds, and what is announced.

import { expect, test } from 'vitest';

import { CIRCLE, GARDEN } from './fake-groups.ts';
import { describeInChromium } from './harness.ts';
import { auditPage } from './ui-audit.ts';
import { button, seen, visitUi } from './ui-visit.ts';

const FULL = { wallet: 'kept', groups: 2 } as const;
const OF_GARDEN = `#/groups/${GARDEN}/policy`;

describeInChromium('rules in the app', () => {
  const { open } = visitUi();

  test('a member reads them, each with its meaning and bounds, and changes nothing', async () => {
    const page = await open(FULL, `#/groups/${CIRCLE}`);
    await page.getByRole('link', { name: 'Its rules' }).click();
    await page.getByRole('heading', { name: 'Rules', level: 1 }).waitFor();
    const row = page.getByRole('listitem').filter({ hasText: 'Between two blocks' });
    await row.getByText('0.25 seconds').waitFor();
    await row.getByText(/May be from 0\.25 to 86\D?400 seconds\./).waitFor();
    await seen(page, 'Only admins change the rules');
    expect(await page.getByRole('combobox').count()).toBe(0);
    expect(await page.getByRole('heading', { name: 'Tokens' }).count()).toBe(0);
  });

  test('an admin changes one: what is out of bounds is refused, and a notice says from when on it counts', async () => {
    const page = await open(FULL, OF_GARDEN);
    await page.getByLabel('Rule').selectOption({ label: 'Kept of what is sent' });
    const field = page.getByLabel('New value, in %');
    await field.fill('60');
    await seen(page, 'Choose from 0 to 50 %.');
    expect(await button(page, 'Change…').isDisabled()).toBe(true);
    await field.fill('2.5');
    await seen(page, /^Kept of what is sent: 2 % becomes 2\.5 %, from .* on\.$/);
    await button(page, 'Change…').click();
    const dialog = page.getByRole('dialog', { name: 'Change “Kept of what is sent”?' });
    await dialog.getByText('2 % becomes 2.5 %').waitFor();
    await dialog.getByRole('button', { name: 'Change', exact: true }).click();
    await page.getByRole('status').getByText('pending').waitFor();
    await expect.poll(() => page.evaluate(() => document.activeElement?.matches('select, input'))).toBe(true);
    await page.evaluate((groupId) => globalThis.fake.order(groupId), GARDEN);
    await seen(page, 'A change is on its way.');
    await page.getByRole('status').getByText('final', { exact: true }).waitFor();
    await page
      .getByRole('listitem')
      .filter({ hasText: 'Kept of what is sent' })
      .getByText('Kept of what is sent: 2 %')
      .waitFor();
  });

  test('a rule with words is a choice, and counts from the next block on', async () => {
    const page = await open(FULL, OF_GARDEN);
    await page.getByRole('radio', { name: 'whom an admin adds' }).check();
    await seen(page, 'Who gets in: whoever has an invite becomes whom an admin adds, from the next block on.');
    await button(page, 'Change…').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Change', exact: true }).click();
    await page.getByRole('status').getByText('pending').waitFor();
    await page.evaluate((groupId) => globalThis.fake.order(groupId), GARDEN);
    const row = page.getByRole('listitem').filter({ hasText: 'How somebody becomes a member.' });
    await row.getByText('whom an admin adds').waitFor();
  });

  for (const [width, colorScheme] of [
    [1280, 'light'],
    [360, 'dark'],
    [320, 'light'],
  ] as const) {
    test(`the page can be read and reached: ${width} px, ${colorScheme}`, async () => {
      const page = await open(FULL, OF_GARDEN);
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await page.getByLabel('Rule').selectOption({ label: 'Notice' });
      await page.getByLabel('New value, in days').fill('7');
      await seen(page, /^Notice: 30 days becomes 7 days/);
      expect(await auditPage(page)).toEqual([]);
      const shots = process.env['WEFT_SHOTS'];
      if (shots) await page.screenshot({ path: `${shots}/policy-${width}-${colorScheme}.png`, fullPage: true });
    });
  }
});
