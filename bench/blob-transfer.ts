// 64 MiB between two profiles over WebRTC, verified and stored: against a bare data channel and against WebTorrent.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { Cid } from '../shared/codec/cid.ts';
import { createTestCommons, startTestEdge } from '../test/contracts/edge.test-kit.ts';
import { LINK_ROOM } from '../test/browser/link-node.ts';
import { lineOf, median, type BenchLine } from './bench-line.ts';
import type { TransferPage } from './blob-transfer-page.ts';
import { bundleForBench } from './bundle-page.ts';
import { openBrowser, type Browser } from './chromium.ts';
import { servePages, type PageServer } from './page-server.ts';
import { bundlePeer } from './peer-script.ts';
import { startTracker } from './peer-tracker.ts';

declare const transfers: TransferPage;
declare const peer: { seed(bytes: number, tracker: string): Promise<string>; fetch(magnet: string): Promise<number> };

const MIB: number = 1024 * 1024;
const BARE_TARGET = 0.8;
const WEBTORRENT_TARGET = 2;
const POLL = 50;
const WAIT = 30_000;

type Side = 'ours' | 'bare' | 'webtorrent';
const SIDES: readonly Side[] = ['ours', 'bare', 'webtorrent'];
/** One page of each profile. */
type Pair = { readonly sender: Page; readonly receiver: Page };

export type BlobTransferOptions = {
  readonly rounds?: number;
  readonly bytes?: number;
  readonly sides?: readonly Side[];
};

export async function run({ rounds = 7, bytes = 64 * MIB, sides = SIDES }: BlobTransferOptions = {}): Promise<
  BenchLine[]
> {
  const stops: (() => Promise<void>)[] = [];
  try {
    const edge = await startTestEdge({ commons: await createTestCommons() });
    stops.push(() => edge.stop());
    const server = await serveTransferPages();
    stops.push(() => server.close());
    const tracker = await startTracker();
    stops.push(() => tracker.close());
    const browsers: Browser[] = [];
    for (let i = 0; i < 2; i++) {
      browsers.push(await openBrowser());
      stops.push(() => browsers[i]!.close());
    }
    const measures: Record<Side, () => Promise<number>> = {
      ours: await prepareOurs(await openPair(browsers, `http://localhost:${server.port}/`), {
        relay: edge.socketUrl(LINK_ROOM),
        bytes,
      }),
      bare: await prepareBare(await openPair(browsers, `http://localhost:${server.port}/`), bytes),
      webtorrent: () =>
        measureWebTorrent(browsers, { url: `http://localhost:${server.port}/peer`, tracker: tracker.url, bytes }),
    };
    const rates: Record<Side, number[]> = { ours: [], bare: [], webtorrent: [] };
    for (let round = 0; round <= rounds; round++) {
      for (const side of rotate(sides, round)) {
        const rate = bytes / MIB / ((await measures[side]()) / 1_000);
        if (round > 0) rates[side].push(rate);
      }
    }
    return reportLines(rates);
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

function reportLines(rates: Record<Side, number[]>): BenchLine[] {
  const common = {
    bench: 'blob-transfer',
    metric: '64 MiB, verified and stored',
    unit: 'MiB/s',
    better: 'more',
  } as const;
  const ours = median(rates.ours);
  return [
    lineOf({
      ...common,
      ours,
      peer: median(rates.bare),
      peerName: 'bare data channel, 256 KiB queue',
      target: BARE_TARGET,
    }),
    lineOf({ ...common, ours, peer: median(rates.webtorrent), peerName: 'WebTorrent', target: WEBTORRENT_TARGET }),
  ];
}

/** Whoever goes after another finds another machine, so the order changes. */
function rotate<T>(values: readonly T[], by: number): T[] {
  const start = by % values.length;
  return [...values.slice(start), ...values.slice(0, start)];
}

async function serveTransferPages(): Promise<PageServer> {
  const worker = await bundleForBench('blob-transfer-worker.ts');
  const page = await bundleForBench('blob-transfer-page.ts');
  const script = (body: string) => ({ type: 'text/javascript', body });
  const html = (src: string) => ({
    type: 'text/html',
    body: `<!doctype html><script type="module" src="${src}"></script>`,
  });
  return servePages(
    new Map([
      ['/', html('/page.js')],
      ['/page.js', script(`const TRANSFER_WORKER = ${JSON.stringify(worker)};\n${page}`)],
      ['/peer', html('/peer.js')],
      ['/peer.js', script(await bundlePeer(new URL('./peers/webtorrent-page.js', import.meta.url)))],
    ]),
  );
}

async function openPair(browsers: readonly Browser[], url: string): Promise<Pair> {
  const pages = await Promise.all(
    browsers.map(async ({ context }) => {
      const page = await context.newPage();
      await page.goto(url);
      await page.waitForFunction(() => 'transfers' in globalThis || 'peer' in globalThis);
      return page;
    }),
  );
  return { sender: pages[0]!, receiver: pages[1]! };
}

async function prepareOurs(
  { sender, receiver }: Pair,
  setting: { relay: string; bytes: number },
): Promise<() => Promise<number>> {
  for (const page of [sender, receiver]) await page.evaluate(() => transfers.prepare());
  const cids = await sender.evaluate((bytes) => transfers.fill(bytes), setting.bytes);
  for (const [i, page] of [sender, receiver].entries()) {
    await page.evaluate(([relay, byte]) => transfers.join(relay, byte), [setting.relay, i + 1] as const);
  }
  const until = async (done: () => Promise<boolean>): Promise<void> => {
    const started = performance.now();
    while (!(await done())) {
      if (performance.now() - started > WAIT) throw new Error('the two profiles did not meet');
      await sleep(POLL);
    }
  };
  await until(() => sender.evaluate(() => transfers.dial()));
  for (const page of [sender, receiver]) await until(() => page.evaluate(() => transfers.isDirect()));
  return async () => {
    const ms = await receiver.evaluate((names: Cid[]) => transfers.fetch(names), cids);
    await receiver.evaluate((names: Cid[]) => transfers.forget(names), cids);
    return ms;
  };
}

async function prepareBare({ sender, receiver }: Pair, bytes: number): Promise<() => Promise<number>> {
  const offer = await sender.evaluate(() => transfers.bareOffer());
  const answer = await receiver.evaluate((sdp) => transfers.bareAnswer(sdp), offer);
  await sender.evaluate((sdp) => transfers.bareAccept(sdp), answer);
  await sender.evaluate((count) => transfers.bareServe(count), bytes);
  return () => receiver.evaluate((count) => transfers.bareReceive(count), bytes);
}

/** A fresh pair of pages each time: a torrent is fetched once. */
async function measureWebTorrent(
  browsers: readonly Browser[],
  setting: { url: string; tracker: string; bytes: number },
): Promise<number> {
  const { sender, receiver } = await openPair(browsers, setting.url);
  try {
    const magnet = await sender.evaluate(([bytes, tracker]) => peer.seed(bytes, tracker), [
      setting.bytes,
      setting.tracker,
    ] as const);
    return await receiver.evaluate((link) => peer.fetch(link), magnet);
  } finally {
    for (const page of [sender, receiver]) await page.close();
  }
}
