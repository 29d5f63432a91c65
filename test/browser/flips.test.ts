// Bits flipped at random places between a site and its visitor, and in the visitor's store: payload is noticed and named, and
// nothing else changes what is shown. WEFT_FLIPS says how many, WEFT_SEED which, WEFT_ROUND repeats one page load of a run.

import { request } from 'node:http';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SiteReport } from '../../browser-node/service-worker/site-report.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import { createWebHasher } from '../../shared/platform/web/web-crypto.ts';
import { bundleSite } from '../../site-host/bundle.ts';
import {
  createFlipPlan,
  drawFraction,
  drawSome,
  type FlipPlan,
  type MadeFlip,
  type PlanOptions,
} from '../adversaries/flip-plan.ts';
import {
  CARRIER_CLASSES,
  findInResolution,
  RECORD_PARTS,
  type FlipClass,
  type KnownSite,
} from '../adversaries/flip-regions.ts';
import { createFlipSite, NOT_SHOWN, readLines } from '../adversaries/flip-site.ts';
import {
  expectedHashes,
  fetchFiles,
  openVerified,
  readReport,
  stopServiceWorkers,
  waitUntilWhole,
  type FileSeen,
} from '../adversaries/site-visitor.ts';
import { touchStore, type StoreFlip } from '../adversaries/store-hand.ts';
import { startMeshParts } from '../runtimes/mesh-parts.ts';
import { startFlipProxy, type FlipProxy } from './flip-proxy.ts';
import { closeAtEnd, describeInChromium, launchChromium } from './harness.ts';
import { openNodeTab } from './node-tab.ts';

const LONG = process.env['WEFT_LONG'] === '1';
const FLIPS = Number(process.env['WEFT_FLIPS'] ?? (LONG ? 1_000 : 40));
const SEED = process.env['WEFT_SEED'] ?? '1';
const ONLY_ROUND = process.env['WEFT_ROUND'];
const HANDLE = 'flips';
/** A refusal is in the report as soon as the last late answer was looked at. */
const NAMED_WITHIN = 20_000;
const DRAWS_MAX = 20;
const SHOWN_WITHIN = 15_000;
const ATTEMPTS_MAX = 3;
/** VS2: a record this young is not asked for again. */
const RECORD_FRESH_FOR = 10_500;
/** Codes of records that did not hold. */
const REFUSED = expect.stringMatching(/^(?:bad_|wrong_|older_|stale)/) as string;

const files = createFlipSite();
const hashes = expectedHashes(files);
const paths = files.map(({ path }) => path);

let proxy: FlipProxy;
let site: KnownSite;
let origin: string;
/** The page that is looked at, and another one of the site that asks for files: an error page may not ask for anything. */
let page: Page;
let probe: Page;
let cleanLines: string[];
/** The entry point names no relay: the edge is the only source. */
let alone = false;
const totals = new Map<FlipClass | 'store', number>();

async function cutIntoBlocks(): Promise<Map<Cid, Uint8Array>> {
  const blocks = new Map<Cid, Uint8Array>();
  const putBlocks = async (made: readonly { cid: Cid; bytes: Uint8Array }[]) =>
    made.forEach(({ cid, bytes }) => void blocks.set(cid, bytes.slice()));
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

beforeAll(async () => {
  const mesh = await startMeshParts();
  const publisher = await openNodeTab({ origin: mesh.origin, name: HANDLE });
  closeAtEnd(() => publisher.close());
  expect(await publisher.register(HANDLE)).toMatchObject({ ok: true });
  const published = await publisher.publish({ handle: HANDLE, files });
  if (!published.ok) throw new Error(published.error.because);
  const { manifest } = published.value;
  const blocks = await cutIntoBlocks();
  const manifestBytes = await getBytes(mesh.port, `/ipfs/${manifest}?format=raw`);
  // That of this process has another time in it.
  for (const cid of blocks.keys()) if (cid.startsWith('bafyrei')) blocks.delete(cid);
  site = { manifest, blocks: blocks.set(manifest, manifestBytes) };
  proxy = await startFlipProxy({
    targetPort: mesh.port,
    seed: 1,
    rewrite: ({ path, bytes }) =>
      alone && path === '/.well-known/weft.json'
        ? Buffer.from(JSON.stringify({ ...(JSON.parse(Buffer.from(bytes).toString()) as object), relays: [] }))
        : undefined,
  });
  closeAtEnd(() => proxy.close());
  origin = `http://${HANDLE}.localhost:${proxy.port}`;
});

afterAll(() => {
  console.log(`flips of seed ${SEED}: ${[...totals].map(([name, count]) => `${count} ${name}`).join(', ')}`);
});

type Seen = {
  /** Of the page itself; the code of an answer that explains a failure. */
  readonly status: number;
  readonly code: string | undefined;
  readonly lines: readonly string[];
  readonly files: Readonly<Record<string, FileSeen>>;
  readonly report: SiteReport;
};

/** What stays in the visitor's store: nothing; the record, so that it is known whose site it is; or all of it. */
type Kept = 'nothing' | 'record' | 'all';
type Load = { readonly kept: Kept; readonly plan?: FlipPlan; readonly flips?: readonly StoreFlip[] };

/** Behind a worker that remembers nothing but what its store says. */
async function loadPage(load: Load): Promise<Seen> {
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
  const seen = await fetchFiles(probe, paths);
  return { status: response.status(), code, lines, files: seen, report: await readReport(probe) };
}

/** Whatever was flipped: what is shown is right, and what is not shown says why. */
function expectNothingWrong({ code, status, lines, files: seen }: Seen): void {
  if (code === undefined) {
    expect(status).toBe(200);
    expect(lines.filter((line) => !cleanLines.includes(line) && !line.startsWith(NOT_SHOWN))).toEqual([]);
  } else {
    expect(status).toBeGreaterThanOrEqual(500);
    expect(lines.filter((line) => cleanLines.includes(line))).toEqual([]);
  }
  for (const [path, file] of Object.entries(seen)) {
    if (file.status === 200) expect([path, file.sha256]).toEqual([path, hashes[path]]);
    else expect([path, file.code]).toEqual([path, expect.stringMatching(/^[a-z_]+$/)]);
  }
}

function expectAllShown(seen: Seen): void {
  expect(seen.lines).toEqual(cleanLines);
  expect(Object.values(seen.files).filter(({ status }) => status !== 200)).toEqual([]);
}

/** Each flipped block is in the report, or in the answer that could not be given for it. */
async function expectBlocksNamed(seen: Seen, made: readonly MadeFlip[]): Promise<void> {
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

type Scenario = (seed: string) => Promise<readonly { readonly class: FlipClass | 'store' }[]>;

/** The certified record, one part of it at a time, from an edge that is the only source. */
function flipRecord(part: (typeof RECORD_PARTS)[number]): Scenario {
  return async (seed) => {
    alone = true;
    const plan = createFlipPlan({ seed, site, classes: [part], kinds: ['body'] });
    const seen = await loadPage({ kept: 'nothing', plan });
    expectNothingWrong(seen);
    expect(plan.made.length).toBeGreaterThan(0);
    expect(seen.code).toEqual(REFUSED);
    expect(seen.report.refusedRecords).toContainEqual({ source: 'edge', code: seen.code });
    expect(seen.report.trouble?.code).toBe(seen.code);
    return plan.made;
  };
}

/** From the edge while peers tell the truth: the page is as it should be, and the report says who did not. */
const flipRecordOfEdge: Scenario = async (seed) => {
  await loadWhole();
  const plan = createFlipPlan({ seed, site, classes: RECORD_PARTS, kinds: ['body'] });
  proxy.choose(plan.choose);
  // The worker lives on, and so does its place in the room; after ten seconds it asks for the record again.
  await page.waitForTimeout(RECORD_FRESH_FOR);
  await page.goto(`${origin}/`);
  expect(await readLines(page)).toEqual(cleanLines);
  expect(plan.made.length).toBeGreaterThan(0);
  await expect
    .poll(async () => (await readReport(probe)).refusedRecords)
    .toContainEqual({ source: 'edge', code: REFUSED });
  return plan.made;
};

/** A record that is known already is shown on, and the report says what came instead of a newer one. */
const flipNewerRecord: Scenario = async (seed) => {
  await loadWhole();
  const plan = createFlipPlan({ seed, site, classes: RECORD_PARTS, kinds: ['body', 'frame'] });
  const seen = await loadPage({ kept: 'all', plan });
  expectNothingWrong(seen);
  expectAllShown(seen);
  expect(plan.made.length).toBeGreaterThan(0);
  expect(seen.report.trouble?.code).toEqual(REFUSED);
  return plan.made;
};

/** Blocks from the edge alone: asked for once more, or an error in place of each. */
function flipEdgeBlocks(options: Pick<PlanOptions, 'classes' | 'blocks' | 'timesMax'>): Scenario {
  return async (seed) => {
    await loadWhole();
    alone = true;
    const plan = createFlipPlan({ ...options, seed, site, kinds: ['body'] });
    const seen = await loadPage({ kept: 'record', plan });
    expectNothingWrong(seen);
    expect(plan.made.length).toBeGreaterThan(0);
    await expectBlocksNamed(seen, plan.made);
    return plan.made;
  };
}

/** Blocks from peers: refused, named, and fetched elsewhere. */
function flipPeerBlocks(classes: readonly FlipClass[]): Scenario {
  return async (seed) => {
    await loadWhole();
    const plan = createFlipPlan({ seed, site, classes, kinds: ['frame'], blocks: 20 });
    const seen = await loadPage({ kept: 'record', plan });
    expectNothingWrong(seen);
    expectAllShown(seen);
    await expectBlocksNamed(seen, plan.made);
    return plan.made;
  };
}

/** A hand in the store: each flipped block is dropped, named and fetched anew. */
const flipStored: Scenario = async (seed) => {
  await loadWhole();
  const cids = drawSome(seed, [...site.blocks.keys()], 9);
  const flips = [...new Set([...cids, site.manifest])].map((cid) =>
    drawStoreFlip(seed, cid, site.blocks.get(cid)!.length),
  );
  const seen = await loadPage({ kept: 'all', flips });
  expectNothingWrong(seen);
  expectAllShown(seen);
  const made = flips.map(({ key, at, bit }) => ({ class: 'store' as const, where: key, at, bit, cid: key as Cid }));
  const named = (await readReport(probe)).failures.filter(({ source }) => source === 'disk').map(({ cid }) => cid);
  expect(named.toSorted()).toEqual(made.map(({ cid }) => cid).toSorted());
  return made;
};

/** The record that was remembered: not believed, and asked for anew; until it comes, there is a page that says so. */
const flipStoredRecord: Scenario = async (seed) => {
  await loadWhole();
  const { record } = await touchStore(probe, {});
  const regions = findInResolution(record);
  const region = regions[Math.floor(drawFraction(seed, 'region') * regions.length)]!;
  const flip = drawStoreFlip(seed, 'record', region.to - region.from);
  await page.goto('about:blank');
  await stopServiceWorkers(probe);
  await touchStore(probe, { flips: [{ ...flip, at: flip.at + region.from }] });
  await loadWhole({ remembering: true });
  expect((await readReport(probe)).refusedRecords).toContainEqual({ source: 'disk', code: REFUSED });
  expect(await readLines(page)).toEqual(cleanLines);
  expect((await readReport(probe)).record?.from).not.toBe('disk');
  return [{ class: 'store' }];
};

/** What is around the payload: right, or a clear error. Little of it may pass, so that a draw can miss it. */
function flipCarriers(carrier: FlipClass): Scenario {
  return async (seed) => {
    for (let draw = 0; ; draw++) {
      await loadWhole();
      const kinds = ['headers', 'frame', 'body'] as const;
      const plan = createFlipPlan({ seed: `${seed} ${draw}`, site, classes: [carrier], kinds, carriersMax: 12 });
      expectNothingWrong(await loadPage({ kept: 'record', plan }));
      if (plan.made.length > 0) return plan.made;
      expect(draw).toBeLessThan(DRAWS_MAX);
    }
  };
}

/** What the worker wrote down for its report. */
const flipNotes: Scenario = async (seed) => {
  await loadWhole();
  let notes: number | undefined;
  while (notes === undefined) notes = (await touchStore(probe, {})).sizes.get('notes');
  const seen = await loadPage({ kept: 'all', flips: [drawStoreFlip(seed, 'notes', notes)] });
  expectNothingWrong(seen);
  expectAllShown(seen);
  return [{ class: 'notes' }];
};

function drawStoreFlip(seed: string, key: string, length: number): StoreFlip {
  return {
    key,
    at: Math.floor(drawFraction(seed, key, 'at') * length),
    bit: Math.floor(drawFraction(seed, key, 'bit') * 8),
  };
}

/** A failure that the platform explains is for a person to reload; it is told, since nothing was flipped. */
async function showPage(tab: Page): Promise<void> {
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
async function loadWhole({ remembering = false } = {}): Promise<void> {
  alone = false;
  proxy.choose(undefined);
  if (!remembering) await stopServiceWorkers(page);
  for (const tab of [page, probe]) {
    await showPage(tab);
  }
  await waitUntilWhole(probe);
}

/** They wait for clocks: once a run. */
const SLOW_SCENARIOS: readonly (readonly [string, Scenario])[] = [
  ['a newer record from the edge', flipRecordOfEdge],
  ['a blob from the edge, always', flipEdgeBlocks({ classes: ['blob'], blocks: 1 })],
];

const SCENARIOS: readonly (readonly [string, Scenario])[] = [
  ...RECORD_PARTS.map((part) => [`${part} from the edge`, flipRecord(part)] as const),
  ['a newer record from everybody', flipNewerRecord],
  ['manifest from the edge', flipEdgeBlocks({ classes: ['manifest'] })],
  ['blobs from the edge, once', flipEdgeBlocks({ classes: ['blob'], blocks: 2, timesMax: 1 })],
  ['manifest and blobs from peers', flipPeerBlocks(['manifest', 'blob'])],
  ['blobs from peers', flipPeerBlocks(['blob'])],
  ['stored blocks', flipStored],
  ['stored record', flipStoredRecord],
  ['headers', flipCarriers('http headers')],
  ['entry point', flipCarriers('entry point')],
  ['frames down', flipCarriers('frame down')],
  ['frames up', flipCarriers('frame up')],
  ['notes', flipNotes],
];

async function runRound(round: number): Promise<number> {
  const slow = SLOW_SCENARIOS.length;
  const [name, run] = SLOW_SCENARIOS[round] ?? SCENARIOS[(round - slow) % SCENARIOS.length]!;
  const before = proxy.flips.length;
  try {
    const made = await run(`${SEED} ${round}`);
    for (const flip of made) totals.set(flip.class, (totals.get(flip.class) ?? 0) + 1);
    return made.length;
  } catch (error) {
    const flips = proxy.flips
      .slice(before)
      .map(({ kind, direction, path, at, of }) => `${kind} ${direction} ${path} ${at}/${of}`);
    const again = `WEFT_SEED=${SEED} WEFT_ROUND=${round}`;
    throw new Error(`round ${round} (${name}) failed; repeat with ${again}. Flipped:\n${flips.join('\n')}`, {
      cause: error,
    });
  }
}

describeInChromium('flipped bits', () => {
  beforeAll(async () => {
    const visitor = await launchChromium();
    probe = await openVerified(visitor.context, `${origin}/`);
    page = await openVerified(visitor.context, `${origin}/`);
    cleanLines = await readLines(page);
    expect(cleanLines).toEqual(
      expect.arrayContaining([
        'A paragraph that is always the same.',
        'Every byte counts',
        'the heading has its colour',
      ]),
    );
    expect(cleanLines.filter((line) => line.startsWith(NOT_SHOWN))).toEqual([]);
  });

  test('the harness notices: without the service worker a flipped byte is shown', async () => {
    const visitor = await launchChromium();
    const bare = await visitor.context.newPage();
    const spoilt = ['notes/03.txt', 'medium.bin'];
    const isSpoilt = (path: string) => spoilt.some((name) => path === `/${name}`);
    proxy.choose((passing) => (passing.kind === 'body' && isSpoilt(passing.path) ? [{ at: 5, bit: 1 }] : []));
    await bare.goto(`${origin}/?weft-direct`);
    const lines = await readLines(bare);
    const seen = await fetchFiles(bare, paths);
    proxy.choose(undefined);
    expect(lines.filter((line) => !cleanLines.includes(line))).toHaveLength(spoilt.length);
    expect(paths.filter((path) => seen[path]!.sha256 !== hashes[path]).toSorted()).toEqual(spoilt.toSorted());
    await visitor.close();
  });

  test('VS5, VS7: payload is noticed and named, anything else changes nothing that is shown', async () => {
    if (ONLY_ROUND !== undefined) return void (await runRound(Number(ONLY_ROUND)));
    let flips = 0;
    for (let round = 0; flips < FLIPS || round < SLOW_SCENARIOS.length + SCENARIOS.length; round++)
      flips += await runRound(round);
    const wanted: (FlipClass | 'store')[] = [...RECORD_PARTS, ...CARRIER_CLASSES, 'manifest', 'blob', 'store'];
    expect(wanted.filter((name) => (totals.get(name) ?? 0) === 0)).toEqual([]);
    await loadWhole();
    expectAllShown(await loadPage({ kept: 'record' }));
  });
});
