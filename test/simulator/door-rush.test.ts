// Thousands of strangers at the door of an open group, with real keys and real puzzles: what state grows by, and what members notice.

import { expect, test } from 'vitest';
import type { Verifier } from '../../shared/platform/ports.ts';
import { DOOR_WINDOW } from '../../shared/ledger/door-records.ts';
import { readDoor } from '../../shared/ledger/door.ts';
import { selectEntries } from '../../shared/ledger/execute.ts';
import { handleRenew } from '../../shared/ledger/families/handles.ts';
import { stateEntries, type State } from '../../shared/ledger/state.ts';
import { EntryIntake } from '../../shared/node/entry-intake.ts';
import { createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import { createPerson, createWorld, GROUP, join, makeBlock, write, type Person, type World } from './ledger-world.ts';
import { createMemoryDisk } from './memory-store.ts';
import { silentLog } from './silent-log.ts';

const STRANGERS = process.env['WEFT_LONG'] ? 10_000 : 500;
/** Blocks of the first hour, in each of which as many come as the policy wants in a whole hour. */
const ROUNDS = 20;
const TARGET = STRANGERS / ROUNDS;
const FLOOR = 8;
/** Bits that a stranger is ready to work for: eight times what the calm door asks. */
const EFFORT = FLOOR + 3;
const MEMBERS = 5;
const SECOND = 1_000;
/** A record each of the member, its devices and handles, its device, its feed and its quota. */
const KEYS_PER_MEMBER = 5;
const BYTES_PER_MEMBER_MAX = 1_000;

type Stand = {
  readonly world: World;
  readonly intake: EntryIntake;
  readonly members: readonly Person[];
  /** Signatures checked so far. */
  readonly checked: () => number;
};

async function openStand(): Promise<Stand> {
  const members = await Promise.all(Array.from({ length: MEMBERS }, (_, at) => createPerson(`member ${at}`)));
  const world = createWorld(members, {
    policy: { puzzleBits: FLOOR, joinsPerHour: TARGET },
    handles: members.map(({ identity }, at) => ({ handle: `member-${at}`, owner: identity })),
  });
  const real = await createWebVerifier();
  let checked = 0;
  const verifier: Verifier = {
    verify(...claim) {
      checked++;
      return real.verify(...claim);
    },
  };
  const intake = new EntryIntake({
    store: createMemoryDisk().openStore(),
    clock: { now: () => world.time + SECOND, after: () => () => undefined },
    verifier,
    log: silentLog,
    group: GROUP,
    head: () => ({
      state: world.state,
      tip: { id: world.parentId, height: world.height, view: world.height, time: world.time },
    }),
    onPending: () => undefined,
  });
  return { world, intake, members, checked: () => checked };
}

/** These strangers and every member hand in an entry, and a block is made of what waits; who of the strangers got in. */
async function makeRound({ world, intake, members }: Stand, strangers: readonly Person[]): Promise<Person[]> {
  const { bits } = readDoor(world.state, world.time + SECOND)!;
  const admitted: Person[] = [];
  for (const stranger of strangers) {
    const entry = await write({ ...stranger }, [join(world, stranger, Math.min(bits, EFFORT))]);
    const submitted = await intake.submit(entry.bytes);
    if (submitted.ok) admitted.push(stranger);
    else expect(submitted.error.code).toBe('puzzle_invalid');
  }
  const own = await Promise.all(
    members.map((member, at) => write(member, [handleRenew.create({ handle: `member-${at}` })])),
  );
  // After all of the strangers, and still not behind them.
  for (const { bytes } of own) expect(await intake.submit(bytes)).toMatchObject({ value: { state: 'pending' } });
  const { state, parentId, height, time } = world;
  const start = { state, parentId, blockTime: time + SECOND, height: height + 1 };
  const { entries, refused } = selectEntries({ ...start, pending: intake.pool.entries() });
  expect(refused).toEqual([]);
  const { receipts } = makeBlock(world, entries);
  expect(receipts.slice(0, MEMBERS).map(({ code }) => code)).toEqual(members.map(() => 'ok'));
  expect(new Set(receipts.slice(0, MEMBERS).map(({ entry }) => entry))).toEqual(new Set(own.map(({ id }) => id)));
  expect(receipts.slice(MEMBERS).every(({ code }) => code === 'ok')).toBe(true);
  expect(receipts).toHaveLength(MEMBERS + admitted.length);
  await intake.drop(entries.map(({ id }) => id));
  return admitted;
}

function measure(state: State): { keys: number; bytes: number } {
  const size = { keys: 0, bytes: 0 };
  for (const [key, value] of stateEntries(state)) {
    size.keys++;
    size.bytes += key.length + value.length;
  }
  return size;
}

test(`LG128, LG130, LG132, WS7: ${STRANGERS} strangers at once let in a few, and every block has room for the members`, async () => {
  const stand = await openStand();
  const { world } = stand;
  await makeRound(stand, []);
  const before = measure(world.state);
  const checkedBefore = stand.checked();
  let joined = 0;
  const waiting: Person[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const strangers = await Promise.all(
      Array.from({ length: TARGET }, (_, at) => createPerson(`stranger ${round * TARGET + at}`)),
    );
    const admitted = new Set(await makeRound(stand, strangers));
    joined += admitted.size;
    waiting.push(...strangers.filter((one) => !admitted.has(one)));
  }
  // As many for each bit that they were ready to work for, and a few who were lucky; the others are out, unsigned for and unstored.
  const { bits } = readDoor(world.state, world.time)!;
  expect(bits).toBeGreaterThan(EFFORT);
  expect(bits - FLOOR).toBe(Math.floor(joined / TARGET));
  expect(joined).toBeLessThan(STRANGERS / 2);
  expect(stand.checked() - checkedBefore).toBe(2 * joined + ROUNDS * MEMBERS);

  // They try again for six hours, some of them each hour: what gets in is what the policy wants.
  for (let hour = 0; hour < 6; hour++) {
    world.time += DOOR_WINDOW;
    joined += (await makeRound(stand, waiting.splice(0, TARGET))).length;
  }
  expect(joined).toBeLessThanOrEqual(TARGET * (bits - FLOOR + 1) + 6 * TARGET);
  const after = measure(world.state);
  const grown = { keys: after.keys - before.keys, bytes: after.bytes - before.bytes };
  expect(grown.keys).toBe(joined * KEYS_PER_MEMBER + 1);
  expect(grown.bytes).toBeLessThan(joined * BYTES_PER_MEMBER_MAX);

  // Left alone, the door is as it was.
  expect(readDoor(world.state, world.time + 6 * DOOR_WINDOW)?.bits).toBe(FLOOR);
  world.time += 6 * DOOR_WINDOW;
  expect(await makeRound(stand, waiting.slice(0, 3))).toHaveLength(3);
});
