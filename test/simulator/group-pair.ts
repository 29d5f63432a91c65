// Invites between simulated members, and the smallest group that is one: who founded it, and who joined by an invite.

import type { GroupNode } from '../../shared/node/group-node.ts';
import { parseInviteLink, type InviteLink } from '../../shared/node/invite-link.ts';
import { createGroupWorld, type WorldMember } from './group-world.ts';
import { createMemoryDisk } from './memory-store.ts';
import type { SimulatedClock } from './simulated-clock.ts';

/** The longest that a join or an entry may take, ms. */
const PATIENCE = 20_000;

type GroupTerms = Parameters<WorldMember['groups']['create']>[0];

/** What a person would be sent, that never expires; for one unless `uses` says more. */
export async function inviteTo(node: GroupNode, by: Pick<WorldMember, 'groups'>, uses = 1): Promise<InviteLink> {
  const link = parseInviteLink(
    await by.groups.invite(node, { role: 'member', uses, expires: Number.MAX_SAFE_INTEGER }),
  );
  if (!link.ok) throw new Error(link.error.because);
  return link.value;
}

/** Alice founded it and orders it, bernd is a member. */
export async function openPair(clock: SimulatedClock, terms: Omit<GroupTerms, 'read'>) {
  const world = createGroupWorld({ clock, seed: 1 });
  const alice = await world.startMember({ name: 'alice', disk: createMemoryDisk() });
  const bernd = await world.startMember({ name: 'bernd', disk: createMemoryDisk() });
  const own = await alice.groups.create({ ...terms, read: 'members' });
  const joined = await bernd.groups.join(await inviteTo(own, alice), 'bernd');
  await clock.advanceUntil(() => joined.roleOf(bernd.identity) === 'member', PATIENCE);
  return { alice, bernd, own, joined };
}

/** The code with which an entry that was submitted to this node settles. */
export async function settle(clock: SimulatedClock, node: GroupNode, submitted: Promise<string>): Promise<string> {
  const id = await submitted;
  let code: string | undefined;
  void node.outbox.whenSettled(id as never).then((outcome) => (code = outcome.code));
  await clock.advanceUntil(() => code !== undefined, PATIENCE);
  return code!;
}
