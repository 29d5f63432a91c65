// Browsers and edges that are not as they should be: each case ends in a sentence that says what to do, or just works.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { beginPublish, failureOf, openTab, publishOutcome } from './engine-tabs.ts';
import { startFlipProxy, type FlipProxyOptions } from './flip-proxy.ts';
import { closeAtEnd, describeInChromium, launchChromium, type Chromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

const DAY = 86_400_000;
/** As a browser that keeps nothing for this page. */
const NO_STORAGE = `Object.defineProperty(globalThis, 'indexedDB', { value: { open() { throw new DOMException('denied', 'SecurityError'); } } });`;
/** As a browser whose WebCrypto does not know Ed25519. */
const NO_ED25519 = `for (const method of ['generateKey', 'importKey', 'sign', 'verify']) {
  const own = crypto.subtle[method].bind(crypto.subtle);
  Object.defineProperty(crypto.subtle, method, { value: async (...args) => {
    if (JSON.stringify(args).includes('Ed25519')) throw new DOMException('Unrecognized name.', 'NotSupportedError');
    return await own(...args);
  } });
}`;
const clockOff = (by: number): string => `{ const own = Date.now; Date.now = () => own() + ${by}; }`;

let mesh: Mesh;

/** A proxy before the edge that puts `script` in front of the engine's own. */
async function proxyWith(rewrite: NonNullable<FlipProxyOptions['rewrite']>): Promise<string> {
  const proxy = await startFlipProxy({ targetPort: mesh.port, seed: 1, rewrite });
  closeAtEnd(() => proxy.close());
  return `http://localhost:${proxy.port}/`;
}

function beforeEngine(script: string): Promise<string> {
  return proxyWith(({ path, bytes }) =>
    /^\/engine-[A-Z0-9]{8}\.js$/.test(path) ? Buffer.concat([Buffer.from(script), bytes]) : undefined,
  );
}

async function openApp(url: string): Promise<{ browser: Chromium; tab: Page }> {
  const browser = await launchChromium();
  return { browser, tab: await openTab(browser.context, url) };
}

describeInChromium('an engine that meets trouble', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test('BN2: storage refused: every call says so, in every tab', async () => {
    const { browser, tab } = await openApp(await beforeEngine(NO_STORAGE));
    const refused = { code: 'storage_refused', message: expect.stringContaining('allow site data') };
    expect(await failureOf(tab, () => weft.ready)).toMatchObject(refused);
    expect(await failureOf(tab, () => weft.wallet.create())).toMatchObject(refused);
    const second = await openTab(browser.context, tab.url());
    expect(await failureOf(second, () => weft.status())).toMatchObject(refused);
    await browser.close();
  });

  test('BN8: without Ed25519 the pure path signs and verifies, and a publish works', async () => {
    const { browser, tab } = await openApp(await beforeEngine(NO_ED25519));
    expect(await tab.evaluate(() => weft.status())).toMatchObject({ crypto: 'pure' });
    await tab.evaluate(() => weft.wallet.create());
    await beginPublish(tab, { handle: 'no-native', files: 2, fileBytes: 1_000 });
    expect((await publishOutcome(tab)).outcome).toMatchObject({ published: { seq: 1 } });
    expect(await tab.evaluate(() => weft.sites.visit('no-native'))).toMatchObject({ files: 3, failed: 0 });
    await browser.close();
  });

  test.each([
    ['ahead', DAY],
    ['behind', -DAY],
  ])('BN19: a clock that is a day %s ends in a sentence, before anything is signed', async (word, by) => {
    const { browser, tab } = await openApp(await beforeEngine(clockOff(by)));
    await tab.evaluate(() => weft.wallet.create());
    await expect
      .poll(() => tab.evaluate(async () => Math.round((await weft.status()).clockSkew / 3_600_000)))
      .toBe(by / 3_600_000);
    const failure = await failureOf(tab, () => weft.handles.register('late-clock'));
    expect(failure).toMatchObject({
      code: 'clock_wrong',
      message: expect.stringContaining(`1 day ${word}: set date and time`),
    });
    await beginPublish(tab, { handle: 'late-clock', files: 1, fileBytes: 10 });
    expect((await publishOutcome(tab)).outcome).toMatchObject({ failure: { code: 'clock_wrong' } });
    expect(await tab.evaluate(() => weft.status())).toMatchObject({ pending: 0 });
    await browser.close();
  });

  test('BN20: an edge that serves another commons is refused, and the data stays', async () => {
    const other = 'bafyreicibcsdurbpndaglkjc2wxi7hvj3azfxlpyshhk3uii2nhy74ayqi';
    let changed = false;
    const url = await proxyWith(({ path, bytes }) =>
      changed && path === '/.well-known/weft.json'
        ? Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(bytes).toString()), commons: other }))
        : undefined,
    );
    const { browser, tab } = await openApp(url);
    const { address } = await tab.evaluate(() => weft.wallet.create());
    changed = true;
    await tab.reload();
    await tab.waitForFunction(() => 'weft' in globalThis);
    expect(await failureOf(tab, () => weft.ready)).toMatchObject({ code: 'commons_changed' });
    // The reason may pass: a second tab asks anew, of the same engine.
    changed = false;
    const second = await openTab(browser.context, url);
    expect(await second.evaluate(() => weft.wallet.status())).toMatchObject({ address });
    await tab.reload();
    await tab.waitForFunction(() => 'weft' in globalThis);
    expect(await tab.evaluate(() => weft.wallet.status())).toMatchObject({ address });
    await browser.close();
  });

  test('BN4: a full disk ends a publish with quota_exceeded, and the node goes on', async () => {
    const browser = await launchChromium();
    const page = await browser.context.newPage();
    const session = await browser.context.newCDPSession(page);
    await session.send('Storage.overrideQuotaForOrigin', {
      origin: new URL(mesh.app).origin,
      quotaSize: 12 * 1024 * 1024,
    });
    await page.goto(mesh.app);
    await page.waitForFunction(() => 'weft' in globalThis);
    await page.evaluate(() => weft.wallet.create());
    await beginPublish(page, { handle: 'too-much', files: 100, fileBytes: 250_000 });
    expect((await publishOutcome(page)).outcome).toMatchObject({
      failure: { code: 'quota_exceeded', message: expect.stringContaining('no more space') },
    });
    expect(await page.evaluate(() => weft.handles.check('too-much'))).toEqual({ available: true });
    expect(await page.evaluate(() => weft.sites.jobs())).toEqual([]);
    await browser.close();
  });

  test('BN12: a script of the engine that cannot be loaded is said plainly', async () => {
    // In the edge's place, for the app's service worker fetches past what a page may intercept.
    let broken = true;
    const url = await proxyWith(({ path }) =>
      broken && path === '/engine.js' ? Buffer.from('nothing that parses (') : undefined,
    );
    const browser = await launchChromium();
    const tab = await browser.context.newPage();
    await tab.goto(url);
    await tab.waitForFunction(() => 'weft' in globalThis);
    expect(await failureOf(tab, () => weft.ready)).toMatchObject({
      code: 'engine_failed',
      message: expect.stringContaining('reload the page'),
    });
    // It does not keep the lead from a tab that can load it, and is served by that one.
    broken = false;
    const second = await openTab(browser.context, url);
    expect(await second.evaluate(() => weft.status())).toMatchObject({ leader: true, tabs: 2 });
    expect(await tab.evaluate(() => weft.status())).toMatchObject({ leader: false });
    await browser.close();
  });
});
