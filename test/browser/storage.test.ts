// The stores of a browser in Chromium: the contracts of every host, the fence, refusals, a full disk, keys, and kills mid-write.

import type { Page, Worker } from 'playwright-core';
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
const LEAF_BYTES = 262_144;
/** A worker that ends lets go of its files a moment later. */
const FREE_WAIT = 30_000;

let script = '';
let url = '';

type Opened = { page: Page; kill: () => Promise<void>; close: () => Promise<void> };

async function openPage(profileDir?: string): Promise<Opened> {
  const browser = await launchChromium(profileDir === undefined ? {} : { profileDir });
  const page = await browser.context.newPage();
  await page.goto(url);
  await page.waitForFunction(() => 'storage' in globalThis);
  return { page, kill: browser.kill, close: browser.close };
}

/** The same functions as those of the page. */
async function startWorker(page: Page): Promise<Worker> {
  const started = page.waitForEvent('worker');
  await page.evaluate(() => storage.startWorker());
  return await started;
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
    expect(before).toEqual({ version: 3, packs: [], intact: [0, 1, 2, 3], stats: { blocks: 4, bytes: 4 * bytes } });
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
    const small = await openSmallPage(page);
    checkFilling(await small.evaluate(() => storage.fillStorage()));
  });
});

describeInChromium('the stores of a worker', () => {
  let page: Page;
  let worker: Worker;
  beforeAll(async () => {
    ({ page } = await openPage());
    worker = await startWorker(page);
  });

  test.each(BLOB_STORE_CONTRACT.map(({ name }) => name))('BN27: BlobStore: %s', async (name) => {
    await worker.evaluate((one) => storage.runBlobCase(one), name);
  });

  test('BN27: leaves share a file, which is at most half waste, and comes free with its last block', async () => {
    const seen = await worker.evaluate((size) => storage.shrinkPack(size), LEAF_BYTES);
    expect(seen[0]).toEqual({ packs: [16], intact: 15 });
    for (const [i, { packs, intact }] of seen.entries()) {
      expect(intact).toBe(15 - i);
      const size = packs.reduce((sum, blocks) => sum + blocks, 0);
      expect(size, `${15 - i} blocks in ${size}`).toBeLessThanOrEqual(2 * intact);
    }
  });

  test('BN4, BN27: a disk that is full at any write of a file or of the database loses no block and counts right', async () => {
    expect(await worker.evaluate((size) => storage.cutPackWrites(size), LEAF_BYTES)).toEqual([]);
  });

  test('BN27: while an engine that is over holds files, the next one reads them and has others; then it has all', async () => {
    const leaves = (from: number, count: number) => ({ name: 'held', from, count });
    const first = await startWorker(page);
    await first.evaluate((some) => storage.putLeaves(some), leaves(0, 32));
    const second = await startWorker(page);
    expect(await second.evaluate((some) => storage.lookAtLeaves(some), leaves(0, 32))).toMatchObject({
      intact: 32,
      inFiles: 32,
    });
    await second.evaluate((some) => storage.putLeaves(some), leaves(32, 16));
    await second.evaluate((some) => storage.removeLeaves(some), leaves(0, 16));
    expect(await first.evaluate((some) => storage.lookAtLeaves(some), leaves(16, 32))).toMatchObject({ intact: 32 });
    for (const one of [first, second]) await one.evaluate(() => close()).catch(() => undefined);
    const third = await startWorker(page);
    const look = () => third.evaluate((some) => storage.lookAtLeaves(some), leaves(0, 48));
    expect(await look()).toMatchObject({ held: 32, intact: 32, stats: { blocks: 32 } });
    await third.evaluate((some) => storage.removeLeaves(some), leaves(0, 48));
    await expect.poll(look, { timeout: FREE_WAIT }).toMatchObject({ held: 0, inFiles: 0 });
  });

  test('BN27: blocks of files that are gone are not held, and are stored anew', async () => {
    const leaves = { name: 'lost', from: 0, count: 16 };
    const first = await startWorker(page);
    await first.evaluate((some) => storage.putLeaves(some), leaves);
    await first.evaluate(() => close()).catch(() => undefined);
    await expect
      .poll(() => page.evaluate(() => storage.loseFiles('lost').then(() => 'gone', String)), { timeout: FREE_WAIT })
      .toBe('gone');
    const second = await startWorker(page);
    const look = () => second.evaluate((some) => storage.lookAtLeaves(some), leaves);
    await expect
      .poll(look, { timeout: FREE_WAIT })
      .toMatchObject({ held: 0, intact: 0, stats: { blocks: 0, bytes: 0 } });
    await second.evaluate((some) => storage.putLeaves(some), leaves);
    expect(await look()).toMatchObject({ held: 16, intact: 16, inFiles: 16 });
  });

  test('BN27: what is asked of files is answered while garbage is collected', async () => {
    const { context } = await launchChromium({ flags: ['--js-flags=--expose-gc'] });
    const collected = await context.newPage();
    await collected.goto(url);
    await collected.waitForFunction(() => 'storage' in globalThis);
    const own = await startWorker(collected);
    expect(await own.evaluate((rounds) => storage.collectGarbage(rounds), 5)).toBe(5);
  });

  test('BN4, BN27: a full disk is quota_exceeded, what is removed of files comes free, and counts stay right', async () => {
    const small = await startWorker(await openSmallPage(page));
    checkFilling(await small.evaluate(() => storage.fillStorage()));
  });
});

/** An origin of its own, with little space: Chromium remembers for a while how much it saw at the first use. */
async function openSmallPage(page: Page): Promise<Page> {
  const small = await page.context().newPage();
  const address = await servePage(script);
  const session = await page.context().newCDPSession(small);
  await session.send('Storage.overrideQuotaForOrigin', { origin: new URL(address).origin, quotaSize: QUOTA_BYTES });
  await small.goto(address);
  await small.waitForFunction(() => 'storage' in globalThis);
  return small;
}

function checkFilling(seen: Awaited<ReturnType<StoragePage['fillStorage']>>): void {
  expect(seen.blobFailure).toMatchObject({ code: 'quota_exceeded' });
  expect(seen.storeFailure).toMatchObject({ code: 'quota_exceeded' });
  expect(seen.held.stats).toEqual(seen.held.expected);
  // A removal that had to write would fail, too, and no space would ever come free.
  expect([seen.removeFailure, seen.putFailure]).toEqual([null, null]);
  for (const { stats, expected } of [seen.kept, seen.end]) expect(stats).toEqual([expected, expected]);
}

describeInChromium('SIGKILL of Chromium mid-write', () => {
  const timeout = kills * TIME_LIMIT_PER_KILL;
  test.each(['page', 'worker'] as const)(
    `BN10, BN27: ${kills} kills of a %s, 0 lost, 0 torn`,
    { timeout },
    async (where) => {
      const profileDir = await makeTempFolder('kill-profile');
      let acknowledged = -1;
      for (let kill = 0; kill < kills; kill++) {
        const first = acknowledged + 1;
        acknowledged = await writeUntilKilled({ profileDir, where }, first);
        const { page, close } = await openPage(profileDir);
        const range = { first, acknowledged };
        const damage = await (where === 'page'
          ? page.evaluate((one) => storage.findDamage(one), range)
          : (await startWorker(page)).evaluate((one) => storage.findDamage(one), range));
        expect(damage, `kill ${kill + 1}`).toEqual([]);
        await close();
      }
      expect(acknowledged + 1).toBeGreaterThanOrEqual(kills);
    },
  );
});

/** The last number the page said before it died; at least `first`, because the kill waits for that one. */
async function writeUntilKilled(
  { profileDir, where }: { profileDir: string; where: 'page' | 'worker' },
  first: number,
): Promise<number> {
  const { page, kill } = await openPage(profileDir);
  let last = -1;
  const started = Promise.withResolvers<void>();
  await page.exposeFunction('say', (n: number) => {
    last = n;
    started.resolve();
  });
  // Never resolves: it ends with the browser.
  const writing =
    where === 'page'
      ? page.evaluate((from) => storage.writeUntilKilled(from), first)
      : (await startWorker(page)).evaluate((from) => storage.writeUntilKilled(from), first);
  writing.catch(started.reject);
  await started.promise;
  await new Promise((resolve) => setTimeout(resolve, Math.random() * KILL_SPAN));
  await kill();
  return last;
}
