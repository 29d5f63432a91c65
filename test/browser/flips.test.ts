// Bits flipped at random places between a site and its visitor, and in the visitor's store: payload is noticed and named, and
// nothing else changes what is shown. WEFT_FLIPS says how many, WEFT_SEED which, WEFT_ROUND repeats one page load of a run.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cid } from '../../shared/codec/cid.ts';
import { createFlipPlan, drawFraction, drawSome, type PlanOptions } from '../adversaries/flip-plan.ts';
import { CARRIER_CLASSES, findInResolution, RECORD_PARTS, type FlipClass } from '../adversaries/flip-regions.ts';
import { NOT_SHOWN, readLines } from '../adversaries/flip-site.ts';
import {
  expectAllShown,
  expectBlocksNamed,
  expectNothingWrong,
  HASHES,
  loadPage,
  loadWhole,
  openBare,
  PATHS,
  startFlipStand,
  type FlipStand,
} from '../adversaries/flip-stand.ts';
import { fetchFiles, readReport, stopServiceWorkers } from '../adversaries/site-visitor.ts';
import { touchStore, type StoreFlip } from '../adversaries/store-hand.ts';
import { describeInChromium } from './harness.ts';

const LONG = process.env['WEFT_LONG'] === '1';
const FLIPS = Number(process.env['WEFT_FLIPS'] ?? (LONG ? 1_000 : 40));
const SEED = process.env['WEFT_SEED'] ?? '1';
const ONLY_ROUND = process.env['WEFT_ROUND'];
/** Draws until a carrier that seldom passes was hit. */
const DRAWS_MAX = 20;
/** VS2: a record this young is not asked for again. */
const RECORD_FRESH_FOR = 10_500;
/** Codes of records that did not hold. */
const REFUSED = expect.stringMatching(/^(?:bad_|wrong_|older_|stale)/) as string;

let stand: FlipStand;
const totals = new Map<FlipClass | 'store', number>();

afterAll(() => {
  console.log(`flips of seed ${SEED}: ${[...totals].map(([name, count]) => `${count} ${name}`).join(', ')}`);
});

type Scenario = (seed: string) => Promise<readonly { readonly class: FlipClass | 'store' }[]>;

/** The certified record, one part of it at a time, from an edge that is the only source. */
function flipRecord(part: (typeof RECORD_PARTS)[number]): Scenario {
  return async (seed) => {
    stand.alone = true;
    const plan = createFlipPlan({ seed, site: stand.site, classes: [part], kinds: ['body'] });
    const seen = await loadPage(stand, { kept: 'nothing', plan });
    expectNothingWrong(stand, seen);
    expect(plan.made.length).toBeGreaterThan(0);
    expect(seen.code).toEqual(REFUSED);
    expect(seen.report.refusedRecords).toContainEqual({ source: 'edge', code: seen.code });
    expect(seen.report.trouble?.code).toBe(seen.code);
    return plan.made;
  };
}

/** From the edge while peers tell the truth: the page is as it should be, and the report says who did not. */
const flipRecordOfEdge: Scenario = async (seed) => {
  await loadWhole(stand);
  const plan = createFlipPlan({ seed, site: stand.site, classes: RECORD_PARTS, kinds: ['body'] });
  stand.proxy.choose(plan.choose);
  // The worker lives on, and so does its place in the room; after ten seconds it asks for the record again.
  await stand.page.waitForTimeout(RECORD_FRESH_FOR);
  await stand.page.goto(`${stand.origin}/`);
  expect(await readLines(stand.page)).toEqual(stand.cleanLines);
  expect(plan.made.length).toBeGreaterThan(0);
  await expect
    .poll(async () => (await readReport(stand.probe)).refusedRecords)
    .toContainEqual({ source: 'edge', code: REFUSED });
  return plan.made;
};

/** A record that is known already is shown on, and the report says what came instead of a newer one. */
const flipNewerRecord: Scenario = async (seed) => {
  await loadWhole(stand);
  const plan = createFlipPlan({ seed, site: stand.site, classes: RECORD_PARTS, kinds: ['body', 'frame'] });
  const seen = await loadPage(stand, { kept: 'all', plan });
  expectNothingWrong(stand, seen);
  expectAllShown(stand, seen);
  expect(plan.made.length).toBeGreaterThan(0);
  expect(seen.report.trouble?.code).toEqual(REFUSED);
  return plan.made;
};

/** Blocks from the edge alone: asked for once more, or an error in place of each. */
function flipEdgeBlocks(options: Pick<PlanOptions, 'classes' | 'blocks' | 'timesMax'>): Scenario {
  return async (seed) => {
    await loadWhole(stand);
    stand.alone = true;
    const plan = createFlipPlan({ ...options, seed, site: stand.site, kinds: ['body'] });
    const seen = await loadPage(stand, { kept: 'record', plan });
    expectNothingWrong(stand, seen);
    expect(plan.made.length).toBeGreaterThan(0);
    await expectBlocksNamed(stand, seen, plan.made);
    return plan.made;
  };
}

/** Blocks from peers: refused, named, and fetched elsewhere. */
function flipPeerBlocks(classes: readonly FlipClass[]): Scenario {
  return async (seed) => {
    await loadWhole(stand);
    const plan = createFlipPlan({ seed, site: stand.site, classes, kinds: ['frame'], blocks: 20 });
    const seen = await loadPage(stand, { kept: 'record', plan });
    expectNothingWrong(stand, seen);
    expectAllShown(stand, seen);
    await expectBlocksNamed(stand, seen, plan.made);
    return plan.made;
  };
}

/** A hand in the store: each flipped block is dropped, named and fetched anew. */
const flipStored: Scenario = async (seed) => {
  await loadWhole(stand);
  const cids = drawSome(seed, [...stand.site.blocks.keys()], 9);
  const flips = [...new Set([...cids, stand.site.manifest])].map((cid) =>
    drawStoreFlip(seed, cid, stand.site.blocks.get(cid)!.length),
  );
  const seen = await loadPage(stand, { kept: 'all', flips });
  expectNothingWrong(stand, seen);
  expectAllShown(stand, seen);
  const made = flips.map(({ key, at, bit }) => ({ class: 'store' as const, where: key, at, bit, cid: key as Cid }));
  const named = (await readReport(stand.probe)).failures
    .filter(({ source }) => source === 'disk')
    .map(({ cid }) => cid);
  expect(named.toSorted()).toEqual(made.map(({ cid }) => cid).toSorted());
  return made;
};

/** The record that was remembered: not believed, and asked for anew; until it comes, there is a page that says so. */
const flipStoredRecord: Scenario = async (seed) => {
  await loadWhole(stand);
  const { record } = await touchStore(stand.probe, {});
  const regions = findInResolution(record);
  const region = regions[Math.floor(drawFraction(seed, 'region') * regions.length)]!;
  const flip = drawStoreFlip(seed, 'record', region.to - region.from);
  await stand.page.goto('about:blank');
  await stopServiceWorkers(stand.probe);
  await touchStore(stand.probe, { flips: [{ ...flip, at: flip.at + region.from }] });
  await loadWhole(stand, { remembering: true });
  expect((await readReport(stand.probe)).refusedRecords).toContainEqual({ source: 'disk', code: REFUSED });
  expect(await readLines(stand.page)).toEqual(stand.cleanLines);
  expect((await readReport(stand.probe)).record?.from).not.toBe('disk');
  return [{ class: 'store' }];
};

/** What is around the payload: right, or a clear error. Little of it may pass, so that a draw can miss it. */
function flipCarriers(carrier: FlipClass): Scenario {
  return async (seed) => {
    for (let draw = 0; ; draw++) {
      await loadWhole(stand);
      const kinds = ['headers', 'frame', 'body'] as const;
      const plan = createFlipPlan({
        seed: `${seed} ${draw}`,
        site: stand.site,
        classes: [carrier],
        kinds,
        carriersMax: 12,
      });
      expectNothingWrong(stand, await loadPage(stand, { kept: 'record', plan }));
      if (plan.made.length > 0) return plan.made;
      expect(draw).toBeLessThan(DRAWS_MAX);
    }
  };
}

/** What the worker wrote down for its report. */
const flipNotes: Scenario = async (seed) => {
  await loadWhole(stand);
  let notes: number | undefined;
  while (notes === undefined) notes = (await touchStore(stand.probe, {})).sizes.get('notes');
  const seen = await loadPage(stand, { kept: 'all', flips: [drawStoreFlip(seed, 'notes', notes)] });
  expectNothingWrong(stand, seen);
  expectAllShown(stand, seen);
  return [{ class: 'notes' }];
};

function drawStoreFlip(seed: string, key: string, length: number): StoreFlip {
  return {
    key,
    at: Math.floor(drawFraction(seed, key, 'at') * length),
    bit: Math.floor(drawFraction(seed, key, 'bit') * 8),
  };
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
  const before = stand.proxy.flips.length;
  try {
    const made = await run(`${SEED} ${round}`);
    for (const flip of made) totals.set(flip.class, (totals.get(flip.class) ?? 0) + 1);
    return made.length;
  } catch (error) {
    const flips = stand.proxy.flips
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
    stand = await startFlipStand();
    expect(stand.cleanLines).toEqual(
      expect.arrayContaining([
        'A paragraph that is always the same.',
        'Every byte counts',
        'the heading has its colour',
      ]),
    );
    expect(stand.cleanLines.filter((line) => line.startsWith(NOT_SHOWN))).toEqual([]);
  });

  test('the harness notices: without the service worker a flipped byte is shown', async () => {
    const spoilt = ['notes/03.txt', 'medium.bin'];
    const isSpoilt = (path: string) => spoilt.some((name) => path === `/${name}`);
    stand.proxy.choose((passing) => (passing.kind === 'body' && isSpoilt(passing.path) ? [{ at: 5, bit: 1 }] : []));
    const bare = await openBare(stand);
    const lines = await readLines(bare.page);
    const seen = await fetchFiles(bare.page, PATHS);
    stand.proxy.choose(undefined);
    expect(lines.filter((line) => !stand.cleanLines.includes(line))).toHaveLength(spoilt.length);
    expect(PATHS.filter((path) => seen[path]!.sha256 !== HASHES[path]).toSorted()).toEqual(spoilt.toSorted());
    await bare.context.close();
  });

  test('VS5, VS7: payload is noticed and named, anything else changes nothing that is shown', async () => {
    if (ONLY_ROUND !== undefined) return void (await runRound(Number(ONLY_ROUND)));
    let flips = 0;
    for (let round = 0; flips < FLIPS || round < SLOW_SCENARIOS.length + SCENARIOS.length; round++)
      flips += await runRound(round);
    const wanted: (FlipClass | 'store')[] = [...RECORD_PARTS, ...CARRIER_CLASSES, 'manifest', 'blob', 'store'];
    expect(wanted.filter((name) => (totals.get(name) ?? 0) === 0)).toEqual([]);
    await loadWhole(stand);
    expectAllShown(stand, await loadPage(stand, { kept: 'record' }));
  });
});
