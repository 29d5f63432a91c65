// Validators from seeds: whatever is delayed, lost, cut apart, crashed and cheated, nobody forks or contradicts itself, all finish, and then it is quiet.

import { describe, expect, test } from 'vitest';
import { leaderOf } from '../../../shared/chain/validator-set.ts';
import { CALM, calmPlan, drawPlan } from './fault-plan.ts';
import { runPlan, runValidators } from './run-validators.ts';
import { groupOf } from './test-groups.ts';
import { DELTA } from './validator-node.ts';

/** The short run is quick; `npm run test:long` runs all. `npm run test:sim -- --validators --seed N` runs one. */
const SEEDS = process.env['WEFT_LONG'] ? 20_000 : 1_200;
const SEEDS_A_TEST = 100;
/** Every so many seeds one is run twice. */
const REPEAT_EVERY = 50;
/** Signatures take a hundred times as long as the rest: few, and of small sets. */
const REAL_SEEDS = process.env['WEFT_LONG'] ? 60 : 4;
const REAL_VALIDATORS_MAX = 4;

describe('validators, from a seed', () => {
  test.each(Array.from({ length: SEEDS / SEEDS_A_TEST }, (_, at) => at * SEEDS_A_TEST))(
    'CH18–CH31, CH36, CH37: seeds from %i: no fork, none stuck, quiet after; some are run twice with one digest',
    { timeout: 600_000 },
    (first) => {
      for (let seed = first; seed < first + SEEDS_A_TEST; seed++) {
        const run = runValidators(seed);
        expect(run.height).toBeGreaterThan(0);
        if (seed % REPEAT_EVERY === 0) expect(runValidators(seed)).toEqual(run);
      }
    },
  );

  test('CH12, CH16: the same with real signatures and logs as bytes, to the same end', { timeout: 600_000 }, () => {
    const seeds = Array.from({ length: 20 * REAL_SEEDS }, (_, seed) => seed);
    const small = seeds.filter((seed) => drawPlan(seed).validators <= REAL_VALIDATORS_MAX).slice(0, REAL_SEEDS);
    expect(small.length).toBe(REAL_SEEDS);
    for (const seed of small) expect(runValidators(seed, { real: true })).toEqual(runValidators(seed));
  });
});

/** Work comes to all within the delay of the network; then three hops make it final. */
const HOPS_MAX = 8;

describe('a leader that is away', () => {
  test.each([
    [3, 0],
    [4, 1],
    [7, 2],
    [10, 1],
    [10, 3],
  ])('CH28: of %i with f = %i costs at most one timeout', (validators, f) => {
    const gone = leaderOf(groupOf(validators, f).rules.set, 1);
    const work = { at: 1_000, validator: (gone + 1) % validators, entries: 1, spread: true };
    for (let seed = 0; seed < 10; seed++) {
      const calm = { ...calmPlan(validators, f, [work]), seed };
      const crash = { kind: 'crash', at: 0, validator: gone, effects: 0, down: null } as const;
      const [quick, slow] = [runPlan(calm), runPlan({ ...calm, faults: [crash] })];
      expect(slow.finished - quick.finished).toBeLessThanOrEqual(2 * DELTA + HOPS_MAX * CALM.delayMax);
    }
  });
});

describe('a long block interval', () => {
  test('CH20, CH28: nobody gives up a view while it lasts, and nothing is sent', () => {
    const work = [1_000, 1_900, 3_000].map((at) => ({ at, validator: 0, entries: 1, spread: true }));
    const [short, long] = [1_000, 3_600_000].map((interval) => runPlan({ ...calmPlan(4, 1, work), interval }));
    expect(long!.seen.nullified).toBe(0);
    expect(long!.height).toBeLessThanOrEqual(short!.height);
    expect(long!.events).toBeLessThanOrEqual(short!.events);
  });
});

describe('validators that change', () => {
  const work = [1_000, 5_000, 9_000, 13_000].map((at) => ({ at, validator: 0, entries: 2, spread: true }));
  const three = { entry: 1, members: [1, 2, 4], f: 0 };
  const four = { entry: 3, members: [1, 2, 4, 5], f: 1 };
  const one = { entry: 5, members: [5], f: 0 };
  const new3 = { entry: 7, members: [0, 2, 3], f: 0 };
  const steady = calmPlan(4, 1, work);
  const plan = { ...steady, roles: [...steady.roles, 'honest', 'honest'] as const, changes: [three, four, one, new3] };

  test('CH36, CH37: each change is one seal, and the next ones go on from it', () => {
    const run = runPlan(plan);
    expect(run.seen.seals).toBe(4);
    expect(run.height).toBe(4);
  });

  test('CH36, CH37: the same where leaders crash, spares sleep and all are cut apart at a seal', () => {
    let seals = 0;
    for (let seed = 0; seed < 40; seed++) {
      const at = 1_000 + 100 * seed;
      const faults = [
        { kind: 'crash', at, validator: seed % 4, effects: seed % 12, down: 3_000 },
        { kind: 'sleep', at: at + 500, until: at + 6_000, validator: 4 },
        { kind: 'partition', at: at + 2_000, until: at + 9_000, sides: [0, 1, 1, 0, 1, 0] },
      ] as const;
      const run = runPlan({ ...plan, seed, faults, healAt: 15_000 });
      // Changes that one block orders come together.
      expect(run.seen.seals).toBeGreaterThan(0);
      seals += run.seen.seals;
    }
    expect(seals).toBeGreaterThan(80);
  });

  test('CH20, CH36: of many seeds some seals are final by an empty block above them, and all sizes hand over', () => {
    const seen = { seals: 0, onSeals: 0 };
    for (let seed = 0; seed < 300; seed++) {
      const drawn = drawPlan(seed);
      if (drawn.changes.length === 0) continue;
      const run = runPlan(drawn);
      seen.seals += run.seen.seals;
      seen.onSeals += run.seen.carriedSeals;
    }
    expect(seen.seals).toBeGreaterThan(100);
    expect(seen.onSeals).toBeGreaterThan(3);
  });
});

describe('the largest set', () => {
  test('CH1: 100 validators with f = 33 and 8 of them away make their blocks final', { timeout: 300_000 }, () => {
    const work = [1_000, 4_000].map((at) => ({ at, validator: 0, entries: 1, spread: true }));
    const crashes = Array.from({ length: 8 }, (_, at) => at + 2).map((validator) => {
      return { kind: 'crash', at: 0, validator, effects: 0, down: null } as const;
    });
    const run = runPlan({ ...calmPlan(100, 33, work), faults: crashes });
    expect(run.height).toBe(2);
  });
});
