// Finds the nonce of a join in slices between which everything else gets its turn; each puzzle is searched once (BN18).

import type { Puzzle } from '../../shared/ledger/puzzle.ts';
import { searchPuzzle } from '../../shared/ledger/puzzle.ts';

/** About five milliseconds of hashing: calls and frames never wait longer for the engine. */
const SLICE_NONCES = 1_000;
/** Times that progress is told until a solution is due. */
const STEPS = 20;
/** Blocks come slowly while nobody writes: the last few puzzles are those that can still be asked for. */
const SOLVED_KEPT = 8;

type Search = { nonce: Uint8Array | null; next: number; slice: Promise<void> | null };

export class PuzzleSearch {
  readonly #yieldTurn: () => Promise<void>;
  readonly #onProgress: () => void;
  /** Solutions to be expected of what was tried since the last one was found. */
  #odds = 0;
  readonly #searches = new Map<string, Search>();

  /** `yieldTurn` resolves after whatever else waits has run; `onProgress` is called now and then, and at the end. */
  constructor(yieldTurn: () => Promise<void>, onProgress: () => void = () => undefined) {
    this.#yieldTurn = yieldTurn;
    this.#onProgress = onProgress;
  }

  /** How likely it was to be done by now, 0 … 1, over all the blocks that it went on with; undefined while nobody waits. */
  get likelihood(): number | undefined {
    return this.#odds === 0 ? undefined : 1 - Math.exp(-this.#odds);
  }

  /** Null once it is to give up; given the same puzzle again it goes on where it stopped. */
  async solve(puzzle: Puzzle, giveUp: () => boolean): Promise<Uint8Array | null> {
    const name = `${puzzle.identity} ${puzzle.block} ${puzzle.bits}`;
    const search = this.#searches.get(name) ?? { nonce: null, next: 0, slice: null };
    this.#searches.set(name, search);
    if (this.#searches.size > SOLVED_KEPT) this.#searches.delete(this.#searches.keys().next().value!);
    while (search.nonce === null) {
      if (giveUp()) return null;
      search.slice ??= this.#searchSlice(puzzle, search);
      await search.slice;
    }
    return search.nonce;
  }

  /** One for all who wait for it. */
  async #searchSlice(puzzle: Puzzle, search: Search): Promise<void> {
    const { nonce, next } = searchPuzzle({ ...puzzle, from: search.next, count: SLICE_NONCES });
    search.next = next;
    search.nonce = nonce ?? null;
    const before = this.#odds;
    this.#odds = nonce ? 0 : before + SLICE_NONCES / 2 ** puzzle.bits;
    if (nonce || Math.floor(this.#odds * STEPS) > Math.floor(before * STEPS)) this.#onProgress();
    if (!nonce) await this.#yieldTurn();
    search.slice = null;
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
