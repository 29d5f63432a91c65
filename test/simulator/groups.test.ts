// A group of whole nodes over one relay in memory: founded, joined, written together, and one history for all.

import { beforeAll, describe, expect, test } from 'vitest';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { parseDocumentName } from '../../shared/feeds/document-name.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { parseInviteLink } from '../../shared/node/invite-link.ts';
import { createGroupWorld, type WorldMember } from './group-world.ts';
import { createMemoryDisk } from './memory-store.ts';
import { createSimulatedClock } from './simulated-clock.ts';

const PAGE = parseDocumentName('pages/plan');
if (!PAGE.ok) throw new Error('a page has a name');
const page = PAGE.value;

async function edit(node: GroupNode, text: string): Promise<void> {
  await node.documents.load(page);
  const changed = node.documents.change(page, [{ action: 'put', path: [text], value: text }]);
  expect(changed).toMatchObject({ ok: true });
  await node.flush();
}

async function textOf(node: GroupNode): Promise<string[]> {
  await node.documents.load(page);
  return Object.keys(node.documents.value(page) ?? {}).sort();
}

async function join(from: { member: WorldMember; node: GroupNode }, newcomer: WorldMember): Promise<GroupNode> {
  const fragment = await from.member.groups.invite(from.node, {
    role: 'member',
    uses: 1,
    expires: Number.MAX_SAFE_INTEGER,
  });
  const link = parseInviteLink(fragment);
  if (!link.ok) throw new Error(link.error.because);
  return await newcomer.groups.join(link.value, 'newcomer');
}

describe('a group', () => {
  beforeAll(startAutomerge);

  test.each(['members', 'public'] as const)('is founded, joined and written by two (%s)', async (read) => {
    const clock = createSimulatedClock();
    const world = createGroupWorld({ clock, seed: 1 });
    const alice = await world.startMember({ name: 'alice', disk: createMemoryDisk() });
    const bob = await world.startMember({ name: 'bob', disk: createMemoryDisk() });
    const own = await alice.groups.create({ name: 'Weavers', read });
    await clock.advance(1_000);
    await edit(own, 'first');
    await clock.advance(1_000);
    const joined = await join({ member: alice, node: own }, bob);
    await clock.advanceUntil(() => joined.roleOf(bob.identity) === 'member', 20_000);
    await clock.advanceUntil(() => joined.chain.tip.id === own.chain.tip.id, 20_000);
    expect(await textOf(joined)).toEqual(['first']);
    await edit(joined, 'second');
    await clock.advance(5_000);
    expect(await textOf(own)).toEqual(['first', 'second']);
    expect(own.documents.heads(page)).toEqual(joined.documents.heads(page));
    expect(own.chain.tip).toEqual(joined.chain.tip);
    expect([own.chain.pool.size, joined.chain.pool.size]).toEqual([0, 0]);
    expect(joined.outbox.pending).toEqual([]);
  });
});
