// A site of 1,000 files and 50 MB from a tab until it is stored, against ipfs-unixfs-importer into an IndexedDB blockstore.

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import type { WeftApi } from '../browser-node/api.ts';
import { lineOf, median, type BenchLine } from './bench-line.ts';
import { openBrowser, type Browser } from './chromium.ts';
import { startLocalMesh, type LocalMesh } from './local-mesh.ts';
import { servePages, type PageServer } from './page-server.ts';
import { bundlePeer } from './peer-script.ts';
import type { BenchFile } from './publish-files.ts';

const TARGET = 1.5;
const TOTAL_MB = 50;
const HANDLE = 'bench-publish';
/** As bytes, and as the files that a dropped folder holds. */
const BODIES = ['bytes', 'files'] as const;
type Body = (typeof BODIES)[number];
type Side = 'ours' | 'peer';
const SIDES: readonly Side[] = ['ours', 'peer'];

/** What the scripts below find in the page. */
declare const weft: WeftApi & { readonly ready: Promise<unknown> };
declare const peer: {
  readonly ready: Promise<void>;
  publish(files: readonly { path: string; body: Uint8Array | Blob }[]): Promise<{ ms: number }>;
};
declare const publishFiles: { makePublishFiles(round: number): BenchFile[] };

export type PublishBenchOptions = { readonly rounds?: number };

export async function run({ rounds = 5 }: PublishBenchOptions = {}): Promise<BenchLine[]> {
  const peerPage = await servePeer();
  let mesh: LocalMesh | undefined;
  let browser: Browser | undefined;
  try {
    mesh = await startLocalMesh(['app', 'site', 'worker']);
    browser = await openBrowser();
    const pages: Record<Side, Page> = {
      ours: await openOurs(browser, mesh.origin),
      peer: await openPeer(browser, peerPage.port),
    };
    const lines: BenchLine[] = [];
    for (const body of BODIES) lines.push(await compare({ pages, body, rounds }));
    return lines;
  } finally {
    await browser?.close();
    await mesh?.stop();
    await peerPage.close();
  }
}

type Comparison = { readonly pages: Record<Side, Page>; readonly body: Body; readonly rounds: number };

async function compare({ pages, body, rounds }: Comparison): Promise<BenchLine> {
  const times: Record<Side, number[]> = { ours: [], peer: [] };
  for (let round = 0; round <= rounds; round++) {
    // Whoever goes second finds a warmer machine, so the order changes; the first round warms both up.
    for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
      const page = pages[side];
      await page.bringToFront();
      // Bytes that neither side has stored before; made before the clock starts.
      await page.evaluate(makeInput, { round: round + BODIES.indexOf(body) * (rounds + 1), asFiles: body === 'files' });
      const ms = await page.evaluate(side === 'ours' ? publishOurs : publishPeer, HANDLE);
      if (round > 0) times[side].push(ms);
    }
  }
  return lineOf({
    bench: 'publish',
    metric: `1,000 files to stored, from ${body === 'bytes' ? 'bytes in memory' : 'File objects'}`,
    unit: 'MB/s',
    ours: rateOf(times.ours),
    peer: rateOf(times.peer),
    peerName: 'ipfs-unixfs-importer, IndexedDB blockstore',
    target: TARGET,
    better: 'more',
  });
}

function rateOf(times: readonly number[]): number {
  return TOTAL_MB / (median(times) / 1_000);
}

async function openOurs({ context }: Browser, origin: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(origin);
  await page.waitForFunction(() => 'weft' in globalThis);
  await page.evaluate(async (handle) => {
    await weft.ready;
    await weft.wallet.create();
    await weft.handles.register(handle);
  }, HANDLE);
  await page.evaluate(await bundleFiles());
  return page;
}

async function openPeer({ context }: Browser, port: number): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`http://localhost:${port}/`);
  await page.evaluate(() => peer.ready);
  await page.evaluate(await bundleFiles());
  return page;
}

async function servePeer(): Promise<PageServer> {
  return servePages(
    new Map([
      ['/', { type: 'text/html', body: '<!doctype html><script type="module" src="/peer.js"></script>' }],
      [
        '/peer.js',
        { type: 'text/javascript', body: await bundlePeer(new URL('./peers/importer-page.js', import.meta.url)) },
      ],
    ]),
  );
}

/** The maker of the files as a script, which the pages' own policies do not hinder. */
async function bundleFiles(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('publish-files.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'publishFiles',
    footer: { js: 'globalThis.publishFiles = publishFiles; undefined' },
  });
  return outputFiles[0]!.text;
}

// In the page.

type PageInput = { input?: readonly { path: string; body: Uint8Array | File }[] };

function makeInput({ round, asFiles }: { round: number; asFiles: boolean }): void {
  const files = publishFiles.makePublishFiles(round);
  (globalThis as PageInput).input = asFiles
    ? files.map(({ path, body }) => ({ path, body: new File([body as Uint8Array<ArrayBuffer>], path) }))
    : files;
}

/** The publish goes on until another node holds it, so that it does not disturb who comes next. */
async function publishOurs(handle: string): Promise<number> {
  const files = (globalThis as PageInput).input!;
  const started = performance.now();
  let ms = Number.NaN;
  await weft.sites.publish({ handle, files }, ({ step }) => {
    if (step === 'stored') ms = performance.now() - started;
  });
  return ms;
}

async function publishPeer(): Promise<number> {
  const { ms } = await peer.publish((globalThis as PageInput).input!);
  return ms;
}
