// Two people and the real app: one founds a group and hands on a link, both write one page, and it becomes final.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';

import { openTab } from './engine-tabs.ts';
import { describeInChromium, launchChromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

/** Real browsers and a relay, on a machine that may be busy. */
const SOON = { timeout: 30_000 };

describeInChromium('two people in the app', () => {
  let mesh: Mesh;

  beforeAll(async () => {
    mesh = await startMesh();
  });

  async function openApp(path = ''): Promise<Page> {
    const { context } = await launchChromium();
    const page = await openTab(context, mesh.app + path);
    page.setDefaultTimeout(SOON.timeout);
    return page;
  }

  const text = (page: Page) => page.getByRole('textbox', { name: 'Text of the page' });
  const shown = (page: Page) => text(page).locator('.cm-line').allTextContents();

  test('found, invite, join, write together, see each other, and final', async () => {
    const rosa = await openApp('#/groups');
    await rosa.getByLabel('Name of the group').fill('Hill garden');
    await rosa.getByRole('button', { name: 'Found the group' }).click();
    await rosa.getByRole('heading', { name: 'Hill garden', level: 1 }).waitFor();
    await rosa.getByRole('button', { name: 'Make a link' }).click();
    const link = await rosa.getByLabel('Invite link').inputValue();

    const ann = await openApp(link.slice(link.indexOf('#')));
    await ann.getByRole('heading', { name: 'Join “Hill garden”' }).waitFor();
    await ann.getByLabel('Your name in this group').fill('Ann');
    await ann.getByRole('button', { name: 'Join', exact: true }).click();
    await ann.getByText('You are a member').waitFor();

    await rosa.getByLabel('Title of a new page').fill('Plan');
    await rosa.getByRole('button', { name: 'New page' }).click();
    await rosa.getByRole('heading', { name: 'Plan', level: 1 }).waitFor();
    await text(rosa).click();
    await rosa.keyboard.type('Beans by the fence.');
    await ann.getByRole('link', { name: 'Plan' }).click();
    await ann.getByRole('heading', { name: 'Plan', level: 1 }).waitFor();
    await expect.poll(() => shown(ann), SOON).toEqual(['Beans by the fence.']);

    // At once, in different places and in the same one.
    await text(ann).click();
    await ann.keyboard.press('Control+Home');
    await rosa.keyboard.press('Control+End');
    await Promise.all([
      ann.keyboard.type('Ann: tomatoes. ', { delay: 20 }),
      rosa.keyboard.type(' Peas by the gate.', { delay: 20 }),
    ]);
    const both = ['Ann: tomatoes. Beans by the fence. Peas by the gate.'];
    await expect.poll(() => shown(rosa), SOON).toEqual(both);
    await expect.poll(() => shown(ann), SOON).toEqual(both);
    await ann.keyboard.press('Control+End');
    await Promise.all([ann.keyboard.type('aaaa', { delay: 15 }), rosa.keyboard.type('rrrr', { delay: 15 })]);
    await expect.poll(async () => (await shown(rosa))[0]?.length, SOON).toBe(both[0]!.length + 8);
    await expect.poll(async () => (await shown(ann))[0], SOON).toBe((await shown(rosa))[0]);

    await rosa.getByText('1 other here: Ann').waitFor();
    await expect.poll(() => rosa.locator('.weft-caret').getAttribute('data-name'), SOON).toBe('Ann');
    for (const page of [rosa, ann]) {
      await page.getByText('saved on this device').waitFor();
      await page.locator('main .icon-line').getByText('final').waitFor();
    }

    await rosa.getByRole('link', { name: 'Peers' }).click();
    const row = rosa.getByRole('row').filter({ hasText: 'Ann' });
    await row.getByText('member of Hill garden').waitFor();
    await row.getByText(/gave .*\d+ entr/).waitFor();
    await row.getByText('direct', { exact: true }).waitFor();
    // DL8: turned off, what is open ends, here and after a reload, and the relay carries on.
    await rosa.getByLabel('With nobody').check();
    await row.getByText('relay', { exact: true }).waitFor();
    await rosa.reload();
    expect(await rosa.getByLabel('With nobody').isChecked()).toBe(true);
    await row.getByText('relay', { exact: true }).waitFor();
    await rosa.getByLabel('With members of my groups').check();
    await row.getByText('direct', { exact: true }).waitFor();
    await rosa.goBack();
    await text(rosa).waitFor();

    // One writes on while the browser is offline (a direct link may outlast that); the other has it at the latest afterwards.
    await ann.context().setOffline(true);
    await text(ann).click();
    await ann.keyboard.press('Control+Home');
    await ann.keyboard.type('Offline. ');
    await ann.getByText('saved on this device').waitFor();
    await ann.context().setOffline(false);
    await expect.poll(async () => (await shown(rosa))[0], SOON).toContain('Offline. ');
    const beforeCaret = () =>
      rosa.locator('.weft-caret').evaluate((caret) => {
        const range = document.createRange();
        range.setStart(caret.parentNode!, 0);
        range.setEndBefore(caret);
        return range.toString();
      });
    await expect.poll(beforeCaret, SOON).toBe('Offline. ');

    await ann.reload();
    await expect.poll(() => shown(ann), SOON).toEqual(await shown(rosa));
  });

  test('an invite that somebody else has used up is refused with a sentence, and still after a reload', async () => {
    const rosa = await openApp('#/groups');
    await rosa.getByLabel('Name of the group').fill('Small circle');
    await rosa.getByRole('button', { name: 'Found the group' }).click();
    await rosa.getByRole('button', { name: 'Make a link' }).click();
    const link = await rosa.getByLabel('Invite link').inputValue();
    const invite = link.slice(link.indexOf('#'));
    const first = await openApp(invite);
    await first.getByRole('button', { name: 'Join', exact: true }).click();
    await first.getByText('You are a member').waitFor();
    const late = await openApp(invite);
    await late.getByRole('button', { name: 'Join', exact: true }).click();
    await late.getByRole('alert').getByText('The group has not let you in.').waitFor();
    await late
      .getByRole('alert')
      .getByText(/used .* ask whoever sent it for a new one/)
      .waitFor();
    await late.reload();
    await late.getByRole('alert').getByText('The group has not let you in.').waitFor();
  });

  test('a link that is no invite ends in a sentence', async () => {
    const wrong = await openApp('#join=AAAAAAAAAAAAAAAAAAAAAAAA');
    await wrong.getByRole('alert').getByText('invite_invalid').waitFor();
  });
});
