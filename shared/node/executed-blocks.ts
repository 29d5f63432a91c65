// Blocks above the final one that were executed here: what each did, and the ground it leaves to the next.

import type { Cid } from '../codec/cid.ts';
import type { Block } from '../chain/block.ts';
import { standOn, type Executed, type Ground } from './chain-head.ts';

type Kept = Executed & { readonly parent: Cid; readonly view: number };

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

  add({ id, header }: Block, executed: Executed): void {
    this.#byId.set(id, { ...executed, parent: header.parent, view: header.view });
  }

  /** What a block on this one is executed on; undefined while one between it and the final block was not executed. */
  groundOf(id: Cid): Ground | undefined {
    const head = this.#head();
    if (id === head.id) return head;
    const executed = this.#byId.get(id);
    const below = executed && this.groundOf(executed.parent);
    return below && standOn(below, executed.result);
  }

  /** Blocks of these views are final, or never will be. */
  forget(through: number): void {
    for (const [id, { view }] of this.#byId) if (view <= through) this.#byId.delete(id);
  }
}
