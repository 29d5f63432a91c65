// A site behind a flipping proxy, and a visitor whose pages and store a test can look at: what each load shows, and whether it is right.

import { request } from 'node:http';
import type { BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { SiteReport } from '../../browser-node/service-worker/site-report.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import { cidCodec } from '../../shared/codec/cid.ts';
import { createWebHasher } from '../../shared/platform/web/web-crypto.ts';
import { bundleSite } from '../../site-host/bundle.ts';
import { startFlipProxy, type FlipProxy } from '../browser/flip-proxy.ts';
import { closeAtEnd, launchChromium } from '../browser/harness.ts';
import { openNodeTab } from '../browser/node-tab.ts';
import { startMeshParts } from '../runtimes/mesh-parts.ts';
import type { FlipPlan, MadeFlip } from './flip-plan.ts';
import type { KnownSite } from './flip-regions.ts';
import { createFlipSite, NOT_SHOWN, readLines } from './flip-site.ts';
import {
  expectedHashes,
  fetchFiles,
  openVerified,
  readReport,
  stopServiceWorkers,
  waitUntilWhole,
  type FileSeen,
} from './site-visitor.ts';
import { touchStore, type StoreFlip } from './store-hand.ts';

const HANDLE = 'flips';
/** A refusal is in the report as soon as the last late answer was looked at. */
const NAMED_WITHIN = 20_000;
const SHOWN_WITHIN = 15_000;
const ATTEMPTS_MAX = 3;

const files = createFlipSite();
export const HASHES: Readonly<Record<string, string>> = expectedHashes(files);
export const PATHS: readonly string[] = files.map(({ path }) => path);

export type FlipStand = {
  readonly site: KnownSite;
  readonly proxy: FlipProxy;
  readonly origin: string;
  /** The page that is looked at, and another one of the site that asks for files: an error page may not ask for anything. */
  readonly page: Page;
  readonly probe: Page;
  /** What the page shows when nothing is flipped. */
  readonly cleanLines: readonly string[];
  /** True: the entry point names no relay, and the edge is the only source. */
  alone: boolean;
};

/** Publishes the site and visits it; from then on the platform's service worker is installed. */
export async function startFlipStand(): Promise<FlipStand> {
  const mesh = await startMeshParts();
  const publisher = await openNodeTab({ origin: mesh.origin, name: HANDLE });
  closeAtEnd(() => publisher.close());
  expect(await publisher.register(HANDLE)).toMatchObject({ ok: true });
  const published = await publisher.publish({ handle: HANDLE, files });
  if (!published.ok) throw new Error(published.error.because);
  const { manifest } = published.value;
  const blocks = await cutIntoBlocks();
  blocks.set(manifest, await getBytes(mesh.port, `/ipfs/${manifest}?format=raw`));
  const network = { alone: false };
  const proxy = await startFlipProxy({
    targetPort: mesh.port,
    seed: 1,
    rewrite: ({ path, bytes }) =>
      network.alone && path === '/.well-known/weft.json'
        ? Buffer.from(JSON.stringify({ ...(JSON.parse(Buffer.from(bytes).toString()) as object), relays: [] }))
        : undefined,
  });
  closeAtEnd(() => proxy.close());
  const origin = `http://${HANDLE}.localhost:${proxy.port}`;
  const { context } = await launchChromium();
  const [probe, page] = [await openVerified(context, `${origin}/`), await openVerified(context, `${origin}/`)];
  const cleanLines = await readLines(page);
  return Object.assign(network, { site: { manifest, blocks }, proxy, origin, page, probe, cleanLines });
}

/** Content only: the manifest of this process has another time in it. */
async function cutIntoBlocks(): Promise<Map<Cid, Uint8Array>> {
  const blocks = new Map<Cid, Uint8Array>();
  const putBlocks = async (made: readonly { cid: Cid; bytes: Uint8Array }[]) => {
    for (const { cid, bytes } of made) if (cidCodec(cid) !== 'dag-cbor') blocks.set(cid, bytes.slice());
  };
  await bundleSite({ files, now: 0, hasher: createWebHasher(), putBlocks });
  return blocks;
}

function getBytes(port: number, path: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve(Buffer.concat(parts)));
    })
      .on('error', reject)
      .end();
  });
}

/** The page without the service worker, in a browser of its own. */
export async function openBare({ origin }: FlipStand): Promise<{ context: BrowserContext; page: Page }> {
  const { context } = await launchChromium();
  const page = await context.newPage();
  await page.goto(`${origin}/?weft-direct`);
  return { context, page };
}

export type Seen = {
  /** Of the page itself; the code of an answer that explains a failure. */
  readonly status: number;
  readonly code: string | undefined;
  readonly lines: readonly string[];
  readonly files: Readonly<Record<string, FileSeen>>;
  readonly report: SiteReport;
};

/** What stays in the visitor's store: nothing; the record, so that it is known whose site it is; or all of it. */
export type Kept = 'nothing' | 'record' | 'all';
type Load = { readonly kept: Kept; readonly plan?: FlipPlan; readonly flips?: readonly StoreFlip[] };

/** Behind a worker that remembers nothing but what its store says. */
export async function loadPage({ proxy, page, probe, origin }: FlipStand, load: Load): Promise<Seen> {
  proxy.choose(undefined);
  await page.goto('about:blank');
  await stopServiceWorkers(probe);
  const keepOnly = load.kept === 'all' ? undefined : load.kept === 'record' ? ['record'] : [];
  await touchStore(probe, { ...(keepOnly && { keepOnly }), flips: load.flips ?? [] });
  proxy.choose(load.plan?.choose);
  const response = await page.goto(`${origin}/`);
  if (!response?.fromServiceWorker()) throw new Error('the page did not come from the service worker');
  const code = response.headers()['weft-code'];
  const lines = await readLines(page);
  const seen = await fetchFiles(probe, PATHS);
  return { status: response.status(), code, lines, files: seen, report: await readReport(probe) };
}

/** Whatever was flipped: what is shown is right, and what is not shown says why. */
export function expectNothingWrong({ cleanLines }: FlipStand, { code, status, lines, files: seen }: Seen): void {
  if (code === undefined) {
    expect(status).toBe(200);
    expect(lines.filter((line) => !cleanLines.includes(line) && !line.startsWith(NOT_SHOWN))).toEqual([]);
  } else {
    expect(status).toBeGreaterThanOrEqual(500);
    expect(lines.filter((line) => cleanLines.includes(line))).toEqual([]);
  }
  for (const [path, file] of Object.entries(seen)) {
    if (file.status === 200) expect([path, file.sha256]).toEqual([path, HASHES[path]]);
    else expect([path, file.code]).toEqual([path, expect.stringMatching(/^[a-z_]+$/)]);
  }
}

export function expectAllShown({ cleanLines }: FlipStand, seen: Seen): void {
  expect(seen.lines).toEqual(cleanLines);
  expect(Object.values(seen.files).filter(({ status }) => status !== 200)).toEqual([]);
}

/** Each flipped block is in the report, or in the answer that could not be given for it. */
export async function expectBlocksNamed({ probe }: FlipStand, seen: Seen, made: readonly MadeFlip[]): Promise<void> {
  const answered = new Set(Object.values(seen.files).map(({ cid }) => cid));
  const isNamed = ({ cid }: MadeFlip, report: SiteReport): boolean =>
    report.failures.some((failure) => failure.cid === cid) ||
    answered.has(cid ?? null) ||
    seen.lines.some((line) => line.includes(cid!)) ||
    (report.trouble?.because.includes(cid!) ?? false);
  const flipped = () => made.filter(({ cid }) => cid !== undefined);
  for (const end = Date.now() + NAMED_WITHIN; ;) {
    const report = await readReport(probe);
    const silent = flipped().filter((flip) => !isNamed(flip, report));
    if (silent.length === 0) return;
    if (Date.now() > end) expect(silent).toEqual([]);
    await probe.waitForTimeout(100);
  }
}

/** A failure that the platform explains is for a person to reload; it is told, since nothing was flipped. */
async function showPage(origin: string, tab: Page): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await tab.goto(`${origin}/`);
    try {
      return void (await tab.waitForSelector('body[data-state=done]', { timeout: SHOWN_WITHIN }));
    } catch (error) {
      console.warn(`not shown at attempt ${attempt}: ${await tab.innerText('body')}`);
      if (attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

/** All of the site in the store, and nothing flipped; by a new worker unless it is to say what it met before. Where the store had lost its record, all pages are reloaded on the way. */
export async function loadWhole(stand: FlipStand, { remembering = false } = {}): Promise<void> {
  const { proxy, page, probe, origin } = stand;
  stand.alone = false;
  proxy.choose(undefined);
  if (!remembering) await stopServiceWorkers(page);
  for (const tab of [page, probe]) {
    await showPage(origin, tab);
  }
  await waitUntilWhole(probe);
}
