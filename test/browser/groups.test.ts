// Two browsers, one group: founded in one profile, joined in another, a page written by both, over relays and directly.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { openTab } from './engine-tabs.ts';
import { describeInChromium, launchChromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

/** Real browsers, a relay and a direct connection. */
const SOON = { timeout: 30_000 };

let mesh: Mesh;

async function openMember(): Promise<Page> {
  const { context } = await launchChromium();
  const tab = await openTab(context, mesh.app);
  await tab.evaluate(() => weft.wallet.create());
  return tab;
}

function found(tab: Page, name: string): Promise<string> {
  return tab.evaluate(async (given) => (await weft.groups.create({ name: given })).groupId, name);
}

function invite(tab: Page, groupId: string): Promise<string> {
  return tab.evaluate((id) => weft.groups.invite(id, { uses: 8 }), groupId);
}

async function join(tab: Page, url: string): Promise<void> {
  await tab.evaluate((given) => weft.groups.join(given, { name: 'Newcomer' }), url);
}

function roleIn(tab: Page, groupId: string): Promise<string> {
  return tab.evaluate(async (id) => (await weft.groups.get(id)).role, groupId);
}

function type(tab: Page, groupId: string, text: string): Promise<void> {
  return tab.evaluate(
    async ([id, value]) => {
      const page = await weft.documents.open(id!, 'pages/plan');
      const now = (await page.value()) as { text?: string } | undefined;
      const patch =
        now?.text === undefined
          ? ({ action: 'put', path: ['text'], value: value! } as const)
          : ({ action: 'splice', path: ['text', now.text.length], value: value! } as const);
      await page.change([patch]);
      await page.flush();
    },
    [groupId, text],
  );
}

function read(tab: Page, groupId: string): Promise<string> {
  return tab.evaluate(async (id) => {
    const page = await weft.documents.open(id, 'pages/plan');
    return ((await page.value()) as { text?: string } | undefined)?.text ?? '';
  }, groupId);
}

describeInChromium('two browsers in one group', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test('a page is written by both, and becomes final', async () => {
    const [alice, bob] = [await openMember(), await openMember()];
    const groupId = await found(alice, 'Weavers');
    await type(alice, groupId, 'warp ');
    await join(bob, await invite(alice, groupId));
    await expect.poll(() => roleIn(bob, groupId), SOON).toBe('member');
    await expect.poll(() => read(bob, groupId), SOON).toBe('warp ');
    await type(bob, groupId, 'and weft');
    await expect.poll(() => read(alice, groupId), SOON).toBe('warp and weft');
    await expect.poll(() => bob.evaluate(async (id) => (await weft.groups.get(id)).pending, groupId), SOON).toBe(0);
    const members = await alice.evaluate((id) => weft.groups.members(id), groupId);
    expect(members).toMatchObject([
      { you: true, role: 'admin' },
      { name: 'Newcomer', role: 'member', online: true },
    ]);
    await expect
      .poll(async () => (await alice.evaluate((id) => weft.groups.members(id), groupId))[1]?.via, SOON)
      .toBe('direct');
    await alice.context().close();
    await bob.context().close();
  });

  test('a newcomer joins and leaves while nobody is there, and is let in all the same', async () => {
    const [alice, bob] = [await openMember(), await openMember()];
    const groupId = await found(alice, 'Night shift');
    const url = await invite(alice, groupId);
    await alice.close();
    await join(bob, url);
    await expect
      .poll(() => bob.evaluate(async (id) => (await weft.groups.get(id)).waiting?.code, groupId), SOON)
      .toBe('waiting_for_members');
    // The entry that joins is left at the relay a few seconds after nobody took it; then the newcomer is gone.
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    await bob.close();
    const back = await openTab(alice.context(), mesh.app);
    await expect
      .poll(async () => (await back.evaluate((id) => weft.groups.members(id), groupId)).map(({ name }) => name), SOON)
      .toContain('Newcomer');
    const again = await openTab(bob.context(), mesh.app);
    await expect.poll(() => roleIn(again, groupId), SOON).toBe('member');
    await back.context().close();
    await again.context().close();
  });
});
