// Work that goes one after the other and that nobody has to wait for: when it fails, the log says so.

import type { Log } from '../platform/ports.ts';
import { messageOf } from '../core/message-of.ts';

export class LoggedTurns {
  readonly #log: Log;
  readonly #failure: string;
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  /** `failure`: what the log says of work that failed. */
  constructor({ log, failure }: { readonly log: Log; readonly failure: string }) {
    this.#log = log;
    this.#failure = failure;
  }

  /** Resolves when it is over, also when it failed. */
  run(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn
      .then(() => (this.#closed ? undefined : work()))
      .catch((error: unknown) => {
        if (!this.#closed) this.#log.error(this.#failure, { because: messageOf(error) });
      });
    return this.#turn;
  }

  /** Nothing begins from now on, and of what is under way nothing is said; resolves when that is over. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#turn;
  }
}
