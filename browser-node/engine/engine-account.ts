// Follows the wallet: attaches its identity to the node, resumes what waits on disk, and lets go when it is locked.

import type { AttachedAccount, LightNode } from '../../shared/node/light-node.ts';
import type { SolvePuzzle } from '../../shared/node/join-puzzle.ts';
import type { Wallet } from './wallet.ts';

export type EngineAccountOptions = {
  readonly node: LightNode;
  readonly solve: SolvePuzzle;
  /** Somebody writes here from now on. */
  readonly onAttached: () => void;
};

export class EngineAccount {
  readonly #options: EngineAccountOptions;
  #attached: AttachedAccount | null = null;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: EngineAccountOptions) {
    this.#options = options;
  }

  get current(): AttachedAccount | null {
    return this.#attached;
  }

  /** Resolves when the node follows the wallet's present state. */
  follow(wallet: Wallet): Promise<void> {
    const next = this.#turn.then(() => this.#follow(wallet));
    this.#turn = next.catch(() => undefined);
    return next;
  }

  async #follow(wallet: Wallet): Promise<void> {
    const { node, solve, onAttached } = this.#options;
    const { account } = wallet;
    if (!account) {
      this.#attached = null;
      node.detach();
    } else if (!this.#attached) {
      this.#attached = await node.attach({ ...account, solve });
      onAttached();
    }
  }
}
