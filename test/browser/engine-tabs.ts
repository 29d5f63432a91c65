// App tabs for tests of the engine: opened on a mesh or a proxy before it, and their calls with failures as plain data.

import type { BrowserContext, Page } from 'playwright-core';
import type { ApiFailure } from '../../browser-node/api.ts';
import type { PageNode } from '../../browser-node/app/node.ts';

declare global {
  // The page's own; tests read it inside of page.evaluate only.
  var weft: PageNode;
}

/** Resolves when the page has its node; whether that started is for `ready` to say. */
export async function openTab(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForFunction(() => 'weft' in globalThis);
  return page;
}

/** As if the node of this browser had run for a while: files for leaves (BN27) wait for them. Before anything large is stored. */
export async function makeFilesWait(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('weft-blobs', { create: true });
    for (let n = 0; n < 64; n++) await folder.getFileHandle(`1-${n}`, { create: true });
  });
}

/** How many of those files hold blocks. */
export async function countFilled(page: Page): Promise<number> {
  return await page.evaluate(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('weft-blobs');
    let filled = 0;
    for await (const name of folder.keys()) {
      const { size } = await (await folder.getFileHandle(name)).getFile();
      if (size > 0) filled += 1;
    }
    return filled;
  });
}

/** The failure a call ends with, or null when it does not. The call runs in the page and sees nothing from here. */
export async function failureOf(page: Page, call: () => Promise<unknown>): Promise<ApiFailure | null> {
  return await page.evaluate(`(${call.toString()})().then(() => null, ({ code, message }) => ({ code, message }))`);
}

/** Starts a publish in the page and keeps what it reports; `outcome` is there when it ended. */
export async function beginPublish(
  page: Page,
  site: { handle: string; files: number; fileBytes: number },
): Promise<void> {
  await page.evaluate(({ handle, files, fileBytes }) => {
    const body = (n: number) => {
      // Without a pattern that the database could compress.
      const bytes = new Uint8Array(fileBytes);
      let state = n + 1;
      for (let i = 0; i < bytes.length; i++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        bytes[i] = state >>> 24;
      }
      return bytes;
    };
    const list = Array.from({ length: files }, (_, n) => ({ path: `file-${n}.bin`, body: body(n) }));
    list.push({ path: 'index.html', body: new TextEncoder().encode('<h1>published</h1>') });
    const seen: PublishSeen = { steps: [], outcome: null };
    Object.assign(globalThis, { seen });
    weft.sites
      .publish({ handle, files: list }, ({ step }) => void seen.steps.push(step))
      .then(
        (published) => (seen.outcome = { published }),
        ({ code, message }: ApiFailure) => (seen.outcome = { failure: { code, message } }),
      );
  }, site);
}

export type PublishSeen = {
  steps: string[];
  outcome: { published: { url: string; manifest: string; seq: number } } | { failure: ApiFailure } | null;
};

declare const seen: PublishSeen;

export async function untilStep(page: Page, step: string): Promise<void> {
  await page.waitForFunction((wanted) => seen.steps.includes(wanted), step, { polling: 5 });
}

export async function publishOutcome(page: Page): Promise<PublishSeen> {
  await page.waitForFunction(() => seen.outcome !== null, undefined, { timeout: 90_000 });
  return await page.evaluate(() => seen);
}
