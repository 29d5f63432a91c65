// A disk that is full from the k-th write of a publish on, for every k: the app says so, and goes on once there is space.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';

import type { ApiFailure } from '../../browser-node/api.ts';
import { openTab } from './engine-tabs.ts';
import { fillDisk } from './full-disk.ts';
import { describeInChromium, launchChromium, type Chromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

const LONG = process.env['WEFT_LONG'] === '1';
/** The long run cuts at every write, the short one at every third; both go on until a publish is not touched. */
const STEP = LONG ? 1 : 3;
/** More than a first publish makes: a count that grows beyond it is a change that somebody should look at. */
const WRITES_MAX = 60;
const SETTLE_TIME_MAX = 60_000;

type Attempt = {
  readonly stored: boolean;
  readonly outcome: { readonly seq: number } | { readonly failure: ApiFailure };
};

let mesh: Mesh;
let browser: Chromium;

function publish(page: Page, handle: string, text: string): Promise<Attempt> {
  return page.evaluate(
    async ([to, body]) => {
      let stored = false;
      const files = [
        { path: 'index.html', body },
        { path: 'large.bin', body: new Uint8Array(700_000).fill(body.length) },
      ];
      return await weft.sites
        .publish({ handle: to, files }, ({ step }) => (stored ||= step === 'stored'))
        .then(
          ({ seq }) => ({ stored, outcome: { seq } }),
          ({ code, message }: ApiFailure) => ({ stored, outcome: { failure: { code, message } } }),
        );
    },
    [handle, text] as const,
  );
}

/** As on the first day: no wallet, no blocks. */
async function openFresh(): Promise<Page> {
  for (const page of browser.context.pages()) if (page.url() !== 'about:blank') await page.close();
  const page = await browser.context.newPage();
  const devtools = await browser.context.newCDPSession(page);
  await devtools.send('Storage.clearDataForOrigin', { origin: new URL(mesh.app).origin, storageTypes: 'all' });
  await page.close();
  const tab = await openTab(browser.context, mesh.app);
  await tab.evaluate(() => weft.wallet.create());
  return tab;
}

async function expectRecovery(
  page: Page,
  { handle, first, before }: { handle: string; first: Attempt; before: string },
) {
  const second = await publish(page, handle, '<title>second</title>');
  expect(second.outcome).toEqual({ seq: expect.any(Number) });
  const unfinished = () => page.evaluate(async () => (await weft.sites.jobs()).filter(({ state }) => state !== 'held'));
  await expect.poll(unfinished, { timeout: SETTLE_TIME_MAX }).toEqual([]);
  const site = await page.evaluate((name) => weft.sites.resolve(name), handle);
  const { seq } = second.outcome as { seq: number };
  // What was stored is acknowledged: it was ordered too, and before what came later.
  if (first.stored) expect(seq).toBe(2);
  expect(site.seq).toBe(seq);
  expect(await page.evaluate(async (cid) => (await weft.blobs.get(cid)).length, before)).toBe(5_000);
}

describeInChromium('a disk that is full', () => {
  beforeAll(async () => {
    mesh = await startMesh();
    browser = await launchChromium();
  });

  test('BN4: at every write of a first publish the app says so, and what was acknowledged goes on', async () => {
    const seen: string[] = [];
    for (let k = 0, published = false; !published; k += STEP) {
      expect(k, 'writes of a publish').toBeLessThan(WRITES_MAX);
      const page = await openFresh();
      const before = await page.evaluate(() => weft.blobs.put(new Uint8Array(5_000).fill(7)));
      await fillDisk(page, k);
      const handle = `cut-at-${k}`;
      const first = await publish(page, handle, '<title>first</title>');
      await fillDisk(page, Infinity);
      published = 'seq' in first.outcome;
      if (!published) expect(first.outcome, `cut at ${k}`).toMatchObject({ failure: { code: 'quota_exceeded' } });
      seen.push(`${k} ${published ? 'published' : first.stored ? 'refused after stored' : 'refused'}`);
      await expectRecovery(page, { handle, first, before });
    }
    console.log(`disk full from write: ${seen.join(', ')}`);
  });
});
