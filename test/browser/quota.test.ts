// A browser that gives little space: cache makes way for what is published and pinned, and what is kept is never touched.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { beginPublish, countFilled, failureOf, makeFilesWait, publishOutcome } from './engine-tabs.ts';
import { describeInChromium, launchChromium, type Chromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

const MIB = 1024 * 1024;
/** Of one put: several leaves and a node. */
const FILE_BYTES: number = MIB;
const QUOTA_BYTES: number = 24 * MIB;

let mesh: Mesh;

async function openSmall(): Promise<{ browser: Chromium; page: Page }> {
  const browser = await launchChromium();
  const page = await browser.context.newPage();
  const session = await browser.context.newCDPSession(page);
  const { origin } = new URL(mesh.app);
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: QUOTA_BYTES });
  await page.goto(mesh.app);
  await page.waitForFunction(() => 'weft' in globalThis);
  await makeFilesWait(page);
  await page.evaluate(() => weft.wallet.create());
  return { browser, page };
}

/** Puts files that do not compress until the disk is full, or `count` of them; they are pinned unless told. */
async function putFiles(page: Page, task: { from: number; count: number; keep: boolean }) {
  return await page.evaluate(
    async ({ from, count, keep, size }) => {
      const cids: string[] = [];
      for (let n = from; n < from + count; n++) {
        const bytes = new Uint8Array(size);
        let state = n + 1;
        for (let i = 0; i < size; i++) {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
          bytes[i] = state >>> 24;
        }
        try {
          const cid = await weft.blobs.put(bytes);
          if (!keep) await weft.blobs.unpin(cid);
          cids.push(cid);
        } catch (error) {
          const { code, message } = error as { code: string; message: string };
          return { cids, failure: { code, message } };
        }
      }
      return { cids, failure: null };
    },
    { ...task, size: FILE_BYTES },
  );
}

/** Which of them can be read whole from this disk alone. */
async function readable(page: Page, cids: readonly string[]): Promise<number> {
  return await page.evaluate(async (list) => {
    let read = 0;
    for (const cid of list) if ((await weft.blobs.get(cid).catch(() => null)) !== null) read++;
    return read;
  }, cids);
}

describeInChromium('a browser that gives little space', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test('CT42: an origin full of cache publishes after a sweep that nobody asked for', async () => {
    const { browser, page } = await openSmall();
    await beginPublish(page, { handle: 'small-disk', files: 2, fileBytes: 400_000 });
    expect((await publishOutcome(page)).outcome).toMatchObject({ published: { seq: 1 } });
    const pinned = await putFiles(page, { from: 0, count: 4, keep: true });
    // More than there is space for: at the latest at the last of them something had to go.
    const cache = await putFiles(page, { from: 100, count: 40, keep: false });
    expect([pinned.failure, cache.failure]).toEqual([null, null]);
    expect(await countFilled(page)).toBeGreaterThanOrEqual(pinned.cids.length);
    await beginPublish(page, { handle: 'small-disk', files: 30, fileBytes: 250_000 });
    expect((await publishOutcome(page)).outcome).toMatchObject({ published: { seq: 2 } });
    expect(await readable(page, pinned.cids)).toBe(pinned.cids.length);
    expect(await page.evaluate(() => weft.sites.visit('small-disk'))).toMatchObject({ files: 31, failed: 0 });
    expect(await page.evaluate(() => weft.blobs.stats())).toMatchObject({
      pinned: 4 * FILE_BYTES,
      quota: expect.any(Number),
    });
    await browser.close();
  });

  test('CT42: full of pins it says what to do, loses nothing acknowledged, and goes on when something is unpinned', async () => {
    const { browser, page } = await openSmall();
    const { cids, failure } = await putFiles(page, { from: 0, count: 60, keep: true });
    expect(failure).toMatchObject({
      code: 'quota_exceeded',
      message: expect.stringMatching(/no more space.*unpin what is not needed/),
    });
    expect(cids.length).toBeGreaterThan(5);
    // More than the whole quota: Chromium's database remembers for a while how much space it saw before the files were written.
    await beginPublish(page, { handle: 'no-room', files: 120, fileBytes: 250_000 });
    expect((await publishOutcome(page)).outcome).toMatchObject({
      failure: { code: 'quota_exceeded', message: expect.stringContaining('unpin') },
    });
    expect(await page.evaluate(() => weft.sites.jobs())).toEqual([]);
    expect(await readable(page, cids)).toBe(cids.length);
    expect((await page.evaluate(() => weft.blobs.pins())).map(({ cid }) => cid).toSorted()).toEqual(cids.toSorted());
    // What the failed publish had stored is given back.
    const pinnedBytes = cids.length * FILE_BYTES;
    await expect
      .poll(async () => (await page.evaluate(() => weft.blobs.stats())).bytes, { timeout: 30_000 })
      .toBeLessThan(pinnedBytes + 100_000);
    await page.evaluate(async (list) => {
      for (const cid of list) await weft.blobs.unpin(cid);
    }, cids.slice(2));
    await beginPublish(page, { handle: 'no-room', files: 10, fileBytes: 250_000 });
    expect((await publishOutcome(page)).outcome).toMatchObject({ published: { seq: 1 } });
    expect(await readable(page, cids.slice(0, 2))).toBe(2);
    expect(await failureOf(page, () => weft.blobs.unpin('nothing'))).toMatchObject({ code: 'bad_encoding' });
    await browser.close();
  });
});
