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

  test('LC2: refuses a wrong genesis: bad_genesis', async () => {
    const other = toHex(createTestGroup(100, 33).genesis.slice().fill(0, -4));
    expect(await judge({ genesis: other })).toEqual({ code: 'bad_genesis' });
    expect(await judge({ group: sealed.seal })).toEqual({ code: 'bad_genesis' });
  });

  test.each([
    ['LC4', 'missing signature', 'bad_certificate'],
    ['LC3', 'old set', 'bad_certificate'],
    ['LC6', 'altered proof', 'bad_proof'],
    ['LC6', 'altered site', 'bad_proof'],
    ['LC6', 'altered balance', 'bad_proof'],
    ['LC14', 'retired keys go on', 'bad_seal'],
    ['LC14', 'retired keys hand over', 'bad_seal'],
  ])('%s: refuses a forgery (%s): %s', async (_rule, name, code) => {
    const forged = sealed.forged[name]!;
    expect(forged.code).toBe(code);
    expect(await judge({ resolution: toHex(forged.resolution) })).toEqual({ code });
  });

  test('LC3: no forgery is left out', () => {
    expect(Object.keys(sealed.forged)).toHaveLength(7);
  });

  test('LC8: refuses an older header than it has seen: older_than_seen', async () => {
    expect(await judge({ atLeastHeight: 2 })).toEqual({ balance: '1234567', manifest: MANIFEST });
    expect(await judge({ atLeastHeight: 3 })).toEqual({ code: 'older_than_seen' });
  });
});
