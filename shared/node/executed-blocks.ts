// Blocks above the final one that were executed here: what each did, and the ground it leaves to the next.

import type { Cid } from '../codec/cid.ts';
import type { Block, Header } from '../chain/block.ts';
import { standOn, type Executed, type Ground } from './chain-head.ts';

type Kept = Executed & { readonly header: Header };

export class ExecutedBlocks {
  readonly #byId = new Map<Cid, Kept>();
  readonly #head: () => Ground & { readonly id: Cid };

  /** `head`: the final block, and what it leaves. */
  constructor(head: () => Ground & { readonly id: Cid }) {
    this.#head = head;
  }

  get(id: Cid): Executed | undefined {
    return this.#byId.get(id);
  }

  get headers(): readonly Header[] {
    return [...this.#byId.values()].map(({ header }) => header);
  }

  add({ id, header }: Block, executed: Executed): void {
    this.#byId.set(id, { ...executed, header });
  }

  /** What a block on this one is executed on; undefined while one between it and the final block was not executed. */
  groundOf(id: Cid): Ground | undefined {
    const head = this.#head();
    if (id === head.id) return head;
    const executed = this.#byId.get(id);
    const below = executed && this.groundOf(executed.header.parent);
    return below && standOn(below, executed.result);
  }

  /** Blocks of these views are final, or never will be. */
  forget(through: number): void {
    for (const [id, { header }] of this.#byId) if (header.view <= through) this.#byId.delete(id);
  }
}
