// The app's page in Chromium over a node in memory, under the policy of the real app: each flow, by keyboard and by hand.

import type { Page } from 'playwright-core';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { FAKE_PASSPHRASE, FAKE_PHRASE } from './fake-node.ts';
import { describeInChromium, makeTempFolder } from './harness.ts';
import { auditPage } from './ui-audit.ts';
import { button, seen, tabTo, visitUi } from './ui-visit.ts';

const VIEWS = ['#/', '#/sites', '#/groups', '#/wallet', '#/peers', '#/status'];

describeInChromium('the app', () => {
  const { open, context } = visitUi();

  async function chooseExample(page: Page, handle: string): Promise<void> {
    await button(page, 'Use the example').click();
    await page.getByLabel('Handle', { exact: true }).fill(handle);
  }

  async function publishExample(page: Page, handle = 'rose-garden'): Promise<void> {
    await chooseExample(page, handle);
    await seen(page, 'Free:');
    await button(page, 'Publish').click();
  }

  test('the first minute and keeping the wallet need nothing but a keyboard', async () => {
    const page = await open();
    await tabTo(page, 'Use the example');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Give it a handle' }).waitFor();
    await page.waitForFunction(() => document.activeElement?.tagName === 'INPUT');
    await page.keyboard.type('Rose Garden');
    await seen(page, 'Free:');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: '@rose-garden is live.' }).waitFor();
    await seen(page, '6 files · 2 peers · 0 bytes from the server · all verified · 84 ms');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1');
    expect(await page.getByRole('link', { name: /^rose-garden\./ }).getAttribute('href')).toMatch(
      /^http:\/\/rose-garden\./,
    );

    await tabTo(page, 'Show the twelve words');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Your recovery phrase' }).waitFor();
    await tabTo(page, 'I have written them down');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'From your paper' }).waitFor();
    const words = FAKE_PHRASE.split(' ');
    for (const question of await page.getByRole('group', { name: /Which is word/ }).all()) {
      const position = Number(/\d+/.exec(await question.locator('legend').innerText())![0]);
      await question.getByRole('radio', { name: words[position - 1]!, exact: true }).focus();
      await page.keyboard.press('Space');
    }
    await tabTo(page, 'Confirm');
    await page.keyboard.press('Enter');
    await tabTo(page, 'Set a passphrase');
    await page.keyboard.press('Enter');
    await page.getByLabel('Passphrase', { exact: true }).focus();
    await page.keyboard.type(FAKE_PASSPHRASE);
    await page.keyboard.press('Tab');
    await page.keyboard.type(FAKE_PASSPHRASE);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'It is yours to keep' }).waitFor();
  });

  test('the focus goes to the heading of a view one goes to, and the skip button to its content', async () => {
    const page = await open();
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('BODY');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN');
    await page.getByRole('link', { name: 'Peers' }).click();
    await page.getByRole('heading', { name: 'Peers', level: 1 }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Peers');
    // The title follows in an effect of its own, after the heading.
    await page.waitForFunction(() => document.title === 'Peers · weft');
    expect(await page.getByRole('link', { name: 'Peers' }).getAttribute('aria-current')).toBe('page');
  });

  test('a dropped folder is read to the bottom, without hidden files, and a folder inside is offered', async () => {
    const folder = join(await makeTempFolder('drop'), 'project');
    for (const [path, text] of [
      ['package.json', '{}'],
      ['.env', 'SECRET=1'],
      ['node_modules/a/index.js', ''],
      ['dist/index.html', '<h1>hello</h1>'],
      ['dist/deep/er/style.css', 'h1{}'],
    ] as const) {
      await mkdir(join(folder, path, '..'), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const page = await open();
    const session = await context().newCDPSession(page);
    const box = (await page.locator('.drop').boundingBox())!;
    const place = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    const data = { items: [], files: [folder], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await session.send('Input.dispatchDragEvent', { type, ...place, data });
    }
    await seen(page, 'There is no index.html at the top.');
    expect(await page.locator('.summary').innerText()).toMatch(/project\s+3 files · .* 1 file left out/);
    await button(page, 'Use the folder “dist” instead').click();
    expect(await page.locator('.summary').innerText()).toMatch(/dist\s+2 files · 18 bytes$/);
    expect(await page.getByText('There is no index.html at the top.').count()).toBe(0);
  });

  test('a folder is chosen with the picker, and an empty one is refused with a sentence', async () => {
    const folder = await makeTempFolder('pick');
    await mkdir(join(folder, 'my-notes'));
    await writeFile(join(folder, 'my-notes', '.hidden'), '');
    const page = await open();
    const input = page.locator('input[type=file]');
    await input.setInputFiles(join(folder, 'my-notes'));
    await page.getByRole('alert').getByText('choose the folder that holds your index.html').waitFor();
    await writeFile(join(folder, 'my-notes', 'index.html'), '<p>');
    await input.setInputFiles(join(folder, 'my-notes'));
    await seen(page, '1 file · 3 bytes');
    await button(page, '@my-notes').click();
    await seen(page, 'Free:');
  });

  test('HD1: a handle that cannot be is explained, a taken one comes with free ones', async () => {
    const page = await open();
    const wait = (text: string) => page.locator('.handle-field .hint').getByText(text).waitFor();
    await chooseExample(page, 'al');
    await wait('At least 3');
    await page.getByLabel('Handle', { exact: true }).fill('-al');
    await wait('No hyphen at the start');
    await page.getByLabel('Handle', { exact: true }).fill('@Alice');
    await wait('Somebody else has this handle');
    expect(await button(page, 'Publish').isDisabled()).toBe(true);
    await button(page, '@alice-site').click();
    await wait('Free:');
    expect(await page.getByLabel('Handle', { exact: true }).inputValue()).toBe('alice-site');
  });

  test('a handle taken meanwhile ends in a sentence, with the folder kept and others proposed', async () => {
    const message = 'Somebody else has this handle: choose another.';
    const page = await open({ fail: { call: 'sites.publish', code: 'handle_taken', message } });
    await publishExample(page);
    await page.getByRole('alert').getByText(message).waitFor();
    await button(page, '@rose-garden-site').click();
    await seen(page, 'Free:');
    await button(page, 'Publish').click();
    await page.getByRole('heading', { name: '@rose-garden-site is live.' }).waitFor();
  });

  test('progress is told in words, and a publish can be cancelled', async () => {
    const page = await open({ holdBefore: 'ordered' });
    await publishExample(page);
    await seen(page, 'You may close this tab');
    const progress = page.getByRole('progressbar', { name: 'Publishing' });
    expect(await progress.getAttribute('aria-valuenow')).toBe('60');
    expect(await progress.getAttribute('aria-valuetext')).toBe('Ordered by the network');
    await page.getByRole('link', { name: 'Sites' }).click();
    await seen(page, 'Stored on this device, waiting for the network');
    await page.getByRole('link', { name: 'Publish', exact: true }).click();
    await button(page, 'Cancel').click();
    await page.getByRole('heading', { name: 'Give it a handle' }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  test('BN18: a newcomer sees how far the puzzle is', async () => {
    const page = await open({ holdBefore: 'ordered', joining: 0.42 });
    await publishExample(page);
    await seen(page, 'solving a newcomer’s puzzle · 42 %');
  });

  test('with nobody reachable it says so, goes on, and is live when it is done', async () => {
    const message = 'Nobody could be reached for 30 seconds: it goes on by itself.';
    const page = await open({ fail: { call: 'sites.publish', code: 'waiting_for_network', message } });
    await publishExample(page);
    await seen(page, message);
    await page.evaluate(() => globalThis.fake.completeJobs());
    await page.getByRole('heading', { name: '@rose-garden is live.' }).waitFor();
  });

  test('a phrase with a wrong word is refused with that word marked; the right one restores', async () => {
    const page = await open({}, '#/wallet');
    await page.getByLabel('Recovery phrase').fill(FAKE_PHRASE.replace('thank', 'thnak'));
    await button(page, 'Restore').click();
    await page.getByRole('alert').getByText('Word 3 is not in the word list').waitFor();
    expect(await page.locator('.words .wrong').innerText()).toContain('thnak');
    await page.getByLabel('Recovery phrase').fill(FAKE_PHRASE);
    await button(page, 'Restore').click();
    await page.getByRole('heading', { name: 'Your identity' }).waitFor();
  });

  test('a locked wallet is unlocked where one publishes', async () => {
    const page = await open({ wallet: 'locked' });
    await button(page, 'Use the example').click();
    await page.getByLabel('Passphrase').fill('wrong');
    await button(page, 'Unlock').click();
    await page.getByRole('alert').getByText('does not open this wallet').waitFor();
    await page.getByLabel('Passphrase').fill(FAKE_PASSPHRASE);
    await button(page, 'Unlock').click();
    await page.getByLabel('Handle', { exact: true }).waitFor();
  });

  test('a site is unpublished only after a question, and gets a new version under its link', async () => {
    const page = await open({ wallet: 'kept', sites: 1 }, '#/sites');
    await page.getByRole('link', { name: 'Versions and more of @rose-garden' }).click();
    await page.getByRole('heading', { name: '@rose-garden', level: 1 }).waitFor();
    await button(page, 'Unpublish').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Unpublish @rose-garden?' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.waitForFunction(() => document.activeElement?.textContent === 'Unpublish');

    await button(page, 'New version').click();
    await page.getByRole('heading', { name: 'A new version of @rose-garden' }).waitFor();
    const folder = join(await makeTempFolder('version'), 'v4');
    await mkdir(folder);
    await writeFile(join(folder, 'index.html'), 'four');
    await page.locator('input[type=file]').setInputFiles(folder);
    await button(page, 'Publish this version').click();
    await seen(page, 'Version 4');

    await page.getByRole('link', { name: 'Sites', exact: true }).click();
    await page.getByRole('link', { name: 'Versions and more of @rose-garden' }).click();
    await button(page, 'Unpublish').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Unpublish' }).click();
    await seen(page, 'You publish nothing there now.');
  });

  test('offline, a wrong clock and a node that cannot start are each told in a sentence', async () => {
    const page = await open({ clockSkew: 86_400_000 }, '#/status');
    await seen(page, 'The clock of this device is 1 day ahead.');
    await page.evaluate(() => globalThis.fake.setNetwork('offline'));
    await seen(page, 'Your edits are safe on this device');
    await page.evaluate(() => globalThis.fake.setNetwork('online'));
    await page.getByText('Your edits are safe').waitFor({ state: 'detached' });
    const message = 'The browser refuses to store anything here: allow site data, then try again.';
    const failed = await open({ fail: { call: 'connect', code: 'storage_refused', message } });
    await failed.getByRole('alert').getByText(message).waitFor();
    await button(failed, 'Try again').waitFor();
  });

  test('the chosen colours outlive the page and overrule the system', async () => {
    const page = await open({}, '#/status');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.getByRole('radio', { name: 'Dark' }).check();
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const dark = await ground();
    await page.reload();
    await page.getByRole('radio', { name: 'Dark', checked: true }).waitFor();
    expect(await ground()).toBe(dark);
    await page.getByRole('radio', { name: 'Light' }).check();
    expect(await ground()).not.toBe(dark);
    await page.getByRole('radio', { name: 'As the system' }).check();
  });

  test('whoever asks for less motion sees no spinning', async () => {
    const page = await open({ holdBefore: 'ordered' });
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await publishExample(page);
    await seen(page, 'You may close this tab');
    const spinner = page.locator('.lines .spinner');
    expect(await spinner.evaluate((element) => getComputedStyle(element).animationName)).toBe('none');
  });

  for (const [width, colorScheme] of [
    [1280, 'light'],
    [1280, 'dark'],
    [320, 'light'],
    [390, 'dark'],
  ] as const) {
    test(`every view can be read and reached: ${width} px, ${colorScheme}`, async () => {
      const found: string[] = [];
      const audit = async (page: Page, where: string) =>
        found.push(...(await auditPage(page)).map((sentence) => `${where}: ${sentence}`));
      for (const options of [
        {},
        { wallet: 'kept', sites: 3, peers: 4, groups: 2, network: 'offline', clockSkew: -7_200_000 },
      ] as const) {
        for (const hash of VIEWS) {
          const page = await open(options, hash);
          await page.setViewportSize({ width, height: 800 });
          await page.emulateMedia({ colorScheme });
          await audit(page, `${hash} ${Object.keys(options).length === 0 ? 'empty' : 'full'}`);
          await page.close();
        }
      }
      const page = await open({ holdBefore: 'held' });
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await chooseExample(page, 'alice');
      await button(page, '@alice-site').waitFor();
      await audit(page, 'taken');
      await button(page, '@alice-site').click();
      await seen(page, 'Free:');
      await button(page, 'Publish').click();
      await seen(page, 'block 42');
      await audit(page, 'publishing');
      await page.evaluate(() => globalThis.fake.release());
      await seen(page, 'all verified');
      await audit(page, 'live');
      await button(page, 'Show the twelve words').click();
      await button(page, 'I have written them down').click();
      await page.getByRole('radio').first().check();
      await audit(page, 'quiz');
      expect(found).toEqual([]);
    });
  }
});
