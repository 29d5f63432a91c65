// A page without a node believes a balance and a site of a group with 100 validators that has handed over once, and no forgery.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { toHex } from '../../shared/codec/base.ts';
import { createTestGroup } from '../../shared/chain/chain.test-kit.ts';
import { MANIFEST } from '../../shared/light-client/light-client.test-kit.ts';
import { createSealedGroup, type SealedGroup } from '../../shared/light-client/sealed-group.test-kit.ts';
import { describeInChromium, launchChromium } from './harness.ts';
import type { LightClientPage, Question } from './light-client-page.ts';
import { bundleForPage, servePage } from './page-server.ts';

declare const lightClient: LightClientPage;

describeInChromium('a light client of a group with 100 validators', () => {
  let page: Page;
  let sealed: SealedGroup;
  let good: Question;

  beforeAll(async () => {
    sealed = await createSealedGroup(100, 33);
    good = {
      group: sealed.group,
      genesis: toHex(sealed.genesis),
      resolution: toHex(sealed.resolution),
      now: sealed.now,
      key: sealed.siteKey,
      balanceKey: sealed.balanceKey,
      checkpoint: sealed.seal,
    };
    const url = await servePage(await bundleForPage('test/browser/light-client-page.ts'));
    const browser = await launchChromium();
    page = await browser.context.newPage();
    await page.goto(url);
    await page.waitForFunction(() => 'lightClient' in globalThis);
  });

  const judge = (change: Partial<Question> = {}) =>
    page.evaluate((question) => lightClient.judge(question), { ...good, ...change });

  test('LC3, LC6, LC10: believes a balance and the version of a site, one seal after the genesis', async () => {
    expect(await judge()).toEqual({ balance: '1234567', manifest: MANIFEST });
  });

  test('LC2: refuses another genesis', async () => {
    const other = toHex(createTestGroup(100, 33).genesis.slice().fill(0, -4));
    expect(await judge({ genesis: other })).toEqual({ code: 'bad_genesis' });
    expect(await judge({ group: sealed.seal })).toEqual({ code: 'bad_genesis' });
  });

  test('LC3, LC4, LC6, LC14: refuses every forgery, and says which part does not hold', async () => {
    const names = Object.keys(sealed.forged);
    expect(names).toEqual(
      expect.arrayContaining(['missing signature', 'old set', 'altered proof', 'retired keys hand over']),
    );
    for (const name of names) {
      const { resolution, code } = sealed.forged[name]!;
      expect([name, await judge({ resolution: toHex(resolution) })]).toEqual([name, { code }]);
    }
  });

  test('LC8: refuses an older block than it has seen', async () => {
    expect(await judge({ atLeastHeight: 2 })).toEqual({ balance: '1234567', manifest: MANIFEST });
    expect(await judge({ atLeastHeight: 3 })).toEqual({ code: 'older_than_seen' });
  });
});
