// A store that waits while the disk is full, for writes that must not be left out: those of the chain, which would stop for good.

import type { Millis } from '../core/brand.ts';
import type { Failure } from '../core/result.ts';
import { StoreError, type Clock, type Store, type StoreBatch } from '../platform/ports.ts';

/** A full disk is asked again after this, then each time after twice as long, up to a minute. */
export const DISK_RETRY_FIRST: Millis = 1_000;
export const DISK_RETRY_LAST: Millis = 60_000;

export class PatientStore implements Store {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #waiting = new Set<() => void>();
  #failure: Failure | null = null;
  #closed = false;

  /** `onChange`: `failure` says something else. */
  constructor(store: Store, { clock, onChange }: { readonly clock: Clock; readonly onChange: () => void }) {
    this.#store = store;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Why a write waits; null while none does. */
  get failure(): Failure | null {
    return this.#failure;
  }

  get(key: string): ReturnType<Store['get']> {
    return this.#store.get(key);
  }

  range(bounds: Parameters<Store['range']>[0]): ReturnType<Store['range']> {
    return this.#store.range(bounds);
  }

  /** Resolves when it is written; rejects with what else the disk says, or once this is closed. */
  async write(batch: StoreBatch, durability: 'strict' | 'relaxed'): Promise<void> {
    for (let pause = DISK_RETRY_FIRST; ; pause = Math.min(DISK_RETRY_LAST, 2 * pause)) {
      try {
        await this.#store.write(batch, durability);
        return this.#say(null);
      } catch (error) {
        if (this.#closed || !(error instanceof StoreError) || error.code !== 'quota_exceeded') throw error;
        this.#say({ code: error.code, because: error.message });
        await this.#wait(pause);
      }
    }
  }

  /** Writes that wait are tried once more; the store below stays open. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const go of [...this.#waiting]) go();
  }

  #wait(pause: Millis): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        cancel();
        this.#waiting.delete(go);
        resolve();
      };
      const cancel = this.#clock.after(pause, go);
      this.#waiting.add(go);
    });
  }

  #say(failure: Failure | null): void {
    if (failure === null && this.#failure === null) return;
    this.#failure = failure;
    this.#onChange();
  }
}
