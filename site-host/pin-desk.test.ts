// What the desk decides to keep: versions of who holds the lease now, and no longer what nobody publishes any more.

import { describe, expect, test } from 'vitest';
import {
  cidOf,
  createUnsignedPerson,
  createWorld,
  makeBlock,
  write,
  type Person,
  type World,
} from '../test/simulator/ledger-world.ts';
import { createSimulatedClock } from '../test/simulator/simulated-clock.ts';
import { silentLog as log } from '../test/simulator/silent-log.ts';
import type { Cid } from '../shared/codec/cid.ts';
import { HANDLE_LEASE } from '../shared/core/limits.ts';
import { ok } from '../shared/core/result.ts';
import type { Operation, VerifiedEntry } from '../shared/feeds/entry.ts';
import { handleRegister, handleRenew } from '../shared/ledger/families/handles.ts';
import { sitePublish, siteUnpublish } from '../shared/ledger/families/sites.ts';
import type { Handle, SiteName } from '../shared/ledger/handle-grammar.ts';
import { PinDesk } from './pin-desk.ts';
import type { Pinner, PinTask } from './pinner.ts';

const handle = 'alice' as Handle;
const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;
const [ONE, TWO] = [cidOf('version one'), cidOf('version two')];
const root = { handle, name: '' as SiteName };
const publish = (seq: number, manifest: Cid): Operation => sitePublish.create({ ...root, seq, manifest });

const nameOf = ({ generation, seq, manifest }: PinTask): string => `${generation}/${seq} ${manifest}`;

/** A pinner without blocks: it keeps what it is told to. */
function createPins() {
  const tasks: PinTask[] = [];
  const pinner: Pick<Pinner, 'pin' | 'release' | 'sites'> = {
    pin(task) {
      if (!tasks.some((kept) => nameOf(kept) === nameOf(task))) tasks.push(task);
      return Promise.resolve(ok(null));
    },
    release({ key, generation }) {
      for (let at = tasks.length - 1; at >= 0; at--) {
        if (tasks[at]!.key === key && tasks[at]!.generation === generation) tasks.splice(at, 1);
      }
      return Promise.resolve();
    },
    get sites() {
      return tasks.map(({ key, generation }) => ({ key, generation }));
    },
  };
  return { pinner, kept: () => tasks.map(nameOf) };
}

async function createStand() {
  const [alice, bernd] = [await createUnsignedPerson('alice'), await createUnsignedPerson('bernd')];
  const world = createWorld([alice, bernd], { handles: [{ handle, owner: alice.identity }] });
  const clock = createSimulatedClock();
  const { pinner, kept } = createPins();
  const pending: VerifiedEntry[] = [];
  const ordering = {
    get state() {
      return world.state;
    },
    pool: { entries: () => pending },
  };
  const desk = new PinDesk({ pinner, ordering, clock, log });
  return { alice, bernd, world, clock, kept, desk };
}

async function act(world: World, person: Person, ...ops: Operation[]): Promise<(string | undefined)[]> {
  return makeBlock(world, [await write(person, ops)]).receipts.map(({ code }) => code);
}

/** Chain and clock stand at the same moment. */
async function lapse(world: World, clock: ReturnType<typeof createSimulatedClock>, beyond: number): Promise<void> {
  world.time += HANDLE_LEASE + beyond;
  await clock.advance(world.time - clock.now());
}

describe('what a node keeps of sites', () => {
  test('SI19: an unpublished site is let go of at the second sweep that finds it so', async () => {
    const { alice, world, clock, kept, desk } = await createStand();
    await clock.advance(world.time - clock.now());
    await act(world, alice, publish(1, ONE));
    desk.sweep();
    expect(kept()).toEqual([`1/1 ${ONE}`]);
    expect(await act(world, alice, siteUnpublish.create({ ...root, seq: 2 }))).toEqual(['ok']);
    desk.sweep();
    expect(kept()).toEqual([`1/1 ${ONE}`]);
    await clock.advance(2 * HOUR);
    expect(kept()).toEqual([]);
    desk.close();
  });

  test('SI19: a site whose handle lapsed outlives the lease a week, is let go of, and is back when the lease is renewed', async () => {
    const { alice, world, clock, kept, desk } = await createStand();
    await act(world, alice, publish(1, ONE));
    desk.sweep();
    await lapse(world, clock, 6 * DAY);
    expect(kept()).toEqual([`1/1 ${ONE}`]);
    await clock.advance(2 * DAY);
    expect(kept()).toEqual([]);
    expect(await act(world, alice, handleRenew.create({ handle }))).toEqual(['ok']);
    await clock.advance(2 * HOUR);
    expect(kept()).toEqual([`1/1 ${ONE}`]);
    desk.close();
  });

  test('SI18: under a new owner the old versions go, and the new ones are pinned for the new generation', async () => {
    const { alice, bernd, world, clock, kept, desk } = await createStand();
    await act(world, alice, publish(1, ONE));
    desk.sweep();
    await lapse(world, clock, DAY);
    expect(await act(world, bernd, handleRegister.create({ handle }))).toEqual(['ok']);
    await clock.advance(3 * HOUR);
    expect(kept()).toEqual([]);
    const entry = await write(bernd, [publish(1, TWO)]);
    desk.pinPending(entry);
    expect(kept()).toEqual([`2/1 ${TWO}`]);
    desk.pinPending(await write(alice, [publish(2, ONE)]));
    expect(kept()).toEqual([`2/1 ${TWO}`]);
    desk.close();
  });
});
