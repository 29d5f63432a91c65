// Eight tabs of one profile under load, killed at random: one leader at any time, and nothing that was acknowledged is lost.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';

import { createSeededRandom } from '../simulator/seeded-random.ts';
import { countFilled, makeFilesWait, openTab } from './engine-tabs.ts';
import { describeInChromium, launchChromium, type Chromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

const LONG = process.env['WEFT_LONG'] === '1';
const TABS = 8;
const RUN_TIME = LONG ? 5 * 60_000 : 20_000;
/** Replay a run's choices with it; when each takes effect is the machine's business. */
const SEED = Number(process.env['WEFT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** A new leader opens its store and reads its jobs; eight tabs and a node on two noisy cores take their time for it. */
const SILENCE_MAX = 30_000;
/** Jobs that were stored come to their end after the last kill. */
const SETTLE_TIME_MAX = 120_000;
const HANDLES = ['loom', 'warp', 'weft-site'] as const;

type Death = 'close' | 'unload' | 'crash';

/** What the node has acknowledged, as far as the test has heard of it. */
type Acknowledged = {
  readonly blobs: Map<string, number>;
  /** Manifests that were `stored`, by handle, in order. */
  readonly stored: Map<string, string[]>;
  at: number;
  longestSilence: number;
};

declare const acknowledge: (
  what: { blob: string; seed: number } | { handle: string; manifest: string },
) => Promise<void>;

let mesh: Mesh;

/** Puts blobs for as long as the tab lives. Each is made of a number, so that anybody can make it again. */
function putForEver(page: Page, first: number): void {
  const work = page.evaluate(async (start) => {
    for (let seed = start; ; seed++) {
      try {
        await acknowledge({ blob: await weft.blobs.put(makeBlob(seed)), seed });
      } catch {
        // The leader changed under it: the next one.
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }, first);
  work.catch(() => undefined);
}

/** In the page: 1 to 60 KB without a pattern, and at times so much more that its leaves go into a file. */
const MAKE_BLOB = `globalThis.makeBlob = (seed) => {
  const large = seed % 16 === 0 ? 1_300_000 : 0;
  const bytes = new Uint8Array(large + 1_000 + (Math.imul(seed, 7_919) >>> 0) % 59_000);
  let state = seed + 1;
  for (let at = 0; at < bytes.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
};`;
declare const makeBlob: (seed: number) => Uint8Array;

/** Resolves when the publish ended one way or another, or its tab did. */
async function publish(page: Page, handle: string, version: number): Promise<void> {
  const work = page.evaluate(
    async ([to, number]) => {
      const files = Array.from({ length: 5 }, (_, at) => ({ path: `${at}.bin`, body: makeBlob(number * 31 + at) }));
      files.push({ path: 'index.html', body: new TextEncoder().encode(`<title>${to} ${number}</title>`) });
      await weft.sites.publish({ handle: to, files }, (progress) => {
        if (progress.step === 'stored') void acknowledge({ handle: to, manifest: progress.manifest });
      });
    },
    [handle, version] as const,
  );
  await work.catch(() => undefined);
}

async function kill(page: Page, death: Death): Promise<void> {
  if (death !== 'crash') return page.close({ runBeforeUnload: death === 'unload' }).catch(() => undefined);
  const crashed = new Promise((resolve) => page.once('crash', resolve));
  const devtools = await page.context().newCDPSession(page);
  // It never answers: who could.
  devtools.send('Page.crash').catch(() => undefined);
  await crashed;
  await page.close().catch(() => undefined);
}

/** True, false, or null from a tab that does not know or is gone. */
function asksToLead(page: Page): Promise<boolean | null> {
  const asked = page.evaluate(() =>
    Promise.race([
      weft.status().then(({ leader }) => leader),
      new Promise<null>((resolve) => setTimeout(() => resolve(null), 2_000)),
    ]),
  );
  return asked.catch(() => null);
}

async function findLeaders(pages: readonly Page[]): Promise<Page[]> {
  const answers = await Promise.all(pages.map(asksToLead));
  return pages.filter((_, at) => answers[at] === true);
}

/** The tabs of a run: those that die, by our hand or with a process that they share, are replaced. */
async function keepTabs(browser: Chromium, known: Acknowledged) {
  const alive = new Set<Page>();
  let next = 1;
  await browser.context.exposeFunction(
    'acknowledge',
    (what: { blob: string; seed: number } | { handle: string; manifest: string }) => {
      if ('blob' in what) known.blobs.set(what.blob, what.seed);
      else known.stored.set(what.handle, [...(known.stored.get(what.handle) ?? []), what.manifest]);
      known.longestSilence = Math.max(known.longestSilence, Date.now() - known.at);
      known.at = Date.now();
    },
  );
  await browser.context.addInitScript(MAKE_BLOB);
  return {
    alive,
    async fill(): Promise<void> {
      while (alive.size < TABS) {
        const page = await openTab(browser.context, mesh.app);
        alive.add(page);
        page.once('close', () => alive.delete(page));
        page.once('crash', () => alive.delete(page));
        putForEver(page, next++ * 1_000_000);
      }
    },
  };
}

describeInChromium('tabs that are killed at random', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test(`BN10, BN11, BN13: one leader at any time, nothing acknowledged is lost (seed ${SEED})`, async () => {
    const random = createSeededRandom(SEED);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random.fraction() * list.length)]!;
    const browser = await launchChromium();
    const known: Acknowledged = { blobs: new Map(), stored: new Map(), at: Date.now(), longestSilence: 0 };
    const tabs = await keepTabs(browser, known);
    const first = await openTab(browser.context, mesh.app);
    await makeFilesWait(first);
    await first.evaluate(() => weft.wallet.create());
    await tabs.fill();
    await first.close();

    let over = false;
    const streams = HANDLES.map(async (handle) => {
      for (let version = 1; !over; version++) {
        const page = pick([...tabs.alive]);
        if (page) await publish(page, handle, version);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });
    const deaths: Record<string, number> = {};
    const end = Date.now() + RUN_TIME;
    known.at = Date.now();
    while (Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 200 + random.fraction() * 1_500));
      const leaders = await findLeaders([...tabs.alive]);
      // One that was asked before it lost its place and one that was asked after it got it: both have to say so again.
      if (leaders.length > 1) expect(await findLeaders(leaders), 'leaders at one time').toHaveLength(1);
      const victim = leaders[0] && random.fraction() < 0.5 ? leaders[0] : pick([...tabs.alive]);
      const death = pick<Death>(['close', 'unload', 'crash']);
      const name = `${death}${leaders.includes(victim) ? ' of the leader' : ''}`;
      deaths[name] = (deaths[name] ?? 0) + 1;
      await kill(victim, death);
      await tabs.fill();
      expect(Date.now() - known.at, 'since the last acknowledgement').toBeLessThan(SILENCE_MAX);
    }
    over = true;
    await Promise.all(streams);
    const versions = [...known.stored.values()].reduce((sum, list) => sum + list.length, 0);
    console.log(
      `killed ${JSON.stringify(deaths)}; ${known.blobs.size} blobs and ${versions} versions acknowledged; longest silence ${known.longestSilence} ms`,
    );
    expect(known.blobs.size).toBeGreaterThan(20);
    expect(versions).toBeGreaterThan(0);
    await expectNothingLost(browser, known);
    await browser.close();
  });
});

async function expectNothingLost(browser: Chromium, { blobs, stored }: Acknowledged): Promise<void> {
  for (const page of browser.context.pages()) await page.close();
  const page = await openTab(browser.context, mesh.app);
  await page.evaluate(() => weft.ready);
  const lost = await page.evaluate(
    async (all) => {
      const missing: string[] = [];
      for (const [cid, seed] of all) {
        const found = await weft.blobs.get(cid).catch(() => null);
        const made = makeBlob(seed);
        if (found?.length !== made.length || made.some((byte, at) => byte !== found[at])) missing.push(cid);
      }
      return missing;
    },
    [...blobs],
  );
  expect(lost).toEqual([]);
  expect(await countFilled(page), 'files of leaves').toBeGreaterThan(0);

  // A version that was stored is ordered, if no later one of the same site took its place.
  const unfinished = () =>
    page.evaluate(async () => (await weft.sites.jobs()).filter(({ state }) => !['held', 'failed'].includes(state)));
  await expect.poll(unfinished, { timeout: SETTLE_TIME_MAX }).toEqual([]);
  expect(await page.evaluate(async () => (await weft.sites.jobs()).filter(({ state }) => state === 'failed'))).toEqual(
    [],
  );
  const sites = await page.evaluate(() => weft.sites.mine());
  for (const [handle, manifests] of stored) {
    const site = sites.find((one) => one.handle === handle);
    expect(site?.seq, `versions of ${handle}`).toBeGreaterThanOrEqual(new Set(manifests).size);
  }
}
