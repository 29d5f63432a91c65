// The HTTP of sites as a page sees it behind the service worker: the same contract as gateway and command line.

import type { Page } from 'playwright-core';
import { beforeAll, test } from 'vitest';

import { createSiteWorld } from '../../site-host/site-source.test-kit.ts';
import { SITE_HTTP_FILES, siteHttpContract, type SiteHost } from '../contracts/site-http-contract.ts';
import { describeInChromium, launchChromium } from './harness.ts';
import { buildSiteFiles, startVisitEdge } from './visit-edge.ts';

async function startHost(): Promise<SiteHost> {
  const world = createSiteWorld();
  await world.publish(SITE_HTTP_FILES);
  const edge = await startVisitEdge({ world, built: await buildSiteFiles() });
  const { context } = await launchChromium();
  const origin = `http://alice.localhost:${edge.port}`;
  const asking = await context.newPage();
  await asking.goto(origin);
  await asking.waitForFunction(
    () => document.querySelector('#progress') === null && document.readyState === 'complete',
  );
  await asking.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  const opening: Page = await context.newPage();
  return {
    through: 'service_worker',
    async ask(path, { method = 'GET', headers = {} } = {}) {
      const answer = await asking.evaluate(askFromPage, { path, method, headers });
      return { ...answer, body: new Uint8Array(Buffer.from(answer.body, 'base64')) };
    },
    async open(path) {
      const answer = await opening.goto(origin + path);
      if (!answer?.fromServiceWorker()) throw new Error(`${path} did not come from the service worker`);
      return { status: answer.status(), headers: answer.headers(), body: new Uint8Array(await answer.body()) };
    },
  };
}

/** Runs in the page. */
async function askFromPage(asked: { path: string; method: string; headers: Record<string, string> }) {
  const answer = await fetch(asked.path, { method: asked.method, headers: asked.headers, cache: 'no-store' });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: btoa(text) };
}

describeInChromium('a site behind its service worker', () => {
  let host: SiteHost;
  beforeAll(async () => {
    host = await startHost();
  });
  for (const { name, check } of siteHttpContract) test(name, () => check(host));
});
