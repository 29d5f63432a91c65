// How far this device's clock is off, by the edge's answers and by what validators sign (BN19).

import type { Failure, Result } from '../../shared/core/result.ts';
import { CLOCK_DRIFT_MAX } from '../../shared/core/limits.ts';
import { fail, ok } from '../../shared/core/result.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * Milliseconds by which this clock is ahead (positive) or behind. `told` is the time that somebody reachable has just
 * told (an answer's Date, a validator's fresh status), null if nobody did; `statusTime` is the youngest time a validator
 * ever signed, 0 before the first: that one may be old, so it can only show that a clock is behind.
 */
export function measureSkew(seen: { now: number; told: number | null; statusTime: number }): number {
  const behind = Math.min(0, seen.now - (seen.statusTime || seen.now));
  const offset = seen.told === null ? behind : seen.now - seen.told;
  // An HTTP date has whole seconds, and an answer takes a moment: less than a minute says nothing.
  return Math.abs(offset) >= MINUTE ? offset : behind <= -MINUTE ? behind : 0;
}

/** What is signed with a wrong clock is not ordered: better said before anything is written. */
export function checkClock(skew: number): Result<null, Failure<'clock_wrong'>> {
  if (Math.abs(skew) <= CLOCK_DRIFT_MAX) return ok(null);
  return fail(
    'clock_wrong',
    `The clock of this device is ${describeSpan(Math.abs(skew))} ${skew > 0 ? 'ahead' : 'behind'}: set date and time right in the settings of the system, then try again.`,
  );
}

function describeSpan(ms: number): string {
  // A second short of a day is a day.
  const least = ms + MINUTE;
  const [unit, name] = least >= DAY ? [DAY, 'day'] : least >= HOUR ? [HOUR, 'hour'] : [MINUTE, 'minute'];
  const count = Math.round(ms / unit);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
