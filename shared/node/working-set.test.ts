// The working set under pressure: what pays least goes first, own entries stay, nobody gets a place for nothing, and old ones leave.

import { describe, expect, test } from 'vitest';
import {
  createPerson,
  createUnsignedPerson,
  createWorld,
  GROUP,
  join,
  makeBlock,
  write,
  type Person,
  type World,
} from '../../test/simulator/ledger-world.ts';
import { createMemoryDisk } from '../../test/simulator/memory-store.ts';
import { giveTokens, TOKENS } from '../../test/simulator/tokens.ts';
import { silentLog as log } from '../../test/simulator/silent-log.ts';
import type { PublicKey } from '../crypto/ids.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import type { EntryTerms } from '../feeds/feed.ts';
import { accountTransfer } from '../ledger/families/accounts.ts';
import { handleRegister } from '../ledger/families/handles.ts';
import { policyUpdate } from '../ledger/families/policy.ts';
import { createWebVerifier } from '../platform/web/web-crypto.ts';
import { EntryCounters } from './entry-counters.ts';
import { EntryIntake } from './entry-intake.ts';
import { EntryPool } from './entry-pool.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const verifier = await createWebVerifier();

const ANY = [{ kind: 'test.any', body: new Uint8Array(8) }];
const PER_DEVICE = 250;
const POOL_ENTRIES = 5_000;
/** Of 20 devices, without signatures: as many as a pool holds. */
const crowd: VerifiedEntry[] = [];
for (let device = 10; device < 30; device++) {
  const person = await createUnsignedPerson(`person ${device}`);
  for (let at = 0; at < PER_DEVICE; at++) crowd.push(await write(person, ANY));
}

function fillPool(paid: bigint): EntryPool {
  const pool = new EntryPool();
  for (const [since, entry] of crowd.entries()) pool.add(entry, { paid, since, own: false });
  return pool;
}

describe('WS2: a full pool', () => {
  test('lets go of what pays least by the byte, of equals the newest, with all that its device wrote after it', async () => {
    const pool = fillPool(10n);
    // As large as the first entries there, whose certificates make them pay less by the byte than later ones.
    const newcomer = await write(await createUnsignedPerson('person 31'), ANY);
    expect(newcomer.size).toBe(crowd[0]!.size);
    const offer = (paid: bigint) => pool.findRoom(newcomer, { paid, own: false, coming: [] });
    expect([offer(0n), offer(10n)]).toEqual([null, null]);
    expect(offer(11n)?.map(({ id }) => id)).toEqual(crowd.slice(-PER_DEVICE).map(({ id }) => id));
    const cheap = crowd[247]!;
    pool.remove(cheap.id);
    pool.add(cheap, { paid: 1n, since: 0, own: false });
    const leaving = offer(11n)?.map(({ id }) => id);
    expect(new Set(leaving)).toEqual(new Set(crowd.slice(247, 250).map(({ id }) => id)));
  });

  test('WS3: keeps what this device wrote, which itself takes the place of others', async () => {
    const pool = fillPool(5n);
    for (const entry of crowd.slice(-PER_DEVICE)) pool.remove(entry.id);
    const [first, ...others] = crowd.slice(-PER_DEVICE);
    for (const entry of others) pool.add(entry, { paid: 5n, since: 0, own: false });
    const me = await createUnsignedPerson('me');
    pool.add(await write(me, ANY), { paid: 0n, since: 0, own: true });
    expect(pool.size).toBe(5_000);
    const offer = (entry: VerifiedEntry, own: boolean) =>
      pool.findRoom(entry, { paid: own ? 0n : 50n, own, coming: [] });
    const victims = [offer(first!, false), offer(await write(me, ANY), true)];
    for (const leaving of victims) {
      expect(leaving).toHaveLength(PER_DEVICE);
      expect(leaving!.every(({ identity }) => identity !== me.identity)).toBe(true);
    }
  });

  test('counts those that come in just now, and never lets go of what a newcomer stands on', async () => {
    const pool = new EntryPool();
    for (const entry of crowd.slice(0, PER_DEVICE)) pool.add(entry);
    const coming = crowd.slice(PER_DEVICE);
    const next = { body: crowd[1]!.body, size: 100 };
    expect(pool.findRoom(next, { paid: 100n, own: false, coming })).toBeNull();
    expect(pool.findRoom(next, { paid: 100n, own: false, coming: coming.slice(1) })).toEqual([]);
  });
});

async function openDoor(own?: PublicKey) {
  const [admin, alice] = [await createPerson('admin'), await createPerson('alice')];
  const world = createWorld([admin, alice], { policy: { tokens: { ...TOKENS, feeFloor: 100_000 } } });
  giveTokens(world, { asset: 'consumer', to: alice.identity, amount: 1_000n });
  makeBlock(world, []);
  const disk = createMemoryDisk();
  const bound = new Set<string>();
  const open = () => openIntake(world, { disk, own, bound });
  return { admin, alice, world, open, bound };
}

function openIntake(
  world: World,
  given: { disk: ReturnType<typeof createMemoryDisk>; own: PublicKey | undefined; bound?: ReadonlySet<string> },
) {
  const { disk, own, bound } = given;
  const store = disk.openStore();
  const time = { now: world.time + 1_000 };
  const tasks = new Set<() => void>();
  const told: string[] = [];
  const intake = new EntryIntake({
    store,
    clock: {
      now: () => time.now,
      after: (_delay, task) => {
        tasks.add(task);
        return () => tasks.delete(task);
      },
    },
    verifier,
    log,
    group: GROUP,
    own,
    keepBound: ({ id, bytes }) => (bound?.has(id) ? { key: `proposed/${id}`, value: bytes } : null),
    head: () => ({
      state: world.state,
      tip: { id: world.parentId, height: world.height, view: world.height, time: world.time },
    }),
    onPending: (entries) => told.push(...entries.map(({ id }) => id)),
  });
  const tick = async (ms: number) => {
    time.now += ms;
    const due = [...tasks];
    tasks.clear();
    for (const task of due) task();
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  const stored = async () => (await store.range({ from: 'pool/', to: 'pool0' })).length;
  const kept = async () => (await store.range({ from: 'proposed/', to: 'proposed0' })).map(({ value }) => value);
  return { intake, tick, stored, kept, tasks, told, disk };
}

async function send(from: Person, to: Person, terms: EntryTerms = {}): Promise<Uint8Array> {
  const operation = accountTransfer.create({ asset: 'consumer', to: to.identity, amount: 1n });
  return (await write(from, [operation], terms)).bytes;
}

test('WS2: what took the place of others is told, also when the disk fails before it has let go of those', async () => {
  const { admin, alice, open, bound } = await openDoor();
  const { intake, told, disk } = open();
  for (const [since, entry] of crowd.entries()) intake.pool.add(entry, { paid: 1n, since, own: false });
  for (const { id } of crowd) bound.add(id);
  disk.setFull('proposed/');
  await expect(intake.submit(await send(alice, admin, { fee: 200n }))).rejects.toMatchObject({
    code: 'quota_exceeded',
  });
  const [paying] = [...intake.pool.entries()].filter(({ identity }) => identity === alice.identity);
  expect(told).toEqual([paying?.id]);
  intake.close();
});

describe('WS7: newcomers', () => {
  test('fill half of the working set and no more, by number and by bytes, with those that come in just now', () => {
    const pool = new EntryPool();
    const newcomer = { paid: 0n, since: 0, own: false, newcomer: true };
    const [room, size] = [POOL_ENTRIES / 2, crowd[0]!.size];
    for (const entry of crowd.slice(0, room - 1)) pool.add(entry, newcomer);
    const coming = new Map([[crowd[room]!, newcomer]]);
    expect([pool.hasNewcomerRoom(size, new Map()), pool.hasNewcomerRoom(size, coming)]).toEqual([true, false]);
    expect(pool.hasNewcomerRoom(32 * 1_024 * 1_024, new Map())).toBe(false);
    pool.add(crowd[room - 1]!, newcomer);
    expect(pool.hasNewcomerRoom(size, new Map())).toBe(false);
    expect(pool.findRoom(crowd.at(-1)!, { paid: 0n, own: false, coming: [] })).toEqual([]);
    pool.remove(crowd[0]!.id);
    expect(pool.hasNewcomerRoom(size, new Map())).toBe(true);
  });

  test('one more is sent away before any signature is checked, while members are taken in', async () => {
    const member = await createPerson('member');
    const world = createWorld([member], { policy: { puzzleBits: 4 } });
    const { intake } = openIntake(world, { disk: createMemoryDisk(), own: undefined });
    for (const entry of crowd.slice(0, POOL_ENTRIES / 2)) {
      intake.pool.add(entry, { paid: 0n, since: 0, own: false, newcomer: true });
    }
    const stranger = await createPerson('stranger');
    const { bytes } = await write(stranger, [join(world, stranger)]);
    const forged = bytes.slice();
    forged[forged.length - 1]! ^= 1;
    for (const wire of [bytes, forged]) {
      expect(await intake.submit(wire)).toMatchObject({ error: { code: 'pool_full' } });
    }
    const { bytes: own } = await write(member, [handleRegister.create({ handle: 'member' })]);
    expect(await intake.submit(own)).toMatchObject({ value: { state: 'pending' } });
  });
});

describe('WS4, LG69: the door', () => {
  test('refuses who offers too little or cannot pay, before a signature is checked; admins may act', async () => {
    const { admin, alice, world, open } = await openDoor();
    const { intake, stored } = open();
    const cheap = await send(alice, admin, { fee: 1n });
    expect(await intake.submit(cheap)).toMatchObject({ error: { code: 'fee_below_floor' } });
    const alone = await createPerson('alice');
    const poor = await send(alone, admin, { fee: 1_001n });
    const forged = poor.slice();
    forged[10]! ^= 1;
    expect(await intake.submit(forged)).toMatchObject({ error: { code: 'insufficient_funds' } });
    const strange = await createPerson('alice');
    expect(await intake.submit(await send(strange, admin, { fee: 200n, feeSelector: 3 }))).toMatchObject({
      error: { code: 'invalid_fee_selector' },
    });
    expect(await stored()).toBe(0);
    const good = await createPerson('alice');
    const wire = await send(good, admin, { fee: 200n });
    expect(await intake.submit(wire)).toMatchObject({ value: { state: 'pending' } });
    expect(await intake.submit(wire)).toMatchObject({ value: { state: 'pending' } });
    expect(await intake.submit(await send(admin, alice))).toMatchObject({ value: { state: 'pending' } });
    expect(intake.counters.read()).toMatchObject({
      fee_floor_reject_total: 1,
      invalid_selector_reject_total: 1,
      dup_tx_reject_total: 1,
      rejected: { fee_below_floor: 1, insufficient_funds: 1, invalid_fee_selector: 1 },
    });
    expect(world.height).toBe(1);
  });

  test('what is pending has spent its fee already: the same tokens do not pay twice', async () => {
    const { admin, alice, open } = await openDoor();
    const { intake } = open();
    expect(await intake.submit(await send(alice, admin, { fee: 600n }))).toMatchObject({ value: { state: 'pending' } });
    expect(await intake.submit(await send(alice, admin, { fee: 600n }))).toMatchObject({
      error: { code: 'insufficient_funds' },
    });
  });
});

test('LG67: what is announced is judged by from its time on, also while no block is made', async () => {
  const { admin, world } = await openDoor();
  const change = policyUpdate.create({ feeFloor: 0, noticePeriod: 0 });
  makeBlock(world, [await write(admin, [change])]);
  world.time -= MINUTE;
  const { intake, tick } = openIntake(world, { disk: createMemoryDisk(), own: undefined });
  const wires = [
    await send(await createPerson('alice'), admin, {}),
    await send(await createPerson('alice'), admin, {}),
  ];
  expect(await intake.submit(wires[0]!)).toMatchObject({ error: { code: 'fee_below_floor' } });
  await tick(2 * MINUTE);
  expect(await intake.submit(wires[1]!)).toMatchObject({ value: { state: 'pending' } });
});

describe('WS5: what waits for ever', () => {
  test('T07: leaves after a day, and while nothing waits nobody wakes up', async () => {
    const { admin, alice, open } = await openDoor();
    const { intake, tick, stored, tasks } = open();
    expect(tasks.size).toBe(0);
    await intake.submit(await send(alice, admin, { fee: 200n }));
    await tick(10 * MINUTE);
    expect([intake.pool.size, tasks.size]).toEqual([1, 1]);
    await tick(DAY);
    expect([intake.pool.size, await stored(), tasks.size]).toEqual([0, 0, 0]);
    expect(intake.counters.read().ttl_drop_total).toBe(1);
    intake.close();
  });

  test('leaves when its deadline is over, with what stands behind it, and comes again when it is given again', async () => {
    const { admin, alice, world, open } = await openDoor();
    const { intake, tick } = open();
    const [first, second] = [
      await send(alice, admin, { fee: 200n, validUntil: world.time + MINUTE }),
      await send(alice, admin, { fee: 200n }),
    ];
    for (const wire of [first, second]) await intake.submit(wire);
    await tick(10 * MINUTE);
    expect(intake.pool.size).toBe(2);
    await tick(10 * MINUTE);
    expect([intake.pool.size, intake.counters.read().ttl_drop_total]).toEqual([0, 2]);
    for (const wire of [first, second]) expect(await intake.submit(wire)).toMatchObject({ ok: true });
    intake.close();
  });

  test('WS3: stays when this device wrote it', async () => {
    const alone = await createPerson('alice');
    const { admin, alice, open } = await openDoor(alone.signer.key);
    const { intake, tick } = open();
    await intake.submit(await send(alice, admin, { fee: 200n }));
    await tick(2 * DAY);
    expect(intake.pool.size).toBe(1);
    intake.close();
  });

  test('WS6: is not taken up again after a restart when it has expired', async () => {
    const { admin, alice, world, open } = await openDoor();
    const before = open();
    await before.intake.submit(await send(admin, alice));
    await before.intake.submit(await send(alice, admin, { fee: 200n, validUntil: world.time + MINUTE }));
    before.intake.close();
    const after = open();
    await after.tick(2 * MINUTE);
    await after.intake.restore();
    expect([after.intake.pool.size, await after.stored()]).toEqual([1, 1]);
    expect(after.intake.counters.read().startup_ttl_drop_total).toBe(1);
    after.intake.close();
  });
});

describe('WS8, CH21: what a proposal that was voted for holds', () => {
  test('stays on disk when it has waited too long, and when it can never be ordered', async () => {
    const { admin, alice, open, bound } = await openDoor();
    const { intake, tick, stored, kept } = open();
    const wires = [await send(alice, admin, { fee: 200n }), await send(alice, admin, { fee: 200n })];
    for (const wire of wires) await intake.submit(wire);
    const [first, second] = [...intake.pool.entries()].map(({ id }) => id);
    bound.add(first!).add(second!);
    await intake.drop([second!]);
    expect([intake.pool.size, await stored(), await kept()]).toEqual([1, 1, [wires[1]]]);
    await tick(DAY + MINUTE);
    expect([intake.pool.size, await stored()]).toEqual([0, 0]);
    expect(new Set(await kept())).toEqual(new Set(wires));
    intake.close();
  });

  test('stays on disk after a restart, when it has expired or fits no more', async () => {
    const { admin, alice, world, open, bound } = await openDoor();
    const before = open();
    const wires = [
      await send(alice, admin, { fee: 200n, validUntil: world.time + MINUTE }),
      await send(alice, admin, { fee: 200n }),
    ];
    for (const wire of wires) await before.intake.submit(wire);
    for (const { id } of before.intake.pool.entries()) bound.add(id);
    before.intake.close();
    const after = open();
    await after.tick(2 * MINUTE);
    await after.intake.restore();
    expect(after.intake.pool.size).toBe(0);
    expect(new Set(await after.kept())).toEqual(new Set(wires));
  });
});

test('T11: counters stop at their largest value', () => {
  const counters = new EntryCounters();
  counters.add('evictions_total', Number.MAX_SAFE_INTEGER - 1);
  counters.add('evictions_total', 5);
  counters.reject('forked');
  expect(counters.read()).toMatchObject({ evictions_total: Number.MAX_SAFE_INTEGER, rejected: { forked: 1 } });
});

test('T11: what was dropped is told from what was not there', async () => {
  const { admin, alice, open } = await openDoor();
  const { intake } = open();
  await intake.submit(await send(alice, admin, { fee: 200n }));
  const [waiting] = intake.pool.entries();
  await intake.drop([waiting!.id, GROUP]);
  expect(intake.counters.read()).toMatchObject({ orphan_sweep_total: 1, drop_not_found_total: 1 });
});
