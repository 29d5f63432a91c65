// Tokens of a group in the app's page over a node in memory: previews, sending, making, what happened, and who has none.

import { expect, test } from 'vitest';

import { CIRCLE, GARDEN } from './fake-groups.ts';
import { describeInChromium } from './harness.ts';
import { auditPage } from './ui-audit.ts';
import { button, seen, tabTo, visitUi } from './ui-visit.ts';

const FULL = { wallet: 'kept', groups: 2 } as const;
const TOKENS = `#/groups/${GARDEN}/tokens`;

describeInChromium('tokens in the app', () => {
  const { open } = visitUi();

  test('the page of a group says what one has, and leads to its tokens', async () => {
    const page = await open(FULL, `#/groups/${GARDEN}`);
    await seen(page, 'You can spend 40.000 consumer tokens and 0.000 industrial tokens.');
    await page.getByRole('link', { name: 'Send tokens, and what happened' }).click();
    await page.getByRole('heading', { name: 'Tokens', level: 1 }).waitFor();
    await seen(page, /40\.000 consumer tokens · 60\.000 more become free until/);
    await seen(page, /^The rules of these tokens change on /);
    await seen(page, 'An admin has announced: transferFeeBps 250.');
    await seen(page, 'Nothing yet.');
    expect(await page.getByRole('link', { name: 'Groups', exact: true }).getAttribute('aria-current')).toBe('page');
  });

  test('tokens are sent by keyboard: fee and outcome stand there before, a question asks, pending becomes final', async () => {
    const page = await open(FULL, TOKENS);
    await page.getByLabel('To', { exact: true }).focus();
    await page.keyboard.type('Ann');
    await page.getByLabel('How many', { exact: true }).focus();
    await page.keyboard.type('12.5');
    await page.getByLabel('Note', { exact: true }).focus();
    await page.keyboard.type('for the beans');
    const form = page.locator('form').filter({ has: button(page, 'Send…') });
    await form.getByText('12.250 consumer tokens').waitFor();
    await form.getByText('0.250 consumer tokens').waitFor();
    await form.getByText('0.010 consumer tokens').waitFor();
    await form.getByText('27.490 consumer tokens').waitFor();
    await tabTo(page, 'Send…');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Send 12.500 consumer tokens to Ann?' });
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await seen(page, 'Nothing yet.');
    await page.keyboard.press('Enter');
    await dialog.getByText('Once it is final nobody can take it back').waitFor();
    await dialog.getByRole('button', { name: 'Send', exact: true }).click();
    const row = page.getByRole('listitem').filter({ hasText: 'You send 12.500 consumer tokens to Ann.' });
    await row.getByText('pending').waitFor();
    const typed = page.getByLabel('How many', { exact: true });
    expect(await typed.inputValue()).toBe('');
    expect(await typed.evaluate((field) => field === document.activeElement)).toBe(true);
    await page.evaluate((groupId) => globalThis.fake.order(groupId), GARDEN);
    const done = 'You sent 12.500 consumer tokens to Ann. The fee was 0.010 consumer tokens.';
    await page.getByRole('listitem').filter({ hasText: done }).getByText('final', { exact: true }).waitFor();
    await page.getByRole('status').filter({ hasText: done }).getByText('final', { exact: true }).waitFor();
    await seen(page, /27\.490 consumer tokens · 60\.000 more/);
  });

  test('SN15: who joined late is told that what is older is missing, until it is here', async () => {
    const page = await open({ ...FULL, joinedLate: true }, TOKENS);
    await seen(page, 'Nobody has older blocks.');
    expect(await page.getByText('Nothing yet.').count()).toBe(0);
    await page.evaluate((groupId) => globalThis.fake.order(groupId), GARDEN);
    await seen(page, 'Nothing yet.');
    expect(await page.getByText('older blocks').count()).toBe(0);
  });

  test.each([
    ['1,5', 'at most three decimals'],
    ['0.0001', 'at most three decimals'],
    ['-1', 'at most three decimals'],
    ['1e3', 'at most three decimals'],
    ['0', 'Nothing cannot be sent'],
  ])('what is no amount is refused with what to write instead: %s', async (typed, said) => {
    const page = await open(FULL, TOKENS);
    await page.getByLabel('How many', { exact: true }).fill(typed);
    await seen(page, said);
    expect(await page.getByLabel('How many', { exact: true }).getAttribute('aria-invalid')).toBe('true');
    expect(await button(page, 'Send…').isDisabled()).toBe(true);
  });

  test('more than one has cannot be sent, and the rule says so before anything is signed', async () => {
    const page = await open(FULL, TOKENS);
    await page.getByLabel('How many', { exact: true }).fill('40');
    await seen(page, 'This cannot be sent.');
    await seen(page, 'lower the amount or the fee');
    expect(await button(page, 'Send…').isDisabled()).toBe(true);
    await page.getByLabel('How many', { exact: true }).fill('39.99');
    await seen(page, '39.191 consumer tokens');
    await page.getByText('This cannot be sent.').waitFor({ state: 'detached' });
    expect(await button(page, 'Send…').isEnabled()).toBe(true);
  });

  test('an admin makes tokens within the cap, for a member or the treasury', async () => {
    const page = await open(FULL, TOKENS);
    await page.getByLabel('How many to make').fill('1000.001');
    await seen(page, 'The token has reached its largest supply');
    await page.getByLabel('How many to make').fill('400');
    await seen(page, 'The treasury gets');
    await seen(page, '600.000 consumer tokens');
    await button(page, 'Make…').click();
    const dialog = page.getByRole('dialog', { name: 'Make 400.000 consumer tokens for the treasury?' });
    await dialog.getByRole('button', { name: 'Make', exact: true }).click();
    await seen(page, 'You mint 400.000 consumer tokens for the treasury.');
  });

  test('a call that fails says so where one asked, and one can ask again', async () => {
    const fail = { call: 'groups.transfer', code: 'quota_exceeded', message: 'The disk is full: make room.' };
    const page = await open({ ...FULL, fail }, TOKENS);
    await page.getByLabel('How many', { exact: true }).fill('1');
    await button(page, 'Send…').click();
    const confirm = page.getByRole('dialog').getByRole('button', { name: 'Send', exact: true });
    await confirm.click();
    await page.getByRole('dialog').getByRole('alert').getByText('The disk is full: make room.').waitFor();
    await confirm.click();
    await seen(page, 'You send 1.000 consumer tokens');
  });

  test('a group without tokens says so, and its page does not mention them', async () => {
    const page = await open(FULL, `#/groups/${CIRCLE}/tokens`);
    await seen(page, 'This group has no tokens.');
    await page.getByRole('link', { name: 'Reading circle' }).click();
    await page.getByRole('heading', { name: 'Members' }).waitFor();
    await page.getByText('Ann').first().waitFor();
    expect(await page.getByRole('heading', { name: 'Tokens' }).count()).toBe(0);
  });

  for (const [width, colorScheme] of [
    [1280, 'light'],
    [360, 'dark'],
    [320, 'light'],
  ] as const) {
    test(`the page of tokens can be read and reached: ${width} px, ${colorScheme}`, async () => {
      const found: string[] = [];
      const page = await open(FULL, TOKENS);
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await page.getByLabel('How many', { exact: true }).fill('12.5');
      await page.getByLabel('How many to make').fill('10000000');
      await seen(page, '27.490 consumer tokens');
      await seen(page, 'These cannot be made.');
      found.push(...(await auditPage(page)));
      const shots = process.env['WEFT_SHOTS'];
      if (shots) await page.screenshot({ path: `${shots}/tokens-${width}-${colorScheme}.png`, fullPage: true });
      await button(page, 'Send…').click();
      await page.getByRole('dialog').waitFor();
      found.push(...(await auditPage(page)));
      if (shots) await page.screenshot({ path: `${shots}/tokens-ask-${width}-${colorScheme}.png` });
      await page.getByRole('dialog').getByRole('button', { name: 'Send', exact: true }).click();
      await seen(page, 'You send 12.500');
      found.push(...(await auditPage(page)));
      if (shots) await page.screenshot({ path: `${shots}/tokens-sent-${width}-${colorScheme}.png`, fullPage: true });
      expect(found).toEqual([]);
    });
  }
});
