// What the orderer holds back until what it builds on is here: for a few blocks (LG36), and where nothing else makes blocks, for
// as long as those would take.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Selection } from '../ledger/execute.ts';
import type { Clock } from '../platform/ports.ts';

/** Stands for a block on a chain that has nothing else to order: longer than a block takes, so that a busy chain decides by its height. */
const QUIET_BLOCK: Millis = 1_000;

export class HeldEntries {
  readonly #clock: Clock;
  readonly #onAged: () => void;
  #held: Selection['held'] = new Map();
  #cancel: (() => void) | null = null;

  /** `onAged`: what was held back may have waited long enough. */
  constructor(clock: Clock, onAged: () => void) {
    this.#clock = clock;
    this.#onAged = onAged;
  }

  /** Entry id → height since when, for the next selection. */
  get current(): Selection['held'] {
    return this.#held;
  }

  keep({ held, entries }: Selection): void {
    // Those that have waited long enough keep their height until they are ordered: the proposal selects again.
    const ripe = entries.flatMap(({ id }): [Cid, number][] => {
      const since = this.#held.get(id);
      return since === undefined ? [] : [[id, since]];
    });
    this.#held = new Map([...held, ...ripe]);
    const quiet = entries.length === 0 && held.size > 0;
    if (!quiet) this.close();
    else this.#cancel ??= this.#clock.after(QUIET_BLOCK, () => this.#age());
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #age(): void {
    this.#cancel = null;
    this.#held = new Map([...this.#held].map(([id, since]) => [id, since - 1]));
    this.#onAged();
  }
}
