// Members of groups for tests: a profile with a wallet each, and what they do in a group through the API of their page.

import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { GroupDetails, GroupMember } from '../../browser-node/group-api.ts';
import { openTab } from './engine-tabs.ts';
import { launchChromium, type Chromium } from './harness.ts';

/** Real browsers, a relay and a direct connection. */
export const SOON = { timeout: 60_000 };
/** Every edit goes to this page's text. */
const PAGE = 'pages/plan';

export type MemberTab = { readonly browser: Chromium; readonly tab: Page };

export type MemberOptions = {
  /** A profile of before; without one a wallet is made, unless `phrase` restores one. */
  readonly profileDir?: string;
  readonly phrase?: string;
  /** As a browser in which nothing can connect directly. */
  readonly relayOnly?: boolean;
};

/** A tab of the app in a profile of its own, whose wallet is open. */
export async function openMember(app: string, options: MemberOptions = {}): Promise<MemberTab> {
  const { profileDir, phrase, relayOnly = false } = options;
  const browser = await launchChromium(profileDir === undefined ? {} : { profileDir });
  if (relayOnly) await browser.context.addInitScript('delete globalThis.RTCPeerConnection');
  const tab = await openTab(browser.context, app);
  if (phrase !== undefined) await tab.evaluate((words) => weft.wallet.restore({ recoveryPhrase: words }), phrase);
  else if (profileDir === undefined) await tab.evaluate(() => weft.wallet.create());
  return { browser, tab };
}

export function foundGroup(tab: Page, name: string): Promise<string> {
  return tab.evaluate(async (given) => (await weft.groups.create({ name: given })).groupId, name);
}

export function inviteTo(
  tab: Page,
  groupId: string,
  terms: { uses?: number; expiresIn?: number } = {},
): Promise<string> {
  return tab.evaluate(({ id, given }) => weft.groups.invite(id, { uses: 8, ...given }), { id: groupId, given: terms });
}

export async function joinBy(tab: Page, url: string, name = 'Newcomer'): Promise<void> {
  await tab.evaluate(([given, called]) => weft.groups.join(given!, { name: called! }), [url, name]);
}

/** Joined, and with the role that the group has ordered. */
export async function joinAndWait(tab: Page, url: string, name = 'Newcomer'): Promise<void> {
  await joinBy(tab, url, name);
  const { groupId } = await tab.evaluate((given) => weft.groups.previewInvite(given), url);
  await expect.poll(async () => (await detailsOf(tab, groupId)).role, SOON).toBe('member');
}

export function detailsOf(tab: Page, groupId: string): Promise<GroupDetails> {
  return tab.evaluate((id) => weft.groups.get(id), groupId);
}

export function membersOf(tab: Page, groupId: string): Promise<readonly GroupMember[]> {
  return tab.evaluate((id) => weft.groups.members(id), groupId);
}

export function textOf(tab: Page, groupId: string): Promise<string> {
  return tab.evaluate(
    async ([id, name]) => {
      const page = await weft.documents.open(id!, name!);
      return ((await page.value()) as { text?: string } | undefined)?.text ?? '';
    },
    [groupId, PAGE],
  );
}

export function headsOf(tab: Page, groupId: string): Promise<readonly string[]> {
  return tab.evaluate(async ([id, name]) => (await weft.documents.open(id!, name!)).heads(), [groupId, PAGE]);
}

/** Puts `text` at the end of the page; on disk when it resolves. */
export function append(tab: Page, groupId: string, text: string): Promise<void> {
  return editMany(tab, groupId, { text, times: 1 });
}

/** So many edits, one after the other; each is on disk before the next with `flushEach`, else all of them at the end. */
export function editMany(
  tab: Page,
  groupId: string,
  edits: { readonly text: string; readonly times: number; readonly flushEach?: boolean },
): Promise<void> {
  return tab.evaluate(
    async ({ id, name, text, times, flushEach }) => {
      const page = await weft.documents.open(id, name);
      for (let n = 0; n < times; n++) {
        const now = n === 0 ? ((await page.value()) as { text?: string } | undefined) : { text: '' };
        if (now?.text === undefined) await page.change([{ action: 'put', path: ['text'], value: text }]);
        else await page.change([{ action: 'splice', path: ['text', now.text.length], value: text }]);
        if (flushEach) await page.flush();
      }
      await page.flush();
    },
    { id: groupId, name: PAGE, flushEach: false, ...edits },
  );
}

/** Everything of these tabs is final, and they show the same version of the page. */
export async function expectSamePage(tabs: readonly Page[], groupId: string): Promise<string> {
  const seen = async (): Promise<string[]> => {
    const views = await Promise.all(
      tabs.map(
        async (tab) => `${(await detailsOf(tab, groupId)).pending} pending, ${(await headsOf(tab, groupId)).join()}`,
      ),
    );
    return [...new Set(views)];
  };
  await expect.poll(seen, SOON).toEqual([expect.stringMatching(/^0 pending, [0-9a-f]/)]);
  const texts = new Set(await Promise.all(tabs.map((tab) => textOf(tab, groupId))));
  expect(texts.size).toBe(1);
  return [...texts][0]!;
}

export async function closeAll(...members: readonly MemberTab[]): Promise<void> {
  for (const { browser } of members) await browser.close();
}
