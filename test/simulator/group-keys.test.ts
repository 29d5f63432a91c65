// Key epochs of a private group: who is out knows no later key, and everybody else goes on, whoever was away meanwhile.

import { beforeAll, describe, expect, test } from 'vitest';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { deviceRevoke } from '../../shared/ledger/families/devices.ts';
import { keyRotate } from '../../shared/ledger/families/keys.ts';
import { memberRemove, memberRole } from '../../shared/ledger/families/membership.ts';
import { KEY } from '../../shared/ledger/group-records.ts';
import { readRecord } from '../../shared/ledger/state.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { inviteTo } from './group-pair.ts';
import { edit, foundGroup, textOf, WAIT, type Stand } from './group-stand.ts';
import { createMemoryDisk } from './memory-store.ts';

const epochOf = (node: GroupNode): number | undefined => readRecord(node.chain.state, KEY, 'current')?.epoch;
const known = (node: GroupNode): number[] => node.keys.keys.map(({ epoch }) => epoch);

async function stand<const Names extends readonly string[]>(
  names: Names,
  network: Parameters<typeof foundGroup>[2] = {},
) {
  const { members, ...rest } = await foundGroup('members', names, network);
  return { ...rest, members: members as unknown as { [At in keyof Names]: Stand['members'][0] } };
}

/** Takes somebody out, and waits until everyone given has the key that follows. */
async function remove(
  { clock }: Pick<Stand, 'clock'>,
  given: { by: GroupNode; whom: Stand['members'][0]; rest: readonly GroupNode[] },
): Promise<void> {
  const epoch = (epochOf(given.by) ?? 0) + 1;
  await given.by.submit([memberRemove.create({ identity: given.whom.member.identity })]);
  await clock.advanceUntil(() => given.rest.every((node) => known(node)[0] === epoch), 2 * WAIT);
}

describe('GK1–GK5: when a member is taken out', () => {
  beforeAll(startAutomerge);

  test('the rest get a new key, meet in its room, and go on', async () => {
    const { clock, world, members } = await stand(['alice', 'bob', 'mallory']);
    const [alice, bob, mallory] = members;
    await remove({ clock }, { by: alice.node, whom: mallory, rest: [alice.node, bob.node] });
    expect(known(mallory.node)).toEqual([0]);
    expect([known(alice.node), known(bob.node)]).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(alice.node.keys.keys).toEqual(bob.node.keys.keys);
    // The old room alone goes away: they meet in the new one.
    await clock.advance(2_000);
    const [old, next] = [...world.rooms.values()];
    expect(world.rooms.size).toBe(2);
    old!.setOpen(false);
    old!.cutAll();
    const before = next!.frames;
    await edit(bob.node, 'after');
    await clock.advance(5_000);
    expect(await textOf(alice.node)).toEqual(['after']);
    expect(next!.frames).toBeGreaterThan(before);
    expect(epochOf(alice.node)).toBe(1);
  });

  test('another admin draws the key when the one who did it is gone at once', async () => {
    const { clock, members } = await stand(['alice', 'bob', 'carol', 'mallory']);
    const [alice, bob, carol, mallory] = members;
    for (const { member } of [bob, carol]) {
      await alice.node.submit([memberRole.create({ identity: member.identity, role: 'admin' })]);
    }
    // She orders the group, and is no admin any more.
    await alice.node.submit([memberRole.create({ identity: alice.member.identity, role: 'member' })]);
    await clock.advanceUntil(() => bob.node.roleOf(alice.member.identity) === 'member', WAIT);
    await bob.node.submit([memberRemove.create({ identity: mallory.member.identity })]);
    await clock.advanceUntil(() => alice.node.chain.pool.size > 0, WAIT);
    bob.member.kill();
    await clock.advanceUntil(() => known(alice.node)[0] === 1 && known(carol.node)[0] === 1, 2 * WAIT);
    expect(epochOf(carol.node)).toBe(1);
  });

  test('of two admins who draw one at once the first in order wins, and all have that', async () => {
    const names = ['alice', 'bob', 'carol', 'mallory', 'eve'] as const;
    const { clock, members } = await stand(names, { delay: { min: 200, max: 400 } });
    const [alice, bob, carol, mallory, eve] = members;
    for (const { member } of [bob, carol]) {
      await alice.node.submit([memberRole.create({ identity: member.identity, role: 'admin' })]);
    }
    await alice.node.submit([memberRole.create({ identity: alice.member.identity, role: 'member' })]);
    await clock.advanceUntil(() => carol.node.roleOf(alice.member.identity) === 'member', WAIT);
    await clock.advance(2_000);
    // Each takes one out, is the first to pay for that, and hears of the other too late.
    await bob.node.submit([memberRemove.create({ identity: mallory.member.identity })]);
    await carol.node.submit([memberRemove.create({ identity: eve.member.identity })]);
    const drawn = new Set<string>();
    alice.node.chain.subscribe({
      final: ({ verified }) => {
        for (const { identity, body } of verified) {
          if (body.ops.some(({ kind }) => kind === keyRotate.kind)) drawn.add(identity);
        }
      },
    });
    await clock.advance(30_000);
    // Both drew one.
    expect([...drawn].sort()).toEqual([bob, carol].map(({ member }) => member.identity).sort());
    for (const { node } of [bob, carol]) expect(node.keys.keys).toEqual(alice.node.keys.keys);
    expect(epochOf(alice.node)).toBe(known(alice.node)[0]);
    // It rests: nothing more is owed.
    const { height } = alice.node.chain.tip;
    await clock.advance(60_000);
    expect(alice.node.chain.tip.height).toBe(height);
  });

  test('whoever was away for three rotations finds the others, and its own edits count', async () => {
    const { clock, world, members } = await stand(['alice', 'bob', 'mallory', 'eve', 'oscar']);
    const [alice, bob, ...out] = members;
    bob.member.setReachable(false);
    await clock.advance(1_000);
    await edit(bob.node, 'from bob');
    for (const whom of out) await remove({ clock }, { by: alice.node, whom, rest: [alice.node] });
    await edit(alice.node, 'from alice');
    expect(known(alice.node)).toEqual([3, 2, 1, 0]);
    bob.member.setReachable(true);
    bob.node.wake();
    await clock.advanceUntil(() => known(bob.node)[0] === 3, 2 * WAIT);
    await clock.advance(5_000);
    expect(bob.node.keys.keys).toEqual(alice.node.keys.keys);
    expect(await textOf(alice.node)).toEqual(['from alice', 'from bob']);
    expect(await textOf(bob.node)).toEqual(['from alice', 'from bob']);
    // A restart keeps what was learnt.
    await bob.member.close();
    const again = await world.startMember({ name: 'bob', disk: bob.disk });
    expect(known(again.groups.all[0]!)).toEqual([3, 2, 1, 0]);
    await clock.advanceUntil(() => again.groups.all[0]!.peers.length > 0, WAIT);
  });

  test('a removal while others write loses nothing of theirs', async () => {
    const { clock, members } = await stand(['alice', 'bob', 'mallory']);
    const [alice, bob, mallory] = members;
    const removal = alice.node.submit([memberRemove.create({ identity: mallory.member.identity })]);
    const wanted: string[] = [];
    for (let at = 10; at < 40; at++) {
      wanted.push(`a${at}`, `b${at}`);
      await edit(alice.node, `a${at}`);
      await edit(bob.node, `b${at}`);
      await clock.advance(100);
    }
    await removal;
    await clock.advanceUntil(() => known(bob.node)[0] === 1, WAIT);
    await clock.advance(10_000);
    expect(await textOf(alice.node)).toEqual(wanted.sort());
    expect(await textOf(bob.node)).toEqual(await textOf(alice.node));
    expect(bob.node.chain.tip).toEqual(alice.node.chain.tip);
  });
});

describe('GK3, GK6: who comes later', () => {
  beforeAll(startAutomerge);

  test.each(['before', 'after'] as const)('joins by an invite from %s the rotation, and reads all', async (when) => {
    const { clock, world, members, link } = await stand(['alice', 'bob', 'mallory']);
    const [alice, bob, mallory] = members;
    await edit(alice.node, 'early');
    await remove({ clock }, { by: alice.node, whom: mallory, rest: [alice.node, bob.node] });
    await edit(bob.node, 'late');
    const fresh = await inviteTo(alice.node, alice.member);
    expect([link.keyEpoch, fresh.keyEpoch]).toEqual([undefined, 1]);
    const carol = await world.startMember({ name: 'carol', disk: createMemoryDisk() });
    const node = await carol.groups.join(when === 'before' ? link : fresh, 'Carol');
    await clock.advanceUntil(() => node.roleOf(carol.identity) === 'member', WAIT);
    await clock.advanceUntil(() => known(node)[0] === 1, WAIT);
    await clock.advance(5_000);
    expect(node.keys.keys).toEqual(alice.node.keys.keys);
    expect(await textOf(node)).toEqual(['early', 'late']);
    // A box of its own: it finds the key again by the phrase alone.
    expect(node.chain.tip).toEqual(alice.node.chain.tip);
    await edit(node, 'by carol');
    await clock.advance(5_000);
    expect(await textOf(bob.node)).toEqual(['by carol', 'early', 'late']);
  });

  test('who is let in again gets the key of now', async () => {
    const { clock, members } = await stand(['alice', 'bob']);
    const [alice, bob] = members;
    await remove({ clock }, { by: alice.node, whom: bob, rest: [alice.node] });
    await alice.node.submit([memberRole.create({ identity: bob.member.identity, role: 'member' })]);
    await clock.advanceUntil(() => known(bob.node)[0] === 1, 2 * WAIT);
    expect(bob.node.keys.keys).toEqual(alice.node.keys.keys);
  });
});

describe('GK1: a device that is revoked', () => {
  beforeAll(startAutomerge);

  test('begins a key epoch, once', async () => {
    const { clock, world, members, link } = await stand(['alice', 'bob']);
    const [alice, bob] = members;
    const phone = await world.startMember({ name: 'bob', device: 'phone', disk: createMemoryDisk() });
    const lost = await phone.groups.join(link, '');
    await clock.advanceUntil(() => lost.roleOf(phone.identity) === 'member', WAIT);
    await edit(lost, 'phone');
    await clock.advance(5_000);
    await bob.node.submit([deviceRevoke.create({ device: phone.device })]);
    await clock.advanceUntil(() => known(alice.node)[0] === 1 && known(bob.node)[0] === 1, 2 * WAIT);
    expect(known(lost)).toEqual([0]);
    await clock.advance(60_000);
    expect(epochOf(alice.node)).toBe(1);
  });
});

test('GK2: in a public group there is nothing to rotate', async () => {
  await startAutomerge();
  const { clock, members } = await foundGroup('public', ['alice', 'bob']);
  const [alice, bob] = members as [Stand['members'][0], Stand['members'][0]];
  await alice.node.submit([memberRemove.create({ identity: bob.member.identity })]);
  await clock.advance(30_000);
  expect([epochOf(alice.node), known(alice.node)]).toEqual([undefined, []]);
  const kinds = alice.node.chain.pool.inOrder().flatMap(({ body }) => body.ops.map(({ kind }) => kind));
  expect(kinds).not.toContain(keyRotate.kind);
});
