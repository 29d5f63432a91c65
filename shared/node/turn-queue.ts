// One thing after the other: inputs of a machine with all that follows from each, and work that must not come in between.

import type { Millis } from '../core/brand.ts';
import type { Clock } from '../platform/ports.ts';

type Task<I> =
  | { readonly kind: 'input'; readonly input: I }
  /** `abandon`: the queue was closed before its turn. */
  | { readonly kind: 'work'; readonly work: () => Promise<readonly I[]>; readonly abandon: () => void };

export type TurnQueueOptions<I> = {
  /** Returns the inputs that follow at once. */
  readonly step: (input: I) => Promise<readonly I[]>;
  /** A step failed: the queue should be closed. */
  readonly onFailed: (error: unknown) => void;
};

export class TurnQueue<I> {
  readonly #options: TurnQueueOptions<I>;
  readonly #tasks: Task<I>[] = [];
  #turn: Promise<void> = Promise.resolve();
  readonly #waiting = new Set<() => Promise<readonly I[]>>();
  #closed = false;

  constructor(options: TurnQueueOptions<I>) {
    this.#options = options;
  }

  /** What waits or is under way. */
  get length(): number {
    return this.#tasks.length;
  }

  /** When what is under way has ended. */
  get settled(): Promise<void> {
    return this.#turn;
  }

  push(input: I): void {
    this.#add({ kind: 'input', input });
  }

  /** Runs when everything before it has settled; its inputs come before everything else. Undefined when closed before its turn. */
  run<T>(work: () => Promise<{ readonly value: T; readonly inputs: readonly I[] }>): Promise<T | undefined> {
    return new Promise<T | undefined>((resolve, reject) => {
      if (this.#closed) return resolve(undefined);
      this.#add({
        kind: 'work',
        abandon: () => resolve(undefined),
        work: async () => {
          try {
            const { value, inputs } = await work();
            resolve(value);
            return inputs;
          } catch (error) {
            reject(error);
            return [];
          }
        },
      });
    });
  }

  /** The same where nobody waits for it. */
  runAside(work: () => Promise<readonly I[]>): void {
    this.run(async () => ({ value: null, inputs: await work() })).catch((error: unknown) =>
      this.#options.onFailed(error),
    );
  }

  /** The same, unless this very work waits already: what takes long for many does not begin for each of them. */
  runOnce(work: () => Promise<readonly I[]>): void {
    if (this.#waiting.has(work)) return;
    this.#waiting.add(work);
    this.runAside(() => {
      this.#waiting.delete(work);
      return work();
    });
  }

  close(): void {
    this.#closed = true;
  }

  #add(task: Task<I>): void {
    if (this.#closed) return;
    this.#tasks.push(task);
    if (this.#tasks.length > 1) return;
    this.#turn = this.#turn
      .then(() => this.#drain())
      .catch((error: unknown) => this.#options.onFailed(error))
      .then(() => this.#abandon());
  }

  /** What is under way stays first in the list: whatever comes meanwhile waits behind it. */
  async #drain(): Promise<void> {
    for (let task = this.#tasks[0]; task && !this.#closed; task = this.#tasks[0]) {
      const inputs = task.kind === 'work' ? await task.work() : await this.#options.step(task.input);
      this.#tasks.shift();
      this.#tasks.unshift(...inputs.map((input): Task<I> => ({ kind: 'input', input })));
    }
  }

  #abandon(): void {
    if (!this.#closed) return;
    for (const task of this.#tasks.splice(0)) if (task.kind === 'work') task.abandon();
  }
}

/** One timer: each time it is set, what was set before is void. */
export function createTimer(clock: Clock, task: () => void): (at: Millis | null) => void {
  let cancel: (() => void) | null = null;
  return (at) => {
    cancel?.();
    cancel = at === null ? null : clock.after(Math.max(0, at - clock.now()), task);
  };
}
