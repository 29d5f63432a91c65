// The host's clock and timers behind the Clock port.

import type { Clock } from '../ports.ts';

/** Timers hold 32 bits: a longer delay would fire at once. */
const DELAY_MAX = 2 ** 31 - 1;

export function createWebClock(): Clock {
  return {
    now: () => Date.now(),
    after(delay, task) {
      const timer = setTimeout(task, Math.min(Math.max(delay, 0), DELAY_MAX));
      return () => clearTimeout(timer);
    },
  };
}
