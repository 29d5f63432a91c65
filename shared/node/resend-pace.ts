// When entries that were refused for a reason that passes go out again: soon for most, after growing minutes for a quota.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Clock } from '../platform/ports.ts';
import type { Code } from '../ledger/codes.ts';

/** What keeps most entries waiting (a member's join not yet ordered, a full pool) passes with a block. */
const SOON: Millis = 2_000;
/** What takes longer to pass: quotas begin again with the UTC day of block time, which only the chain knows for sure. */
const SLOW: Partial<Record<Code, { readonly first: Millis; readonly most: Millis }>> = {
  quota_exceeded: { first: 2 * 60_000, most: 32 * 60_000 },
  rate_limited: { first: 60_000, most: 4 * 60_000 },
};

export class ResendPace {
  readonly #clock: Clock;
  readonly #resend: () => void;
  /** Entries that were refused slowly and not taken since. */
  readonly #held = new Set<Cid>();
  #waiting: { readonly isSlow: boolean; readonly cancel: () => void } | null = null;
  #lastSlow: Millis = 0;

  /** `resend` hands over everything that is pending, in order. */
  constructor(options: { readonly clock: Clock; readonly resend: () => void }) {
    this.#clock = options.clock;
    this.#resend = options.resend;
  }

  /** Whether sending before the wait is over would only be refused again. */
  get isHolding(): boolean {
    return this.#waiting?.isSlow === true;
  }

  /** Once, however many entries were refused: all of them go out again together. */
  refused(id: Cid, code: Code): void {
    const slow = SLOW[code];
    if (slow) this.#held.add(id);
    if (this.#waiting?.isSlow || (this.#waiting && !slow)) return;
    this.#waiting?.cancel();
    if (!slow) return this.#wait(SOON, false);
    this.#lastSlow = this.#lastSlow === 0 ? slow.first : Math.min(slow.most, this.#lastSlow * 2);
    this.#wait(this.#lastSlow, true);
  }

  /** A validator has it on its disk, or it is settled: what held it is over. */
  taken(id: Cid): void {
    if (this.#held.delete(id)) this.#lastSlow = 0;
  }

  close(): void {
    this.#waiting?.cancel();
    this.#waiting = null;
  }

  #wait(delay: Millis, isSlow: boolean): void {
    const cancel = this.#clock.after(delay, () => {
      this.#waiting = null;
      this.#resend();
    });
    this.#waiting = { isSlow, cancel };
  }
}
