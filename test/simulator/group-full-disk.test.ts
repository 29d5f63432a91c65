// A member's disk that takes nothing more for a while: edits are shown, said not to be stored, and delivered by themselves later.

import { beforeAll, describe, expect, test } from 'vitest';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import type { DocumentUpdate } from '../../shared/documents/open-document.ts';
import { memberRole } from '../../shared/ledger/families/membership.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { edit, foundGroup, page, textOf, WAIT, type Stand } from './group-stand.ts';

const MINUTE = 60_000;

/** Made at once; on disk some time. */
async function write(node: GroupNode, text: string): Promise<void> {
  await node.documents.load(page);
  const changed = node.documents.change(page, [{ action: 'put', path: [text], value: text }]);
  expect(changed.ok).toBe(true);
  node.documents.release(page);
}

async function startStand(): Promise<Stand & { readonly alice: GroupNode; readonly bob: GroupNode }> {
  const stand = await foundGroup('members', ['alice', 'bob']);
  const [alice, bob] = stand.members.map(({ node }) => node) as [GroupNode, GroupNode];
  await edit(bob, 'zero');
  await stand.clock.advance(5_000);
  return { ...stand, alice, bob };
}

describe('BN23: an edit whose entry the disk refuses', () => {
  beforeAll(startAutomerge);

  test('is shown and said not to be stored at once, and goes out by itself within a minute of there being space', async () => {
    const { clock, members, alice, bob } = await startStand();
    const told: DocumentUpdate[] = [];
    await bob.documents.load(page);
    bob.documents.subscribe(page, (update) => told.push(update));
    members[1]!.disk.setFull(true);
    await write(bob, 'one');
    await expect(bob.flush()).rejects.toMatchObject({ code: 'quota_exceeded' });
    await write(bob, 'two');
    expect(await textOf(bob)).toEqual(['one', 'two', 'zero']);
    expect(bob.unstored).toMatchObject({ code: 'quota_exceeded' });
    expect(told.filter(({ kind }) => kind === 'stored').length).toBeGreaterThan(0);
    await clock.advance(10 * MINUTE);
    expect(await textOf(alice)).toEqual(['zero']);
    members[1]!.disk.setFull(false);
    await clock.advance(MINUTE + 5_000);
    expect(bob.unstored).toBeNull();
    expect(told.filter(({ kind }) => kind === 'stored').at(-1)).toEqual({ kind: 'stored', failure: null });
    for (const node of [alice, bob]) expect(await textOf(node)).toEqual(['one', 'two', 'zero']);
    expect([bob.outbox.pending, alice.chain.pool.size]).toEqual([[], 0]);
  });

  test('goes out with the next edit, also when another entry has taken its number', async () => {
    const { clock, members, alice, bob } = await startStand();
    members[1]!.disk.setFull(true);
    await write(bob, 'one');
    await clock.advance(5 * MINUTE);
    members[1]!.disk.setFull(false);
    // A member may not do that: it is void, and uses a number up.
    await bob.submit([memberRole.create({ identity: members[0]!.member.identity, role: 'member' })]);
    await write(bob, 'two');
    await clock.advance(5_000);
    for (const node of [alice, bob]) expect(await textOf(node)).toEqual(['one', 'two', 'zero']);
    expect(bob.outbox.pending).toEqual([]);
  });

  test('goes out although nobody has the document open', async () => {
    const { clock, members, alice, bob } = await startStand();
    members[1]!.disk.setFull(true);
    await write(bob, 'one');
    // As the edit before left it.
    bob.documents.release(page);
    expect(bob.documents.hasUnsent()).toBe(true);
    await clock.advance(MINUTE);
    members[1]!.disk.setFull(false);
    await clock.advanceUntil(() => !bob.documents.hasUnsent(), WAIT * 4);
    await clock.advance(5_000);
    expect(await textOf(alice)).toEqual(['one', 'zero']);
  });

  test.each([
    ['before it is written', true],
    ['after its entry', '/pool/'],
    ['before a vote', '/votes/'],
    ['before its block', '/chain/block/'],
  ])('of the member who orders is ordered too; the disk is full %s', async (_when, full) => {
    const { clock, members, alice, bob } = await startStand();
    members[0]!.disk.setFull(full);
    await write(alice, 'one');
    await clock.advance(5 * MINUTE);
    expect(alice.unstored).toMatchObject({ code: 'quota_exceeded' });
    members[0]!.disk.setFull(false);
    await clock.advance(MINUTE + 5_000);
    for (const node of [alice, bob]) expect(await textOf(node)).toEqual(['one', 'zero']);
    expect([alice.outbox.pending, bob.chain.pool.size]).toEqual([[], 0]);
  });
});
