// Checkpoints as text: one spelling goes in and out, and nothing else is taken for one.

import { expect, test } from 'vitest';
import { testCid } from '../chain/chain.test-kit.ts';
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts';

const checkpoint = { height: 120, seal: testCid('seal') };

test('LC18: a checkpoint is its height and its seal', () => {
  const text = formatCheckpoint(checkpoint);
  expect(text).toBe(`120:${checkpoint.seal}`);
  expect(parseCheckpoint(` ${text}\n`)).toEqual(checkpoint);
});

test.each([
  undefined,
  null,
  7,
  {},
  '',
  '120',
  ':',
  `${checkpoint.seal}`,
  `-1:${checkpoint.seal}`,
  '1:bafy',
  `1:${checkpoint.seal}a`,
])('LC18: %j is no checkpoint', (text) => expect(parseCheckpoint(text)).toBeNull());
