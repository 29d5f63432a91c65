// A clock that stands still until a test moves it; everything due runs in order of its time.

import type { Millis } from '../../shared/core/brand.ts';
import type { Clock } from '../../shared/platform/ports.ts';

type Timer = { readonly at: Millis; readonly turn: number; readonly task: () => void };

export type SimulatedClock = Clock & {
  /** Moves time on by `span` ms, running what falls due, promises between the timers included. */
  advance(span: Millis): Promise<void>;
  /** Moves time on in steps until `done` is true; fails after `most` ms. */
  advanceUntil(done: () => boolean, most: Millis): Promise<void>;
  /** Timers that have not run. */
  pending(): number;
};

/** Turns of the event loop that let work without a timer (hashes, signatures, chained promises) come to rest. */
const TURNS = 3;

export function createSimulatedClock(start: Millis = 1_800_000_000_000): SimulatedClock {
  const timers = new Set<Timer>();
  let now = start;
  let turn = 0;

  const nextDue = (until: Millis): Timer | undefined => {
    let next: Timer | undefined;
    for (const timer of timers) {
      if (timer.at > until) continue;
      if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.turn < next.turn)) next = timer;
    }
    return next;
  };

  const advance = async (span: Millis): Promise<void> => {
    const until = now + span;
    await rest();
    for (let next = nextDue(until); next !== undefined; next = nextDue(until)) {
      timers.delete(next);
      now = Math.max(now, next.at);
      next.task();
      // Everything due at one moment runs before anybody looks.
      if (nextDue(now) === undefined) await rest();
    }
    now = until;
  };

  return {
    now: () => now,
    after(delay, task) {
      const timer: Timer = { at: now + Math.max(0, delay), turn: turn++, task };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance,
    async advanceUntil(done, most) {
      const until = now + most;
      await rest();
      while (!done()) {
        const next = nextDue(until);
        if (next === undefined) throw new Error(`nothing made it true within ${most} ms`);
        await advance(Math.max(0, next.at - now));
      }
    },
    pending: () => timers.size,
  };
}

async function rest(): Promise<void> {
  for (let i = 0; i < TURNS; i++) await new Promise((resolve) => setImmediate(resolve));
}
