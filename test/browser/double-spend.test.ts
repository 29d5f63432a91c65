// Tokens spent twice in real browsers, from two tabs of one device and from two devices of one person: one payment counts for all, the other says why not.

import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import type { Identity } from '../../shared/crypto/ids.ts';
import { accountTransfer } from '../../shared/ledger/families/accounts.ts';
import { openTab } from './engine-tabs.ts';
import { closeAll, foundGroup, inviteTo, joinAndWait, membersOf, openMember, SOON } from './group-tabs.ts';
import { describeInChromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

let mesh: Mesh;
const ALL = '10000';
const SPENT = 9_000n;
const LEFT = '1000';

function freeOf(tab: Page, groupId: string): Promise<string | undefined> {
  return tab.evaluate(async (id) => (await weft.groups.money(id))?.balances.industrial.free, groupId);
}

/** Signs it without asking whether it can be paid, as a program would that wants to spend twice. */
function pay(tab: Page, groupId: string, to: Identity): Promise<string> {
  const { kind, body } = accountTransfer.create({ asset: 'industrial', to, amount: SPENT });
  return tab.evaluate(
    async ({ id, kind: named, bytes }) =>
      (await weft.entries.submit(id, [{ kind: named, body: new Uint8Array(bytes) }])).id,
    { id: groupId, kind, bytes: [...body] },
  );
}

async function codeOf(tab: Page, groupId: string, entry: string): Promise<string> {
  const status = await tab.evaluate(([id, of]) => weft.entries.status(of, id), [groupId, entry] as const);
  return 'code' in status ? `${status.state} ${status.code}` : status.state;
}

const ONE_OF_TWO = ['final insufficient_funds', 'final ok'];

describeInChromium('a double spend', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test.each(['two tabs of one device', 'two devices of one person'])(
    'from %s: one counts, the other is void',
    async (from) => {
      const alice = await openMember(mesh.app);
      const bob = await openMember(mesh.app);
      const groupId = await foundGroup(alice.tab, 'Weavers');
      await joinAndWait(bob.tab, await inviteTo(alice.tab, groupId), 'Bob');
      const phrase = await bob.tab.evaluate(() => weft.wallet.recoveryPhrase());
      const second =
        from === 'two tabs of one device'
          ? { browser: bob.browser, tab: await openTab(bob.browser.context, mesh.app) }
          : await openMember(mesh.app, { phrase });
      await second.tab.evaluate(() => weft.ready);
      const members = await membersOf(alice.tab, groupId);
      const [self, other] = [members.find(({ you }) => you)!, members.find(({ you }) => !you)!];
      await alice.tab.evaluate(
        async ([id, to, amount]) =>
          void (await weft.groups.mint(id!, { asset: 'industrial', to: to!, amount: amount! })),
        [groupId, other.identity, ALL],
      );
      for (const tab of [bob.tab, second.tab]) await expect.poll(() => freeOf(tab, groupId), SOON).toBe(ALL);

      const entries = await Promise.all(
        [bob.tab, second.tab].map((tab) => pay(tab, groupId, self.identity as Identity)),
      );
      const codes = (): Promise<string[]> =>
        Promise.all([bob.tab, second.tab].map((tab, at) => codeOf(tab, groupId, entries[at]!)));
      await expect.poll(async () => (await codes()).toSorted(), SOON).toEqual(ONE_OF_TWO);
      for (const tab of [bob.tab, second.tab]) await expect.poll(() => freeOf(tab, groupId), SOON).toBe(LEFT);
      const ask = { jsonrpc: '2.0', id: 1, method: 'balance', params: { address: other.identity, group: groupId } };
      expect(await alice.tab.evaluate((request) => weft.rpc(request), ask)).toMatchObject({
        result: { industrial: { thousandths: LEFT } },
      });
      // Who is asked for it in the app hears so before anything is signed.
      const refused = second.tab.evaluate(
        ([id, to]) =>
          weft.groups.transfer(id, { asset: 'industrial', to: to, amount: '9000' }).then(
            () => null,
            ({ code }: { code: string }) => code,
          ),
        [groupId, self.identity] as const,
      );
      expect(await refused).toBe('insufficient_funds');
      await closeAll(alice, bob, ...(second.browser === bob.browser ? [] : [second]));
    },
  );
});
