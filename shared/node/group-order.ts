// Who orders a group, as a member sees it: who of them is here and how far, what is to change, how fast entries become final, and who cheated.

import type { Millis } from '../core/brand.ts';
import type { Identity, PublicKey } from '../crypto/ids.ts';
import type { Header } from '../chain/block.ts';
import type { Founding } from '../chain/genesis.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import type { Operation } from '../feeds/entry.ts';
import type { Clock, Store } from '../platform/ports.ts';
import type { LocalNode } from '../session/session-identity.ts';
import type { OlderBlocks } from './older-blocks.ts';
import type { Ordering } from './ordering.ts';
import type { SyncPeer } from './sync-peer.ts';
import type { ValidatorPresence } from './validator-peers.ts';
import { validatorSet } from '../ledger/families/validators.ts';
import { decodeRecord, DEVICE } from '../ledger/records.ts';
import { SEAL_INTERVAL } from '../ledger/seals.ts';
import { readRecord, stateEntries } from '../ledger/state.ts';
import { CANDIDATE, memberBehind, VALIDATOR, VALIDATOR_CHANGE, VALIDATOR_EPOCH } from '../ledger/validator-records.ts';
import type { RpcChainOptions } from './rpc-chain.ts';
import { ChainReads } from './chain-reads.ts';
import { rulesAfter } from './chain-head.ts';
import { loadBlock } from './chain-store.ts';
import { listRecoveries } from './recoveries.ts';
import { FinalityWatch, type FinalityTime } from './finality-watch.ts';
import { readMisbehaviour, type Misbehaviour } from './misbehaviour.ts';

/** `identity`: null for a founder's key that nobody has claimed and that is not here. `height`: its final blocks as far as known. */
export type OrderingDevice = Omit<ValidatorPresence, 'device'> & {
  readonly identity: Identity | null;
  readonly height: number | null;
};

/** A device that offers to order; its offer counts `until` then, in block time. */
export type OrderingOffer = {
  readonly key: PublicKey;
  readonly identity: Identity;
  readonly you: boolean;
  readonly until: Millis;
};

/** What the next seal brings. `from`: null with the very next block, else not before that block time. */
export type PlannedOrder = Pick<ValidatorSet, 'keys' | 'f'> & { readonly from: Millis | null };

export type OrderedBlock = {
  readonly height: number;
  readonly time: Millis;
  readonly entries: number;
  readonly proposer: PublicKey;
};

export type GroupOrderOptions = {
  /** The part of it that holds the chain. */
  readonly store: Store;
  readonly chain: Ordering;
  readonly clock: Clock;
  readonly founding: Founding;
  readonly self: LocalNode;
  readonly presence: () => readonly ValidatorPresence[];
  readonly peers: () => readonly SyncPeer[];
  readonly older: OlderBlocks;
};

export class GroupOrder {
  readonly #options: GroupOrderOptions;
  readonly #watch: FinalityWatch;
  #began = false;
  /** As read last: final blocks never change, and a large one takes long to read. */
  #blocks: readonly OrderedBlock[] = [];

  constructor(options: GroupOrderOptions) {
    this.#options = options;
    this.#watch = new FinalityWatch(options);
  }

  /** Takes part from when this device has a key that counts; not again with each seal, since it may have been told to rest. */
  beginIfDue(): void {
    const { chain } = this.#options;
    const orders = chain.signer !== null;
    if (orders && !this.#began) chain.start();
    this.#began = orders;
  }

  /** The chain as JSON-RPC asks for it; who orders the group proves its state to anybody who has its genesis. */
  get rpc(): RpcChainOptions {
    const { chain: ordering, store, clock, founding, older } = this.#options;
    const { signer } = ordering;
    const reads = signer && new ChainReads({ ordering, store, founding, signer, clock });
    return { ordering, store, reads, clock, older };
  }

  /** What an admin writes so that these keys order; as many may cheat as so many carry (CH1). */
  change(given: { readonly add: readonly PublicKey[]; readonly remove: readonly PublicKey[] }): {
    readonly operation: Operation;
    readonly set: Pick<ValidatorSet, 'keys' | 'f'>;
  } {
    const { add, remove } = given;
    const keys = [...this.#planned.keys.filter((key) => !remove.includes(key)), ...add];
    const f = Math.max(0, Math.floor((keys.length - 1) / 3));
    return { operation: validatorSet.create({ add: [...add], remove: [...remove], f }), set: { keys, f } };
  }

  /** By the keys that vote now. */
  devices(): readonly OrderingDevice[] {
    return this.#options.presence().map(({ device, ...present }) => {
      const identity = present.you ? this.#options.self.identity : this.#identityOf(present.key, device);
      return { ...present, identity, height: this.#heightOf({ you: present.you, device, identity }) };
    });
  }

  /** Offers that count, of devices that order neither now nor after the next seal. */
  offers(): readonly OrderingOffer[] {
    const { chain, clock, self } = this.#options;
    const { state } = chain;
    const planned = this.#planned.keys;
    // They go on with what they offer by themselves (LG133).
    const ordering = new Set(planned.flatMap((key) => readRecord(state, VALIDATOR, key)?.device ?? []));
    return [...stateEntries(state)].flatMap(([key, value]): OrderingOffer[] => {
      const candidate = key.startsWith('candidates/') ? decodeRecord(CANDIDATE, value) : null;
      if (!candidate?.ok) return [];
      const offered = readRecord(state, VALIDATOR, candidate.value.key);
      const identity = memberBehind(state, candidate.value.key);
      const { ready: until = 0, device } = offered ?? {};
      const isRevoked = device === undefined || readRecord(state, DEVICE, device)?.revoked !== undefined;
      if (identity === undefined || isRevoked || until < clock.now()) return [];
      if (planned.includes(candidate.value.key) || ordering.has(device)) return [];
      return [{ key: candidate.value.key, identity, you: device === self.signer.key, until }];
    });
  }

  /** Null while nothing is to change. */
  planned(): PlannedOrder | null {
    const { state } = this.#options.chain;
    const next = readRecord(state, VALIDATOR_CHANGE, 'next');
    return next === undefined ? null : { keys: next.keys, f: next.f, from: next.urgent ? null : this.nextSeal() };
  }

  /** LG125: null when a change comes with the next block, else the block time that it waits for. */
  nextSeal(): Millis | null {
    const { chain, clock } = this.#options;
    const sealed = readRecord(chain.state, VALIDATOR_EPOCH, 'current')?.sealed;
    return sealed === undefined || sealed + SEAL_INTERVAL <= clock.now() ? null : sealed + SEAL_INTERVAL;
  }

  /** Null until this node has seen an entry come and become final. */
  finality(): FinalityTime | null {
    return this.#watch.read();
  }

  /** The newest first. */
  async blocks(most: number): Promise<readonly OrderedBlock[]> {
    const blocks: OrderedBlock[] = [];
    for (let { height } = this.#options.chain.tip; height > 0 && blocks.length < most; height--) {
      const block = this.#blocks.find((one) => one.height === height) ?? (await this.#readBlock(height));
      if (block === undefined) break;
      blocks.push(block);
    }
    this.#blocks = blocks;
    return blocks;
  }

  /** Seals that identities of the founding made (CH38), the oldest first. */
  recoveries(): Promise<readonly Header[]> {
    const { chain, store, founding } = this.#options;
    return listRecoveries(store, founding, rulesAfter(chain.state, founding.group).epoch);
  }

  misbehaviour(): Promise<readonly Misbehaviour[]> {
    return readMisbehaviour(this.#options.chain.state, this.#options.store);
  }

  close(): void {
    this.#watch.close();
  }

  async #readBlock(height: number): Promise<OrderedBlock | undefined> {
    const certified = await loadBlock(this.#options.store, height);
    if (certified === undefined) return undefined;
    const { time, proposer } = certified.block.header;
    return { height, time, proposer, entries: certified.entries.length };
  }

  get #planned(): Pick<ValidatorSet, 'keys' | 'f'> {
    const { chain } = this.#options;
    return readRecord(chain.state, VALIDATOR_CHANGE, 'next') ?? chain.validators;
  }

  #identityOf(key: PublicKey, device: PublicKey | null): Identity | null {
    const { chain, founding, peers } = this.#options;
    const known = memberBehind(chain.state, key) ?? peers().find((peer) => peer.device === device)?.identity;
    if (known !== undefined) return known;
    // Whoever founded a group alone orders it, though nobody has claimed the key.
    const [founder, ...others] = founding.genesis.members;
    const isFounders = founding.set.keys.length === 1 && founding.set.keys.includes(key);
    return isFounders && founder !== undefined && others.length === 0 ? founder.identity : null;
  }

  #heightOf(of: { you: boolean; device: PublicKey | null; identity: Identity | null }): number | null {
    const { chain, peers } = this.#options;
    if (of.you) return chain.tip.height;
    // Whoever orders alone greets nobody by that key: then it is the one of the member's devices that is ahead.
    const isAlone = chain.validators.keys.length === 1;
    const found = peers().filter(({ device, identity }) => (isAlone ? identity === of.identity : device === of.device));
    return found.length === 0 ? null : Math.max(...found.map(({ height }) => height));
  }
}
