// The site manager and the peers in the app's page over a node in memory.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { GARDEN } from './fake-groups.ts';
import { describeInChromium, makeTempFolder } from './harness.ts';
import { auditPage } from './ui-audit.ts';
import { button, seen, visitUi } from './ui-visit.ts';

const FULL = { wallet: 'kept', sites: 3, groups: 1, peers: 6 } as const;
const SITE = '#/sites/rose-garden';

describeInChromium('sites and peers in the app', () => {
  const { open } = visitUi();

  test('versions are listed, newest first, each with an address of its own', async () => {
    const page = await open(FULL, SITE);
    const links = page.getByRole('link', { name: /^Version \d/ });
    await links.first().waitFor();
    expect((await links.allInnerTexts()).map((text) => text.slice(0, 9))).toEqual([
      'Version 3',
      'Version 2',
      'Version 1',
    ]);
    expect(await links.last().getAttribute('href')).toMatch(/^http:\/\/bafy[a-z0-9]+\.localhost:8787\/$/);
    await page.getByRole('listitem').filter({ hasText: 'Version 3' }).getByText('current').waitFor();
    expect(await page.getByRole('button', { name: /version 3/ }).count()).toBe(0);
  });

  test('going back asks first, and makes a new version', async () => {
    const page = await open(FULL, SITE);
    await button(page, 'Go back to this one (version 1)').click();
    await page.getByRole('dialog', { name: 'Show version 1 of @rose-garden again?' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await button(page, 'Go back to this one (version 1)').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Go back to 1' }).click();
    await seen(page, 'Version 4 shows what version 1 was');
    await page.getByRole('link', { name: /^Version 4/ }).waitFor();
  });

  test('a refusal to go back stays in the question', async () => {
    const message = 'Somebody published meanwhile: look again.';
    const page = await open({ ...FULL, fail: { call: 'sites.rollback', code: 'wrong_state', message } }, SITE);
    await button(page, 'Go back to this one (version 2)').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Go back to 2' }).click();
    await page.getByRole('dialog').getByRole('alert').getByText(message).waitFor();
  });

  test('the snippet names this edge, the site and the network', async () => {
    const page = await open(FULL, '#/sites/rose-garden/notes');
    const snippet = await page.locator('.snippet').innerText();
    expect(snippet).toContain(`<script type="module" src="${new URL(page.url()).origin}/widget.js"></script>`);
    expect(snippet).toMatch(/<weft-site handle="@notes--rose-garden" commons="bafy[a-z0-9]+"><\/weft-site>/);
    await button(page, 'Copy snippet').waitFor();
  });

  test('a site is saved as one file', async () => {
    const page = await open(FULL, SITE);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      button(page, 'Save as CAR (an archive for IPFS tools)').click(),
    ]);
    expect(download.suggestedFilename()).toBe('rose-garden-3.car');
  });

  test('another site of the handle is begun under a name that is free', async () => {
    const page = await open(FULL, SITE);
    await page.getByRole('link', { name: '@rose-garden / notes' }).waitFor();
    const name = page.getByLabel('Name of another site');
    await name.fill('Notes');
    await seen(page, 'You publish a site of this name.');
    await name.fill('Old Photos');
    await button(page, 'Choose its folder').click();
    const folder = join(await makeTempFolder('named'), 'photos');
    await mkdir(folder);
    await writeFile(join(folder, 'index.html'), 'photos');
    await page.locator('input[type=file]').setInputFiles(folder);
    expect(await page.getByLabel('Handle', { exact: true }).inputValue()).toBe('rose-garden');
  });

  test('a handle is renewed for a year', async () => {
    const page = await open(FULL, '#/wallet');
    const row = page.getByRole('listitem').filter({ hasText: 'Renew for a year' }).first();
    const before = await row.getByText(/yours until/).innerText();
    await row.getByRole('button', { name: /^Renew for a year @/ }).click();
    await expect.poll(() => row.getByText(/yours until/).innerText()).not.toBe(before);
  });

  test('who a peer is, how it is reached and what came from it is told in words', async () => {
    const page = await open(FULL, '#/peers');
    await seen(page, '6 peers: 1 direct, 4 by relay, 1 other tab');
    const row = (name: string) => page.getByRole('row').filter({ hasText: name });
    await row('Ann').getByText('direct').waitFor();
    await row('Ann')
      .getByText(/gave 3 blocks, 1\s204 entries/)
      .waitFor();
    await row('Member …').getByText('relay').waitFor();
    await row('A validator').getByText('pieces of sites').first().waitFor();
    await row('Somebody who seeds').getByText('other tab').waitFor();
    await row('A visitor').getByText('visits').waitFor();
    await row('Ann').getByRole('link', { name: 'Community garden on the hill' }).click();
    await page.getByRole('heading', { name: 'Community garden on the hill', level: 1 }).waitFor();
    expect(page.url()).toContain(`#/groups/${GARDEN}`);
  });

  for (const [width, colorScheme] of [
    [1280, 'dark'],
    [360, 'dark'],
    [320, 'light'],
  ] as const) {
    test(`a site can be read and reached: ${width} px, ${colorScheme}`, async () => {
      const page = await open(FULL, SITE);
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await page.getByRole('link', { name: /^Version 1/ }).waitFor();
      expect(await auditPage(page)).toEqual([]);
      await button(page, 'Go back to this one (version 1)').click();
      expect(await auditPage(page)).toEqual([]);
    });
  }
});
