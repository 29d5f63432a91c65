// What waits for its block: the first of two entries with one number stays, no device takes all places, and the newest is found.

import { expect, test } from 'vitest';
import { createPerson, write } from '../../test/simulator/ledger-world.ts';
import { nextEntryBody } from '../feeds/feed.ts';
import { sign } from '../../test/simulator/ledger-world.ts';
import { handleRegister } from '../ledger/families/handles.ts';
import { EntryPool, POOL_DEVICE_ENTRIES_MAX } from './entry-pool.ts';

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

test('one device fills its own share and leaves room for others', async () => {
  const [alice, bernd] = [await createPerson('alice'), await createPerson('bernd')];
  const pool = new EntryPool();
  for (let i = 0; i < POOL_DEVICE_ENTRIES_MAX; i++) pool.add(await write(alice, [operation('name')]));
  const other = await write(bernd, [operation('name')]);
  expect([...pool.entries()].length).toBe(POOL_DEVICE_ENTRIES_MAX);
  expect(pool.isFullFor([...pool.entries()][0]!.body.device)).toBe(true);
  expect(pool.isFullFor(other.body.device)).toBe(false);
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
