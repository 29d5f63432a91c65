// The widgets on a page of another origin, under a strict policy, from a real edge through a proxy that may lie.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { BUILDERS } from '../../cli/build-targets.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import { ok } from '../../shared/core/result.ts';
import { decodeResolution, encodeResolution, type Resolution } from '../../shared/light-client/resolution.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebRandom } from '../../shared/platform/web/web-crypto.ts';
import { connectWebSocketLink } from '../../shared/platform/web/web-socket-link.ts';
import { PublicReadServer } from '../../shared/session/public-read-server.ts';
import { RelayRoom } from '../../shared/session/relay-room.ts';
import { SERVICE_READ, SERVICE_SEED } from '../../shared/session/relay-wire.ts';
import { publicRoomId } from '../../shared/session/room.ts';
import { createTestCommons, fileOf, siteKey, startTestEdge, type TestCommons } from '../contracts/edge.test-kit.ts';
import { startFlipProxy, type FlipProxy, type Passing } from './flip-proxy.ts';
import { closeAtEnd, describeInChromium, launchChromium, makeTempFolder, type Chromium } from './harness.ts';
import { WITHOUT_ED25519 } from './visit-edge.ts';
import { silentLog as log } from '../simulator/silent-log.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MINUTE = 60_000;

let commons: TestCommons;
let proxy: FlipProxy;
let browser: Chromium;
let manifest: Cid;
let built: { script: string; integrity: string };
/** Requests that passed since the last reset, and who may replace their answers. */
let passed: string[] = [];
let lie: ((passing: Passing) => Uint8Array | undefined) | null = null;
let order: (wire: Uint8Array) => Promise<void>;

/** What a visitor sees of the first card or badge. */
type Seen = { parts: string; text: string; title: string; href: string | null; states: string[] };

/** A page of another origin that may load scripts and data from the edge, and do nothing else of note. */
async function openPage(body: string, { script = '/widget.js', attributes = '', before = '' } = {}): Promise<Page> {
  const edge = `http://localhost:${proxy.port}`;
  const policy = `default-src 'none'; script-src ${edge}; connect-src ${edge} ws://localhost:${proxy.port}; require-trusted-types-for 'script'; trusted-types 'none'`;
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8').setHeader('content-security-policy', policy);
    response.end(
      `<!doctype html><html lang="en"><title>a blog</title><script type="module" src="${edge}${script}" ${attributes}></script>${body}`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeAtEnd(async () => {
    server.closeAllConnections();
    server.close();
  });
  const page = await browser.context.newPage();
  await page.addInitScript(`${before}
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective));
    window.states = [];
    document.addEventListener('weft-state', (event) => states.push(event.detail.state + ' ' + event.detail.code));`);
  await page.clock.install();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return page;
}

function look(page: Page, selector = 'weft-site'): Promise<Seen> {
  return page.evaluate((wanted) => {
    const root = document.querySelector(wanted)?.shadowRoot;
    const link = root?.querySelector('a');
    return {
      parts: root?.firstElementChild?.getAttribute('part') ?? '',
      text: root?.textContent ?? '',
      title: root?.querySelector('[part=title]')?.textContent ?? '',
      href: link?.isConnected ? link.href : null,
      states: (globalThis as unknown as { states: string[] }).states,
    };
  }, selector);
}

async function untilState(page: Page, state: string, selector = 'weft-site'): Promise<Seen> {
  await expect
    .poll(async () => (await look(page, selector)).parts, { timeout: 20_000 })
    .toMatch(new RegExp(`\\b${state}$`));
  return await look(page, selector);
}

/** Changes the resolution on its way. */
function alter(change: (resolution: Resolution) => Resolution): typeof lie {
  return ({ path, status, bytes }) => {
    if (!path.startsWith('/.weft/resolve') || status !== 200) return undefined;
    const read = decodeResolution(Uint8Array.from(bytes));
    return read.ok ? encodeResolution(change(read.value)) : undefined;
  };
}

function flipLast(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes, (byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte));
}

describeInChromium('the widgets of a page of another origin', () => {
  beforeAll(async () => {
    commons = await createTestCommons();
    const out = await makeTempFolder('widget-build');
    await BUILDERS.widget({ root: ROOT, out, minify: true });
    const assets: Record<string, string> = {};
    for (const name of await readdir(out)) assets[`widget/${name}`] = await readFile(join(out, name), 'utf8');
    built = JSON.parse(assets['widget/widget.json']!) as typeof built;
    const edge = await startTestEdge({ commons, assets });
    closeAtEnd(() => edge.stop());
    order = async (wire) => expect((await edge.ask('/.weft/blocks', { method: 'POST', body: wire })).status).toBe(200);
    const clock = createWebClock();
    const connect = () => connectWebSocketLink(edge.socketUrl(publicRoomId(commons.group)));
    const room = new RelayRoom({
      connect,
      clock,
      random: createWebRandom(),
      services: SERVICE_READ | SERVICE_SEED,
      log,
    });
    closeAtEnd(async () => room.close());
    new PublicReadServer({
      room,
      clock,
      log,
      source: {
        getBlocks: async (cids) => cids.map((cid) => commons.blocks.get(cid)),
        resolve: async (key: string) => ok(await commons.resolve(key)),
      },
    });
    const body = '<!doctype html><title>Alice &amp; her\n loom</title><p>hello';
    const first = await commons.publish('alice', [fileOf('/index.html', body), fileOf('/a.txt', 'a')]);
    manifest = first.manifest;
    await order(first.wire);
    expect(await room.whenOnline(10_000)).toBe(true);
    room.have([manifest]);
    proxy = await startFlipProxy({
      targetPort: edge.port,
      seed: 1,
      rewrite: (passing) => {
        passed.push(passing.path);
        return lie?.(passing);
      },
    });
    closeAtEnd(() => proxy.close());
    browser = await launchChromium();
  });

  beforeEach(() => {
    passed = [];
    lie = null;
  });

  // One clock drives all pages of a context.
  afterEach(async () => {
    await browser.context.setOffline(false);
    await Promise.all(browser.context.pages().map((page) => page.close()));
  });

  test('WG1: a card shows title, version, copies and how it was checked, within the policy of the page', async () => {
    const page = await openPage('<weft-site handle="@alice"></weft-site>');
    await untilState(page, 'verified');
    await expect.poll(async () => (await look(page)).text).toContain('1 node online');
    await expect.poll(async () => (await look(page)).title).toBe('Alice & her loom');
    const card = await look(page);
    expect(card.href).toBe(`http://alice.localhost:${proxy.port}/`);
    expect(card.text).toContain('@alice · version 1');
    expect(card.text).toContain('2 files');
    expect(card.text).toContain(`this is as good as localhost:${proxy.port}`);
    expect(card.states).toEqual(['loading loading', 'verified ok']);
    expect(await page.evaluate('violations')).toEqual([]);
    const tree = await page.locator('weft-site').ariaSnapshot();
    expect(tree).toContain('link "Alice & her loom"');
    expect(tree).toContain('status: Verified in this browser');
  });

  test('WG2: an altered proof is named, and nothing is shown as verified', async () => {
    lie = alter((resolution) => ({ ...resolution, proof: flipLast(resolution.proof) }));
    const page = await openPage('<weft-site handle="@alice"></weft-site>');
    const card = await untilState(page, 'wrong');
    expect(card.text).toContain('This answer failed its check (bad_proof).');
    expect(card.states).toEqual(['loading loading', 'wrong bad_proof']);
    expect(card.href).toBeNull();
  });

  test.each([
    ['certificate', 'bad_certificate'],
    ['header', 'bad_header'],
    ['status', 'bad_status'],
  ] as const)('WG2: an altered %s is %s', async (part, code) => {
    lie = alter((resolution) => ({ ...resolution, [part]: flipLast(resolution[part]) }));
    const page = await openPage('<weft-site handle="@alice"></weft-site>');
    expect((await untilState(page, 'wrong')).states).toEqual(['loading loading', expect.stringMatching(/^wrong /)]);
    expect((await look(page)).text).toContain(code);
  });

  test('WG3: a forged record never shows as verified, and a forged commons not on a page that names its own', async () => {
    const forger = await createTestCommons();
    await forger.publish('alice', [fileOf('/index.html', '<title>forged</title>')]);
    const forged = await forger.resolve(siteKey('alice'));
    lie = ({ path, status }) => (path.startsWith('/.weft/resolve') && status === 200 ? forged : undefined);
    const page = await openPage('<weft-site handle="@alice"></weft-site>');
    expect((await untilState(page, 'wrong')).states.join()).not.toContain('verified');
    lie = (passing) =>
      passing.path === '/.weft/genesis'
        ? forger.genesis
        : passing.path.startsWith('/.weft/resolve')
          ? forged
          : undefined;
    const pinned = await openPage(`<weft-site handle="@alice" commons="${commons.group}"></weft-site>`);
    const card = await untilState(pinned, 'wrong');
    expect(card.states).toEqual(['loading loading', 'wrong wrong_commons']);
  });

  test('WG4: with commons and integrity in the snippet the card relies on the page alone, and says so', async () => {
    const { script, integrity } = built;
    const page = await openPage(`<weft-site handle="alice.site" commons="${commons.group}"></weft-site>`, {
      script,
      attributes: `integrity="${integrity}" crossorigin`,
    });
    const card = await untilState(page, 'verified');
    expect(card.text).toContain('This page itself names the commons and the code that checked.');
    const again = `${script}?again`;
    lie = ({ path, bytes }) => (path === again ? Buffer.concat([bytes, Buffer.from('\n')]) : undefined);
    const broken = await openPage('<weft-site handle="alice"></weft-site>', {
      script: again,
      attributes: `integrity="${integrity}" crossorigin`,
    });
    await broken.waitForLoadState('load');
    expect(passed).toContain(again);
    expect(await broken.evaluate(() => customElements.get('weft-site') === undefined)).toBe(true);
  });

  test('WG5: unknown handles, handles that cannot be, and what has a wrong address', async () => {
    const page = await openPage('<weft-site handle="@nobody"></weft-site>');
    expect((await untilState(page, 'unknown')).states).toEqual(['loading loading', 'unknown handle_unknown']);
    const wrong = await openPage('<weft-site handle="@no spaces"></weft-site>');
    expect((await untilState(wrong, 'unknown')).states).toEqual(['unknown handle_invalid']);
  });

  test('WG6: a browser without Ed25519 comes to the same verdicts', async () => {
    const page = await openPage('<weft-site handle="@alice"></weft-site>', { before: WITHOUT_ED25519 });
    await untilState(page, 'verified');
    lie = alter((resolution) => ({ ...resolution, status: flipLast(resolution.status) }));
    const other = await openPage('<weft-site handle="@alice"></weft-site>', { before: WITHOUT_ED25519 });
    expect((await untilState(other, 'wrong')).states).toContain('wrong bad_status');
  });

  test('WG7: an idle page asks once a minute, a hidden one never, and one that comes back at once', async () => {
    const page = await openPage(
      '<weft-site handle="@alice"></weft-site><weft-badge cid="' + manifest + '"></weft-badge>',
    );
    await untilState(page, 'verified');
    await untilState(page, 'verified', 'weft-badge');
    await expect.poll(async () => (await look(page)).text).toContain('1 node online');
    const resolved = (): number => passed.filter((path) => path.startsWith('/.weft/resolve')).length;
    passed = [];
    await page.clock.runFor(MINUTE - 5_000);
    expect(passed).toEqual([]);
    await page.clock.runFor(5_000);
    await expect.poll(resolved).toBe(1);
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    passed = [];
    await page.clock.runFor(10 * MINUTE);
    expect(passed).toEqual([]);
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => false });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await page.clock.runFor(1);
    await expect.poll(resolved).toBe(1);
  });

  test('WG8: several on a page share one client, and each that is added or changed later starts by itself', async () => {
    const page = await openPage('<weft-site handle="@alice"></weft-site>'.repeat(3));
    await untilState(page, 'verified');
    const count = (start: string): number => passed.filter((path) => path.startsWith(start)).length;
    expect([count('/.weft/genesis'), count('/.weft/resolve'), count('/.well-known')]).toEqual([1, 1, 1]);
    expect(count(`/.weft/block/${manifest}`)).toBeLessThanOrEqual(1);
    await page.evaluate(() => document.querySelector('weft-site')!.setAttribute('handle', 'nobody'));
    await untilState(page, 'unknown');
    expect(count('/.weft/genesis')).toBe(1);
  });

  test('WG9: the proof ages, the edge goes, and a new version comes without a reload', async () => {
    const page = await openPage('<weft-site handle="@alice"></weft-site>');
    await untilState(page, 'verified');
    lie = ({ path }) => (path.startsWith('/.weft/resolve') ? new Uint8Array(0) : undefined);
    await page.clock.runFor(MINUTE);
    const wrong = await untilState(page, 'wrong');
    expect(wrong.text).toContain('Shown is version 1');
    await browser.context.setOffline(true);
    await page.clock.runFor(MINUTE);
    await untilState(page, 'offline');
    lie = null;
    const second = await commons.publish('alice', [fileOf('/index.html', '<title>second</title>')], 2);
    await order(second.wire);
    await browser.context.setOffline(false);
    await page.clock.runFor(MINUTE);
    await untilState(page, 'verified');
    await expect.poll(async () => (await look(page)).title).toBe('second');
    expect((await look(page)).text).toContain('@alice · version 2');
    const old = await commons.resolve(siteKey('alice'));
    lie = ({ path }) => (path.startsWith('/.weft/resolve') ? old : undefined);
    await page.clock.runFor(20 * MINUTE);
    expect((await untilState(page, 'stale')).text).toMatch(/from 2\d min ago/);
  });

  test('WG10: a badge says verified, wrong or missing of the content of a CID', async () => {
    const page = await openPage(`<weft-badge cid="${manifest}"></weft-badge>`);
    expect((await untilState(page, 'verified', 'weft-badge')).text).toMatch(/^Available, verified: \d+ bytes$/);
    lie = ({ path, bytes }) => (path.startsWith('/.weft/block/') ? flipLast(bytes) : undefined);
    const { manifest: third } = await commons.publish('alice', [fileOf('/index.html', 'third')], 3);
    const wrong = await openPage(`<weft-badge cid="${third}"></weft-badge>`);
    expect((await untilState(wrong, 'wrong', 'weft-badge')).states).toEqual(['loading loading', 'wrong bad_block']);
    lie = null;
    const none = await openPage(
      '<weft-badge cid="bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"></weft-badge>',
    );
    expect((await untilState(none, 'unknown', 'weft-badge')).text).toBe('Not available: nobody online holds it');
  });

  test('WG11: light and dark, narrow and wide', async () => {
    const page = await openPage('<weft-site handle="@alice"></weft-site>');
    await untilState(page, 'verified');
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width: 320, height: 500 });
      const [ground, wide] = await page.evaluate(() => {
        const card = document.querySelector('weft-site')!.shadowRoot!.querySelector('[part~=card]')!;
        return [getComputedStyle(card).backgroundColor, document.documentElement.scrollWidth];
      });
      expect(ground).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(26, 28, 35)');
      expect(wide).toBeLessThanOrEqual(320);
    }
  });
});
