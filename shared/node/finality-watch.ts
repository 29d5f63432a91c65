// How long entries took to become final, as this node saw them: from when each came here until its block was final here.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Clock } from '../platform/ports.ts';
import type { Ordering } from './ordering.ts';

/** The last ones say how it is now. */
const SPANS_KEPT = 64;
/** Entries that are timed at once: one that is never ordered must not stay for ever. */
const TIMED_MAX = 1_024;

/** `median`: half of the last `entries` took no longer. */
export type FinalityTime = { readonly median: Millis; readonly entries: number };

export class FinalityWatch {
  readonly #seenAt = new Map<Cid, Millis>();
  readonly #spans: Millis[] = [];
  readonly #unsubscribe: () => void;

  constructor({ clock, chain }: { readonly clock: Clock; readonly chain: Pick<Ordering, 'subscribe'> }) {
    this.#unsubscribe = chain.subscribe({
      pending: (entries) => {
        const now = clock.now();
        for (const { id } of entries) this.#begin(id, now);
      },
      final: ({ verified }) => {
        for (const { id } of verified) this.#end(id, clock.now());
      },
      refused: ({ id }) => this.#seenAt.delete(id),
    });
  }

  /** Null before the first one: what came together with its block says nothing. */
  read(): FinalityTime | null {
    const sorted = this.#spans.toSorted((a, b) => a - b);
    const median = sorted[Math.floor((sorted.length - 1) / 2)];
    return median === undefined ? null : { median, entries: sorted.length };
  }

  close(): void {
    this.#unsubscribe();
  }

  #begin(id: Cid, now: Millis): void {
    const [oldest] = this.#seenAt.keys();
    if (this.#seenAt.size >= TIMED_MAX && oldest !== undefined) this.#seenAt.delete(oldest);
    this.#seenAt.set(id, now);
  }

  #end(id: Cid, now: Millis): void {
    const seenAt = this.#seenAt.get(id);
    if (seenAt === undefined) return;
    this.#seenAt.delete(id);
    this.#spans.push(now - seenAt);
    if (this.#spans.length > SPANS_KEPT) this.#spans.shift();
  }
}
