// Who joins by an invite believes the history in which the inviter's validators took over, and no other.

import { beforeAll, expect, test } from 'vitest';
import { SNAPSHOT_BLOCKS_MIN } from '../../shared/core/limits.ts';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { validatorSet } from '../../shared/ledger/families/validators.ts';
import { formatInviteLink, parseInviteLink, type InviteLink } from '../../shared/node/invite-link.ts';
import { inviteTo } from './group-pair.ts';
import { edit, foundGroup, textOf, WAIT, type Stand } from './group-stand.ts';
import { createMemoryDisk } from './memory-store.ts';

beforeAll(startAutomerge);

/** Bob orders what alice founded, and has ordered so many edits. */
async function handOver(edits: number): Promise<Stand> {
  const stand = await foundGroup('members', ['alice', 'bob']);
  const { clock, members } = stand;
  const [alice, bob] = members;
  const key = await bob!.node.offerToOrder();
  await clock.advance(5_000);
  const [founder] = alice!.node.validators;
  await alice!.node.submit([validatorSet.create({ add: [key], remove: [founder!.key], f: 0 })]);
  await clock.advanceUntil(() => bob!.node.orders && !alice!.node.orders, WAIT);
  for (let at = 0; at < edits; at++) {
    const { height } = bob!.node.chain.tip;
    await edit(bob!.node, `edit ${at}`);
    await clock.advanceUntil(() => bob!.node.chain.tip.height > height, WAIT);
  }
  return stand;
}

async function join({ world, clock }: Stand, link: InviteLink, name: string) {
  const member = await world.startMember({ name, disk: createMemoryDisk() });
  const node = await member.groups.join(link, name);
  await clock.advance(WAIT);
  return { member, node, role: node.roleOf(member.identity) };
}

test.each([
  ['block by block', 1],
  ['by a snapshot', SNAPSHOT_BLOCKS_MIN + 2],
])('LC19, CH41: an invite says which change of validators the inviter knows; %s', async (_how, edits) => {
  const stand = await handOver(edits);
  const { node, member } = stand.members[1]!;
  const before = stand.link.checkpoint;
  expect(before).toBeUndefined();
  const link = await inviteTo(stand.members[0]!.node, stand.members[0]!.member, 5);
  const { checkpoint } = link;
  expect(checkpoint!.height).toBeLessThan(node.chain.tip.height);
  const carol = await join(stand, link, 'carol');
  expect(carol.role).toBe('member');
  expect(await textOf(carol.node)).toEqual(await textOf(node));
  // She knows it from the chain now, and so hands it on.
  expect((await inviteTo(carol.node, carol.member)).checkpoint).toEqual(checkpoint);
  // As if the history she is shown were the forged one.
  const other = await join(stand, { ...link, checkpoint: { ...checkpoint!, seal: node.group } }, 'dave');
  expect(other.role).not.toBe('member');
  expect(other.node.chain.tip.height).toBeLessThan(checkpoint!.height);
  expect((await inviteTo(other.node, other.member)).checkpoint).toEqual({ ...checkpoint, seal: node.group });
  expect(member.identity).not.toBe(other.member.identity);
});

test('LC19: an invite with a checkpoint goes through its text, and is refused with a part of one', async () => {
  const stand = await foundGroup('members', ['alice']);
  const link = { ...stand.link, checkpoint: { height: 120, seal: stand.link.founding.group } };
  expect(parseInviteLink(formatInviteLink(link))).toMatchObject({ ok: true, value: { checkpoint: link.checkpoint } });
  const [plain, longer] = [formatInviteLink(stand.link), formatInviteLink(link)];
  expect(longer.length - plain.length).toBeLessThan(110);
  expect(parseInviteLink(longer.slice(0, -4))).toMatchObject({ ok: false });
});
