// A member who writes more than the pool takes of one device while nobody is there: all of it is shown, also after a restart.

import { beforeAll, expect, test } from 'vitest';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { POOL_DEVICE_ENTRIES_MAX } from '../../shared/node/entry-pool.ts';
import { edit, foundGroup, page, textOf, WAIT } from './group-stand.ts';

const EDITS: number = POOL_DEVICE_ENTRIES_MAX + 14;

beforeAll(startAutomerge);

test('own entries beyond the share of a device are shown until they are final, before and after a restart', async () => {
  const { clock, world, members } = await foundGroup('members', ['alice', 'bob']);
  const [alice, bob] = [members[0]!, members[1]!];
  bob.member.setReachable(false);
  const texts = Array.from({ length: EDITS }, (_, at) => `edit ${String(at).padStart(4, '0')}`);
  for (const text of texts) {
    await edit(bob.node, text);
  }
  await clock.advance(1_000);
  expect(bob.node.outbox.pending.length).toBe(EDITS);
  expect(bob.node.chain.pool.size).toBe(POOL_DEVICE_ENTRIES_MAX);
  expect(await textOf(bob.node)).toEqual(texts);
  bob.member.kill();
  const again = await world.startMember({ name: 'bob', disk: bob.disk });
  again.setReachable(false);
  const node = again.groups.get(alice.node.group);
  if (!node.ok) throw new Error('the group is known');
  // At once, before anybody could say how far the own feed is.
  expect(await textOf(node.value)).toEqual(texts);
  node.value.documents.release(page);
  await clock.advance(10_000);
  expect(await textOf(node.value)).toEqual(texts);
  again.setReachable(true);
  again.groups.wake();
  await clock.advanceUntil(() => node.value.outbox.pending.length === 0, 20 * WAIT);
  await clock.advance(5_000);
  for (const one of [alice.node, node.value]) expect(await textOf(one)).toEqual(texts);
}, 120_000);

test('what a device writes beyond its share reaches who orders it, over slow links too', async () => {
  const { clock, members } = await foundGroup('members', ['alice', 'bob'], { delay: { min: 200, max: 400 } });
  const [alice, bob] = [members[0]!, members[1]!];
  bob.member.setReachable(false);
  const texts = Array.from({ length: 2 * POOL_DEVICE_ENTRIES_MAX }, (_, at) => `edit ${String(at).padStart(4, '0')}`);
  for (const text of texts) {
    await edit(bob.node, text);
  }
  bob.member.setReachable(true);
  bob.member.groups.wake();
  await clock.advanceUntil(() => bob.node.outbox.pending.length === 0, 2 * WAIT);
  await clock.advance(5_000);
  for (const { node } of [alice, bob]) expect(await textOf(node)).toEqual(texts);
}, 120_000);

test('SY3: blocks that come while others are written are written together, and stand in their order', async () => {
  const { clock, world, members } = await foundGroup('members', ['alice', 'bob']);
  const [alice, bob] = [members[0]!, members[1]!];
  bob.member.setReachable(false);
  const texts = Array.from({ length: 60 }, (_, at) => `edit ${String(at).padStart(4, '0')}`);
  for (const text of texts) {
    await edit(alice.node, text);
    await clock.advance(300);
  }
  const before = bob.node.chain.tip.height;
  expect(alice.node.chain.tip.height).toBeGreaterThan(before + 40);
  const runs: number[] = [];
  let run = 0;
  bob.node.chain.subscribe({
    final(_, more) {
      run++;
      if (!more) runs.push(run);
      if (!more) run = 0;
    },
  });
  bob.member.setReachable(true);
  bob.member.groups.wake();
  await clock.advanceUntil(() => bob.node.chain.tip.id === alice.node.chain.tip.id, WAIT);
  expect(runs.reduce((sum, count) => sum + count, 0)).toBe(bob.node.chain.tip.height - before);
  expect(runs.length).toBeLessThan((bob.node.chain.tip.height - before) / 2);
  expect(await textOf(bob.node)).toEqual(texts);
  const { height } = bob.node.chain.tip;
  bob.member.kill();
  const again = await world.startMember({ name: 'bob', disk: bob.disk });
  const node = again.groups.get(alice.node.group);
  if (!node.ok) throw new Error('the group is known');
  expect([node.value.chain.tip.height, await textOf(node.value)]).toEqual([height, texts]);
}, 120_000);
