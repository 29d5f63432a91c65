// Opening a site: again, with many small files, against node:http that revalidates; and for the first time, with 1 MiB, against @helia/verified-fetch.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { addFile } from '../shared/content/unixfs.ts';
import { createWebHasher } from '../shared/platform/web/web-crypto.ts';
import { openNodeTab } from '../test/browser/node-tab.ts';
import { lineOf, median, type BenchLine } from './bench-line.ts';
import { openBrowser } from './chromium.ts';
import { startLocalMesh, type LocalMesh } from './local-mesh.ts';
import { servePages, type PageServer, type ServedFile } from './page-server.ts';
import { bundlePeer } from './peer-script.ts';
import { makeLargeFileSite, makeManyFilesSite, MANY_FILES, MANY_SCRIPTS, typeOf, type SiteFile } from './site-files.ts';

const AGAIN_TARGET = 0.9;
const COLD_TARGET = 1.5;
/** Reported, not judged. */
const NO_TARGET = 0;
const MANY = 'bench-many';
const LARGE = 'bench-large';
/** Visits before the first that counts: the worker keeps the site meanwhile, the peer's cache fills. */
const WARM_VISITS = 4;
/** Longest wait for a page that does not come. */
const PAGE_TIME_MAX = 30_000;
const ONLINE_POLL = 50;
type Side = 'ours' | 'peer';
const SIDES: readonly Side[] = ['ours', 'peer'];

export type SiteLoadBenchOptions = { readonly rounds?: number; readonly coldRounds?: number };

export async function run({ rounds = 25, coldRounds = 9 }: SiteLoadBenchOptions = {}): Promise<BenchLine[]> {
  const mesh = await startLocalMesh(['app', 'site', 'worker']);
  try {
    await publish(mesh);
    return [...(await compareAgain(mesh, rounds)), await compareCold(mesh, coldRounds)];
  } finally {
    await mesh.stop();
  }
}

async function publish({ origin }: LocalMesh): Promise<void> {
  const { index, photo } = makeLargeFileSite();
  const sites = [
    { handle: MANY, files: makeManyFilesSite() },
    { handle: LARGE, files: [index, photo] },
  ];
  const tab = await openNodeTab({ origin: new URL(origin).origin, name: 'bench' });
  try {
    while (tab.node.status().network !== 'online') await sleep(ONLINE_POLL);
    for (const { handle, files } of sites) {
      const registered = await tab.register(handle);
      if (!registered.ok) throw new Error(registered.error.because);
      const published = await tab.publish({ handle, files });
      if (!published.ok) throw new Error(published.error.because);
    }
  } finally {
    await tab.close();
  }
}

type Load = { readonly load: number; readonly firstByte: number };

/** Second and later visits in one profile, a fresh page each. */
async function compareAgain(mesh: LocalMesh, rounds: number): Promise<BenchLine[]> {
  const server = await servePages(staticSite(makeManyFilesSite()));
  const browser = await openBrowser();
  try {
    const urls: Record<Side, string> = { ours: mesh.siteUrl(MANY), peer: `http://peer.localhost:${server.port}/` };
    const visit = async (side: Side): Promise<Load> => {
      const page = await browser.context.newPage();
      try {
        return await visitAgain(page, urls[side], side);
      } finally {
        await page.close();
      }
    };
    for (const side of SIDES) await warmUp(await browser.context.newPage(), urls[side], side);
    const loads: Record<Side, Load[]> = { ours: [], peer: [] };
    for (let round = -WARM_VISITS; round < rounds; round++) {
      for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
        const load = await visit(side);
        if (round >= 0) loads[side].push(load);
      }
    }
    const common = { bench: 'site-load', unit: 'ms', peerName: 'node:http, revalidating', better: 'less' } as const;
    const of = (side: Side, metric: keyof Load): number => median(loads[side].map((load) => load[metric]));
    return [
      lineOf({
        ...common,
        metric: `load event, ${MANY_FILES} small files, visited before`,
        ours: of('ours', 'load'),
        peer: of('peer', 'load'),
        target: AGAIN_TARGET,
      }),
      lineOf({
        ...common,
        metric: 'first byte, visited before (no target)',
        ours: of('ours', 'firstByte'),
        peer: of('peer', 'firstByte'),
        target: NO_TARGET,
      }),
    ];
  } finally {
    await browser.close();
    await server.close();
  }
}

/** The first visit; ours is over when the worker answers for the page. */
async function warmUp(page: Page, url: string, side: Side): Promise<void> {
  await page.goto(url);
  await page.waitForFunction(
    ([title, controlled]) =>
      document.title === title &&
      document.readyState === 'complete' &&
      (navigator.serviceWorker.controller !== null) === controlled,
    ['many', side === 'ours'] as const,
    { timeout: PAGE_TIME_MAX },
  );
  await page.close();
}

async function visitAgain(page: Page, url: string, side: Side): Promise<Load> {
  await page.goto(url, { waitUntil: 'load' });
  const seen = await page.evaluate(() => {
    const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
    const images = [...document.images];
    return {
      load: navigation!.loadEventStart,
      firstByte: navigation!.responseStart,
      files: performance.getEntriesByType('resource').filter(({ name }) => name.includes('/part-')).length,
      scripts: (globalThis as { counted?: number }).counted,
      images: images.every(({ naturalWidth }) => naturalWidth > 0),
      controlled: navigator.serviceWorker.controller !== null,
    };
  });
  const whole = seen.files === MANY_FILES && seen.scripts === MANY_SCRIPTS && seen.images && seen.load > 0;
  if (!whole || seen.controlled !== (side === 'ours')) {
    throw new Error(`the ${side} page is not what was published: ${JSON.stringify(seen)}`);
  }
  return seen;
}

/** A profile of its own for every visit: nothing is installed, nothing cached. */
async function compareCold(mesh: LocalMesh, rounds: number): Promise<BenchLine> {
  const server = await servePages(await verifiedFetchSite());
  try {
    const visits: Record<Side, () => Promise<number>> = {
      ours: () => inFreshProfile((page) => visitColdSite(page, mesh.siteUrl(LARGE))),
      peer: () => inFreshProfile((page) => visitVerifiedFetch(page, server)),
    };
    const times: Record<Side, number[]> = { ours: [], peer: [] };
    // The first visit finds an edge that has not fetched the site yet, and a disk that has not read the browser.
    for (let round = -1; round < rounds; round++) {
      for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
        const ms = await visits[side]();
        if (round >= 0) times[side].push(ms);
      }
    }
    return lineOf({
      bench: 'site-load',
      metric: 'cold visit with 1 MiB, navigation to load event',
      unit: 'ms',
      ours: median(times.ours),
      peer: median(times.peer),
      peerName: '@helia/verified-fetch, local gateway',
      target: COLD_TARGET,
      better: 'less',
    });
  } finally {
    await server.close();
  }
}

async function inFreshProfile(visit: (page: Page) => Promise<number>): Promise<number> {
  const browser = await openBrowser();
  try {
    return await visit(await browser.context.newPage());
  } finally {
    await browser.close();
  }
}

/** From the start of the first navigation, to the loader, to the load event of the page that took its place. */
async function visitColdSite(page: Page, url: string): Promise<number> {
  const begins: number[] = [];
  await page.exposeFunction('tellBegin', (at: number) => void begins.push(at));
  await page.addInitScript('tellBegin(performance.timeOrigin)');
  await page.goto(url, { waitUntil: 'commit' });
  const ended = await page.waitForFunction(
    () => {
      const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
      const [photo] = document.images;
      const done = document.title === 'large' && navigation!.loadEventStart > 0;
      return done && { at: performance.timeOrigin + navigation!.loadEventStart, width: photo!.naturalWidth };
    },
    undefined,
    { timeout: PAGE_TIME_MAX },
  );
  const { at, width } = (await ended.jsonValue()) as { at: number; width: number };
  const direct = new URL(page.url()).searchParams.has('weft-direct');
  if (width === 0 || direct || !(await page.evaluate(() => navigator.serviceWorker.controller !== null))) {
    throw new Error(`the page was not shown by the worker: ${page.url()}`);
  }
  return at - begins[0]!;
}

async function visitVerifiedFetch(page: Page, { port }: PageServer): Promise<number> {
  await page.goto(`http://peer.localhost:${port}/`, { waitUntil: 'commit' });
  const ended = await page.waitForFunction(() => (globalThis as { fetched?: unknown }).fetched, undefined, {
    timeout: PAGE_TIME_MAX,
  });
  const { ms, bytes } = (await ended.jsonValue()) as { ms: number; bytes: number };
  const { index, photo } = makeLargeFileSite();
  if (bytes !== index.body.length + photo.body.length) throw new Error(`verified-fetch got ${bytes} bytes`);
  return ms;
}

/** The page with the peer in it, and the gateway it asks, on one origin: no request of its needs a second one first. */
async function verifiedFetchSite(): Promise<Map<string, ServedFile>> {
  const hasher = createWebHasher();
  const { index, photo } = makeLargeFileSite();
  const [page, file] = [await addFile(index.body, hasher), await addFile(photo.body, hasher)];
  const html =
    '<!doctype html><title>peer</title><link rel="modulepreload" href="/peer.js">' +
    `<script type="application/json" id="cids">${JSON.stringify({ index: page.cid, file: file.cid })}</script>` +
    '<script type="module" src="/peer.js"></script>';
  const served = new Map<string, ServedFile>([
    ['/', { type: 'text/html', body: html }],
    [
      '/peer.js',
      { type: 'text/javascript', body: await bundlePeer(new URL('./peers/fetch-page.js', import.meta.url)) },
    ],
  ]);
  for (const { cid, bytes } of [...page.blocks, ...file.blocks]) {
    served.set(`/ipfs/${cid}?format=raw`, { type: 'application/vnd.ipld.raw', body: bytes });
  }
  return served;
}

function staticSite(files: readonly SiteFile[]): Map<string, ServedFile> {
  const served = new Map(files.map((file) => [`/${file.path}`, { type: typeOf(file), body: file.body }] as const));
  return served.set('/', served.get('/index.html')!);
}
