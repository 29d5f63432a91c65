// Versions of a site from a real tab: listed, gone back to, taken down and shown again; a visitor sees what is current.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import type { SiteVersion } from '../../browser-node/api.ts';
import { failureOf, openTab } from './engine-tabs.ts';
import { describeInChromium, launchChromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

let mesh: Mesh;

function versionsOf(tab: Page): Promise<readonly SiteVersion[]> {
  return tab.evaluate(() => weft.sites.versions({ handle: 'pages', name: 'blog' }));
}

function publish(tab: Page, text: string): Promise<{ seq: number; manifest: string }> {
  return tab.evaluate((body) => {
    const files = [
      { path: 'index.html', body },
      { path: '_redirects', body: '/index.html /never' },
      { path: 'same.txt', body: 'the same in all versions' },
    ];
    return weft.sites.publish({ handle: 'pages', name: 'blog', files });
  }, text);
}

describeInChromium('versions of a named site', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test('SI28: a rollback is a new number with the old content, also after the site was taken down', async () => {
    const browser = await launchChromium();
    const tab = await openTab(browser.context, mesh.app);
    await tab.evaluate(() => weft.ready);
    await tab.evaluate(() => weft.wallet.create());
    const first = await publish(tab, '<title>first</title>');
    const second = await publish(tab, '<title>second, and longer</title>');
    expect(await versionsOf(tab)).toMatchObject([
      { seq: 2, manifest: second.manifest, files: 3, current: true },
      { seq: 1, manifest: first.manifest, files: 3, current: false },
    ]);
    const rollback = await tab.evaluate(() => weft.sites.rollback({ handle: 'pages', name: 'blog', seq: 1 }));
    expect(rollback).toMatchObject({ seq: 3, manifest: first.manifest, url: mesh.siteUrl('blog--pages') });
    const visitor = await launchChromium();
    const page = await visitor.context.newPage();
    await page.goto(rollback.url);
    await page.waitForFunction(() => document.title === 'first');
    await tab.evaluate(() => weft.sites.unpublish({ handle: 'pages', name: 'blog' }));
    expect((await versionsOf(tab)).map(({ seq, current }) => [seq, current])).toEqual([
      [3, false],
      [2, false],
      [1, false],
    ]);
    const again = await tab.evaluate(
      (manifest) => weft.sites.rollback({ handle: 'pages', name: 'blog', manifest }),
      second.manifest,
    );
    expect(again).toMatchObject({ seq: 5, manifest: second.manifest });
    expect((await versionsOf(tab))[0]).toMatchObject({ seq: 5, current: true });
    const unknown = await failureOf(tab, () => weft.sites.rollback({ handle: 'pages', name: 'blog', seq: 99 }));
    expect(unknown).toMatchObject({ code: 'not_found' });
    await visitor.close();
    await browser.close();
  });

  test('SI28: another device of the owner finds the versions before by what manifests name', async () => {
    const browser = await launchChromium();
    const tab = await openTab(browser.context, mesh.app);
    await tab.evaluate(() => weft.ready);
    const { recoveryPhrase } = await tab.evaluate(() => weft.wallet.create());
    const made = await tab.evaluate(async () => {
      const publish = (body: string) => weft.sites.publish({ handle: 'twice', files: [{ path: 'index.html', body }] });
      return [await publish('one'), await publish('two')];
    });
    await browser.close();
    const other = await launchChromium();
    const restored = await openTab(other.context, mesh.app);
    await restored.evaluate(() => weft.ready);
    await restored.evaluate((phrase) => weft.wallet.restore({ recoveryPhrase: phrase }), recoveryPhrase);
    const versions = await restored.evaluate(() => weft.sites.versions({ handle: 'twice' }));
    expect(versions.map(({ seq, manifest, current }) => [seq, manifest, current])).toEqual([
      [2, made[1]!.manifest, true],
      [null, made[0]!.manifest, false],
    ]);
    const back = await restored.evaluate(
      (manifest) => weft.sites.rollback({ handle: 'twice', manifest }),
      made[0]!.manifest,
    );
    expect(back).toMatchObject({ seq: 3, manifest: made[0]!.manifest });
    await other.close();
  });
});
