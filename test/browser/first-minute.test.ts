// What the first minute fetches in a real browser, and what happens when a part that comes later cannot be fetched.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { APP, listFirstMinute } from '../../bench/size.ts';
import { failureOf, openTab } from './engine-tabs.ts';
import { describeInChromium, launchChromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

const SENTENCE = 'A part of weft could not be loaded: check the connection and try again, or reload the page.';
const SOON = { timeout: 60_000 };

let mesh: Mesh;

/** A tab without a service worker, which would fetch every part at once to keep it for offline use. */
async function openAlone(): Promise<{ page: Page; fetched: Set<string> }> {
  const { context } = await launchChromium();
  await context.addInitScript(() => Object.defineProperty(navigator, 'serviceWorker', { value: undefined }));
  const fetched = new Set<string>();
  context.on('request', (request) => {
    const { origin, pathname } = new URL(request.url());
    if (origin === new URL(mesh.app).origin) fetched.add(pathname.slice(1));
  });
  return { page: await openTab(context, mesh.app), fetched };
}

describeInChromium('the first minute', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test('a wallet, a handle and a published site need no file that `npm run bench -- size` does not count', async () => {
    const { page, fetched } = await openAlone();
    await page.getByRole('button', { name: 'Use the example' }).click();
    await page.getByLabel('Handle', { exact: true }).fill('first-minute');
    await page.getByText('Free:').waitFor(SOON);
    await page.getByRole('button', { name: 'Publish', exact: true }).click();
    await page.getByText('@first-minute is live.').waitFor(SOON);
    await page.getByText('all verified').waitFor(SOON);
    const counted = await listFirstMinute(APP);
    const files = [...fetched].filter((path) => /\.(js|css|wasm)$/.test(path)).toSorted();
    const expected = counted.filter((name) => /\.(js|css)$/.test(name) && name !== 'sw.js').toSorted();
    expect(files).toEqual(expected);
    await page.context().close();
  });

  test('a view that cannot be fetched says so, and is there at the next try', async () => {
    const { page } = await openAlone();
    await page.route('**/wallet-view-*', (route) => route.abort());
    await page.getByRole('link', { name: 'Wallet' }).click();
    await page.getByText(SENTENCE).waitFor();
    await page.unroute('**/wallet-view-*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('No wallet here yet').waitFor(SOON);
    await page.context().close();
  });

  test('a call whose part the engine cannot fetch says so, changes nothing, and works at the next try', async () => {
    const { page } = await openAlone();
    await page.context().route('**/keystore-*', (route) => route.abort());
    await page.evaluate(async () => void (await weft.wallet.create()));
    const set = () => weft.wallet.setPassphrase({ passphrase: 'correct horse battery' });
    expect(await failureOf(page, set)).toEqual({ code: 'part_not_loaded', message: SENTENCE });
    expect(await page.evaluate(() => weft.wallet.status())).toMatchObject({ state: 'unlocked', unprotected: true });
    await page.context().unroute('**/keystore-*');
    expect(await failureOf(page, set)).toBeNull();
    expect(await page.evaluate(() => weft.wallet.status())).toMatchObject({ unprotected: false });
    await page.context().close();
  });
});
