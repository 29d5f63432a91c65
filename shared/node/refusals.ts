// Whose word that an own entry can never be ordered is enough: one more of those who order than may cheat (SY7).

import type { Cid } from '../codec/cid.ts';
import type { Identity } from '../crypto/ids.ts';

export class Refusals {
  readonly #identitiesById = new Map<Cid, Set<Identity>>();

  /** True once more than `cheats` have refused it. Asked for entries that this node owes, so that it stays small. */
  count(id: Cid, { by, cheats }: { readonly by: Identity; readonly cheats: number }): boolean {
    const identities = (this.#identitiesById.get(id) ?? new Set()).add(by);
    this.#identitiesById.set(id, identities);
    if (identities.size <= cheats) return false;
    this.#identitiesById.delete(id);
    return true;
  }
}
