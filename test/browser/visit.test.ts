// A visitor's browser against an edge that may lie, age or vanish: what is shown is what the owner published, or says why not.

import type { Page, Response as PageResponse } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';

import type { SiteReport } from '../../browser-node/service-worker/site-report.ts';
import { createSiteWorld, type SiteWorld } from '../../site-host/site-source.test-kit.ts';
import { describeInChromium, launchChromium, type Chromium } from './harness.ts';
import { buildSiteFiles, startVisitEdge, WITHOUT_ED25519, type BuiltSite, type VisitEdge } from './visit-edge.ts';

const INDEX = '<!doctype html><link rel="stylesheet" href="/a.css"><title>first</title><p id="hello">hello</p>';
const FILES = { '/index.html': INDEX, '/a.css': '#hello { color: rgb(1, 2, 3) }', '/sub/index.html': 'below' };

/** Looks around before anything else of the new owner's can run. */
const NEW_OWNER =
  "<!doctype html><title>new owner</title><script>if (localStorage.old || sessionStorage.old || document.cookie) document.title = 'found traces'</script>";

let built: BuiltSite;

type Visitor = {
  readonly world: SiteWorld;
  readonly edge: VisitEdge;
  readonly browser: Chromium;
  readonly page: Page;
  readonly url: string;
  /** Opens an address of the site; resolves with its last answer when the page has loaded. */
  visit(path?: string): Promise<PageResponse | null>;
  /** Past the loader. */
  arrive(path?: string): Promise<void>;
  report(): Promise<SiteReport>;
  /** As Chromium does to an idle worker. */
  endWorker(): Promise<void>;
};

async function createVisitor(
  options: { before?: string; files?: Record<string, string | Uint8Array> } = {},
): Promise<Visitor> {
  const world = createSiteWorld();
  await world.publish(options.files ?? FILES);
  const edge = await startVisitEdge({ world, built, ...(options.before !== undefined && { before: options.before }) });
  const browser = await launchChromium();
  const page = await browser.context.newPage();
  const url = `http://alice.localhost:${edge.port}`;
  return {
    world,
    edge,
    browser,
    page,
    url,
    visit: (path = '/') => page.goto(url + path),
    async arrive(path = '/') {
      await page.goto(url + path);
      await page.waitForFunction(
        () => document.querySelector('#progress') === null && document.readyState === 'complete',
      );
      await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    },
    async report() {
      const answer = await page.goto(`${url}/.weft/report?format=json`);
      return (await answer!.json()) as SiteReport;
    },
    async endWorker() {
      const devtools = await browser.context.newCDPSession(page);
      await devtools.send('ServiceWorker.enable');
      await devtools.send('ServiceWorker.stopAllWorkers');
      await devtools.detach();
    },
  };
}

/** All of the site is on disk. */
async function waitForWhole({ page }: Visitor): Promise<void> {
  await page.waitForFunction(async () => {
    const report = (await (await fetch('/.weft/report?format=json')).json()) as { whole: boolean };
    return report.whole;
  });
}

function blockRequests({ requests }: VisitEdge): number {
  return requests.filter((path) => path.startsWith('/.weft/block/')).length;
}

function flipLast(bytes: Uint8Array): Uint8Array {
  const out = Uint8Array.from(bytes);
  out[out.length - 1]! ^= 1;
  return out;
}

describeInChromium('a visit', () => {
  beforeAll(async () => {
    built = await buildSiteFiles();
  });

  test('VS14: begins with the loader and ends at the same address, answered by the worker', async () => {
    const visitor = await createVisitor();
    await visitor.arrive('/sub/?a=b#c');
    expect(visitor.page.url()).toBe(`${visitor.url}/sub/?a=b#c`);
    expect(await visitor.page.textContent('body')).toBe('below');
    expect(visitor.edge.requests.filter((path) => path.startsWith('/sub/'))).toEqual(['/sub/?a=b']);
    await visitor.arrive();
    expect(await visitor.page.title()).toBe('first');
    expect(await visitor.page.locator('#hello').evaluate((p) => getComputedStyle(p).color)).toBe('rgb(1, 2, 3)');
  });

  test('VS7, VS11: each answer says whence it came; the report counts, and names record and age', async () => {
    const visitor = await createVisitor();
    await visitor.arrive();
    await waitForWhole(visitor);
    const answer = await visitor.visit();
    expect(answer?.fromServiceWorker()).toBe(true);
    expect(answer?.headers()['server-timing']).toMatch(
      /^source;desc="(disk|edge)";dur=\d+, verified;desc="certificate, cid"/,
    );
    const report = await visitor.report();
    expect(report).toMatchObject({
      site: '@alice',
      files: 3,
      whole: true,
      failed: 0,
      peers: 0,
      trouble: null,
      crypto: 'native',
    });
    expect(report.bytesBySource.edge).toBeGreaterThan(INDEX.length);
    expect(report.verified).toBeGreaterThanOrEqual(4);
    expect(report.record).toMatchObject({ height: visitor.world.height(), seq: 1, generation: 1 });
    expect(report.line).toMatch(/^3 files · 0 peers · \d+ bytes from the server · all verified · \d+ ms$/);
    await visitor.visit('/.weft/report');
    expect(await visitor.page.textContent('main')).toContain(report.line.split(' · ')[0]);
  });

  test('VS8: works with the edge gone, also after the worker has ended, and in another tab', async () => {
    const visitor = await createVisitor();
    await visitor.arrive();
    await waitForWhole(visitor);
    await visitor.edge.stop();
    await visitor.endWorker();
    for (const path of ['/', '/sub/']) expect((await visitor.visit(path))?.status(), path).toBe(200);
    const other = await visitor.browser.context.newPage();
    await other.goto(visitor.url);
    expect(await other.title()).toBe('first');
    expect((await visitor.report()).load?.bytesBySource).toMatchObject({ edge: 0, peer: 0 });
  });

  test('VS8: a site that is here asks the edge for no block', async () => {
    const visitor = await createVisitor();
    await visitor.arrive();
    await waitForWhole(visitor);
    const before = blockRequests(visitor.edge);
    await visitor.endWorker();
    await visitor.arrive();
    await visitor.arrive('/sub/');
    expect(blockRequests(visitor.edge)).toBe(before);
  });

  test('VS2: a new version shows at the next visit, and only its new blocks are fetched', async () => {
    const visitor = await createVisitor();
    await visitor.arrive();
    await waitForWhole(visitor);
    const before = blockRequests(visitor.edge);
    await visitor.world.publish({ ...FILES, '/index.html': INDEX.replace('first', 'second') });
    await visitor.endWorker();
    await visitor.arrive();
    expect(await visitor.page.title()).toBe('second');
    await waitForWhole(visitor);
    expect(blockRequests(visitor.edge)).toBe(before + 2);
  });

  test('VS3: a record older than the one seen is refused, also by a worker that starts anew', async () => {
    const visitor = await createVisitor();
    const old = await visitor.world.resolution(Date.now());
    await visitor.world.publish({ ...FILES, '/index.html': INDEX.replace('first', 'second') });
    await visitor.arrive();
    await waitForWhole(visitor);
    visitor.edge.lie((path) => (path === '/.weft/resolve' ? old : undefined));
    await visitor.endWorker();
    await visitor.arrive();
    expect(await visitor.page.title()).toBe('second');
    expect((await visitor.report()).trouble?.code).toBe('older_than_seen');
  });

  test('VS13: a file that is changed on the way is not shown; the page names its block, and so does the report', async () => {
    const visitor = await createVisitor();
    const manifest = await visitor.world.publish(FILES);
    const [index] = [...visitor.world.blocks].find(([, bytes]) => new TextDecoder().decode(bytes) === INDEX)!;
    expect(index).not.toBe(manifest);
    visitor.edge.lie((path) => (path.endsWith(index) ? flipLast(visitor.world.blocks.get(index)!) : undefined));
    await visitor.arrive('/sub/');
    const answer = await visitor.visit();
    expect(answer?.status()).toBe(502);
    expect(answer?.headers()).toMatchObject({ 'weft-code': 'block_corrupt', 'weft-cid': index });
    expect(await visitor.page.textContent('main')).toContain(index);
    const { failures } = await visitor.report();
    expect(failures).toContainEqual({ cid: index, source: 'edge', path: '/index.html' });
  });

  test.each([
    ['one flipped bit in the record', (bytes: Uint8Array) => flipLast(bytes)],
    ['no bytes at all', () => new Uint8Array(0)],
  ])('VS1, VS13: %s is an error page, and nothing of the edge’s', async (_, damage) => {
    const visitor = await createVisitor();
    const record = damage(await visitor.world.resolution(Date.now()));
    visitor.edge.lie((path) => (path === '/.weft/resolve' ? record : undefined));
    await visitor.visit();
    await visitor.page.waitForFunction(() => document.querySelector('#progress') === null);
    expect(await visitor.page.textContent('h1')).toBe('The answer failed its check');
    expect(await visitor.page.textContent('body')).not.toContain('as the server sends it');
  });

  test('VS5: a block that was changed on disk is named, dropped and fetched anew; with nobody there it is an error', async () => {
    const visitor = await createVisitor();
    await visitor.arrive();
    await waitForWhole(visitor);
    const spoil = () => visitor.page.evaluate(spoilBlocks, INDEX);
    const cid = await spoil();
    await visitor.endWorker();
    expect((await visitor.visit())?.status()).toBe(200);
    expect(await visitor.page.title()).toBe('first');
    expect((await visitor.report()).failures).toContainEqual({ cid, source: 'disk', path: '/index.html' });
    expect(await spoil()).toBe(cid);
    await visitor.edge.stop();
    await visitor.endWorker();
    const answer = await visitor.visit();
    expect(answer?.status()).toBe(504);
    expect(answer?.headers()['weft-cid']).toBe(cid);
  });

  test('VS4: an ended lease and an unpublished site show no page of the owner’s', async () => {
    const visitor = await createVisitor();
    await visitor.arrive();
    await waitForWhole(visitor);
    visitor.world.setLease({ lease: Date.now() - 1_000 });
    await visitor.endWorker();
    expect((await visitor.visit())?.status()).toBe(410);
    visitor.world.setLease({ lease: Date.now() + 1_000_000 });
    expect((await visitor.visit())?.status()).toBe(200);
    visitor.world.unpublish();
    await visitor.endWorker();
    expect((await visitor.visit())?.status()).toBe(404);
    await visitor.edge.stop();
    await visitor.endWorker();
    expect((await visitor.visit())?.status()).toBe(404);
  });

  test('VS10: a new owner’s first byte finds nothing of the owner before', async () => {
    const visitor = await createVisitor();
    await visitor.arrive();
    await waitForWhole(visitor);
    await visitor.page.evaluate(leaveTraces);
    expect(await visitor.page.evaluate(findTraces)).toHaveLength(6);
    const other = await visitor.browser.context.newPage();
    await other.goto(visitor.url);
    visitor.world.setLease({ generation: 2 });
    await visitor.world.publish({ '/index.html': NEW_OWNER });
    await visitor.endWorker();
    await visitor.visit();
    await visitor.page.waitForFunction(() => document.title === 'new owner' || document.title === 'found traces');
    expect(await visitor.page.title()).toBe('new owner');
    expect(await visitor.page.evaluate(findTraces)).toEqual([]);
    await other.waitForFunction(() => document.title === 'new owner');
    expect((await visitor.report()).record?.generation).toBe(2);
  });

  test('VS10: an origin whose past is unknown is emptied first, as when a script deleted the record', async () => {
    const visitor = await createVisitor();
    await visitor.arrive();
    await visitor.page.evaluate(leaveTraces);
    await visitor.page.evaluate(spoilBlocks, null);
    await visitor.endWorker();
    await visitor.visit();
    await visitor.page.waitForFunction(() => document.title === 'first');
    expect(await visitor.page.evaluate(findTraces)).toEqual([]);
  });

  test('VS12: a browser without Ed25519 checks with the script of weft, and does so after a restart with the edge gone', async () => {
    const visitor = await createVisitor({ before: WITHOUT_ED25519 });
    await visitor.arrive();
    await waitForWhole(visitor);
    expect(await visitor.report()).toMatchObject({ crypto: 'pure', failed: 0 });
    await visitor.edge.stop();
    await visitor.endWorker();
    expect((await visitor.visit())?.status()).toBe(200);
    expect(await visitor.page.title()).toBe('first');
  });

  test('VS8: where nothing can be stored, everything is still verified, and the report says so', async () => {
    const before = "IDBFactory.prototype.open=function(){throw new DOMException('refused','SecurityError')};";
    const visitor = await createVisitor({ before });
    await visitor.arrive();
    expect(await visitor.page.title()).toBe('first');
    const report = await visitor.report();
    expect(report.storage).toMatchObject({ state: 'not_kept' });
    expect(report).toMatchObject({ whole: false, failed: 0, trouble: null });
    expect(report.verified).toBeGreaterThanOrEqual(3);
  });

  test('VS14: a worker that cannot start leaves the visitor with the page as the server sends it, once', async () => {
    const visitor = await createVisitor({ before: "throw new Error('broken');" });
    await visitor.visit('/sub/?x=1');
    await visitor.page.waitForFunction(() => document.title === 'direct');
    expect(visitor.page.url()).toBe(`${visitor.url}/sub/?x=1&weft-direct`);
    expect(visitor.edge.requests.filter((path) => path.startsWith('/sub/'))).toEqual([
      '/sub/?x=1',
      '/sub/?x=1&weft-direct',
    ]);
  });

  test('VS14: the address that asks for the server’s page is verified like any other once the worker runs', async () => {
    const visitor = await createVisitor();
    await visitor.arrive();
    await visitor.visit('/sub/?weft-direct');
    expect(await visitor.page.textContent('body')).toBe('below');
  });

  test('VS7: large files stream and answer ranges', async () => {
    const big = new Uint8Array(3 * 1024 * 1024).map((_, at) => at * 31);
    const visitor = await createVisitor({ files: { ...FILES, '/big.bin': big } });
    await visitor.arrive();
    const [whole, part] = await visitor.page.evaluate(async () => {
      const body = await (await fetch('/big.bin')).bytes();
      const ranged = await fetch('/big.bin', { headers: { range: 'bytes=1000000-1000009' } });
      return [
        [body.length, body[2_000_000]],
        [ranged.status, ...(await ranged.bytes())],
      ];
    });
    expect(whole).toEqual([big.length, big[2_000_000]]);
    expect(part).toEqual([206, ...big.subarray(1_000_000, 1_000_010)]);
  });
});

/** Flips a bit in the stored block with this text and returns its CID; without a text it deletes all that is stored. */
function spoilBlocks(text: string | null): Promise<string> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('weft-site');
    opening.addEventListener('error', () => reject(opening.error!));
    opening.addEventListener('success', () => {
      const database = opening.result;
      const [name] = database.objectStoreNames;
      const transaction = database.transaction(name!, 'readwrite');
      let found = '';
      transaction.addEventListener('complete', () => {
        database.close();
        resolve(found);
      });
      const store = transaction.objectStore(name!);
      if (text === null) return void store.clear();
      store.openCursor().addEventListener('success', (event) => {
        const cursor = (event.target as IDBRequest<IDBCursorWithValue | null>).result;
        if (!cursor) return;
        if (cursor.value instanceof Uint8Array && new TextDecoder().decode(cursor.value) === text) {
          cursor.value[0]! ^= 1;
          found = cursor.key as string;
          cursor.update(cursor.value);
        }
        cursor.continue();
      });
    });
  });
}

async function leaveTraces(): Promise<void> {
  localStorage.setItem('old', '1');
  sessionStorage.setItem('old', '1');
  document.cookie = 'old=1;path=/';
  await caches.open('old');
  await (await navigator.storage.getDirectory()).getFileHandle('old', { create: true });
  const opening = indexedDB.open('old');
  await new Promise((resolve) => opening.addEventListener('success', resolve));
  opening.result.close();
}

async function findTraces(): Promise<string[]> {
  const traces = [];
  if (localStorage.getItem('old') !== null) traces.push('localStorage');
  if (sessionStorage.getItem('old') !== null) traces.push('sessionStorage');
  if (document.cookie.includes('old=')) traces.push('cookie');
  if (await caches.has('old')) traces.push('cache');
  if ((await indexedDB.databases()).some(({ name }) => name === 'old')) traces.push('database');
  const root = await navigator.storage.getDirectory();
  await root.getFileHandle('old').then(
    () => traces.push('file'),
    () => undefined,
  );
  return traces;
}
