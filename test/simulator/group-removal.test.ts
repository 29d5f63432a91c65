// Who is taken out of a group, or whose device is revoked, hears of it, now or when it is back, and nothing of it counts any more.

import { beforeAll, describe, expect, test } from 'vitest';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { parseDocumentName } from '../../shared/feeds/document-name.ts';
import { deviceRevoke } from '../../shared/ledger/families/devices.ts';
import { memberRemove } from '../../shared/ledger/families/membership.ts';
import { DOCUMENT } from '../../shared/ledger/group-records.ts';
import { readRecord } from '../../shared/ledger/state.ts';
import type { DocumentPatch } from '../../shared/documents/document-patches.ts';
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

async function write(node: GroupNode, patch: DocumentPatch): Promise<void> {
  await node.documents.load(page);
  expect(node.documents.change(page, [patch])).toMatchObject({ ok: true });
  await node.flush();
  node.documents.release(page);
}

function textIn(node: GroupNode): unknown {
  return (node.documents.value(page) as { text?: string } | undefined)?.text;
}

async function startGroup(given: {
  readonly admin?: MemoryDisk;
  readonly laptop?: MemoryDisk;
  readonly uses?: number;
}) {
  const { admin = createMemoryDisk(), laptop = createMemoryDisk(), uses = 1 } = given;
  const clock = createSimulatedClock();
  const world = createGroupWorld({ clock, seed: 7 });
  const alice = await world.startMember({ name: 'alice', disk: admin });
  const bob = await world.startMember({ name: 'bob', disk: laptop });
  const own = await alice.groups.create({ name: 'Weavers', read: 'members' });
  const link = parseInviteLink(
    await alice.groups.invite(own, { role: 'member', uses, expires: Number.MAX_SAFE_INTEGER }),
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
    const { clock, bob, own, joined } = await startGroup({});
    await edit(joined, 'before');
    await clock.advance(2_000);
    await own.submit([memberRemove.create({ identity: bob.identity })]);
    await clock.advanceUntil(() => joined.refusal?.code === 'member_removed', 20_000);
    await edit(joined, 'late');
    await clock.advance(5_000);
    expect(await keysOf(own)).toEqual(['before']);
    expect(joined.outbox.pending).toEqual([]);
    // What was on its way to the outbox when the news came.
    await joined.submit([memberRemove.create({ identity: bob.identity })]);
    await clock.advance(5_000);
    expect(joined.outbox.pending).toEqual([]);
    expect(await keysOf(joined)).toEqual(['before']);
    await edit(own, 'after');
    await clock.advance(5_000);
    expect(await keysOf(own)).toEqual(['after', 'before']);
    expect(await keysOf(joined)).not.toContain('after');
  });

  test('hears of it when it is back: what it wrote meanwhile is taken back', async () => {
    const { clock, world, bob, own, joined } = await startGroup({});
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
    const { clock, world, own, joined, enter } = await startGroup({});
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

describe('LG43, LG33: what was built on edits that do not count', () => {
  beforeAll(startAutomerge);

  test.each([true, false])(
    'is made again, the same for all, and no letter of it is lost (shown: %s)',
    async (shown) => {
      const disk = createMemoryDisk();
      const { clock, world, alice, bob, own, joined, enter } = await startGroup({ admin: disk, uses: 3 });
      const carol = await world.startMember({ name: 'carol', disk: createMemoryDisk() });
      const dave = await world.startMember({ name: 'dave', disk: createMemoryDisk() });
      const [hers, his] = [await enter(carol), await enter(dave)];
      await write(own, { action: 'put', path: ['text'], value: '.' });
      await clock.advance(5_000);
      const [room] = [...world.rooms.values()];
      room!.setOpen(false);
      room!.cutAll();
      await own.submit([memberRemove.create({ identity: bob.identity })]);
      await clock.advance(5_000);
      await alice.close();
      // The one who was removed and two other members meet, and none of them knows of it.
      room!.setOpen(true);
      await hers.documents.load(page);
      await write(joined, { action: 'splice', path: ['text', 0], value: 'late' });
      const late = joined.outbox.pending.map(({ id }) => id);
      expect(late.length).toBeGreaterThan(0);
      await clock.advanceUntil(() => textIn(hers) === 'late.' && late.every((id) => his.chain.pool.has(id)), 60_000);
      await write(hers, { action: 'splice', path: ['text', 5], value: 'kept' });
      if (!shown) hers.documents.release(page);
      const built = hers.outbox.pending.map(({ id }) => id);
      await clock.advance(5_000);
      const back = await world.startMember({ name: 'alice', disk });
      await clock.advanceUntil(() => joined.refusal !== null, 60_000);
      await clock.advance(10_000);
      const [again] = back.groups.all;
      for (const node of [again!, hers, his, joined]) await node.documents.load(page);
      expect([again!, hers, his, joined].map(textIn)).toEqual(['.kept', '.kept', '.kept', '.']);
      for (const node of [again!, hers, his]) {
        expect(node.chain.tip).toEqual(again!.chain.tip);
        expect(readRecord(node.chain.state, DOCUMENT, page)).toEqual(readRecord(again!.chain.state, DOCUMENT, page));
        expect(node.chain.pool.size).toBe(0);
        for (const id of late) expect(await node.chain.heightOf(id)).toBeUndefined();
      }
      // What was built on it says so, and was signed again.
      for (const id of built) {
        expect(await hers.outbox.state(id)).toMatchObject({ outcome: { code: 'missing_dependency' } });
      }
      expect(built.length).toBeGreaterThan(0);
      for (const id of late) expect(await joined.outbox.state(id)).toMatchObject({ state: 'dropped' });
    },
  );
});
