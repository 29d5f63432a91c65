// The virtual clock: a heap of tasks by time, and by the order they were made in where the time is the same.

import type { Millis } from '../../../shared/core/brand.ts';

type Item = { readonly at: Millis; readonly turn: number; readonly task: () => void };

export class EventQueue {
  now: Millis;
  readonly #heap: Item[] = [];
  #turn = 0;

  constructor(now: Millis) {
    this.now = now;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** What is due in the past runs next. */
  push(at: Millis, task: () => void): void {
    const heap = this.#heap;
    const item = { at: Math.max(at, this.now), turn: this.#turn++, task };
    let place = heap.length;
    heap.push(item);
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (isBefore(heap[above]!, item)) break;
      heap[place] = heap[above]!;
      place = above;
    }
    heap[place] = item;
  }

  /** Runs the next task that is due by `until`; false if there is none, and then it is that time. */
  runNext(until: Millis): boolean {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.at > until) {
      this.now = Math.max(this.now, until);
      return false;
    }
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    this.now = first.at;
    first.task();
    return true;
  }

  #sink(item: Item): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, heap[below]!)) below++;
      if (isBefore(item, heap[below]!)) break;
      heap[place] = heap[below]!;
      place = below;
    }
    heap[place] = item;
  }
}

function isBefore(a: Item, b: Item): boolean {
  return a.at === b.at ? a.turn < b.turn : a.at < b.at;
}
