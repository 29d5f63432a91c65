// Keeps the edge's copy of the chain complete: every final block is stored there before anyone is told that it is final.

import type { Millis } from '../core/brand.ts';
import type { Clock, Edge, Log, Store } from '../platform/ports.ts';
import type { Ordering } from './ordering.ts';
import { assert } from '../core/assert.ts';
import { messageOf } from '../core/message-of.ts';
import { loadBlockBytes } from './chain-store.ts';

const RETRY_MIN: Millis = 250;
const RETRY_MAX: Millis = 5_000;
/** How long a stop waits for the edge. */
const CLOSE_WAIT: Millis = 2_000;

export type EdgeCopyOptions = {
  readonly ordering: Ordering;
  readonly store: Store;
  readonly edge: Edge;
  readonly clock: Clock;
  readonly log: Log;
  /** Blocks up to this height are at the edge. */
  readonly onStored: (height: number) => void;
};

export class EdgeCopy {
  readonly #options: EdgeCopyOptions;
  /** Null until the edge has said what it holds. */
  #stored: number | null = null;
  #working: Promise<void> = Promise.resolve();
  #busy = false;
  #again = false;
  #retry: Millis = RETRY_MIN;
  #cancelRetry: (() => void) | null = null;
  #closed = false;

  constructor(options: EdgeCopyOptions) {
    this.#options = options;
  }

  /** The height up to which the edge is known to hold everything. */
  get height(): number {
    return this.#stored ?? 0;
  }

  /** There may be something to store. `forget` asks the edge again what it holds, as after a reconnect. */
  wake(forget = false): void {
    if (forget) this.#stored = null;
    this.#again = true;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    if (!this.#busy && !this.#closed) this.#working = this.#work();
  }

  /** One last try to store what is missing; resolves also when the edge is away, after `CLOSE_WAIT` at the latest. */
  async finish(): Promise<void> {
    const { clock, log } = this.#options;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => (cancel = clock.after(CLOSE_WAIT, resolve)));
    const stored = this.#working.then(() => this.#storeMissing());
    await Promise.race([stored, late]).catch((error: unknown) =>
      log.warn('edge copy not finished', { because: messageOf(error) }),
    );
    stored.catch(() => {});
    cancel();
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
  }

  async #work(): Promise<void> {
    const { clock, log } = this.#options;
    this.#busy = true;
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        await this.#storeMissing();
        this.#retry = RETRY_MIN;
      } catch (error) {
        log.warn('edge copy waits', {
          because: messageOf(error),
          retry: this.#retry,
        });
        this.#cancelRetry = clock.after(this.#retry, () => this.wake());
        this.#retry = Math.min(RETRY_MAX, this.#retry * 2);
        break;
      }
    }
    this.#busy = false;
  }

  async #storeMissing(): Promise<void> {
    const { ordering, store, edge, onStored } = this.#options;
    let stored = this.#stored ?? (await edge.blocks({ from: ordering.tip.height + 1, max: 1 })).height;
    this.#stored = stored;
    onStored(stored);
    while (stored < ordering.tip.height && !this.#closed) {
      const [block] = await loadBlockBytes(store, { from: stored + 1, max: 1 });
      assert(block, 'a final block is on disk');
      if (!(await edge.storeBlock(block))) {
        // It may have lost what it held: ask it again before the next try.
        this.#stored = null;
        throw new Error(`the edge refused block ${stored + 1}`);
      }
      stored += 1;
      this.#stored = stored;
      onStored(stored);
    }
  }
}
