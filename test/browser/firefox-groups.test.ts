// Firefox and Chromium in one group: each founds one that the other joins, and both write its page.

import { beforeAll, expect, test } from 'vitest';
import { launchEither, openNode, type BrowserName, type EitherTab } from './either-browser.ts';
import { describeInBothBrowsers } from './harness-firefox.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

let mesh: Mesh;

function append(tab: EitherTab, groupId: string, text: string): Promise<void> {
  return tab.run(
    async ({ id, value }) => {
      const page = await weft.documents.open(id, 'pages/plan');
      const before = ((await page.value()) as { text?: string } | undefined)?.text;
      if (before === undefined) await page.change([{ action: 'put', path: ['text'], value }]);
      else await page.change([{ action: 'splice', path: ['text', before.length], value }]);
      await page.flush();
    },
    { id: groupId, value: text },
  );
}

/** The page says so, and all of it is final. */
function untilFinal(tab: EitherTab, groupId: string, text: string): Promise<void> {
  return tab.until(
    async ({ id, wanted }) => {
      const page = await weft.documents.open(id, 'pages/plan');
      const now = ((await page.value()) as { text?: string } | undefined)?.text;
      return now === wanted && (await weft.groups.get(id)).pending === 0;
    },
    { id: groupId, wanted: text },
  );
}

describeInBothBrowsers('Firefox and Chromium in one group', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test.each([
    ['Firefox', 'Chromium'],
    ['Chromium', 'Firefox'],
  ] as const)('BN10: %s founds, %s joins, and both edit', async (founder: BrowserName, newcomer: BrowserName) => {
    const browsers = [await launchEither(founder), await launchEither(newcomer)] as const;
    const [own, other] = [await openNode(browsers[0], mesh.app), await openNode(browsers[1], mesh.app)];
    const { groupId, url } = await own.run(async () => {
      await weft.wallet.create();
      const made = await weft.groups.create({ name: 'Weavers' });
      return { ...made, url: await weft.groups.invite(made.groupId) };
    }, null);
    await append(own, groupId, 'warp ');
    await other.run(async (invite) => {
      await weft.wallet.create();
      await weft.groups.join(invite, { name: 'Newcomer' });
    }, url);
    await untilFinal(other, groupId, 'warp ');
    await append(other, groupId, 'and weft');
    for (const tab of [own, other]) await untilFinal(tab, groupId, 'warp and weft');
    await own.until(
      async (id) => (await weft.groups.members(id)).some(({ you, via }) => !you && via === 'direct'),
      groupId,
    );
    expect(await own.run(async (id) => (await weft.groups.get(id)).members, groupId)).toBe(2);
    for (const browser of browsers) await browser.close();
  });
});
