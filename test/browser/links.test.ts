// Direct links in Chromium and Firefox: the link contract over channels and pumps, two profiles that meet over a relay, a man in the middle,
// and pages without WebRTC.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import type { Page as FirefoxPage } from 'puppeteer-core';
import { createTestCommons, startTestEdge, type TestEdge } from '../contracts/edge.test-kit.ts';
import { LINK_CONTRACT } from '../contracts/link-contract.ts';

import { describeInBothBrowsers, launchFirefox } from './harness-firefox.ts';
import { describeInChromium, launchChromium } from './harness.ts';
import type { LinkNodeState } from './link-node.ts';
import type { LinkPage } from './link-page.ts';
import { bundleForPage, servePage } from './page-server.ts';

declare const links: LinkPage;

const WAIT = 30_000;
const ROOM_DIGITS = 32;

let edge: TestEdge;
let url = '';
let rooms = 0;

const nextRoom = (): string => edge.socketUrl((++rooms).toString(16).padStart(ROOM_DIGITS, '0'));

/** A page in a profile of its own. */
async function openPage(options: { withoutWebRtc?: boolean } = {}): Promise<Page> {
  const { context } = await launchChromium();
  const page = await context.newPage();
  if (options.withoutWebRtc === true) {
    await page.addInitScript(() => Reflect.deleteProperty(globalThis, 'RTCPeerConnection'));
  }
  await page.goto(url);
  await page.waitForFunction(() => 'links' in globalThis);
  return page;
}

async function meet(pages: readonly Page[], pumpOnly: boolean): Promise<void> {
  const relay = nextRoom();
  for (const [i, page] of pages.entries()) {
    await page.evaluate(([options, pump]) => links.start(options, pump), [{ relay, byte: i + 1 }, pumpOnly] as const);
  }
  expect(await pages[0]!.evaluate(() => links.dial())).toBe(true);
}

const stateOf = (page: Page): Promise<LinkNodeState> => page.evaluate(() => links.state());

beforeAll(async () => {
  edge = await startTestEdge({ commons: await createTestCommons() });
  const worker = await bundleForPage('test/browser/link-worker.ts');
  const page = await bundleForPage('test/browser/link-page.ts');
  url = await servePage(`const LINK_WORKER = ${JSON.stringify(worker)};\n${page}`);
});
afterAll(() => edge?.stop());

describeInChromium('the link contract', () => {
  let page: Page;
  beforeAll(async () => {
    page = await openPage();
  });
  const names = LINK_CONTRACT.map(({ name }) => name);

  test.each(names)('a MessagePort: %s', (name) => page.evaluate((one) => links.runPortCase(one), name));
  test.each(names)('a channel handed to the worker: %s', (name) =>
    page.evaluate((one) => links.runDirectCase(one, false), name),
  );
  test.each(names)('a channel that the page pumps: %s', (name) =>
    page.evaluate((one) => links.runDirectCase(one, true), name),
  );
});

describeInChromium('two profiles', () => {
  let pages: Page[];
  beforeAll(async () => {
    pages = [await openPage(), await openPage()];
  });

  test.each([
    ['handed to the worker', false],
    ['that the page pumps', true],
  ])('DL1: meet over a relay and go on over channels %s', async (_name, pumpOnly) => {
    await meet(pages, pumpOnly);
    for (const page of pages) await expect.poll(async () => (await stateOf(page)).direct, { timeout: WAIT }).toBe(1);
    for (const page of pages) await page.evaluate(() => links.send(200_000));
    for (const page of pages) {
      await expect
        .poll(async () => (await stateOf(page)).received, { timeout: WAIT })
        .toEqual([{ via: 'direct', bytes: 200_000 }]);
    }
  });

  test('DL6: the one whose direct link ended with its page goes on over nothing, and opens another with the next page', async () => {
    await meet(pages, false);
    for (const page of pages) await expect.poll(async () => (await stateOf(page)).direct, { timeout: WAIT }).toBe(1);
    await pages[1]!.reload();
    await expect.poll(async () => (await stateOf(pages[0]!)).direct, { timeout: WAIT }).toBe(0);
    await pages[1]!.waitForFunction(() => 'links' in globalThis);
    await meet(pages, false);
    for (const page of pages) await expect.poll(async () => (await stateOf(page)).direct, { timeout: WAIT }).toBe(1);
  });

  test('DL4: a man in the middle with certificates of his own passes handshakes on, and gets no session', async () => {
    const relay = nextRoom();
    const { frames, states } = await pages[0]!.evaluate((room) => links.meetWithMiddle(room), relay);
    expect(frames).toBeGreaterThan(0);
    expect(states.map(({ direct }) => direct)).toEqual([0, 0]);
    expect(states.some(({ ended }) => ended.includes('bad_handshake'))).toBe(true);
    expect(states[1]!.received).toEqual([{ via: 'relay', bytes: 1_000 }]);
  });
});

describeInChromium('without WebRTC', () => {
  test('everything stays on the relay', async () => {
    const pages = [await openPage({ withoutWebRtc: true }), await openPage()];
    await meet(pages, false);
    for (const page of pages) await page.evaluate(() => links.send(200_000));
    for (const page of pages) {
      await expect
        .poll(async () => (await stateOf(page)).received, { timeout: WAIT })
        .toEqual([{ via: 'relay', bytes: 200_000 }]);
      expect((await stateOf(page)).direct).toBe(0);
    }
  });
});

describeInBothBrowsers('Firefox', () => {
  let firefox: FirefoxPage;
  beforeAll(async () => {
    firefox = await (await launchFirefox()).browser.newPage();
    await firefox.goto(url);
    await firefox.waitForFunction(() => 'links' in globalThis);
  });

  test.each(LINK_CONTRACT.map(({ name }) => name))('a channel, handed over or pumped: %s', async (name) => {
    for (const pumpOnly of [false, true]) {
      await firefox.evaluate((one, pump) => links.runDirectCase(one, pump), name, pumpOnly);
    }
  });

  test('DL1: Firefox and Chromium meet over a relay and go on directly', async () => {
    const chromium = await openPage();
    const relay = nextRoom();
    await firefox.evaluate((room) => links.start({ relay: room, byte: 1 }, false), relay);
    await chromium.evaluate((room) => links.start({ relay: room, byte: 2 }, false), relay);
    expect(await firefox.evaluate(() => links.dial())).toBe(true);
    const states = () => Promise.all([firefox.evaluate(() => links.state()), stateOf(chromium)]);
    await expect.poll(async () => (await states()).map(({ direct }) => direct), { timeout: WAIT }).toEqual([1, 1]);
    await firefox.evaluate(() => links.send(200_000));
    await chromium.evaluate(() => links.send(200_000));
    await expect
      .poll(async () => (await states()).map(({ received }) => received), { timeout: WAIT })
      .toEqual([[{ via: 'direct', bytes: 200_000 }], [{ via: 'direct', bytes: 200_000 }]]);
  });
});
