// Entries that have left the working set and are still on disk: erased with the next write, but for a copy of what a vote is bound to (WS8).

import type { Cid } from '../codec/cid.ts';
import type { Store, StorePut } from '../platform/ports.ts';
import type { NamedEntry } from './block-stash.ts';
import { removePending } from './chain-store.ts';

/** An entry leaves while a block that this node may have voted for holds it: where it rests from now on; else null. */
export type KeepBound = (entry: NamedEntry) => StorePut | null;

export class LeavingEntries {
  readonly #store: Store;
  readonly #keepBound: KeepBound;
  readonly #gone: Cid[] = [];
  readonly #kept: StorePut[] = [];

  constructor({
    store,
    keepBound = () => null,
  }: {
    readonly store: Store;
    readonly keepBound?: KeepBound | undefined;
  }) {
    this.#store = store;
    this.#keepBound = keepBound;
  }

  add(entries: readonly NamedEntry[]): void {
    this.#gone.push(...entries.map(({ id }) => id));
    this.keep(entries);
  }

  /** Of those on disk that the working set does not take up. */
  keep(entries: readonly NamedEntry[]): void {
    this.#kept.push(...entries.flatMap((entry) => this.#keepBound(entry) ?? []));
  }

  /** `isHere`: what came again meanwhile stays. */
  async erase(isHere: (id: Cid) => boolean, more: readonly Cid[] = []): Promise<void> {
    const gone = [...this.#gone.splice(0), ...more].filter((id) => !isHere(id));
    const kept = this.#kept.splice(0);
    if (gone.length > 0 || kept.length > 0) await removePending(this.#store, gone, kept);
  }
}
