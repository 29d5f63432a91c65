// One edit until the other profile's page is told, each through a WebSocket server on this machine: against automerge-repo and Yjs.

import type { Page } from 'playwright-core';
import type { PageNode } from '../browser-node/app/node.ts';
import { lineOf, median, type BenchLine } from './bench-line.ts';
import { openBrowser, type Browser } from './chromium.ts';
import { startLocalMesh } from './local-mesh.ts';
import { servePages } from './page-server.ts';
import { bundlePeer } from './peer-script.ts';
import { startRepoServer, startYjsServer } from './peer-sync-servers.ts';

declare const weft: PageNode;
/** What every page offers: one document with a text, made longer by one character per edit. */
declare const peer: {
  start(server: string): Promise<void>;
  create(): string | Promise<string>;
  open(document: string): void | Promise<void>;
  onChange(listener: (length: number) => void): void;
  edit(): void | Promise<void>;
};
/** When the text was at least so long, by this machine's clock in ms. */
declare const arrivals: number[];

/** automerge-repo sends at most every 100 ms. */
const BACK_TO_BACK_TARGET = 4;
/** It neither signs nor stores before it sends. */
const ISOLATED_TARGET = 0.8;
/** Only reported. */
const NO_TARGET = 0;
const ISOLATED_GAP = 300;
const ISOLATED_EDITS = 20;
/** Faster than anybody sends: each edit is made while the one before may still be on its way. */
const BACK_TO_BACK_GAP = 25;
const BACK_TO_BACK_EDITS = 40;
const MEETING_WAIT = 60_000;

const SIDES = ['ours', 'automerge-repo', 'yjs'] as const;
type Side = (typeof SIDES)[number];
type Pair = { readonly from: Page; readonly to: Page };
type Latencies = { isolated: number[]; backToBack: number[] };

export async function run({ rounds = 5 }: { rounds?: number } = {}): Promise<BenchLine[]> {
  const stops: (() => Promise<void>)[] = [];
  try {
    const scripts = {
      repo: await bundlePeer(new URL('./peers/automerge-repo-page.js', import.meta.url)),
      yjs: await bundlePeer(new URL('./peers/yjs-page.js', import.meta.url)),
    };
    const mesh = await startLocalMesh(['app', 'site', 'widget', 'worker']);
    stops.push(() => mesh.stop());
    const repo = await startRepoServer();
    stops.push(() => repo.close());
    const yjs = await startYjsServer();
    stops.push(() => yjs.close());
    const pages = await servePages(
      new Map([
        ['/repo', { type: 'text/html', body: '<!doctype html><script type="module" src="/repo.js"></script>' }],
        ['/yjs', { type: 'text/html', body: '<!doctype html><script type="module" src="/yjs.js"></script>' }],
        ['/repo.js', { type: 'text/javascript', body: scripts.repo }],
        ['/yjs.js', { type: 'text/javascript', body: scripts.yjs }],
      ]),
    );
    stops.push(() => pages.close());
    const browsers: Browser[] = [];
    for (let i = 0; i < 2; i++) {
      browsers.push(await openBrowser());
      stops.push(() => browsers[i]!.close());
    }
    const url = (path: string) => `http://localhost:${pages.port}${path}`;
    const pairs: Record<Side, Pair> = {
      ours: await openOurs(browsers, mesh.origin),
      'automerge-repo': await openPeers(browsers, url('/repo'), repo.url),
      yjs: await openPeers(browsers, url('/yjs'), yjs.url),
    };
    const seen: Record<Side, Latencies> = {
      ours: { isolated: [], backToBack: [] },
      'automerge-repo': { isolated: [], backToBack: [] },
      yjs: { isolated: [], backToBack: [] },
    };
    for (let round = 0; round <= rounds; round++) {
      for (const side of SIDES) {
        const isolated = await measure(pairs[side], { edits: ISOLATED_EDITS, gap: ISOLATED_GAP });
        const backToBack = await measure(pairs[side], { edits: BACK_TO_BACK_EDITS, gap: BACK_TO_BACK_GAP });
        if (round === 0) continue;
        seen[side].isolated.push(isolated);
        seen[side].backToBack.push(backToBack);
      }
    }
    return reportLines(seen);
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

function reportLines(seen: Record<Side, Latencies>): BenchLine[] {
  const line = (kind: keyof Latencies, against: Exclude<Side, 'ours'>, target: number): BenchLine =>
    lineOf({
      bench: 'edit-latency',
      metric: kind === 'isolated' ? 'an edit after a pause, p50' : `an edit every ${BACK_TO_BACK_GAP} ms, p50`,
      unit: 'ms',
      better: 'less',
      ours: median(seen.ours[kind]),
      peer: median(seen[against][kind]),
      peerName: against === 'yjs' ? 'Yjs, y-websocket' : 'automerge-repo, WebSocket',
      target,
    });
  return [
    line('backToBack', 'automerge-repo', BACK_TO_BACK_TARGET),
    line('isolated', 'automerge-repo', ISOLATED_TARGET),
    line('backToBack', 'yjs', NO_TARGET),
    line('isolated', 'yjs', NO_TARGET),
  ];
}

/** Median of the milliseconds from an edit here until the page there is told; all clocks are this machine's. */
async function measure({ from, to }: Pair, { edits, gap }: { edits: number; gap: number }): Promise<number> {
  const before = await to.evaluate(() => arrivals.length);
  const began = await from.evaluate(
    async (given) => {
      const times: number[] = [];
      const start = performance.now();
      for (let n = 0; n < given.edits; n++) {
        const wait = start + n * given.gap - performance.now();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        times.push(performance.timeOrigin + performance.now());
        void peer.edit();
      }
      return times;
    },
    { edits, gap },
  );
  await to.waitForFunction((count) => arrivals.length >= count, before + edits, { timeout: MEETING_WAIT });
  const ended = await to.evaluate((start) => arrivals.slice(start), before);
  return median(began.map((at, n) => ended[n]! - at));
}

/** Keeps when the page was told of each character. */
function watchArrivals(page: Page): Promise<void> {
  return page.evaluate(() => {
    const times: number[] = [];
    Object.assign(globalThis, { arrivals: times });
    peer.onChange((length) => {
      while (times.length < length) times.push(performance.timeOrigin + performance.now());
    });
  });
}

async function openPeers(browsers: readonly Browser[], url: string, server: string): Promise<Pair> {
  const [from, to] = await Promise.all(
    browsers.map(async ({ context }) => {
      const page = await context.newPage();
      await page.goto(url);
      await page.waitForFunction(() => 'peer' in globalThis);
      await page.evaluate((at) => peer.start(at), server);
      return page;
    }),
  );
  const document = await from!.evaluate(() => peer.create());
  await to!.evaluate((id) => peer.open(id), document);
  await watchArrivals(to!);
  return { from: from!, to: to! };
}

/** Two members of a group, through the relay: the kind of link that the others have. */
async function openOurs(browsers: readonly Browser[], app: string): Promise<Pair> {
  const [from, to] = await Promise.all(
    browsers.map(async ({ context }) => {
      const page = await context.newPage();
      await page.addInitScript('delete globalThis.RTCPeerConnection');
      await page.goto(app);
      await page.waitForFunction(() => 'weft' in globalThis);
      await page.evaluate(() => weft.wallet.create());
      return page;
    }),
  );
  const invite = await from!.evaluate(async () => {
    const { groupId } = await weft.groups.create({ name: 'Bench' });
    const page = await weft.documents.open(groupId, 'pages/bench');
    await page.change([{ action: 'put', path: ['text'], value: '' }]);
    // As whoever shows it while it is edited.
    await page.subscribe(() => undefined);
    Object.assign(globalThis, {
      peer: { edit: () => page.change([{ action: 'splice', path: ['text', 0], value: 'x' }]) },
    });
    return await weft.groups.invite(groupId);
  });
  await to!.evaluate(async (url) => {
    const { groupId } = await weft.groups.join(url);
    while ((await weft.groups.get(groupId)).role !== 'member') await new Promise((resolve) => setTimeout(resolve, 50));
    const page = await weft.documents.open(groupId, 'pages/bench');
    while (((await page.value()) as { text?: string } | undefined)?.text === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const onChange = (listener: (length: number) => void): void => {
      let length = 0;
      void page.subscribe((update) => {
        if (update.kind !== 'changed') return;
        for (const patch of update.patches) if (patch.action === 'splice') length += patch.value.length;
        listener(length);
      });
    };
    Object.assign(globalThis, { peer: { onChange } });
  }, invite);
  await watchArrivals(to!);
  return { from: from!, to: to! };
}
