// A group whose members have joined, a page that they write on, and members with software of their own: where attacks are tried.

import { parseDocumentName, type DocumentName } from '../../shared/feeds/document-name.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import type { InviteLink } from '../../shared/node/invite-link.ts';
import { openHostileMember, type HostileMember } from '../adversaries/hostile-member.ts';
import { inviteTo } from './group-pair.ts';
import { createGroupWorld, type GroupWorld, type GroupWorldOptions, type WorldMember } from './group-world.ts';
import { createMemoryDisk, type MemoryDisk } from './memory-store.ts';
import { createSimulatedClock, type SimulatedClock } from './simulated-clock.ts';

const PAGE = parseDocumentName('pages/plan');
if (!PAGE.ok) throw new Error('a page has a name');
export const page: DocumentName = PAGE.value;
const SEED = 5;
/** The longest that anything may take, ms. */
export const WAIT = 30_000;

export type Stand = {
  readonly clock: SimulatedClock;
  readonly world: GroupWorld;
  readonly members: readonly { readonly member: WorldMember; readonly node: GroupNode; readonly disk: MemoryDisk }[];
  readonly link: InviteLink;
  hostile(name: string, device?: string): Promise<HostileMember>;
};

/** The first founds it and orders it, alone or with so many of the next; the others have joined. */
export async function foundGroup(
  read: 'members' | 'public',
  names: readonly string[],
  { orderers = 1, ...network }: Pick<GroupWorldOptions, 'mail' | 'tamper' | 'delay'> & { orderers?: number } = {},
): Promise<Stand> {
  const clock = createSimulatedClock();
  const world = createGroupWorld({ ...network, clock, seed: SEED });
  const members: { member: WorldMember; node: GroupNode; disk: MemoryDisk }[] = [];
  let link: InviteLink | null = null;
  const disks = names.map(() => createMemoryDisk());
  const start = (at: number): Promise<WorldMember> => world.startMember({ name: names[at]!, disk: disks[at]! });
  const fellows = await Promise.all(names.slice(1, orderers).map((_, at) => start(at + 1)));
  for (const [at, name] of names.entries()) {
    const disk = disks[at]!;
    const member = fellows[at - 1] ?? (await start(at));
    const [founder] = members;
    if (!founder) {
      const others = await Promise.all(fellows.map(({ groups }) => groups.offer()));
      members.push({ member, disk, node: await member.groups.create({ name: 'Weavers', read, others }) });
    } else {
      const node = await member.groups.join((link ??= await inviteTo(founder.node, founder.member, 10)), name);
      members.push({ member, node, disk });
      await clock.advanceUntil(() => node.roleOf(member.identity) === 'member', WAIT);
    }
  }
  link ??= await inviteTo(members[0]!.node, members[0]!.member, 10);
  await clock.advance(2_000);
  const [room] = [...world.rooms.keys()];
  const { group } = members[0]!.node;
  const hostile = async (name: string, device?: string): Promise<HostileMember> => {
    const made = await openHostileMember({
      ...{ world, clock, seed: SEED, name, group, room: room!, sealingKey: link.sealingKey },
      ...(device !== undefined && { device }),
    });
    await clock.advanceUntil(() => made.sessions.length > 0, WAIT);
    await clock.advance(1_000);
    return made;
  };
  return { clock, world, members, link, hostile };
}

export async function edit(node: GroupNode, text: string): Promise<void> {
  await node.documents.load(page);
  const changed = node.documents.change(page, [{ action: 'put', path: [text], value: text }]);
  if (!changed.ok) throw new Error(changed.error.because);
  await node.flush();
}

export async function textOf(node: GroupNode): Promise<string[]> {
  await node.documents.load(page);
  return Object.keys(node.documents.value(page) ?? {}).sort();
}
