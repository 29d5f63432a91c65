import { expect, test } from 'vitest';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { cidFromDigest, type Cid } from '../codec/cid.ts';
import { CLOCK_DRIFT_MAX } from '../core/limits.ts';
import { ok } from '../core/result.ts';
import { publicKeyOfSeed } from '../crypto/ed25519.ts';
import { identityFromKey } from '../crypto/ids.ts';
import { DOOR, DOOR_WINDOW, type Door } from '../ledger/door-records.ts';
import type { Puzzle } from '../ledger/puzzle.ts';
import { encodeRecord, POLICY } from '../ledger/records.ts';
import { solveJoin } from './join-puzzle.ts';

const block = (height: number): Cid => cidFromDigest('dag-cbor', new Uint8Array(32).fill(height));
const identity = identityFromKey(publicKeyOfSeed(new Uint8Array(32).fill(7)));
const policy = encodeRecord(POLICY, {
  ...{ join: 'open+puzzle', puzzleBits: 10, joinsPerHour: 8 },
  ...{ operationsPerDay: 10, bytesPerDay: 1_000_000, blockInterval: 1_000 },
});

/** Reads of two heights; each puzzle is noted, and solved unless it takes too long for its block. */
function createStand(given: { door?: Door; heights?: { policy: number; door: number } } = {}) {
  const clock = createSimulatedClock();
  const asked: Puzzle[] = [];
  const state = { heights: given.heights ?? { policy: 20, door: 20 }, slow: 0 };
  const join = () =>
    solveJoin({
      group: block(0),
      identity,
      clock,
      read: async (key) => {
        const height = key === POLICY.key('current') ? state.heights.policy : state.heights.door;
        const door = given.door ? encodeRecord(DOOR, given.door) : null;
        return ok({ value: key === DOOR.key('current') ? door : policy, height, block: block(height) });
      },
      solve: async (puzzle, giveUp) => {
        asked.push(puzzle);
        if (asked.length > state.slow) return new Uint8Array(8);
        while (!giveUp()) await clock.advance(1_000);
        state.heights = { policy: 21, door: 21 };
        return null;
      },
    });
  return { clock, asked, state, join };
}

test('LG6: without a door it is as hard as the policy says, for the newest proven block', async () => {
  const { asked, join } = createStand();
  expect(await join()).toMatchObject({ ok: true, value: { block: block(20) } });
  expect(asked).toMatchObject([{ block: block(20), bits: 10, identity }]);
});

test('LG129: it is as hard as the door is by a clock that may be ahead', async () => {
  const stand = createStand();
  const since = stand.clock.now();
  const { clock, asked, join } = createStand({ door: { bits: 14, since, joined: 0, rises: 0 } });
  await clock.advance(DOOR_WINDOW + CLOCK_DRIFT_MAX - 1);
  await join();
  await clock.advance(1);
  await join();
  expect(asked.map(({ bits }) => bits)).toEqual([14, 13]);
});

test('LG131: of two blocks the older is named, and asks what a block from before the rise does', async () => {
  const door = { bits: 14, since: createSimulatedClock().now(), joined: 8, rises: 1, raised: 20 };
  const { asked, join } = createStand({ door, heights: { policy: 19, door: 20 } });
  await join();
  expect(asked).toMatchObject([{ block: block(19), bits: 13 }]);
});

test('BN18: what takes too long goes on with the newest block, before its own is out of date', async () => {
  const { clock, asked, state, join } = createStand();
  state.slow = 1;
  const began = clock.now();
  expect(await join()).toMatchObject({ ok: true, value: { block: block(21) } });
  expect(asked.map((puzzle) => puzzle.block)).toEqual([block(20), block(21)]);
  // Sixteen blocks at the commons' fastest are sixteen seconds.
  expect(clock.now() - began).toBeLessThan(16_000);
});
