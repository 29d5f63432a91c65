// A page of a group in the app, written by several at once: text, cursors, title, what is saved and what is final.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { GARDEN } from './fake-groups.ts';
import { describeInChromium } from './harness.ts';
import { auditPage } from './ui-audit.ts';
import { button, seen, tabTo, visitUi } from './ui-visit.ts';

const FULL = { wallet: 'kept', groups: 2 } as const;
const PLAN = `#/groups/${GARDEN}/pages/plan`;
const ANN = 'did:key:z6MkfrQ8bU6Zk3QpYQnR1dM5Yk2N7vG9hJ4cT6wL8eX3aB7D';

describeInChromium('a page of a group', () => {
  const { open } = visitUi();
  const editor = (page: Page) => page.getByRole('textbox', { name: 'Text of the page' });
  const kept = (page: Page) =>
    page.evaluate((groupId) => globalThis.fake.documents.at(groupId, 'pages/plan').text, GARDEN);
  const write = (page: Page, at: number, text: string) =>
    page.evaluate(
      ([groupId, where, what]) => globalThis.fake.documents.at(groupId, 'pages/plan').typeElsewhere(where, what),
      [GARDEN, at, text] as const,
    );
  const present = (page: Page, state: unknown) =>
    page.evaluate(
      ([groupId, identity, place]) =>
        globalThis.fake.documents
          .at(groupId, 'pages/plan')
          .setPresent('d', { device: 'd', identity, name: 'Ann', state: place }),
      [GARDEN, ANN, state] as const,
    );

  test('a new page is made and written with nothing but a keyboard, and Tab leaves the text', async () => {
    const page = await open(FULL, `#/groups/${GARDEN}`);
    await page.getByLabel('Title of a new page').focus();
    await page.keyboard.type('Seeds');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Seeds', level: 1 }).waitFor();
    await page.getByLabel('Title', { exact: true }).focus();
    await page.keyboard.press('Tab');
    await page.keyboard.type('Peas\nBeans');
    await seen(page, 'saved on this device');
    const id = page.url().split('/').at(-1)!;
    const text = () => page.evaluate(([g, p]) => globalThis.fake.documents.at(g!, p!).text, [GARDEN, `pages/${id}`]);
    await expect.poll(text).toBe('Peas\nBeans');
    await page.keyboard.press('Control+z');
    await expect.poll(text).not.toBe('Peas\nBeans');
    await page.keyboard.press('Shift+Tab');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('INPUT');
    await page.getByRole('link', { name: 'Community garden on the hill' }).click();
    await page.getByRole('link', { name: 'Seeds' }).waitFor();
  });

  test('what others write appears, one’s own cursor stays with its words, and only own words are undone', async () => {
    const page = await open(FULL, PLAN);
    await editor(page).click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('Tomatoes');
    await write(page, 0, 'Ann was here. ');
    await editor(page).getByText('Ann was here. Beans along the fence.').waitFor();
    await page.keyboard.type(' by the wall');
    await expect.poll(() => kept(page)).toBe('Ann was here. Beans along the fence.\nTomatoes by the wall');
    for (let times = 0; times < 3; times++) await page.keyboard.press('Control+z');
    await expect.poll(() => kept(page)).toBe('Ann was here. Beans along the fence.\n');
  });

  test('who else is here is told in words, and seen in the text', async () => {
    const page = await open(FULL, PLAN);
    await seen(page, 'nobody else here');
    await present(page, { anchor: 0, head: 5 });
    await seen(page, '1 other here: Ann');
    const caret = page.locator('.weft-caret');
    expect(await caret.getAttribute('data-name')).toBe('Ann');
    expect(await page.locator('.weft-picked').innerText()).toBe('Beans');
    // Under the page's policy styles work only where the editor may adopt them.
    const colour = await caret.evaluate((element) => getComputedStyle(element, '::after').backgroundColor);
    expect(colour).not.toBe('rgba(0, 0, 0, 0)');
    await write(page, 0, 'Many ');
    await expect.poll(() => page.locator('.weft-picked').innerText()).toBe('Beans');
    await present(page, null);
    await caret.waitFor({ state: 'detached' });
  });

  test('what is saved, what is pending and what is final is told', async () => {
    const page = await open({ ...FULL, network: 'offline' }, PLAN);
    await editor(page).click();
    await page.keyboard.type('x');
    await seen(page, 'saved on this device');
    const line = page.locator('main .icon-line');
    await page.evaluate((groupId) => globalThis.fake.documents.at(groupId, 'pages/plan').setPending(1), GARDEN);
    await line.getByText('1 pending').waitFor();
    await line.getByText('It is ordered when a relay answers again.').waitFor({ state: 'attached' });
    await page.evaluate((groupId) => globalThis.fake.documents.at(groupId, 'pages/plan').setPending(0), GARDEN);
    await line.getByText('final').waitFor();
  });

  test('a title is changed by one and seen by the other; a change that is refused keeps what was written', async () => {
    const page = await open(FULL, PLAN);
    await page.getByLabel('Title', { exact: true }).fill('Where what grows');
    await page.getByRole('heading', { name: 'Where what grows', level: 1 }).waitFor();
    await page.evaluate((groupId) => {
      const { documents } = globalThis.fake;
      documents.at(groupId, 'pages/plan').change([{ action: 'put', path: ['title'], value: 'By Ann' }], {});
      documents.fail = { code: 'not_permitted', message: 'You are not a member any more.' };
    }, GARDEN);
    await page.getByRole('heading', { name: 'By Ann', level: 1 }).waitFor();
    await editor(page).click();
    // In one piece: the next keystroke would try again by itself.
    await page.keyboard.insertText('Mine. ');
    await page.getByRole('alert').getByText('You are not a member any more.').waitFor();
    expect(await editor(page).innerText()).toContain('Mine.');
    await button(page, 'Try again').click();
    await expect.poll(() => kept(page)).toContain('Mine.');
  });

  for (const [width, colorScheme] of [
    [1280, 'dark'],
    [360, 'light'],
    [320, 'dark'],
  ] as const) {
    test(`it can be read and reached: ${width} px, ${colorScheme}`, async () => {
      const page = await open(FULL, PLAN);
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await write(page, 0, 'A long line that has to wrap somewhere, since nobody scrolls sideways to read. '.repeat(3));
      await present(page, { anchor: 60, head: 60 });
      await page.locator('.weft-caret').waitFor();
      expect(await auditPage(page)).toEqual([]);
      await tabTo(page, 'Publish');
    });
  }
});
