// Groups from seeds: with frames dropped, doubled and held back, relays and members cut off, and members killed at any moment,
// all agree in the end, and nothing acknowledged is lost.

import { beforeAll, describe, expect, test } from 'vitest';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { runGroup } from './group-run.ts';

/** The short run is quick; `npm run test:long` runs all of them. `npm run test:sim -- --seed N` runs one. */
const SEEDS = process.env['WEFT_LONG'] ? 2_000 : 24;
/** Every so many seeds one is run twice. */
const REPEAT_EVERY = 8;
const SEEDS_A_TEST = 8;

/** Runs in which every member validates. */
const TOGETHER = process.env['WEFT_LONG'] ? 1_000 : 8;

/** Seeds that once found something: an entry that came while a block was being kept was never ordered. */
const FOUND = [10_578];
/** The same where all members validate: one that was behind refused what the others could order. */
const FOUND_TOGETHER = [159];

describe('groups of whole nodes, from a seed', () => {
  beforeAll(startAutomerge);

  test.each(FOUND)('seed %i converges', async (seed) => {
    expect((await runGroup(seed)).height).toBeGreaterThan(0);
  });

  test.each(FOUND_TOGETHER)('SY7: seed %i converges where all members order together', async (seed) => {
    expect((await runGroup(seed, 'all')).height).toBeGreaterThan(0);
  });

  test.each(Array.from({ length: TOGETHER / SEEDS_A_TEST }, (_, at) => at * SEEDS_A_TEST))(
    'CN7, U02: seeds from %i converge where all members order together, and one of them is run twice with one digest',
    { timeout: 120_000 },
    async (first) => {
      for (let seed = first; seed < first + SEEDS_A_TEST; seed++) {
        const run = await runGroup(seed, 'all');
        // Its members are in from the start: where all crash before one of them writes, there is nothing to order.
        if (run.edits > 0) expect(run.height).toBeGreaterThan(0);
        if (seed % REPEAT_EVERY === 0) expect(await runGroup(seed, 'all')).toEqual(run);
      }
    },
  );

  test.each(Array.from({ length: SEEDS / SEEDS_A_TEST }, (_, at) => at * SEEDS_A_TEST))(
    'U02: seeds from %i converge, and one of them is run twice with one digest',
    { timeout: 120_000 },
    async (first) => {
      for (let seed = first; seed < first + SEEDS_A_TEST; seed++) {
        const run = await runGroup(seed);
        expect(run.height).toBeGreaterThan(0);
        if (seed % REPEAT_EVERY === 0) expect(await runGroup(seed)).toEqual(run);
      }
    },
  );
});
