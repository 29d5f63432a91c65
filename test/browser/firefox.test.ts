// Firefox as publisher, visitor, host of several tabs and reader of a widget, beside Chromium on one mesh.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, expect, test } from 'vitest';

import type { SiteReport } from '../../browser-node/service-worker/site-report.ts';
import {
  launchEither,
  openNode,
  openSite,
  publishFrom,
  type BrowserName,
  type EitherBrowser,
  type EitherTab,
} from './either-browser.ts';
import { closeAtEnd } from './harness.ts';
import { describeInBothBrowsers } from './harness-firefox.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

const FILES = 24;
let mesh: Mesh;
const browsers = new Map<BrowserName, EitherBrowser>();

function filesOf(title: string): Record<string, string> {
  const pages = Array.from({ length: FILES }, (_, at) => [`page-${at}.txt`, `${title} ${at} `.repeat(2_000)]);
  const index = `<!doctype html><title>${title}</title><script src="a.js"></script>`;
  return { 'index.html': index, 'a.js': `document.title += " ran";`, ...Object.fromEntries(pages) };
}

/** Each file as a page of the site gets it, by its path. */
function readFiles(tab: EitherTab, paths: readonly string[]): Promise<Record<string, string>> {
  return tab.run(async (all) => {
    const seen: Record<string, string> = {};
    for (const path of all) {
      const answer = await fetch(`/${path}`);
      if (!(answer.headers.get('server-timing') ?? '').includes('verified'))
        throw new Error(`${path} was not verified`);
      seen[path] = await answer.text();
    }
    return seen;
  }, paths);
}

function readReport(tab: EitherTab): Promise<SiteReport> {
  return tab.run(async () => (await (await fetch('/.weft/report?format=json')).json()) as SiteReport, null);
}

function untilTitle(tab: EitherTab, title: string): Promise<void> {
  return tab.until((wanted) => document.title === wanted, title);
}

describeInBothBrowsers('Firefox and Chromium', () => {
  beforeAll(async () => {
    mesh = await startMesh();
    for (const name of ['Chromium', 'Firefox'] as const) browsers.set(name, await launchEither(name));
  });

  test.each([
    ['Firefox', 'Chromium'],
    ['Chromium', 'Firefox'],
    ['Firefox', 'Firefox'],
  ] as const)(
    'BN10, VS8: %s publishes, and %s opens every byte of it, verified, and again without the edge',
    async (by, to) => {
      const handle = `from-${by}-to-${to}`.toLowerCase().slice(0, 30);
      const files = filesOf(handle);
      const author = await openNode(browsers.get(by)!, mesh.app);
      const published = await publishFrom(author, { handle, files });
      expect(published).toMatchObject({ url: mesh.siteUrl(handle), seq: 1 });
      await author.close();

      const visitor = await openSite(browsers.get(to)!, published.url);
      await untilTitle(visitor, `${handle} ran`);
      expect(await readFiles(visitor, Object.keys(files))).toEqual(files);
      await visitor.until(async () => {
        const answer = await fetch('/.weft/report?format=json');
        return ((await answer.json()) as { whole: boolean }).whole;
      }, null);
      expect(await readReport(visitor)).toMatchObject({
        failed: 0,
        failures: [],
        crypto: 'native',
        storage: { state: 'kept' },
      });

      await mesh.stopEdge();
      await visitor.reload();
      await untilTitle(visitor, `${handle} ran`);
      expect(await readFiles(visitor, Object.keys(files))).toEqual(files);
      await mesh.startEdge();
      await visitor.close();
    },
  );

  test('BN11, BN13: three tabs of Firefox share one node, and one takes over in the middle of a publish', async () => {
    const firefox = browsers.get('Firefox')!;
    const tabs: EitherTab[] = [];
    for (let n = 0; n < 3; n++) tabs.push(await openNode(firefox, mesh.app));
    const [leader, publisher, other] = tabs as [EitherTab, EitherTab, EitherTab];
    const leading = (all: readonly EitherTab[]) =>
      Promise.all(all.map((tab) => tab.run(async () => (await weft.status()).leader, null)));
    expect(await leading(tabs)).toEqual([true, false, false]);
    const outcome = publishFrom(publisher, { handle: 'fox-takes-over', files: filesOf('over') });
    await publisher.until(async () => (await weft.sites.jobs()).length > 0, null);
    await leader.close();
    expect(await outcome).toMatchObject({ seq: 1 });
    expect((await leading([publisher, other])).filter(Boolean)).toHaveLength(1);
    await publisher.close();
    await other.close();
  });

  test('BN10: Firefox is killed once a publish is stored: the next start finishes it', async () => {
    const first = await launchEither('Firefox');
    const tab = await openNode(first, mesh.app);
    const handle = 'killed-fox';
    await tab.run(
      async ({ name, list }) => {
        await weft.wallet.create();
        const files = Object.entries(list).map(([path, body]) => ({ path, body }));
        await new Promise((resolve) => {
          weft.sites
            .publish({ handle: name, files }, ({ step }) => step === 'stored' && resolve(null))
            .catch(() => undefined);
        });
      },
      { name: handle, list: filesOf(handle) },
    );
    await first.kill();
    const second = await launchEither('Firefox', { profileDir: first.profileDir });
    const again = await openNode(second, mesh.app);
    await again.until(
      async (name) => (await weft.sites.mine()).some((site) => site.handle === name && site.copies > 0),
      handle,
    );
    await second.close();
  });

  test('the first minute: the example, a handle, and a live link', async () => {
    const fresh = await launchEither('Firefox');
    const tab = await openNode(fresh, mesh.app);
    await tab.click('button', 'Use the example');
    await tab.fill('Handle', 'fox-example');
    await tab.until(() => document.body.textContent.includes('Free:'), null);
    await tab.click('button', 'Publish');
    await tab.until(() => document.body.textContent.includes('@fox-example is live.'), null);
    await fresh.close();
  });

  test('WG1: a page of another origin shows a verified card', async () => {
    const server = createServer((_, response) =>
      response
        .setHeader('content-type', 'text/html')
        .setHeader(
          'content-security-policy',
          `default-src 'none'; script-src ${mesh.app}; connect-src ${mesh.app} ws://localhost:${mesh.port}`,
        )
        .end(
          `<!doctype html><script type="module" src="${mesh.app}widget.js"></script><weft-site handle="@docs"></weft-site>`,
        ),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closeAtEnd(async () => {
      server.closeAllConnections();
      server.close();
    });
    const tab = await browsers.get('Firefox')!.openTab(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await tab.until(() => {
      const card = document.querySelector('weft-site')?.shadowRoot;
      if (!card?.querySelector('[part~=verified]')) return false;
      return card.textContent.includes('1 node online');
    }, null);
    await tab.close();
  });
});
