// What a validator takes in: only what the next block could hold, so that nobody fills it with entries that never will be.

import { expect, test } from 'vitest';
import {
  createPerson,
  createWorld,
  GROUP,
  makeBlock,
  sign,
  write,
  type Person,
  type World,
} from '../../test/simulator/ledger-world.ts';
import { createMemoryDisk } from '../../test/simulator/memory-store.ts';
import { silentLog as log } from '../../test/simulator/silent-log.ts';
import { parseEntry, type ParsedEntry } from '../feeds/entry.ts';
import { nextEntryBody } from '../feeds/feed.ts';
import { handleRegister } from '../ledger/families/handles.ts';
import type { Store } from '../platform/ports.ts';
import { createWebVerifier } from '../platform/web/web-crypto.ts';
import { EntryIntake } from './entry-intake.ts';

const verifier = await createWebVerifier();
const register = (handle: string) => handleRegister.create({ handle });

function openIntake(world: World, disk = createMemoryDisk()) {
  const opened = disk.openStore();
  const seen = { writes: 0, told: [] as number[] };
  const store: Store = {
    ...opened,
    write: (batch, durability) => {
      seen.writes++;
      return opened.write(batch, durability);
    },
  };
  const intake = new EntryIntake({
    store,
    clock: { now: () => world.time + 1_000, after: () => () => undefined },
    verifier,
    log,
    group: GROUP,
    head: () => ({
      state: world.state,
      tip: { id: world.parentId, height: world.height, view: world.height, time: world.time },
    }),
    onPending: (entries) => void seen.told.push(entries.length),
  });
  return { intake, seen, stored: async () => (await store.range({ from: 'pool/', to: 'pool0' })).length };
}

async function createMember(name: string, changes: Parameters<typeof createWorld>[1] = {}) {
  const alice = await createPerson(name);
  const world = createWorld([alice], changes);
  makeBlock(world, [await write(alice, [register('first')])]);
  return { alice, world };
}

function read(wire: Uint8Array): ParsedEntry {
  const entry = parseEntry(wire);
  if (!entry.ok) throw new Error(entry.error.because);
  return entry.value;
}

/** An entry that skips a number, so that it can never be ordered before the one it skips. */
function skipOne(person: Person) {
  const body = nextEntryBody(person.writer, { time: 1, ops: [register('second')] });
  return sign(person, { ...body, seq: body.seq + 1 });
}

test('LG11: an entry that skips a number is answered and not kept: gaps would fill the pool for ever', async () => {
  const { alice, world } = await createMember('alice');
  const { intake, stored } = openIntake(world);
  expect(await intake.submit((await skipOne(alice)).bytes)).toMatchObject({ error: { code: 'seq_gap' } });
  expect(intake.pool.size).toBe(0);
  expect(await stored()).toBe(0);
});

test('LG16: what a quota does not hold today is answered and not kept', async () => {
  const { alice, world } = await createMember('alice', { policy: { operationsPerDay: 3 } });
  const { intake } = openIntake(world);
  const codes: string[] = [];
  for (const handle of ['second', 'third', 'fourth', 'fifth']) {
    const answer = await intake.submit((await write(alice, [register(handle)])).bytes);
    codes.push(answer.ok ? answer.value.state : answer.error.code);
  }
  expect(codes).toEqual(['pending', 'pending', 'quota_exceeded', 'seq_gap']);
  expect(intake.pool.size).toBe(2);
});

test('entries that come together are on disk in one write and pending at once, but for those that are refused', async () => {
  const { alice, world } = await createMember('alice', { policy: { operationsPerDay: 4 } });
  const { intake, seen, stored } = openIntake(world);
  const wires: Uint8Array[] = [];
  for (const handle of ['second', 'third', 'fourth']) wires.push((await write(alice, [register(handle)])).bytes);
  const forged = wires[2]!.slice();
  // The signature stands first in the wire form.
  forged[10]! ^= 1;
  const outcomes = await intake.submitAll([wires[0]!, wires[0]!, wires[1]!, forged, wires[2]!].map(read));
  expect(outcomes.map((outcome) => (outcome.ok ? outcome.value.state : outcome.error.code))).toEqual([
    'pending',
    'pending',
    'pending',
    'bad_signature',
    'pending',
  ]);
  expect(seen).toEqual({ writes: 1, told: [3] });
  expect([intake.pool.size, await stored()]).toEqual([3, 3]);
  // What came together is judged together: the quota of the day is used up.
  const next = (await write(alice, [register('fifth')])).bytes;
  expect(await intake.submit(next)).toMatchObject({ error: { code: 'quota_exceeded' } });
});

test('when the disk refuses them, none of them is pending, and they can come again', async () => {
  const { alice, world } = await createMember('alice');
  const disk = createMemoryDisk();
  const { intake, seen } = openIntake(world, {
    ...disk,
    openStore: () => ({ ...disk.openStore(), write: () => Promise.reject(new Error('the disk is full')) }),
  });
  const wires: Uint8Array[] = [];
  for (const handle of ['second', 'third']) wires.push((await write(alice, [register(handle)])).bytes);
  for (let at = 0; at < 2; at++) await expect(intake.submitAll(wires.map(read))).rejects.toThrow('the disk is full');
  expect([intake.pool.size, seen.told]).toEqual([0, []]);
  expect(await openIntake(world).intake.submitAll(wires.map(read))).toMatchObject([{ ok: true }, { ok: true }]);
});

test('LG13: an entry for a feed of somebody else is refused before it takes a place there', async () => {
  const [alice, mallory] = [await createPerson('alice'), await createPerson('mallory')];
  const world = createWorld([alice, mallory]);
  makeBlock(world, [await write(mallory, [register('other')]), await write(alice, [register('first')])]);
  const { intake, stored } = openIntake(world);
  const theirs = { ...mallory.writer, feed: alice.writer.feed };
  const hostile = await sign(mallory, nextEntryBody(theirs, { time: 1, ops: [register('second')] }));
  expect(await intake.submit(hostile.bytes)).toMatchObject({ error: { code: 'not_owner' } });
  expect(await stored()).toBe(0);
});

test('pending entries come back after a restart, and later entries of their feed with them', async () => {
  const { alice, world } = await createMember('alice');
  const disk = createMemoryDisk();
  const before = openIntake(world, disk);
  for (const handle of ['second', 'third']) {
    const answer = await before.intake.submit((await write(alice, [register(handle)])).bytes);
    expect(answer).toMatchObject({ value: { state: 'pending' } });
  }
  const after = openIntake(world, disk);
  await after.intake.restore();
  expect(after.intake.pool.size).toBe(2);
});
