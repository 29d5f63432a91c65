// Members' nodes as the validators of their group, over a relay in memory: what four order together, and what becomes of it when some go.

import { readRecoverers } from '../../shared/node/recoveries.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { RECOVERY_WAIT } from '../../shared/chain/recovery.ts';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { createSeedSigner } from '../../shared/platform/web/seed-signer.ts';
import { validatorSet } from '../../shared/ledger/families/validators.ts';
import { parseDocumentName } from '../../shared/feeds/document-name.ts';
import { readRecord } from '../../shared/ledger/state.ts';
import { CANDIDATE } from '../../shared/ledger/validator-records.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { inviteTo } from './group-pair.ts';
import { createRpcChain } from '../../shared/node/rpc-chain.ts';
import type { RpcChain } from '../../shared/rpc/rpc-node.ts';
import { createGroupWorld, type GroupWorld, type WorldMember } from './group-world.ts';
import { createMemoryDisk, type MemoryDisk } from './memory-store.ts';
import { createSimulatedClock, type SimulatedClock } from './simulated-clock.ts';

const NAMES = ['alice', 'bob', 'carol', 'dave'] as const;
const MINUTE = 60_000;
const PAGE = parseDocumentName('pages/plan');
if (!PAGE.ok) throw new Error('a page has a name');
const page = PAGE.value;

type Place = { readonly name: string; readonly disk: MemoryDisk; member: WorldMember | null };
type Stand = {
  readonly clock: SimulatedClock;
  readonly world: GroupWorld;
  readonly places: readonly Place[];
  group: string;
};

async function found(names: readonly string[], read: 'members' | 'public' = 'members'): Promise<Stand> {
  const clock = createSimulatedClock();
  const world = createGroupWorld({ clock, seed: 3, delay: { min: 1, max: 40 } });
  const places: Place[] = [];
  for (const name of names) {
    const disk = createMemoryDisk();
    places.push({ name, disk, member: await world.startMember({ name, disk }) });
  }
  const [first, ...rest] = places;
  const others = await Promise.all(rest.map(({ member }) => member!.groups.offer()));
  const node = await first!.member!.groups.create({ name: 'Four', read, others });
  for (const { member } of rest) {
    await member!.groups.join(await inviteTo(node, first!.member!), '');
  }
  return { clock, world, places, group: node.group };
}

function nodes({ places, group }: Stand): GroupNode[] {
  return places.flatMap(({ member }) => {
    const node = member?.groups.get(group);
    return node?.ok ? [node.value] : [];
  });
}

async function edit(node: GroupNode, key: string): Promise<void> {
  await node.documents.load(page);
  expect(node.documents.change(page, [{ action: 'put', path: [key], value: 1 }])).toMatchObject({ ok: true });
  await node.flush();
}

function isSettled(stand: Stand): boolean {
  const running = nodes(stand);
  const tips = new Set(running.map(({ chain }) => chain.tip.id));
  return tips.size === 1 && running.every(({ chain, outbox }) => chain.pool.size === 0 && outbox.pending.length === 0);
}

async function keysOf(node: GroupNode): Promise<string[]> {
  await node.documents.load(page);
  return Object.keys(node.documents.value(page) ?? {}).sort();
}

function kill(place: Place): void {
  place.member?.kill();
  place.member = null;
}

async function restart({ world }: Stand, place: Place): Promise<void> {
  place.member ??= await world.startMember({ name: place.name, disk: place.disk });
}

describe('a group that its members order together', () => {
  beforeAll(startAutomerge);

  test.each([2, 3, 4])(
    'CN2, CN3: %i members found each other by their sessions, and what each writes becomes final',
    async (n) => {
      const stand = await found(NAMES.slice(0, n), n === 3 ? 'public' : 'members');
      for (const [at, node] of nodes(stand).entries()) await edit(node, `edit-${at}`);
      await stand.clock.advanceUntil(() => isSettled(stand) && nodes(stand)[0]!.chain.tip.height > 0, MINUTE);
      expect(nodes(stand).every(({ isOrdered }) => isOrdered)).toBe(true);
      for (const node of nodes(stand)) expect(await keysOf(node)).toEqual(nodes(stand).map((_, at) => `edit-${at}`));
    },
  );

  test('CN2: one of four is killed for good and finality goes on; another restarts, and catches up', async () => {
    const stand = await found(NAMES);
    await edit(nodes(stand)[0]!, 'first');
    await stand.clock.advanceUntil(() => isSettled(stand) && nodes(stand)[0]!.chain.tip.height > 0, MINUTE);
    kill(stand.places[3]!);
    for (const key of ['second', 'third', 'fourth']) {
      await edit(nodes(stand)[1]!, key);
      await stand.clock.advanceUntil(() => isSettled(stand), MINUTE);
    }
    kill(stand.places[0]!);
    await edit(nodes(stand)[0]!, 'fifth');
    await stand.clock.advance(MINUTE);
    expect(isSettled(stand)).toBe(false);
    expect(nodes(stand).every(({ isOrdered }) => isOrdered)).toBe(false);
    await restart(stand, stand.places[0]!);
    await stand.clock.advanceUntil(() => isSettled(stand) && nodes(stand).length === 3, 2 * MINUTE);
    for (const node of nodes(stand))
      expect(await keysOf(node)).toEqual(['fifth', 'first', 'fourth', 'second', 'third']);
    await restart(stand, stand.places[3]!);
    await stand.clock.advanceUntil(() => isSettled(stand) && nodes(stand).length === 4, 2 * MINUTE);
    expect(await keysOf(nodes(stand)[3]!)).toEqual(['fifth', 'first', 'fourth', 'second', 'third']);
  });

  test('T09: who stops mining signs nothing and follows; when too many have stopped nothing is final, until one starts again', async () => {
    const stand = await found(NAMES);
    const rpcs = nodes(stand).map((node) => createRpcChain(node.order.rpc));
    const [, , carol, dave] = rpcs as [RpcChain, RpcChain, RpcChain, RpcChain];
    await edit(nodes(stand)[0]!, 'first');
    await stand.clock.advanceUntil(() => isSettled(stand) && nodes(stand)[0]!.chain.tip.height > 0, MINUTE);
    expect(await dave.setOrdering(false)).toMatchObject({ ok: true });
    expect(await dave.metrics()).toMatchObject({ value: { ordering: false } });
    await edit(nodes(stand)[3]!, 'second');
    await stand.clock.advanceUntil(() => isSettled(stand), 2 * MINUTE);
    expect(await keysOf(nodes(stand)[0]!)).toEqual(['first', 'second']);
    // A seal makes every other validator begin anew: it goes on resting.
    const { key } = nodes(stand)[3]!.chain.signer!;
    await nodes(stand)[0]!.submit([
      validatorSet.create({ add: [], remove: [nodes(stand)[1]!.chain.signer!.key], f: 0 }),
    ]);
    await stand.clock.advanceUntil(() => nodes(stand).every(({ chain }) => chain.validators.keys.length === 3), MINUTE);
    await stand.clock.advanceUntil(() => isSettled(stand), 2 * MINUTE);
    expect(nodes(stand)[3]!.chain.signer!.key).toBe(key);
    expect(await dave.metrics()).toMatchObject({ value: { ordering: false } });
    expect(await carol.setOrdering(false)).toMatchObject({ ok: true });
    const { height } = nodes(stand)[0]!.chain.tip;
    await edit(nodes(stand)[0]!, 'third');
    await stand.clock.advance(2 * MINUTE);
    expect(nodes(stand).map(({ chain }) => chain.tip.height)).toEqual([height, height, height, height]);
    expect(await dave.setOrdering(true)).toMatchObject({ ok: true });
    await stand.clock.advanceUntil(() => isSettled(stand), 2 * MINUTE);
    expect(await dave.metrics()).toMatchObject({ value: { ordering: true } });
    for (const node of nodes(stand)) expect(await keysOf(node)).toEqual(['first', 'second', 'third']);
    // Who orders it no more has no key to start with, and follows.
    expect(await rpcs[1]!.setOrdering(true)).toMatchObject({ error: { code: 'not_a_validator' } });
  });

  test('CN7: on a fresh group two of four are gone: nothing is final, pending entries survive, and finish when one returns', async () => {
    const stand = await found(NAMES);
    kill(stand.places[2]!);
    kill(stand.places[3]!);
    for (const node of nodes(stand)) await edit(node, 'kept');
    await stand.clock.advance(2 * MINUTE);
    expect(nodes(stand).map(({ chain }) => chain.tip.height)).toEqual([0, 0]);
    for (const place of stand.places) kill(place);
    for (const place of stand.places.slice(0, 2)) await restart(stand, place);
    await stand.clock.advance(MINUTE);
    expect(nodes(stand).map(({ chain }) => chain.tip.height)).toEqual([0, 0]);
    expect(nodes(stand).every(({ chain }) => chain.pool.size > 0)).toBe(true);
    await restart(stand, stand.places[2]!);
    await stand.clock.advanceUntil(() => isSettled(stand) && nodes(stand).length === 3, 2 * MINUTE);
    expect(await keysOf(nodes(stand)[2]!)).toEqual(['kept']);
  });

  test('CN7: cut off from the relay one by one and back, they agree in the end', async () => {
    const stand = await found(NAMES);
    for (let round = 0; round < 8; round++) {
      const { member } = stand.places[round % 4]!;
      member!.setReachable(false);
      for (const [at, node] of nodes(stand).entries()) await edit(node, `round-${round}-${at}`);
      await stand.clock.advance(3_000);
      member!.setReachable(true);
      member!.groups.wake();
    }
    await stand.clock.advanceUntil(() => isSettled(stand), 3 * MINUTE);
    for (const node of nodes(stand)) expect((await keysOf(node)).length).toBe(32);
  });
});

async function joinBob(stand: Stand): Promise<{ bob: Place; joined: GroupNode }> {
  const { clock, world } = stand;
  const disk = createMemoryDisk();
  const member = await world.startMember({ name: 'bob', disk });
  const bob: Place = { name: 'bob', disk, member };
  (stand.places as Place[]).push(bob);
  const joined = await member.groups.join(await inviteTo(nodes(stand)[0]!, stand.places[0]!.member!), 'Bob');
  await clock.advanceUntil(() => joined.roleOf(member.identity) === 'member', MINUTE);
  return { bob, joined };
}

describe('CH36: a group that hands over', () => {
  beforeAll(startAutomerge);

  test.each(['members', 'public'] as const)(
    'from its founder to another member’s device (read by %s)',
    async (read) => {
      const stand = await found(['alice'], read);
      const { clock, world } = stand;
      const own = nodes(stand)[0]!;
      const { bob, joined } = await joinBob(stand);
      const { disk } = bob;
      const key = await joined.offerToOrder();
      await clock.advanceUntil(() => isSettled(stand), MINUTE);
      expect([own.orders, joined.orders]).toEqual([true, false]);
      await own.submit([validatorSet.create({ add: [key], remove: [own.validators[0]!.key], f: 0 })]);
      await clock.advanceUntil(() => joined.orders && isSettled(stand), MINUTE);
      expect(own.orders).toBe(false);
      expect(joined.validators.map((one) => [one.key, one.you])).toEqual([[key, true]]);
      await edit(own, 'by alice');
      await clock.advanceUntil(() => isSettled(stand), MINUTE);
      await edit(joined, 'by bob');
      await clock.advanceUntil(() => isSettled(stand), MINUTE);
      expect(await keysOf(own)).toEqual(['by alice', 'by bob']);
      kill(bob);
      await clock.advance(MINUTE);
      bob.member = await world.startMember({ name: 'bob', disk });
      await edit(nodes(stand)[0]!, 'after a restart');
      await clock.advanceUntil(() => nodes(stand).length === 2 && isSettled(stand), MINUTE);
      expect(nodes(stand)[1]!.orders).toBe(true);
    },
  );
});

describe('LG126, LG133: keys of one epoch', () => {
  beforeAll(startAutomerge);

  const keysOn = async ({ disk }: Place): Promise<string[]> => {
    const found = await disk.openStore().range({ from: 'vault/', to: 'vault0' });
    return found.map(({ key }) => key.slice('vault/'.length));
  };
  const isOffered = ({ chain }: GroupNode, { member }: Place): boolean =>
    readRecord(chain.state, CANDIDATE, member!.device) !== undefined;

  test('each device goes on with a fresh key after a seal, and the old ones are on no disk', async () => {
    const stand = await found(NAMES);
    const { clock } = stand;
    const [first] = nodes(stand);
    await clock.advance(MINUTE);
    expect(first!.chain.tip.height).toBe(0);
    await edit(first!, 'first');
    const allOffered = (): boolean => stand.places.every((place) => isOffered(first!, place)) && isSettled(stand);
    await clock.advanceUntil(allOffered, 2 * MINUTE);
    const founders = first!.validators.map(({ key }) => key);
    const quiet = first!.chain.tip.height;
    await clock.advance(10 * MINUTE);
    expect(first!.chain.tip.height).toBe(quiet);
    // Whoever is down at the seal does it when it is back.
    const [late] = stand.places.slice(3);
    kill(late!);
    await first!.submit([validatorSet.create({ add: [], remove: [], f: 0 })]);
    await clock.advanceUntil(() => first!.chain.validators.f === 0 && isSettled(stand), 2 * MINUTE);
    await restart(stand, late!);
    await edit(first!, 'second');
    await clock.advanceUntil(() => nodes(stand).length === 4 && allOffered(), 3 * MINUTE);
    const now = first!.validators.map(({ key }) => key);
    expect(now.filter((key) => founders.includes(key))).toEqual([]);
    for (const place of stand.places) {
      const keys = await keysOn(place);
      expect(keys.filter((key) => founders.some((old) => old === key))).toEqual([]);
      // This epoch's and the next one's.
      expect(keys.length).toBe(2);
    }
    await edit(nodes(stand)[3]!, 'third');
    await clock.advanceUntil(() => isSettled(stand), MINUTE);
    expect(await keysOf(first!)).toEqual(['first', 'second', 'third']);
  });
});

describe('CH38: a group whose only device that ordered it is gone for good', () => {
  beforeAll(startAutomerge);

  test('goes on with another one by the word of its founder, after a week, and what waited becomes final', async () => {
    const stand = await found(['alice']);
    const { clock } = stand;
    const { joined, bob } = await joinBob(stand);
    kill(stand.places[0]!);
    await edit(joined, 'waits');
    await clock.advance(MINUTE);
    const { groups, self } = bob.member!;
    const founder = createSeedSigner(sha256(encodeUtf8('3 alice')));
    expect(await groups.recover(joined, self.signer)).toMatchObject({ error: { code: 'bad_link' } });
    await clock.advance(RECOVERY_WAIT);
    expect(await groups.recover(joined, self.signer)).toMatchObject({ error: { code: 'not_permitted' } });
    expect(readRecoverers(joined.founding, joined.chain)).toMatchObject({ threshold: 1 });
    expect(await joined.order.recoveries()).toEqual([]);
    expect(await groups.recover(joined, founder)).toEqual({ ok: true, value: null });
    const { height } = joined.chain.tip;
    expect(await joined.order.recoveries()).toMatchObject([{ height }]);
    // The next one takes another week.
    expect(readRecoverers(joined.founding, joined.chain)?.from).toBe(joined.chain.tip.time + RECOVERY_WAIT);
    await clock.advanceUntil(() => joined.orders && isSettled(stand), MINUTE);
    expect(await keysOf(joined)).toEqual(['waits']);
  });
});
