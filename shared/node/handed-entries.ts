// Signed entries of others that this node hands to the validators of the commons for whoever asks it to, and what these answer.

import type { Cid } from '../codec/cid.ts';
import type { Clock } from '../platform/ports.ts';
import type { Identity } from '../crypto/ids.ts';
import type { RpcSubmitted } from '../rpc/rpc-node.ts';
import { NETWORK_WAIT } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { Refusals } from './refusals.ts';

/** A validator that has an entry says so, and then at once what became of it, if anything has. */
const OUTCOME_FOLLOWS = 500;

type Answer = Result<RpcSubmitted, Failure>;

export class HandedEntries {
  readonly #clock: Clock;
  /** How many of those who order may cheat. */
  readonly #cheats: () => number;
  readonly #refusals = new Refusals();
  readonly #askersById = new Map<Cid, Set<(answer: Answer) => void>>();

  constructor({ clock, cheats }: { readonly clock: Clock; readonly cheats: () => number }) {
    this.#clock = clock;
    this.#cheats = cheats;
  }

  /** What is answered about it from now on; `waiting_for_network` after a while without a word. */
  wait(id: Cid): Promise<Answer> {
    return new Promise((resolve) => {
      const askers = this.#askersById.get(id) ?? new Set();
      this.#askersById.set(id, askers.add(resolve));
      this.#clock.after(NETWORK_WAIT, () => {
        if (askers.has(resolve)) this.#answer(id, fail('waiting_for_network', 'Nobody who orders answers: try again.'));
      });
    });
  }

  seen(id: Cid): void {
    if (!this.#askersById.has(id)) return;
    this.#clock.after(OUTCOME_FOLLOWS, () => this.#answer(id, ok({ id, state: 'pending' })));
  }

  /** More than may cheat have to say so. */
  refused({ id, code, because }: { readonly id: Cid } & Failure, by: Identity): void {
    if (!this.#askersById.has(id) || !this.#refusals.count(id, { by, cheats: this.#cheats() })) return;
    this.#answer(id, fail(code, because));
  }

  /** Proven. */
  final(submitted: RpcSubmitted): void {
    this.#answer(submitted.id, ok(submitted));
  }

  #answer(id: Cid, answer: Answer): void {
    const askers = this.#askersById.get(id) ?? [];
    this.#askersById.delete(id);
    for (const asker of askers) asker(answer);
  }
}
