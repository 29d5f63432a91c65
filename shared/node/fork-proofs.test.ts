// What is kept of forks: both entries across restarts, of a few feeds, and a few proofs a day.

import { describe, expect, test } from 'vitest';
import { createUnsignedPerson, feedIdOf, write, type Person } from '../../test/simulator/ledger-world.ts';
import { createMemoryDisk } from '../../test/simulator/memory-store.ts';
import { openFeed } from '../feeds/feed.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { createForkOperation } from '../ledger/families/forks.ts';
import { handleRegister } from '../ledger/families/handles.ts';
import { ForkProofs, FORKS_KEPT_MAX, FORKS_SENT_A_DAY, freezes } from './fork-proofs.ts';

const DAY = 86_400_000;
const register = (handle: string) => [handleRegister.create({ handle })];

/** Two first entries of a feed. */
async function fork(person: Person, feed: string): Promise<readonly [VerifiedEntry, VerifiedEntry]> {
  const writer = openFeed({ ...person.writer, feed: feedIdOf(feed) });
  const [left, right] = [
    { ...person, writer },
    { ...person, writer },
  ];
  return [await write(left, register('left')), await write(right, register('right'))];
}

describe('SY12: proofs of forks', () => {
  test('are kept once a feed, and across a restart', async () => {
    const disk = createMemoryDisk();
    const [left, right] = await fork(await createUnsignedPerson('mallory'), 'one');
    const proofs = await ForkProofs.open(disk.openStore());
    expect(await proofs.keep(left.bytes, left.bytes)).toBe(false);
    expect(await proofs.keep(left.bytes, right.bytes)).toBe(true);
    expect(await proofs.keep(right.bytes, left.bytes)).toBe(false);
    const again = await ForkProofs.open(disk.openStore());
    const operation = createForkOperation(left.bytes, right.bytes)!;
    expect(again.all).toEqual([{ feed: left.body.feed, seq: 1, operation }]);
    expect(freezes([operation], left.body.feed)).toBe(true);
    expect(freezes(right.body.ops, left.body.feed)).toBe(false);
    await again.forget(left.body.feed);
    expect((await ForkProofs.open(disk.openStore())).all).toEqual([]);
  });

  test('are kept of a few feeds, and sent a few times a day, also by a node that is started again', async () => {
    const disk = createMemoryDisk();
    const mallory = await createUnsignedPerson('mallory');
    const proofs = await ForkProofs.open(disk.openStore());
    for (let at = 0; at <= FORKS_KEPT_MAX; at++) {
      const [left, right] = await fork(mallory, `feed ${at}`);
      expect(await proofs.keep(left.bytes, right.bytes)).toBe(at < FORKS_KEPT_MAX);
    }
    for (let at = 0; at < FORKS_SENT_A_DAY; at++) {
      expect(proofs.maySend(DAY)).toBe(true);
      await proofs.countSent(DAY);
    }
    for (const known of [proofs, await ForkProofs.open(disk.openStore())]) {
      expect(known.maySend(2 * DAY - 1)).toBe(false);
      expect(known.maySend(2 * DAY)).toBe(true);
    }
  });
});
