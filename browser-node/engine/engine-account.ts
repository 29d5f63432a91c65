// Follows the wallet: attaches its identity to the node, resumes what waits on disk, and lets go when it is locked.

import type { Failure, Result } from '../../shared/core/result.ts';
import type { CommonsMember } from '../../shared/node/commons-member.ts';
import type { AttachedAccount, LightNode } from '../../shared/node/light-node.ts';
import type { Puzzle } from '../../shared/ledger/puzzle.ts';
import type { Wallet } from './wallet.ts';

export type EngineAccountOptions = {
  readonly node: LightNode;
  readonly solve: (puzzle: Puzzle) => Promise<Uint8Array>;
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
      const attached = await node.attach({ ...account, solve });
      this.#attached = { ...attached, member: registeringMember(attached.member) };
      onAttached();
    }
  }
}

/**
 * A publish names a handle that may not be leased yet, also one that an earlier engine began: the lease comes first.
 * `already_known` says that the lease this very identity asked for before is there.
 */
function registeringMember(member: CommonsMember): CommonsMember {
  const submitVersion: CommonsMember['submitVersion'] = async (site) => {
    const lease: Result<unknown, Failure> = await member.register(site.handle);
    if (!lease.ok && lease.error.code !== 'already_known') return lease;
    return await member.submitVersion(site);
  };
  return new Proxy(member, {
    get(target, name) {
      if (name === 'submitVersion') return submitVersion;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}
