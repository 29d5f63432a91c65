// The stores of a browser in Chromium: the contracts of every host, the fence, refusals, a full disk, keys, and kills mid-write.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { BLOB_STORE_CONTRACT } from '../contracts/blob-store-contract.ts';
import { STORE_CONTRACT } from '../contracts/store-contract.ts';
import { describeInChromium, launchChromium, makeTempFolder } from './harness.ts';
import { bundleForPage, servePage } from './page-server.ts';
import type { StoragePage } from './storage-page.ts';

declare const storage: StoragePage;

const LONG_KILLS = 50;
const DEFAULT_KILLS = 3;
const kills = Number(process.env['WEFT_KILLS'] ?? (process.env['WEFT_LONG'] ? LONG_KILLS : DEFAULT_KILLS));
/** Kills come at a random moment of this span after the first acknowledgement. */
const KILL_SPAN = 400;
const TIME_LIMIT_PER_KILL = 30_000;
const QUOTA_BYTES = 16 * 1024 * 1024;

let script = '';
let url = '';

async function openPage(
  profileDir?: string,
): Promise<{ page: Page; kill: () => Promise<void>; close: () => Promise<void> }> {
  const browser = await launchChromium(profileDir === undefined ? {} : { profileDir });
  const page = await browser.context.newPage();
  await page.goto(url);
  await page.waitForFunction(() => 'storage' in globalThis);
  return { page, kill: browser.kill, close: browser.close };
}

beforeAll(async () => {
  script = await bundleForPage('test/browser/storage-page.ts');
  url = await servePage(script);
});

describeInChromium('the stores of a browser', () => {
  let page: Page;
  beforeAll(async () => {
    ({ page } = await openPage());
  });

  test.each(STORE_CONTRACT.map(({ name }) => name))('Store: %s', async (name) => {
    await page.evaluate((one) => storage.runStoreCase(one), name);
  });

  test.each(BLOB_STORE_CONTRACT.map(({ name }) => name))('BlobStore: %s', async (name) => {
    await page.evaluate((one) => storage.runBlobCase(one), name);
  });

  test.each(['no place', 'a key path', 'an index'] as const)(
    'VS10: what a script of the site left in place of the blocks (%s) gives way',
    async (planted) => {
      const seen = await page.evaluate((one) => storage.useBlobsOver(one, true), planted);
      expect(seen).toEqual({ version: 1, bytes: 10 });
    },
  );

  test('BN1: blocks of a shape that is unknown are left as they are where nobody else writes', async () => {
    const seen = await page.evaluate(() => storage.useBlobsOver('no place', false));
    expect(seen).toEqual({ version: 7, bytes: null });
  });

  test('VS8: a database that a page holds on to is given up, once, and not waited for at each block', async () => {
    const { codes, again } = await page.evaluate(() => storage.useBlobsHeld());
    expect(codes).toEqual(['store_failed', 'store_failed']);
    expect(again).toBeLessThan(1_000);
  });

  test('BN26: blocks from before there were packs are read, removed and replaced like any other', async () => {
    const { before, after } = await page.evaluate(() => storage.useOldBlocks());
    const bytes = 64 * 1024;
    expect(before).toEqual({ version: 2, packs: [], intact: [0, 1, 2, 3], stats: { blocks: 4, bytes: 4 * bytes } });
    expect(after).toMatchObject({ packs: [14], stats: { blocks: 15, bytes: 15 * bytes } });
    expect(after.intact).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  });

  test('BN26: a pack is at most half waste, and gone with its last block', async () => {
    for (const [i, { packs, intact }] of (await page.evaluate(() => storage.shrinkPack())).entries()) {
      expect(intact).toBe(15 - i);
      const size = packs.reduce((sum, blocks) => sum + blocks, 0);
      expect(size, `${15 - i} blocks in ${size}`).toBeLessThanOrEqual(2 * intact);
    }
  });

  test('BN4, BN26: a disk that is full at any write of a removal or a put loses no block and counts right', async () => {
    expect(await page.evaluate(() => storage.cutPackWrites())).toEqual([]);
  });

  test('BN3: a late write of a deposed owner fails and changes nothing', async () => {
    const seen = await page.evaluate(() => storage.takeOver());
    expect(seen).toMatchObject({ late: { code: 'store_failed' }, again: { code: 'store_failed' }, deposed: 1 });
    expect(seen.late?.message).toContain('Another tab has taken over');
    expect([seen.kept, seen.after]).toEqual([1, 2]);
  });

  test('BN1: a store of a newer version is refused with a sentence', async () => {
    const refusals = await page.evaluate(() => storage.openTooNew());
    expect(refusals).toMatchObject([{ code: 'store_too_new' }, { code: 'store_too_new' }]);
  });

  test.each(['missing', 'throws', 'rejects'] as const)(
    'BN2: storage that is refused (%s) is said plainly',
    async (way) => {
      const failure = await page.evaluate((how) => storage.openRefused(how), way);
      expect(failure).toMatchObject({ code: 'storage_refused', message: expect.stringContaining('allow site data') });
    },
  );

  test('BN6, BN7: the device stays the same, secrets open only with their passphrase', async () => {
    const seen = await page.evaluate(() => storage.useVault());
    expect(seen.missing).toMatchObject({ ok: false, error: { code: 'wallet_missing' } });
    expect(seen.byOrigin).toEqual({ opened: { ok: true, value: 'twelve words' }, unprotected: true });
    expect(seen.byPassphrase).toMatchObject({
      unprotected: false,
      none: { error: { code: 'locked' } },
      wrong: { error: { code: 'wrong_passphrase' } },
      right: { ok: true, value: 'twelve words' },
    });
    expect(seen).toMatchObject({ sameDevice: true, kind: 'native', verified: true });
  });

  test('BN6: no secret key of the vault can be exported', async () => {
    expect(await page.evaluate(() => storage.exportVaultKeys())).toEqual({ secret: 2, extractable: 0 });
  });

  test('BN8: without Ed25519 the device is a sealed seed that signs the same way', async () => {
    await page.evaluate(() => storage.removeEd25519());
    const seen = await page.evaluate(() => storage.useVault());
    expect(seen).toMatchObject({ sameDevice: true, kind: 'sealed', verified: true });
    expect(await page.evaluate(() => storage.exportVaultKeys())).toEqual({ secret: 2, extractable: 0 });
  });

  test('BN4, BN5: a full disk is quota_exceeded, nothing of the batch is kept, what is removed comes free, and counts stay right', async () => {
    // An origin of its own: Chromium remembers for a while how much space it saw at the first use.
    const small = await page.context().newPage();
    const address = await servePage(script);
    const session = await page.context().newCDPSession(small);
    await session.send('Storage.overrideQuotaForOrigin', { origin: new URL(address).origin, quotaSize: QUOTA_BYTES });
    await small.goto(address);
    await small.waitForFunction(() => 'storage' in globalThis);
    const seen = await small.evaluate(() => storage.fillStorage());
    expect(seen.blobFailure).toMatchObject({ code: 'quota_exceeded' });
    expect(seen.storeFailure).toMatchObject({ code: 'quota_exceeded' });
    expect(seen.held.stats).toEqual(seen.held.expected);
    // A removal that had to write would fail, too, and no space would ever come free.
    expect([seen.removeFailure, seen.putFailure]).toEqual([null, null]);
    for (const { stats, expected } of [seen.kept, seen.end]) expect(stats).toEqual([expected, expected]);
  });
});

describeInChromium('SIGKILL of Chromium mid-write', () => {
  test(`BN10: ${kills} kills, 0 lost, 0 torn`, { timeout: kills * TIME_LIMIT_PER_KILL }, async () => {
    const profileDir = await makeTempFolder('kill-profile');
    let acknowledged = -1;
    for (let kill = 0; kill < kills; kill++) {
      const first = acknowledged + 1;
      acknowledged = await writeUntilKilled(profileDir, first);
      const { page, close } = await openPage(profileDir);
      const damage = await page.evaluate((range) => storage.findDamage(range), { first, acknowledged });
      expect(damage, `kill ${kill + 1}`).toEqual([]);
      await close();
    }
    expect(acknowledged + 1).toBeGreaterThanOrEqual(kills);
  });
});

/** The last number the page said before it died; at least `first`, because the kill waits for that one. */
async function writeUntilKilled(profileDir: string, first: number): Promise<number> {
  const { page, kill } = await openPage(profileDir);
  let last = -1;
  const started = Promise.withResolvers<void>();
  await page.exposeFunction('say', (n: number) => {
    last = n;
    started.resolve();
  });
  // Never resolves: it ends with the browser.
  page.evaluate((from) => storage.writeUntilKilled(from), first).catch(started.reject);
  await started.promise;
  await new Promise((resolve) => setTimeout(resolve, Math.random() * KILL_SPAN));
  await kill();
  return last;
}
