// A published site that tries everything its script can: the app, other sites and the platform's service worker lose nothing.

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { BrowserContext, Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import type { Attempt } from '../adversaries/hostile-page.ts';
import { openVerified } from '../adversaries/site-visitor.ts';
import { startMeshParts, type MeshParts } from '../runtimes/mesh-parts.ts';
import { closeAtEnd, describeInChromium, launchChromium } from './harness.ts';
import { openNodeTab, type NodeTab } from './node-tab.ts';

const HOSTILE_PAGE = fileURLToPath(new URL('../adversaries/hostile-page.ts', import.meta.url));
const EVIL_WORKER = 'addEventListener("fetch", (event) => event.respondWith(new Response("evil")));';
/** What an attempt says that got nothing. */
const GOT_NOTHING = /^(?:nothing$|refused: )/;
const ARMED = 'body[data-state=armed]';
/** A bomb of this size makes a server refuse the whole request before any code of ours runs. */
const BOMB_KB_MIN = 300;

let mesh: MeshParts;
let evilTab: NodeTab;
let app: string;
let evil: string;
let victim: string;
let context: BrowserContext;
let appPage: Page;
let victimPage: Page;
let evilPage: Page;

async function bundleHostilePage(): Promise<Uint8Array> {
  const options = { bundle: true, write: false, format: 'esm', target: 'es2024', logLevel: 'error' } as const;
  const { outputFiles } = await build({ ...options, entryPoints: [HOSTILE_PAGE] });
  return outputFiles[0]!.contents;
}

async function publishSite(handle: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<NodeTab> {
  const tab = await openNodeTab({ origin: mesh.origin, name: handle });
  closeAtEnd(() => tab.close());
  expect(await tab.register(handle)).toMatchObject({ ok: true });
  const bodies = Object.entries(files).map(([path, body]) => ({ path, body: Buffer.from(body) }));
  expect(await tab.publish({ handle, files: bodies })).toMatchObject({ ok: true });
  return tab;
}

/** Everything a script can keep, in the origin of `page`. */
async function keepSecrets(page: Page): Promise<void> {
  await page.evaluate(async () => {
    localStorage.setItem('secret', 'secret');
    document.cookie = 'secret=secret; Path=/';
    await (await caches.open('secret')).put('/secret', new Response('secret'));
    await new Promise<void>((resolve, reject) => {
      const opening = indexedDB.open('secret', 1);
      opening.addEventListener('success', () => resolve());
      opening.addEventListener('error', () => reject(new Error('no database')));
    });
    const root = await navigator.storage.getDirectory();
    await root.getFileHandle('secret', { create: true });
  });
}

/** All of them, and nothing that somebody else planted. */
async function expectSecretsKept(page: Page): Promise<void> {
  const kept = await page.evaluate(async () => ({
    localStorage: localStorage.getItem('secret'),
    cookie: document.cookie,
    cache: await (await caches.match('/secret'))?.text(),
    database: (await indexedDB.databases()).some(({ name }) => name === 'secret'),
    file: (await (await navigator.storage.getDirectory()).getFileHandle('secret')).name,
  }));
  const secret = 'secret';
  expect(kept).toEqual({ localStorage: secret, cookie: 'secret=secret', cache: secret, database: true, file: secret });
}

async function listWorkers(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const registrations = await navigator.serviceWorker.getRegistrations();
    return registrations.map(({ scope, active }) => `${scope} ${active?.scriptURL}`);
  });
}

function runAttempt(page: Page, name: string): Promise<string> {
  return page.evaluate(
    (wanted) => (globalThis as unknown as { attempts: Record<string, Attempt> }).attempts[wanted]!(),
    name,
  );
}

/** The next page that opens, once its script is ready. */
async function openedBy(page: Page, url: string): Promise<Page> {
  const opening = context.waitForEvent('page');
  await page.evaluate((to) => void window.open(to), url);
  const opened = await opening;
  await opened.waitForSelector(ARMED);
  return opened;
}

beforeAll(async () => {
  mesh = await startMeshParts();
  app = `http://localhost:${mesh.port}/`;
  evil = `http://evil.localhost:${mesh.port}/`;
  victim = `http://victim.localhost:${mesh.port}/`;
  await publishSite('victim', { 'index.html': '<title>Victim</title><h1>The victim</h1>', 'other.html': 'other' });
  evilTab = await publishSite('evil', {
    'index.html': '<title>Evil</title><body><script type="module" src="/attempts.js"></script>',
    'attempts.js': await bundleHostilePage(),
    'evil-sw.js': EVIL_WORKER,
    'folder/index.html': 'a folder',
    'folder/evil-sw.js': EVIL_WORKER,
  });
});

describeInChromium('a hostile site', () => {
  beforeAll(async () => {
    ({ context } = await launchChromium());
    appPage = await context.newPage();
    await appPage.goto(app);
    await appPage.waitForFunction(async () => (await navigator.serviceWorker.ready).active !== null);
    await keepSecrets(appPage);
    victimPage = await openVerified(context, victim);
    await keepSecrets(victimPage);
    await appPage.evaluate(() => {
      const channel = new BroadcastChannel('shared with the hostile site');
      const heard: string[] = [];
      channel.addEventListener('message', ({ data }) => heard.push(JSON.stringify(data)));
      addEventListener('message', ({ origin, data }) => heard.push(`${origin} ${JSON.stringify(data)}`));
      Object.assign(globalThis, { heard, channel });
    });
    evilPage = await openVerified(context, evil);
    await evilPage.waitForSelector(ARMED);
  });

  test('gets nothing by any of its attempts', async () => {
    const names = await evilPage.evaluate(() => Object.keys((globalThis as unknown as { attempts: object }).attempts));
    expect(names.length).toBeGreaterThan(70);
    const lockedBefore = await appPage.evaluate(async () =>
      (await navigator.locks.query()).held?.map(({ name }) => name),
    );
    const expected: Record<string, RegExp> = {
      // These two work, or the refusals of other service workers would say nothing.
      'platform’s service worker': new RegExp(`^got ${evil}$`),
      'script as a block': /^got 200$/,
      'what is registered': new RegExp(`^got ${evil} ${evil}.weft/sw.js$`),
    };
    for (const name of names.filter((each) => each !== 'cookie bomb')) {
      const outcome = await runAttempt(evilPage, name);
      expect.soft(outcome, name).toMatch(expected[name] ?? GOT_NOTHING);
      for (const page of context.pages()) if (![appPage, victimPage, evilPage].includes(page)) await page.close();
    }
    expect(evilPage.url()).toBe(evil);
    const planted = (await context.cookies()).filter(
      ({ name, domain }) => name === 'planted' && domain !== 'evil.localhost',
    );
    expect(planted).toEqual([]);
    expect(await appPage.evaluate(async () => (await navigator.locks.query()).held?.map(({ name }) => name))).toEqual(
      lockedBefore,
    );
    expect(lockedBefore).toContain('weft-leader');
    expect(await listWorkers(evilPage)).toEqual([`${evil} ${evil}.weft/sw.js`]);
    expect(await listWorkers(appPage)).toEqual([`${app} ${app}sw.js`]);
    expect(await listWorkers(victimPage)).toEqual([`${victim} ${victim}.weft/sw.js`]);
    expect(await appPage.evaluate(() => (globalThis as unknown as { heard: string[] }).heard)).toEqual([]);
    await Promise.all([appPage, victimPage].map(expectSecretsKept));
  });

  test('cannot publish anything below /.weft/', async () => {
    const files = ['index.html', '.weft/sw.js'].map((path) => ({ path, body: Buffer.from(EVIL_WORKER) }));
    expect(await evilTab.publish({ handle: 'evil', files })).toMatchObject({
      ok: false,
      error: { code: 'path_reserved' },
    });
  });

  test.each(['', 'index.html', '?a=b', '#sites', 'sites', 'engine.js'])('cannot frame the app at /%s', async (path) => {
    const before = new Set(evilPage.frames());
    await evilPage.evaluate((url) => {
      const frame = document.createElement('iframe');
      frame.src = url;
      document.body.append(frame);
    }, app + path);
    const address = () =>
      evilPage
        .frames()
        .find((each) => !before.has(each))
        ?.url();
    await expect.poll(address).toMatch(/^(?!$|about:)/);
    expect(address()).toMatch(/^chrome-error:/);
  });

  test('a frame of a site does load: the refusals above are the app’s', async () => {
    const before = new Set(evilPage.frames());
    await evilPage.evaluate((url) => {
      const frame = document.createElement('iframe');
      frame.src = url;
      document.body.append(frame);
    }, victim);
    await expect
      .poll(() =>
        evilPage
          .frames()
          .find((each) => !before.has(each))
          ?.url(),
      )
      .toBe(victim);
  });

  test('opened by the app it has no opener', async () => {
    const opened = await openedBy(appPage, evil);
    expect(await runAttempt(opened, 'its opener')).toBe('nothing');
    await opened.close();
  });

  test('opened by another site it cannot look into its opener', async () => {
    const opened = await openedBy(victimPage, evil);
    const got = await opened.evaluate(() => {
      const looks: Record<string, () => unknown> = {
        document: () => window.opener.document.title,
        storage: () => window.opener.localStorage.secret,
        address: () => window.opener.location.href,
        script: () => window.opener.eval('1'),
      };
      const outcomes: Record<string, string> = {};
      for (const [name, look] of Object.entries(looks)) {
        try {
          outcomes[name] = `got ${typeof look()}`;
        } catch (error) {
          outcomes[name] = error instanceof Error ? error.name : String(error);
        }
      }
      return outcomes;
    });
    const refused = 'SecurityError';
    expect(got).toEqual({ document: refused, storage: refused, address: refused, script: refused });
    await opened.close();
  });

  test('is not framed by the app, whoever puts a frame there', async () => {
    const refused = await appPage.evaluate(async (url) => {
      const violation = new Promise<string>((resolve) => {
        document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
      });
      const frame = document.createElement('iframe');
      frame.src = url;
      document.body.append(frame);
      const directive = await violation;
      frame.remove();
      return directive;
    }, evil);
    expect(refused).toBe('frame-src');
    expect(appPage.frames().filter((each) => each.url().startsWith(evil))).toEqual([]);
    expect(appPage.url()).toBe(app);
    await expectSecretsKept(appPage);
  });

  test('fills its cookies, and the app, other sites and itself still open', async () => {
    const outcome = await runAttempt(evilPage, 'cookie bomb');
    expect(Number(/^got (\d+) kB$/.exec(outcome)?.[1])).toBeGreaterThanOrEqual(BOMB_KB_MIN);
    const bombs = (await context.cookies()).filter(({ name }) => name.startsWith('bomb'));
    expect(bombs.filter(({ domain }) => !/^\.?evil\.localhost$/.test(domain))).toEqual([]);
    for (const [page, url] of [
      [appPage, app],
      [victimPage, victim],
    ] as const) {
      const response = await page.goto(url);
      expect(response?.status()).toBe(200);
      await expectSecretsKept(page);
      // Past its service worker too.
      expect(
        await page.evaluate(async () => (await fetch('/.well-known/weft.json', { cache: 'no-store' })).status),
      ).toBe(200);
    }
    expect(await victimPage.textContent('h1')).toBe('The victim');
    expect((await evilPage.reload())?.status()).toBe(200);
  });

  test('may unregister the platform’s worker: only its own visitors lose the checks, until the next visit', async () => {
    const gone = await evilPage.evaluate(async () => {
      const registrations = await navigator.serviceWorker.getRegistrations();
      return Promise.all(registrations.map((registration) => registration.unregister()));
    });
    expect(gone).toEqual([true]);
    expect(await listWorkers(victimPage)).toEqual([`${victim} ${victim}.weft/sw.js`]);
    expect(await listWorkers(appPage)).toEqual([`${app} ${app}sw.js`]);
    const response = await victimPage.reload();
    expect(response?.fromServiceWorker()).toBe(true);
    // It has locked its own door: with its cookies on, no server would read a request for this origin.
    await context.clearCookies({ domain: /evil\.localhost$/ });
    await evilPage.close();
    const again = await openVerified(context, evil);
    expect(await listWorkers(again)).toEqual([`${evil} ${evil}.weft/sw.js`]);
  });
});
