import { expect, test } from 'vitest';
import { checkClock, measureSkew } from './edge-time.ts';

const DAY = 86_400_000;
const now = 1_800_000_000_000;

test('BN19: a clock that agrees within a minute is right', () => {
  expect(measureSkew({ now, told: now - 59_000, statusTime: now + 1_000 })).toBe(0);
  expect(measureSkew({ now, told: null, statusTime: 0 })).toBe(0);
  expect(checkClock(0).ok).toBe(true);
});

test('BN19: the edge shows a clock ahead or behind, a validator only one behind', () => {
  expect(measureSkew({ now, told: now - DAY, statusTime: now - DAY })).toBe(DAY);
  expect(measureSkew({ now, told: now + DAY, statusTime: 0 })).toBe(-DAY);
  expect(measureSkew({ now, told: null, statusTime: now + DAY })).toBe(-DAY);
  expect(measureSkew({ now, told: null, statusTime: now - DAY })).toBe(0);
});

test('BN19: a clock wrong by a day ends in a sentence that says what to do', () => {
  expect(checkClock(DAY)).toMatchObject({
    ok: false,
    error: { code: 'clock_wrong', because: expect.stringMatching(/1 day ahead: set date and time right/) },
  });
  expect(checkClock(1_000 - DAY)).toMatchObject({ error: { because: expect.stringContaining('1 day behind') } });
  expect(checkClock(-3 * 3_600_000)).toMatchObject({ error: { because: expect.stringContaining('3 hours behind') } });
  expect(checkClock(5 * 60_000).ok).toBe(true);
});
