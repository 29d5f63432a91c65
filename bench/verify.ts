// A light client's check of a balance and a site in a group of 100 validators, one seal after the genesis, against bare WebCrypto.

import { toHex } from '../shared/codec/base.ts';
import { createSealedGroup } from '../shared/light-client/sealed-group.test-kit.ts';
import { lineOf, median, type BenchLine } from './bench-line.ts';
import { bundleForBench } from './bundle-page.ts';
import { openBrowser } from './chromium.ts';
import { servePages } from './page-server.ts';
import type { VerifyPage } from './verify-page.ts';

declare const verifyBench: VerifyPage;

const TARGET = 0.8;
const VALIDATORS = { n: 100, f: 33 };
/** What a visitor may be kept waiting: a figure of its own beside the ratio. */
const TIME_LIMIT = 100;

export async function run({ rounds = 15 }: { rounds?: number } = {}): Promise<BenchLine[]> {
  const sealed = await createSealedGroup(VALIDATORS.n, VALIDATORS.f);
  const { group, now, siteKey, signatures } = sealed;
  const task = {
    group,
    now,
    key: siteKey,
    signatures,
    genesis: toHex(sealed.genesis),
    resolution: toHex(sealed.resolution),
  };
  const pages = await servePages(
    new Map([
      ['/', { type: 'text/html', body: '<!doctype html><script type="module" src="/page.js"></script>' }],
      ['/page.js', { type: 'text/javascript', body: await bundleForBench('verify-page.ts') }],
    ]),
  );
  const browser = await openBrowser();
  try {
    const page = await browser.context.newPage();
    await page.goto(`http://localhost:${pages.port}/`);
    await page.waitForFunction(() => 'verifyBench' in globalThis);
    const compare = (fresh: boolean) =>
      page.evaluate(([given, options]) => verifyBench.compare(given, options), [task, { rounds, fresh }] as const);
    const first = await compare(true);
    const again = await compare(false);
    const common = {
      bench: 'verify',
      unit: 'ms',
      peerName: `bare WebCrypto, ${signatures} signatures`,
      better: 'less',
    } as const;
    return [
      lineOf({
        ...common,
        metric: 'balance and site, keys never seen',
        ours: median(first.ours),
        peer: median(first.bare),
        target: TARGET,
      }),
      lineOf({
        ...common,
        metric: 'balance and site, keys known',
        ours: median(again.ours),
        peer: median(again.bare),
        target: TARGET,
      }),
      lineOf({
        ...common,
        metric: 'balance and site, within the limit',
        ours: median(first.ours),
        peer: TIME_LIMIT,
        peerName: 'the limit',
        target: 1,
      }),
    ];
  } finally {
    await browser.close();
    await pages.close();
  }
}
