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
    'CH18–CH31: seeds from %i: no fork, none stuck, quiet after; some are run twice with one digest',
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
