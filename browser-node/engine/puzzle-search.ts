// Finds the nonce of a join in slices between which everything else gets its turn; each puzzle is searched once (BN18).

import type { Puzzle } from '../../shared/ledger/puzzle.ts';
import { searchPuzzle } from '../../shared/ledger/puzzle.ts';

/** About five milliseconds of hashing: calls and frames never wait longer for the engine. */
const SLICE_NONCES = 1_000;
/** Blocks come slowly while nobody writes: the last few puzzles are those that can still be asked for. */
const SOLVED_KEPT = 8;

export class PuzzleSearch {
  readonly #yieldTurn: () => Promise<void>;
  readonly #nonces = new Map<string, Promise<Uint8Array>>();

  /** `yieldTurn` resolves after whatever else waits has run. */
  constructor(yieldTurn: () => Promise<void>) {
    this.#yieldTurn = yieldTurn;
  }

  solve(puzzle: Puzzle): Promise<Uint8Array> {
    const name = `${puzzle.identity} ${puzzle.block} ${puzzle.bits}`;
    const known = this.#nonces.get(name);
    if (known) return known;
    const search = this.#search(puzzle);
    this.#nonces.set(name, search);
    if (this.#nonces.size > SOLVED_KEPT) this.#nonces.delete(this.#nonces.keys().next().value!);
    return search;
  }

  async #search(puzzle: Puzzle): Promise<Uint8Array> {
    for (let from = 0; ;) {
      const { nonce, next } = searchPuzzle({ ...puzzle, from, count: SLICE_NONCES });
      if (nonce) return nonce;
      from = next;
      await this.#yieldTurn();
    }
  }
}

/** A task of its own, without the minimum delay of timers. */
export function yieldTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
