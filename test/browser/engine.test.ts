// One node per origin in real tabs: who runs it, who reaches it, and what happens when it ends at the worst moment.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { beginPublish, failureOf, openTab, publishOutcome, untilStep } from './engine-tabs.ts';
import { describeInChromium, launchChromium, type Chromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

let mesh: Mesh;

async function openTabs(browser: Chromium, count: number): Promise<Page[]> {
  const tabs: Page[] = [];
  for (let n = 0; n < count; n++) {
    const tab = await openTab(browser.context, mesh.app);
    await tab.evaluate(() => weft.ready);
    tabs.push(tab);
  }
  return tabs;
}

describeInChromium('one node for all tabs', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test('BN11, BN12: three tabs share one node, and a wallet made in one is known in all', async () => {
    const browser = await launchChromium();
    const tabs = await openTabs(browser, 3);
    const reports = await Promise.all(tabs.map((tab) => tab.evaluate(() => weft.status())));
    expect(reports.map(({ leader }) => leader)).toEqual([true, false, false]);
    expect(reports.map(({ tabs: count }) => count)).toEqual([3, 3, 3]);
    const told = tabs[2]!.evaluate(
      () =>
        new Promise<unknown>((resolve) => weft.on('wallet', (wallet) => wallet.state !== 'none' && resolve(wallet))),
    );
    const { address } = await tabs[1]!.evaluate(() => weft.wallet.create());
    expect(await told).toMatchObject({ state: 'unlocked', address, unprotected: true, phraseSaved: false });
    await tabs[1]!.close();
    await expect.poll(() => tabs[0]!.evaluate(async () => (await weft.status()).tabs)).toBe(2);
    await browser.close();
  });

  test.each(['reading', 'stored', 'ordered'] as const)(
    'BN13: the leader is closed at “%s” of a publish of another tab, and that ends well',
    async (step) => {
      const browser = await launchChromium();
      const [leader, publisher, watcher] = (await openTabs(browser, 3)) as [Page, Page, Page];
      await publisher.evaluate(() => weft.wallet.create());
      const handle = `closing-${step}`;
      await beginPublish(publisher, { handle, files: 60, fileBytes: 200_000 });
      await untilStep(publisher, step);
      await leader.close();
      const { steps, outcome } = await publishOutcome(publisher);
      expect(outcome).toEqual({ published: expect.objectContaining({ url: mesh.siteUrl(handle), seq: 1 }) });
      expect(steps.filter((one) => one !== 'reading')).toContain('held');
      const visit = await watcher.evaluate((site) => weft.sites.visit(site), handle);
      expect(visit).toMatchObject({ files: 61, failed: 0 });
      const leaders = await Promise.all(
        [publisher, watcher].map((tab) => tab.evaluate(async () => (await weft.status()).leader)),
      );
      expect(leaders.filter(Boolean)).toHaveLength(1);
      await browser.close();
    },
  );

  test('BN13: a call that may have taken effect is not repeated: it says leader_changed', async () => {
    const browser = await launchChromium();
    const [leader, other] = (await openTabs(browser, 2)) as [Page, Page];
    await other.evaluate(() => weft.wallet.create());
    await beginPublish(other, { handle: 'once-only', files: 2, fileBytes: 100 });
    await publishOutcome(other);
    const unpublish = failureOf(other, () => weft.sites.unpublish({ handle: 'once-only' }));
    // On disk, and waiting for the next block, which comes a second after the last at the soonest.
    await other.evaluate(async () => {
      while ((await weft.status()).pending === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    });
    await leader.close();
    expect(await unpublish).toMatchObject({ code: 'leader_changed', message: expect.stringContaining('try again') });
    // What was on disk takes effect all the same.
    await expect.poll(() => other.evaluate(async () => (await weft.sites.mine()).length), { timeout: 20_000 }).toBe(0);
    await browser.close();
  });

  test('BN3: an engine that was deposed is replaced, and its late write changes nothing', async () => {
    const browser = await launchChromium();
    const [leader, other] = (await openTabs(browser, 2)) as [Page, Page];
    await leader.evaluate(async () => {
      const request = indexedDB.open('weft');
      await new Promise((resolve) => request.addEventListener('success', resolve));
      const about = request.result.transaction('about', 'readwrite').objectStore('about');
      const fence = about.get('fence');
      await new Promise((resolve) => fence.addEventListener('success', resolve));
      const raised = about.put((fence.result as number) + 1, 'fence');
      await new Promise((resolve) => raised.addEventListener('success', resolve));
      request.result.close();
    });
    const failure = await failureOf(other, () => weft.wallet.create());
    expect(['store_failed', 'leader_changed']).toContain(failure?.code);
    await expect.poll(() => other.evaluate(async () => (await weft.wallet.status()).state)).toBe('none');
    await other.evaluate(() => weft.wallet.create());
    expect(await leader.evaluate(() => weft.wallet.status())).toMatchObject({ state: 'unlocked' });
    await browser.close();
  });

  test('BN11: an engine whose worker ends alone is noticed by its page, and the next one answers', async () => {
    const browser = await launchChromium();
    const [leader, other] = (await openTabs(browser, 2)) as [Page, Page];
    const { address } = await other.evaluate(() => weft.wallet.create());
    for (const [page, next] of [
      [leader, other],
      [other, leader],
    ] as const) {
      await page
        .workers()[0]!
        .evaluate(() => self.close())
        .catch(() => undefined);
      await expect.poll(() => next.evaluate(async () => (await weft.status()).leader)).toBe(true);
      expect(await page.evaluate(() => weft.wallet.status())).toMatchObject({ state: 'unlocked', address });
    }
    await browser.close();
  });

  test('BN10: Chromium is killed once a publish is stored: the next start finishes it', async () => {
    const first = await launchChromium();
    const [tab] = (await openTabs(first, 1)) as [Page];
    await tab.evaluate(() => weft.wallet.create());
    await beginPublish(tab, { handle: 'killed-off', files: 20, fileBytes: 50_000 });
    await untilStep(tab, 'stored');
    await first.kill();
    const second = await launchChromium({ profileDir: first.profileDir });
    const [again] = (await openTabs(second, 1)) as [Page];
    await expect
      .poll(() => again.evaluate(async () => (await weft.sites.jobs()).map(({ state }) => state)), { timeout: 40_000 })
      .toEqual(['held']);
    expect(await again.evaluate(() => weft.sites.visit('killed-off'))).toMatchObject({ files: 21, failed: 0 });
    await second.close();
  });

  test('BN7, BN9: a passphrase locks the wallet at the next start, and the phrase brings it back elsewhere', async () => {
    const first = await launchChromium();
    const [tab] = (await openTabs(first, 1)) as [Page];
    const { address, recoveryPhrase } = await tab.evaluate(() => weft.wallet.create());
    await tab.evaluate(() => weft.handles.register('@keeper'));
    await tab.evaluate(() => weft.sites.publish({ handle: 'keeper', files: [{ path: 'index.html', body: 'kept' }] }));
    await tab.evaluate(() => weft.wallet.setPassphrase({ passphrase: 'correct horse' }));
    await tab.evaluate(() => weft.wallet.confirmPhraseSaved());
    await first.close();

    const second = await launchChromium({ profileDir: first.profileDir });
    const [again] = (await openTabs(second, 1)) as [Page];
    expect(await again.evaluate(() => weft.wallet.status())).toEqual({
      state: 'locked',
      address,
      unprotected: false,
      phraseSaved: true,
    });
    expect(await failureOf(again, () => weft.wallet.recoveryPhrase())).toMatchObject({ code: 'locked' });
    expect(await failureOf(again, () => weft.handles.register('other'))).toMatchObject({ code: 'locked' });
    expect(await failureOf(again, () => weft.wallet.unlock({ passphrase: 'wrong horse' }))).toMatchObject({
      code: 'wrong_passphrase',
    });
    await again.evaluate(() => weft.wallet.unlock({ passphrase: 'correct horse' }));
    expect(await again.evaluate(() => weft.wallet.recoveryPhrase())).toBe(recoveryPhrase);
    await second.close();

    const third = await launchChromium();
    const [elsewhere] = (await openTabs(third, 1)) as [Page];
    const words = recoveryPhrase.split(' ');
    const spoiled = [...words.slice(0, 4), 'wefft', ...words.slice(5)].join(' ');
    const refused = await elsewhere.evaluate(
      (phrase) => weft.wallet.restore({ recoveryPhrase: phrase }).catch((error: Error) => error.message),
      spoiled,
    );
    expect(refused).toContain('Word 5');
    expect(
      await elsewhere.evaluate((phrase) => weft.wallet.restore({ recoveryPhrase: phrase }), recoveryPhrase),
    ).toEqual({
      address,
    });
    expect(await elsewhere.evaluate(() => weft.handles.mine())).toMatchObject([{ handle: 'keeper', owner: address }]);
    // The headless node holds it: a new device counts who says so, having published nothing itself.
    await expect
      .poll(() => elsewhere.evaluate(() => weft.sites.mine()))
      .toMatchObject([{ handle: 'keeper', files: 1, copies: 1 }]);
    const [device] = await elsewhere.evaluate(() => weft.wallet.devices());
    expect(device).toMatchObject({ current: true });
    await third.close();
  });

  test('BN9, BN14: an unlocked wallet stays unlocked when another tab takes over, and a locked one stays locked', async () => {
    const browser = await launchChromium();
    const [first, second, third] = (await openTabs(browser, 3)) as [Page, Page, Page];
    await first.evaluate(() => weft.wallet.create({ passphrase: 'correct horse' }));
    const state = (tab: Page) => tab.evaluate(async () => (await weft.wallet.status()).state);
    await third.waitForFunction(async () => (await weft.wallet.status()).state === 'unlocked');
    // Until the tabs have heard of it.
    await new Promise((resolve) => setTimeout(resolve, 500));
    await first.close();
    expect(await state(second)).toBe('unlocked');
    expect(await third.evaluate(() => weft.handles.register('kept-open'))).toMatchObject({ handle: 'kept-open' });
    // The phrase itself is open only where the passphrase was typed.
    expect(await failureOf(third, () => weft.wallet.recoveryPhrase())).toMatchObject({ code: 'locked' });
    await third.evaluate(() => weft.wallet.lock());
    const [leader, other] = (await second.evaluate(async () => (await weft.status()).leader))
      ? [second, third]
      : [third, second];
    await leader.close();
    expect(await state(other)).toBe('locked');
    await browser.close();
  });

  test('two owners of one handle: the second is told at once, and its files stay', async () => {
    const [ann, ben] = [await launchChromium(), await launchChromium()];
    const [first] = (await openTabs(ann, 1)) as [Page];
    const [second] = (await openTabs(ben, 1)) as [Page];
    await first.evaluate(() => weft.wallet.create());
    await second.evaluate(() => weft.wallet.create());
    await first.evaluate(() => weft.handles.register('contested'));
    expect(await second.evaluate(() => weft.handles.check('@contested'))).toMatchObject({
      available: false,
      code: 'handle_taken',
    });
    await beginPublish(second, { handle: 'contested', files: 1, fileBytes: 10 });
    const { outcome } = await publishOutcome(second);
    expect(outcome).toMatchObject({
      failure: { code: 'handle_taken', message: expect.stringContaining('choose another') },
    });
    expect(await second.evaluate(async () => (await weft.blobs.stats()).blocks)).toBeGreaterThan(0);
    await Promise.all([ann.close(), ben.close()]);
  });

  test('BN17: with the edge gone the page opens, and what is published then goes out when it is back', async () => {
    const browser = await launchChromium();
    const [tab] = (await openTabs(browser, 1)) as [Page];
    await tab.evaluate(() => weft.wallet.create());
    await beginPublish(tab, { handle: 'before-dark', files: 3, fileBytes: 1_000 });
    await publishOutcome(tab);
    await tab.waitForFunction(async () => (await caches.keys()).some((name) => name.startsWith('weft-app-')));
    await mesh.stopEdge();
    await tab.reload();
    await tab.waitForFunction(() => 'weft' in globalThis);
    await tab.evaluate(() => weft.ready);
    expect(await tab.evaluate(() => weft.status())).toMatchObject({ network: 'offline', leader: true });
    expect(await tab.evaluate(() => weft.sites.mine())).toMatchObject([{ handle: 'before-dark', seq: 1, files: 4 }]);
    await beginPublish(tab, { handle: 'in-the-dark', files: 3, fileBytes: 1_000 });
    await untilStep(tab, 'stored');
    await mesh.startEdge();
    const { outcome } = await publishOutcome(tab);
    expect(outcome).toMatchObject({ published: { seq: 1 } });
    await browser.close();
  });
});
