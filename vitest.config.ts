// Four projects, one after the other: unit tests beside their files, contract suites, runtimes, browsers.

import { defineConfig } from 'vitest/config';

/** The long run multiplies cases by a hundred; a hang still has to end within the hour. */
const LONG = process.env['WEFT_LONG'] === '1';
const SECOND = 1_000;
const unitTimeout = (LONG ? 900 : 30) * SECOND;
const hostTimeout = (LONG ? 3_600 : 120) * SECOND;

const ignored = ['**/node_modules/**', 'dist/**', '.weft/**'];

/** Tests that start workerd, Chromium or whole nodes share two cores badly: one file at a time. */
const oneAtATime = { fileParallelism: false, testTimeout: hostTimeout, hookTimeout: hostTimeout };

export default defineConfig({
  test: {
    watch: false,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{shared,site-host,browser-node,worker,cli,bench}/**/*.test.{ts,tsx}', 'test/*.test.ts'],
          exclude: ignored,
          testTimeout: unitTimeout,
          hookTimeout: unitTimeout,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'contracts',
          include: ['test/{contracts,vectors,simulator,adversaries}/**/*.test.ts'],
          exclude: ignored,
          testTimeout: unitTimeout,
          hookTimeout: unitTimeout,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'runtimes',
          include: ['test/runtimes/**/*.test.ts'],
          exclude: ignored,
          sequence: { groupOrder: 2 },
          ...oneAtATime,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          exclude: ignored,
          sequence: { groupOrder: 3 },
          ...oneAtATime,
        },
      },
    ],
  },
});
