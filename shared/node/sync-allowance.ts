// How much one member may ask and get wrong: beyond it, it waits; nothing that it says is lost.

import type { Millis } from '../core/brand.ts';
import type { Clock } from '../platform/ports.ts';
import { CONTROL_REQUESTS_PER_MINUTE } from '../core/limits.ts';
import { createTokenBucket, perMinute, spendTokens } from '../core/token-bucket.ts';

/** Entries and blocks that are not taken: twice what one message holds, since a member who is behind has many of them. */
const REFUSALS_PER_MINUTE = 2_048;
/** Cursors move with keys and pointer; what comes faster is not shown. */
const SIGNALS_PER_SECOND = 50;
const RETRY_AFTER: Millis = 1_000;

export type SyncAllowance = {
  /** Does it now, or once it is this member's turn; what is asked in the meantime is answered by that. */
  ask(serve: () => void): void;
  maySignal(): boolean;
  /** Settles when the member has paid for what it sent in vain: until then nothing more of it is read. */
  refused(amount: number): Promise<void>;
  close(): void;
};

export function createSyncAllowance(clock: Clock): SyncAllowance {
  const start = clock.now();
  const questions = createTokenBucket(perMinute(CONTROL_REQUESTS_PER_MINUTE), start);
  const refusals = createTokenBucket(perMinute(REFUSALS_PER_MINUTE), start);
  const signals = createTokenBucket({ perSecond: SIGNALS_PER_SECOND, burstSeconds: 2 }, start);
  const ended = Promise.withResolvers<void>();
  let closed = false;
  let waiting = false;
  const ask = (serve: () => void): void => {
    if (closed || waiting) return;
    if (spendTokens(questions, 1, clock.now())) return serve();
    waiting = true;
    clock.after(RETRY_AFTER, () => {
      waiting = false;
      ask(serve);
    });
  };
  return {
    ask,
    maySignal: () => spendTokens(signals, 1, clock.now()),
    async refused(amount) {
      while (!closed && !spendTokens(refusals, Math.min(amount, REFUSALS_PER_MINUTE), clock.now())) {
        await Promise.race([new Promise<void>((resolve) => clock.after(RETRY_AFTER, resolve)), ended.promise]);
      }
    },
    close() {
      closed = true;
      ended.resolve();
    },
  };
}
