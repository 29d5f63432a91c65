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
const always = () => true;
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
    expect(await proofs.keep([left.bytes, left.bytes], always)).toBe(false);
    expect(await proofs.keep([left.bytes, right.bytes], always)).toBe(true);
    expect(await proofs.keep([right.bytes, left.bytes], always)).toBe(false);
    const again = await ForkProofs.open(disk.openStore());
    const operation = createForkOperation(left.bytes, right.bytes)!;
    expect(again.all).toEqual([{ feed: left.body.feed, seq: 1, operation }]);
    expect(freezes([operation], left.body.feed)).toBe(true);
    expect(freezes(right.body.ops, left.body.feed)).toBe(false);
    await again.forget(left.body.feed);
    expect((await ForkProofs.open(disk.openStore())).all).toEqual([]);
  });

  test('that count take the place of those that never may, and nothing takes theirs', async () => {
    const disk = createMemoryDisk();
    const mallory = await createUnsignedPerson('mallory');
    const proofs = await ForkProofs.open(disk.openStore());
    const forks = await Promise.all(Array.from({ length: FORKS_KEPT_MAX + 2 }, (_, at) => fork(mallory, `feed ${at}`)));
    const feeds = forks.map(([{ body }]) => body.feed);
    const counting = new Set<string>();
    const keep = (at: number) => {
      const [left, right] = forks[at]!;
      return proofs.keep([left.bytes, right.bytes], ({ feed }) => counting.has(feed));
    };
    for (let at = 0; at < FORKS_KEPT_MAX; at++) expect(await keep(at)).toBe(true);
    expect(await keep(8)).toBe(false);
    counting.add(feeds[8]!).add(feeds[0]!);
    expect(await keep(8)).toBe(true);
    const kept = [feeds[0], ...feeds.slice(2, 9)];
    for (const { all } of [proofs, await ForkProofs.open(disk.openStore())]) {
      expect(new Set(all.map(({ feed }) => feed))).toEqual(new Set(kept));
    }
    for (const feed of feeds) counting.add(feed);
    expect(await keep(9)).toBe(false);
  });

  test('of a feed, the one that counts takes the place of the one that does not', async () => {
    const mallory = await createUnsignedPerson('mallory');
    const proofs = await ForkProofs.open(createMemoryDisk().openStore());
    const first = await fork(mallory, 'one');
    const writer = openFeed({ ...mallory.writer, feed: feedIdOf('one') });
    const ahead = { ...mallory, writer };
    await write(ahead, register('left'));
    const [left, right] = [await write({ ...ahead }, register('a')), await write({ ...ahead }, register('b'))];
    const keep = ([one, other]: readonly VerifiedEntry[]) =>
      proofs.keep([one!.bytes, other!.bytes], ({ seq }) => seq === 1);
    expect(await keep([left, right])).toBe(true);
    expect(proofs.get(left.body.feed)?.seq).toBe(2);
    expect(await keep(first)).toBe(true);
    expect(proofs.get(left.body.feed)?.seq).toBe(1);
    expect(await keep([left, right])).toBe(false);
  });

  test('are kept of a few feeds, and sent a few times a day, also by a node that is started again', async () => {
    const disk = createMemoryDisk();
    const mallory = await createUnsignedPerson('mallory');
    const proofs = await ForkProofs.open(disk.openStore());
    for (let at = 0; at <= FORKS_KEPT_MAX; at++) {
      const [left, right] = await fork(mallory, `feed ${at}`);
      expect(await proofs.keep([left.bytes, right.bytes], always)).toBe(at < FORKS_KEPT_MAX);
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
