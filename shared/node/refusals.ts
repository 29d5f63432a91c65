// Whether an own entry that somebody refused is lost for good (SY7).

import type { Cid } from '../codec/cid.ts';
import type { Identity } from '../crypto/ids.ts';
import { codeWaits, isCode } from '../ledger/codes.ts';

/** What these say is so in one node's pool, and no fact of the chain: another that orders may have what is missing there, or less. */
const BY_POOL: ReadonlySet<string> = new Set(['forked', 'unknown_author']);

/** Where several order, only what the chain itself rules out can never become final. */
export function isLostBy(code: string, { orderers }: { readonly orderers: number }): boolean {
  if (isCode(code) && codeWaits(code)) return false;
  return orderers === 1 || !BY_POOL.has(code);
}

/** For a node without a chain of its own: one more of those who order than may cheat have to say so. */
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
