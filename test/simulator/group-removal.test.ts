// Who is taken out of a group, or whose device is revoked, hears of it, now or when it is back, and nothing of it counts any more.

import { beforeAll, describe, expect, test } from 'vitest';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { parseDocumentName } from '../../shared/feeds/document-name.ts';
import { deviceRevoke } from '../../shared/ledger/families/devices.ts';
import { memberRemove } from '../../shared/ledger/families/membership.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { parseInviteLink } from '../../shared/node/invite-link.ts';
import { createGroupWorld, type WorldMember } from './group-world.ts';
import { createMemoryDisk, type MemoryDisk } from './memory-store.ts';
import { createSimulatedClock } from './simulated-clock.ts';

const PAGE = parseDocumentName('pages/plan');
if (!PAGE.ok) throw new Error('a page has a name');
const page = PAGE.value;

async function edit(node: GroupNode, key: string): Promise<void> {
  await node.documents.load(page);
  node.documents.change(page, [{ action: 'put', path: [key], value: 'written' }]);
  await node.flush();
}

async function keysOf(node: GroupNode): Promise<string[]> {
  await node.documents.load(page);
  return Object.keys(node.documents.value(page) ?? {}).sort();
}

async function startGroup(devices: { readonly laptop: MemoryDisk; readonly phone?: MemoryDisk }) {
  const clock = createSimulatedClock();
  const world = createGroupWorld({ clock, seed: 7 });
  const alice = await world.startMember({ name: 'alice', disk: createMemoryDisk() });
  const bob = await world.startMember({ name: 'bob', disk: devices.laptop });
  const own = await alice.groups.create({ name: 'Weavers', read: 'members' });
  const link = parseInviteLink(
    await alice.groups.invite(own, { role: 'member', uses: 1, expires: Number.MAX_SAFE_INTEGER }),
  );
  if (!link.ok) throw new Error(link.error.because);
  const enter = async (member: WorldMember): Promise<GroupNode> => {
    const node = await member.groups.join(link.value, '');
    await clock.advanceUntil(() => node.roleOf(member.identity) === 'member', 20_000);
    return node;
  };
  return { clock, world, alice, bob, own, joined: await enter(bob), enter };
}

describe('LG43: a member who is removed', () => {
  beforeAll(startAutomerge);

  test('hears of it at once, and nothing goes out to it or counts of it any more', async () => {
    const { clock, bob, own, joined } = await startGroup({ laptop: createMemoryDisk() });
    await edit(joined, 'before');
    await clock.advance(2_000);
    await own.submit([memberRemove.create({ identity: bob.identity })]);
    await clock.advanceUntil(() => joined.refusal?.code === 'member_removed', 20_000);
    await edit(joined, 'late');
    await clock.advance(5_000);
    expect(await keysOf(own)).toEqual(['before']);
    expect(joined.outbox.pending).toEqual([]);
    await edit(own, 'after');
    await clock.advance(5_000);
    expect(await keysOf(own)).toEqual(['after', 'before']);
    expect(await keysOf(joined)).not.toContain('after');
  });

  test('hears of it when it is back: what it wrote meanwhile is taken back', async () => {
    const laptop = createMemoryDisk();
    const { clock, world, bob, own, joined } = await startGroup({ laptop });
    const [room] = [...world.rooms.values()];
    await edit(joined, 'before');
    await clock.advance(2_000);
    room!.setOpen(false);
    room!.cutAll();
    await edit(joined, 'late');
    await own.submit([memberRemove.create({ identity: bob.identity })]);
    await clock.advance(5_000);
    expect(await keysOf(joined)).toEqual(['before', 'late']);
    room!.setOpen(true);
    await clock.advanceUntil(() => joined.refusal !== null, 60_000);
    await clock.advance(5_000);
    expect(await keysOf(joined)).toEqual(['before']);
    expect(await keysOf(own)).toEqual(['before']);
    expect(joined.outbox.pending).toEqual([]);
  });
});

describe('LG9: a device that is revoked', () => {
  beforeAll(startAutomerge);

  test('hears of it, writes no more, and the other devices go on', async () => {
    const { clock, world, own, joined, enter } = await startGroup({ laptop: createMemoryDisk() });
    const phone = await world.startMember({ name: 'bob', device: 'phone', disk: createMemoryDisk() });
    const lost = await enter(phone);
    await edit(lost, 'phone');
    await clock.advance(5_000);
    await joined.submit([deviceRevoke.create({ device: phone.device })]);
    await clock.advanceUntil(() => lost.refusal?.code === 'device_revoked', 20_000);
    await edit(joined, 'laptop');
    await clock.advance(5_000);
    expect(joined.refusal).toBe(null);
    expect(await keysOf(own)).toEqual(['laptop', 'phone']);
    expect(await keysOf(lost)).toEqual(['phone']);
  });
});
