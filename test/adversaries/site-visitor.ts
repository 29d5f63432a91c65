// A visitor of a site as tests see one: opens pages behind the platform's service worker, hashes every file, reads the report.

import { createHash } from 'node:crypto';
import type { BrowserContext, Page } from 'playwright-core';
import type { SiteReport } from '../../browser-node/service-worker/site-report.ts';

/** Two noisy cores and a site of megabytes. */
const SHOWN_TIME_MAX = 30_000;
const SERVICE_WORKER = '/.weft/sw.js';

/** A SiteFile that is whole in memory. */
export type TestFile = { readonly path: string; readonly body: Uint8Array };

export type FileSeen = {
  readonly status: number;
  readonly sha256: string;
  /** What Server-Timing says. */
  readonly source: string;
  /** Of an answer in place of the file: what failed, and which block is to blame. */
  readonly code: string | null;
  readonly cid: string | null;
};

/** Opens `url` so that the service worker answers it, also when the loader lost patience on a busy machine. */
export async function openVerified(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await waitUntilShown(page);
  const address = new URL(page.url());
  if (address.searchParams.has('weft-direct') || !(await isControlled(page))) {
    await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated');
    await page.goto(url);
    await waitUntilShown(page);
  }
  if (!(await isControlled(page))) throw new Error(`${page.url()} is not answered by the service worker.`);
  return page;
}

/** The loader has made way. */
async function waitUntilShown(page: Page): Promise<void> {
  await page.waitForFunction(() => document.readyState === 'complete' && !document.querySelector('progress#progress'), {
    timeout: SHOWN_TIME_MAX,
  });
}

function isControlled(page: Page): Promise<boolean> {
  return page.evaluate(
    (path) => new URL(navigator.serviceWorker.controller?.scriptURL ?? 'about:blank').pathname === path,
    SERVICE_WORKER,
  );
}

/** Every path as the page's own fetch gets it. */
export function fetchFiles(page: Page, paths: readonly string[]): Promise<Record<string, FileSeen>> {
  return page.evaluate(async (all) => {
    const seen: Record<string, FileSeen> = {};
    for (const path of all) {
      const response = await fetch(`/${path}`);
      const digest = await crypto.subtle.digest('SHA-256', await response.arrayBuffer());
      const sha256 = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
      const { status, headers } = response;
      const failed = { code: headers.get('weft-code'), cid: headers.get('weft-cid') };
      seen[path] = { status, sha256, source: headers.get('server-timing') ?? '', ...failed };
    }
    return seen;
  }, paths);
}

export function hashesOf(seen: Readonly<Record<string, FileSeen>>): Record<string, string> {
  return Object.fromEntries(Object.entries(seen).map(([path, { sha256 }]) => [path, sha256]));
}

/** What `hashesOf(fetchFiles(…))` has to be for these files. */
export function expectedHashes(files: readonly TestFile[]): Record<string, string> {
  return Object.fromEntries(files.map(({ path, body }) => [path, createHash('sha256').update(body).digest('hex')]));
}

export function readReport(page: Page): Promise<SiteReport> {
  return page.evaluate(async () => (await (await fetch('/.weft/report?format=json')).json()) as SiteReport);
}

/** All blocks of the version are in this browser. */
export async function waitUntilWhole(page: Page): Promise<SiteReport> {
  for (;;) {
    const report = await readReport(page);
    if (report.whole) return report;
    await page.waitForTimeout(100);
  }
}

/** Ends the service workers of the browser, as it does itself after half a minute: what they remember is gone. */
export async function stopServiceWorkers(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('ServiceWorker.enable');
  await devtools.send('ServiceWorker.stopAllWorkers');
  await devtools.detach();
}
