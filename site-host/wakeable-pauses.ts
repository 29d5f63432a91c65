// Pauses of work that waits for something to come back: each ends by its time, and all of them when somebody says so.

import type { Millis } from '../shared/core/brand.ts';
import type { Clock } from '../shared/platform/ports.ts';

export class WakeablePauses {
  readonly #clock: Clock;
  readonly #ends = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async untilWoken(most: Millis): Promise<void> {
    const woken = Promise.withResolvers<void>();
    this.#ends.add(woken.resolve);
    const cancel = this.#clock.after(most, woken.resolve);
    await woken.promise;
    cancel();
    this.#ends.delete(woken.resolve);
  }

  wake(): void {
    for (const end of this.#ends) end();
  }
}
