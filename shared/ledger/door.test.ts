import { describe, expect, test } from 'vitest';
import {
  createUnsignedPerson,
  createWorld,
  GROUP,
  join,
  makeBlock,
  nextBlock,
  write,
  type Person,
  type World,
} from '../../test/simulator/ledger-world.ts';
import { assert } from '../core/assert.ts';
import type { Operation } from '../feeds/entry.ts';
import { previewEntry } from './admission.ts';
import { bitsAsked, DOOR, doorAt, DOOR_STEPS_MAX, DOOR_WINDOW, isDoorShut, type Door } from './door-records.ts';
import { readDoor } from './door.ts';
import { memberJoin } from './families/membership.ts';
import { policyUpdate } from './families/policy.ts';
import { checkPuzzle, searchPuzzle } from './puzzle.ts';
import { POLICY, type Policy } from './records.ts';
import { readRecord } from './state.ts';

const FLOOR = 4;
const TARGET = 4;
const SINCE = 1_790_000_000_000;
const policy: Policy = {
  join: 'open+puzzle',
  puzzleBits: FLOOR,
  joinsPerHour: TARGET,
  operationsPerDay: 100,
  bytesPerDay: 1_000_000,
  blockInterval: 1_000,
};
const people: Person[] = [];
for (let at = 0; at < 40; at++) people.push(await createUnsignedPerson(`newcomer ${at}`));

function openWorld(change: Partial<Policy> = {}): World {
  const { join: rule, ...limits } = { ...policy, ...change };
  return createWorld([], { join: rule, policy: limits });
}

/** Solved for the newest block with exactly so many bits: one more would be refused. */
function joinWithBits(world: World, person: Person, bits: number): Operation {
  const puzzle = { group: GROUP, identity: person.identity, block: world.parentId, bits };
  for (let from = 0; ;) {
    const { nonce, next } = searchPuzzle({ ...puzzle, from, count: 1_000_000 });
    assert(nonce, 'few bits are found');
    if (!checkPuzzle({ ...puzzle, bits: bits + 1 }, nonce)) {
      return memberJoin.create({ block: puzzle.block, nonce, sealingKey: new Uint8Array(32) });
    }
    from = next;
  }
}

async function outcomeOf(world: World, person: Person, operation: Operation): Promise<string> {
  const admission = previewEntry(nextBlock(world), await write({ ...person }, [operation]));
  return admission.outcome === 'apply' ? 'apply' : `${admission.outcome} ${admission.code}`;
}

/** So many newcomers in one block, each with what the door asks. */
async function rush(world: World, newcomers: readonly Person[], time = world.time + 1_000): Promise<void> {
  const { bits } = readDoor(world.state, time)!;
  const entries = await Promise.all(newcomers.map((one) => write({ ...one }, [join(world, one, bits)])));
  makeBlock(world, entries, { time });
}

function doorOf(world: World): Door | undefined {
  return readRecord(world.state, DOOR, 'current');
}

describe('LG128: the door', () => {
  test('stays as it is where the policy has no joinsPerHour, and leaves nothing in state', async () => {
    const world = createWorld([]);
    await rush(world, people.slice(0, 20));
    expect(doorOf(world)).toBeUndefined();
    expect(readDoor(world.state, world.time)?.bits).toBe(FLOOR);
    expect(await outcomeOf(world, people[20]!, joinWithBits(world, people[20]!, FLOOR))).toBe('apply');
  });

  test('counts who joins by the puzzle, in one record', async () => {
    const world = openWorld();
    await rush(world, people.slice(0, 3));
    const since = world.time;
    expect(doorOf(world)).toEqual({ bits: FLOOR, since, joined: 3, rises: 0 });
    await rush(world, people.slice(3, 4));
    expect(doorOf(world)).toEqual({ bits: FLOOR + 1, since, joined: 4, rises: 1, raised: 2 });
  });
});

describe('LG130: a rush', () => {
  test('asks one bit more for every so many that the policy names, from the next block on', async () => {
    const world = openWorld();
    await rush(world, people.slice(0, 9));
    expect(doorOf(world)).toMatchObject({ bits: FLOOR + 2, joined: 9, rises: 2 });
    const late = people[9]!;
    expect(await outcomeOf(world, late, joinWithBits(world, late, FLOOR + 1))).toBe('refuse puzzle_invalid');
    expect(await outcomeOf(world, late, joinWithBits(world, late, FLOOR + 2))).toBe('apply');
  });

  test('asks the same of all who stand in one block, whoever is first in it', async () => {
    const world = openWorld();
    const entries = await Promise.all(
      people.slice(0, 20).map((one) => write({ ...one }, [joinWithBits(world, one, FLOOR)])),
    );
    const { receipts } = makeBlock(world, entries);
    expect(receipts.map(({ code }) => code)).toEqual(entries.map(() => 'ok'));
  });
});

describe('LG131: a solution from before a rise', () => {
  test('counts with one bit less while its block is recent, and no longer', async () => {
    const world = openWorld();
    const before = joinWithBits(world, people[10]!, FLOOR);
    await rush(world, people.slice(0, TARGET));
    expect(await outcomeOf(world, people[10]!, before)).toBe('apply');
    for (let at = 0; at < 14; at++) makeBlock(world, []);
    expect(await outcomeOf(world, people[10]!, before)).toBe('apply');
    makeBlock(world, []);
    expect(await outcomeOf(world, people[10]!, before)).toBe('refuse puzzle_invalid');
  });

  test('counts with one bit less and not with two, and one that names a later block with none', async () => {
    const world = openWorld();
    const [first, second] = [people[10]!, people[11]!];
    const before = joinWithBits(world, first, FLOOR);
    await rush(world, people.slice(0, TARGET));
    expect(await outcomeOf(world, second, joinWithBits(world, second, FLOOR))).toBe('refuse puzzle_invalid');
    await rush(world, people.slice(TARGET, 2 * TARGET));
    expect(await outcomeOf(world, first, before)).toBe('refuse puzzle_invalid');
  });
});

describe('LG129: after a rush', () => {
  const known: Door = { bits: FLOOR + 3, since: SINCE, joined: 12, rises: 3, raised: 7 };
  const bitsAfter = (windows: number, door = known) => doorAt(policy, door, SINCE + windows * DOOR_WINDOW).bits - FLOOR;

  test('the hour of the rush ends as it was, and each hour with less than half falls by one bit, to what the policy says', () => {
    expect([0, 0.99, 1, 1.99, 2, 3, 4, 50].map((windows) => bitsAfter(windows))).toEqual([3, 3, 3, 3, 2, 1, 0, 0]);
    const calm = { ...known, joined: 1, rises: 0 };
    expect([0.99, 1, 2].map((windows) => bitsAfter(windows, calm))).toEqual([3, 2, 1]);
    expect(bitsAfter(1, { ...calm, joined: 2 })).toBe(3);
  });

  test('a new hour counts from its own beginning, however late its first newcomer comes', async () => {
    expect(doorAt(policy, known, SINCE + 2.5 * DOOR_WINDOW)).toEqual({
      bits: FLOOR + 2,
      since: SINCE + 2 * DOOR_WINDOW,
      joined: 0,
      rises: 0,
    });
    const world = openWorld();
    await rush(world, people.slice(0, TARGET));
    const since = world.time;
    await rush(world, people.slice(TARGET, TARGET + 1), since + DOOR_WINDOW + 5);
    expect(doorOf(world)).toEqual({ bits: FLOOR + 1, since: since + DOOR_WINDOW, joined: 1, rises: 0 });
  });

  test('a clock that is behind the record makes nothing easier', () => {
    expect(doorAt(policy, known, SINCE - DOOR_WINDOW)).toEqual(known);
  });
});

describe('LG132: the bounds', () => {
  test('sixteen bits above the policy and 64 in all are the most that is asked', () => {
    const hard: Door = { bits: 60, since: SINCE, joined: 0, rises: 0 };
    expect(doorAt(policy, hard, SINCE).bits).toBe(FLOOR + DOOR_STEPS_MAX);
    expect(doorAt({ ...policy, puzzleBits: 55 }, { ...hard, bits: 70 }, SINCE).bits).toBe(64);
    expect(doorAt({ ...policy, puzzleBits: 30 }, { ...hard, bits: 9 }, SINCE).bits).toBe(30);
    expect(bitsAsked({ ...hard, raised: 5 }, 4)).toBe(59);
    expect(bitsAsked({ ...hard, raised: 5 }, 5)).toBe(60);
  });

  test('after sixteen rises within an hour the door is shut until the next, and whoever waits may come then', async () => {
    const world = openWorld({ joinsPerHour: 1, puzzleBits: 0 });
    await rush(world, people.slice(0, DOOR_STEPS_MAX - 1));
    const { since } = doorOf(world)!;
    const next = people[20]!;
    await rush(world, people.slice(DOOR_STEPS_MAX - 1, DOOR_STEPS_MAX));
    expect(isDoorShut(doorOf(world)!)).toBe(true);
    expect(await outcomeOf(world, next, joinWithBits(world, next, DOOR_STEPS_MAX))).toBe('refuse door_shut');
    world.time = since + DOOR_WINDOW;
    expect(await outcomeOf(world, next, joinWithBits(world, next, DOOR_STEPS_MAX))).toBe('apply');
  });

  test('LG10: an admin sets the pace, and takes effect at once; 0 makes the door as it was', async () => {
    const admin = await createUnsignedPerson('admin');
    const { join: rule, ...limits } = policy;
    const world = createWorld([admin], { join: rule, policy: limits });
    await rush(world, people.slice(0, 8));
    expect(readDoor(world.state, world.time)?.bits).toBe(FLOOR + 2);
    makeBlock(world, [await write(admin, [policyUpdate.create({ joinsPerHour: 0 })])]);
    expect(readRecord(world.state, POLICY, 'current')?.joinsPerHour).toBe(0);
    expect(readDoor(world.state, world.time)?.bits).toBe(FLOOR);
  });
});
