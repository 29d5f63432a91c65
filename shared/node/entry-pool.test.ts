// What waits for its block: the first of two entries with one number stays, no device takes all places, and the newest is found.

import { expect, test } from 'vitest';
import { createPerson, write } from '../../test/simulator/ledger-world.ts';
import type { Cid } from '../codec/cid.ts';
import { ENTRY_BYTES_MAX } from '../core/limits.ts';
import { nextEntryBody } from '../feeds/feed.ts';
import { sign } from '../../test/simulator/ledger-world.ts';
import { handleRegister } from '../ledger/families/handles.ts';
import { EntryPool, POOL_DEVICE_ENTRIES_MAX, POOL_DEVICE_ENTRIES_MIN } from './entry-pool.ts';

const operation = (handle: string) => handleRegister.create({ handle });

test('of two entries with one number the first one seen stays, and comes back as itself', async () => {
  const alice = await createPerson('alice');
  const pool = new EntryPool();
  const fork = await sign(alice, nextEntryBody(alice.writer, { time: 2, ops: [operation('other')] }));
  const first = await write(alice, [operation('first')]);
  expect([pool.add(first), pool.add(first), pool.add(fork)]).toEqual([true, true, false]);
  expect([...pool.entries()].map(({ id }) => id)).toEqual([first.id]);
});

test('the newest of a device is the newest that still waits', async () => {
  const alice = await createPerson('alice');
  const pool = new EntryPool();
  const entries = [];
  for (const handle of ['one', 'two', 'three']) entries.push(await write(alice, [operation(handle)]));
  for (const entry of entries.toReversed()) pool.add(entry);
  const { device } = entries[0]!.body;
  expect(pool.newestOf(device)?.body.seq).toBe(3);
  pool.remove(entries[2]!.id);
  expect(pool.newestOf(device)?.body.seq).toBe(2);
  for (const { id } of entries) pool.remove(id);
  expect([pool.newestOf(device), pool.identityOf(device), pool.size]).toEqual([undefined, undefined, 0]);
});

/** As if this many entries waited, each of this size. */
async function fill(pool: EntryPool, { of, entries, size }: { of: string; entries: number; size?: number }) {
  const { body, ...entry } = await write(await createPerson(of), [operation('name')]);
  for (let at = 1; at <= entries; at++) {
    const id = `${of}-${at}` as Cid;
    pool.add({ ...entry, id, size: size ?? entry.size, body: { ...body, seq: at } });
  }
  return body.device;
}

test('WS1: one device takes a quarter of what others leave, at most a message, and always its own share', async () => {
  const pool = new EntryPool();
  const other = (await write(await createPerson('other'), [operation('name')])).body.device;
  const alice = await fill(pool, { of: 'alice', entries: 1_000 });
  expect([pool.roomFor(alice), pool.isHalfFreeFor(alice)]).toEqual([POOL_DEVICE_ENTRIES_MAX - 1_000, false]);
  expect([pool.roomFor(other), pool.isHalfFreeFor(other)]).toEqual([1_000, true]);
  for (const of of ['bernd', 'carla', 'dora']) await fill(pool, { of, entries: 1_000 });
  expect(pool.roomFor(other)).toBe(POOL_DEVICE_ENTRIES_MIN);
  expect(pool.roomFor(alice)).toBe(500 - 1_000);
});

test('WS1: large entries leave a device its own share and no more', async () => {
  const pool = new EntryPool();
  const alice = await fill(pool, { of: 'alice', entries: 200, size: ENTRY_BYTES_MAX });
  expect(pool.roomFor(alice)).toBe(POOL_DEVICE_ENTRIES_MIN - 200);
});

test('a range is whole or not there', async () => {
  const alice = await createPerson('alice');
  const pool = new EntryPool();
  const entries = [];
  for (const handle of ['one', 'two', 'three']) entries.push(await write(alice, [operation(handle)]));
  for (const entry of entries) pool.add(entry);
  const { feed } = entries[0]!.body;
  expect(pool.range(feed, { from: 2, to: 3 })?.map(({ id }) => id)).toEqual([entries[1]!.id, entries[2]!.id]);
  expect(pool.range(feed, { from: 3, to: 4 })).toBeUndefined();
});
