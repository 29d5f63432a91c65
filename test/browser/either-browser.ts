// One face for tabs of Chromium (Playwright) and Firefox (BiDi), so that a test can swap who publishes, edits and visits.

import type { Page as ChromiumPage } from 'playwright-core';
import type { Page as FirefoxPage } from 'puppeteer-core';

import type { PageNode } from '../../browser-node/app/node.ts';
import { launchChromium } from './harness.ts';
import { launchFirefox } from './harness-firefox.ts';

declare global {
  // The page's own; tests read it inside of a tab only.
  var weft: PageNode;
}

export type BrowserName = 'Chromium' | 'Firefox';

const POLL = 50;
/** Two noisy cores, two browsers, an edge and a node. */
const PATIENCE = 60_000;

/** Functions run in the page: they see their argument, which is plain data, and nothing from here. */
export interface EitherTab {
  goto(url: string): Promise<void>;
  run<A, R>(inPage: (given: A) => R | Promise<R>, given: A): Promise<R>;
  /** Polls until it is true; a page that is being replaced counts as not yet. */
  until<A>(inPage: (given: A) => boolean | Promise<boolean>, given: A): Promise<void>;
  reload(): Promise<void>;
  /** Clicks what has this role and name. */
  click(role: string, name: string): Promise<void>;
  fill(label: string, text: string): Promise<void>;
  close(): Promise<void>;
}

export interface EitherBrowser {
  readonly name: BrowserName;
  readonly profileDir: string;
  openTab(url: string): Promise<EitherTab>;
  close(): Promise<void>;
  kill(): Promise<void>;
}

export async function launchEither(
  name: BrowserName,
  options: { readonly profileDir?: string } = {},
): Promise<EitherBrowser> {
  if (name === 'Chromium') {
    const { context, profileDir, close, kill } = await launchChromium(options);
    return { name, profileDir, openTab: async (url) => opened(chromiumTab(await context.newPage()), url), close, kill };
  }
  const { browser, profileDir, close, kill } = await launchFirefox(options);
  return { name, profileDir, openTab: async (url) => opened(firefoxTab(await browser.newPage()), url), close, kill };
}

/** A tab of the app whose node answers. */
export async function openNode(browser: EitherBrowser, app: string): Promise<EitherTab> {
  const tab = await browser.openTab(app);
  await tab.until(() => 'weft' in globalThis, null);
  await tab.run(() => weft.ready, null);
  return tab;
}

/** Publishes text files from the tab's node, which gets a wallet if it has none; resolves when another node holds them. */
export function publishFrom(tab: EitherTab, site: { handle: string; files: Record<string, string> }) {
  return tab.run(async ({ handle, files }) => {
    if ((await weft.wallet.status()).state === 'none') await weft.wallet.create();
    const list = Object.entries(files).map(([path, body]) => ({ path, body }));
    return await weft.sites.publish({ handle, files: list });
  }, site);
}

/** A site's page, answered by its service worker and by nobody else. */
export async function openSite(browser: EitherBrowser, url: string): Promise<EitherTab> {
  const tab = await browser.openTab(url);
  const shown = () => document.readyState === 'complete' && !document.querySelector('progress#progress');
  await tab.until(shown, null);
  // The loader lost patience on a busy machine: the worker is there for the second try.
  if (await tab.run(() => !navigator.serviceWorker.controller || location.search.includes('weft-direct'), null)) {
    await tab.until(async () => (await navigator.serviceWorker.ready).active?.state === 'activated', null);
    await tab.goto(url);
    await tab.until(shown, null);
  }
  if (!(await tab.run(() => navigator.serviceWorker.controller !== null, null))) {
    throw new Error(`${url} is not answered by its service worker in ${browser.name}.`);
  }
  return tab;
}

async function opened(tab: EitherTab, url: string): Promise<EitherTab> {
  await tab.goto(url);
  return tab;
}

function chromiumTab(page: ChromiumPage): EitherTab {
  const run: EitherTab['run'] = (inPage, given) => page.evaluate(inPage as never, given as never);
  return {
    goto: async (url) => void (await page.goto(url)),
    run,
    until: (inPage, given) => pollInPage(run, inPage, given),
    reload: async () => void (await page.reload()),
    click: (role, name) => page.getByRole(role as 'button', { name, exact: true }).click(),
    fill: (label, text) => page.getByLabel(label, { exact: true }).fill(text),
    close: () => page.close(),
  };
}

function firefoxTab(page: FirefoxPage): EitherTab {
  const run: EitherTab['run'] = (inPage, given) => page.evaluate(inPage as never, given as never) as never;
  return {
    goto: async (url) => void (await page.goto(url)),
    run,
    until: (inPage, given) => pollInPage(run, inPage, given),
    reload: async () => void (await page.reload()),
    click: (role, name) => page.locator(`::-p-aria([name="${name}"][role="${role}"])`).click(),
    fill: (label, text) => page.locator(`::-p-aria([name="${label}"][role="textbox"])`).fill(text),
    close: () => page.close(),
  };
}

async function pollInPage<A>(
  run: EitherTab['run'],
  inPage: (given: A) => boolean | Promise<boolean>,
  given: A,
): Promise<void> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const seen = await run(inPage, given).catch((error: unknown) => String(error));
    if (seen === true) return;
    if (Date.now() > end) throw new Error(`Not within ${PATIENCE} ms: ${inPage.toString()} (last: ${seen})`);
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}
