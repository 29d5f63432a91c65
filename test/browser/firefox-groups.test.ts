// Firefox and Chromium in one group: founded in either, joined in the other, a page edited by both at once, directly connected.

import { beforeAll, expect, test } from 'vitest';

import { launchEither, openNode, type BrowserName, type EitherTab } from './either-browser.ts';
import { describeInBothBrowsers } from './harness-firefox.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

/** Edits that each side makes while the other one makes its own. */
const EDITS = 20;
/** Two browsers, a relay and a direct connection on two noisy cores. */
const SOON = { timeout: 60_000 };

let mesh: Mesh;

async function openMember(name: BrowserName): Promise<EitherTab> {
  const tab = await openNode(await launchEither(name), mesh.app);
  await tab.run(() => weft.wallet.create(), null);
  return tab;
}

function roleIn(tab: EitherTab, groupId: string): Promise<string> {
  return tab.run(async (id) => (await weft.groups.get(id)).role, groupId);
}

function read(tab: EitherTab, groupId: string): Promise<string> {
  return tab.run(async (id) => {
    const page = await weft.documents.open(id, 'pages/plan');
    return ((await page.value()) as { text?: string } | undefined)?.text ?? '';
  }, groupId);
}

/** Line by line at the beginning, where both meet. */
function edit(tab: EitherTab, work: { groupId: string; author: string; count: number }): Promise<void> {
  return tab.run(async ({ groupId, author, count }) => {
    const page = await weft.documents.open(groupId, 'pages/plan');
    for (let line = 0; line < count; line++) {
      await page.change([{ action: 'splice', path: ['text', 0], value: `${author} ${line}\n` }]);
    }
    await page.flush();
  }, work);
}

describeInBothBrowsers('Firefox and Chromium in one group', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test.each([
    ['Chromium', 'Firefox'],
    ['Firefox', 'Chromium'],
  ] as const)('a group of %s: %s joins, both edit a page at once, and have the same', async (first, second) => {
    const [founder, guest] = [await openMember(first), await openMember(second)];
    const groupId = await founder.run(async () => (await weft.groups.create({ name: 'Weavers' })).groupId, null);
    await founder.run(async (id) => {
      const page = await weft.documents.open(id, 'pages/plan');
      await page.change([{ action: 'put', path: ['text'], value: 'end\n' }]);
    }, groupId);
    const invite = await founder.run((id) => weft.groups.invite(id, { uses: 1 }), groupId);
    await guest.run((url) => weft.groups.join(url, { name: 'Guest' }), invite);
    await expect.poll(() => roleIn(guest, groupId), SOON).toBe('member');
    await expect.poll(() => read(guest, groupId), SOON).toBe('end\n');

    const work = { groupId, count: EDITS };
    await Promise.all([edit(founder, { ...work, author: first }), edit(guest, { ...work, author: second })]);
    const lineCount = async (tab: EitherTab) => (await read(tab, groupId)).split('\n').length;
    await expect.poll(() => lineCount(founder), SOON).toBe(2 * EDITS + 2);
    await expect.poll(() => lineCount(guest), SOON).toBe(2 * EDITS + 2);
    const text = await read(founder, groupId);
    expect(await read(guest, groupId)).toBe(text);
    const written = [first, second].flatMap((author) => Array.from({ length: EDITS }, (_, at) => `${author} ${at}`));
    expect(text.trim().split('\n').toSorted()).toEqual([...written, 'end'].toSorted());
    const viaGuest = () =>
      founder.run(async (id) => (await weft.groups.members(id)).find(({ you }) => !you)?.via, groupId);
    await expect.poll(viaGuest, SOON).toBe('direct');
    await founder.close();
    await guest.close();
  });
});
