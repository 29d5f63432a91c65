// Fetches blocks from several sources at once and lets through only what hashes to its CID: the shell of content/have-want.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { FetchEffect, FetchInput, FetchPlan } from '../content/have-want.ts';
import type { Clock, Hasher } from '../platform/ports.ts';
import { verifyBlock } from '../content/blob-verify.ts';
import { createFetchPlan, nextFetchWake, stepFetch } from '../content/have-want.ts';

/** Never closer together than this: ticks are for hedging, not for polling. */
const TICK_MIN: Millis = 5;

/** Where bytes come from, as reports count it. */
export type SourceKind = 'peer' | 'edge';

export interface BlockSource {
  readonly id: string;
  readonly kind: SourceKind;
  /** Lower is asked first; see FetchSource. */
  readonly rank: number;
  /**
   * Hands over blocks as they come. Resolves with those the source does not have; rejects when the request failed.
   * `onBlock` may be slow: a source waits for it before it takes more.
   */
  ask(cids: readonly Cid[], onBlock: (cid: Cid, bytes: Uint8Array) => Promise<void>): Promise<readonly Cid[]>;
  /** A block that it handed over passed the check and was wanted. */
  onVerified?(): void;
}

/** A block that was checked, and who brought it. */
export type FetchedBlock = { readonly cid: Cid; readonly bytes: Uint8Array; readonly source: BlockSource };

type Waiter = (outcome: FetchedBlock | null) => void;

/** Counters for reports: verified bytes by kind, the peers that gave any, and blocks that were not what they claimed. */
export type FetchCounters = {
  readonly bytes: Record<SourceKind, number>;
  readonly sources: Set<string>;
  verified: number;
  readonly refused: { readonly cid: Cid; readonly source: string }[];
};

/** Wrong blocks named in a report; more only count as lies of their source. */
const REFUSED_NAMED_MAX = 64;

export class BlockFetcher {
  readonly #clock: Clock;
  readonly #hasher: Hasher;
  readonly #plan: FetchPlan;
  readonly #sources = new Map<string, BlockSource>();
  readonly #waiters = new Map<Cid, Waiter[]>();
  #cancelTick: (() => void) | null = null;
  readonly counters: FetchCounters = { bytes: { peer: 0, edge: 0 }, sources: new Set(), verified: 0, refused: [] };

  constructor(options: { readonly clock: Clock; readonly hasher: Hasher; readonly patience?: Millis }) {
    this.#clock = options.clock;
    this.#hasher = options.hasher;
    this.#plan = createFetchPlan(options.patience === undefined ? {} : { patience: options.patience });
  }

  addSource(source: BlockSource): void {
    if (this.#sources.has(source.id)) return;
    this.#sources.set(source.id, source);
    this.#step({ type: 'sourceJoined', source: { id: source.id, rank: source.rank } });
  }

  removeSource(id: string): void {
    if (this.#sources.delete(id)) this.#step({ type: 'sourceLeft', source: id });
  }

  /** One verified block, or null when no source has it. Urgent ones overtake the rest. */
  fetch(block: { readonly cid: Cid; readonly size?: number }, urgent = false): Promise<FetchedBlock | null> {
    return new Promise((resolve) => {
      this.#await(block.cid, resolve);
      this.#step({ type: 'want', blocks: [block], urgent });
    });
  }

  /**
   * Many blocks; each is handed over once, as it comes. Resolves with those that no source has. A rejected `onBlock`
   * rejects the whole.
   */
  async fetchAll(
    blocks: readonly { readonly cid: Cid; readonly size?: number }[],
    onBlock: (block: FetchedBlock) => Promise<void> | void,
  ): Promise<readonly Cid[]> {
    const unavailable: Cid[] = [];
    const arrivals = blocks.map(
      ({ cid }) =>
        new Promise<void>((resolve, reject) => {
          this.#await(cid, (fetched) => {
            if (!fetched) {
              unavailable.push(cid);
              resolve();
              return;
            }
            Promise.resolve(onBlock(fetched)).then(resolve, reject);
          });
        }),
    );
    this.#step({ type: 'want', blocks });
    await Promise.all(arrivals);
    return unavailable;
  }

  /** Gives up on all that is wanted; sources finish what they are at, and it is ignored. */
  abandon(): void {
    for (const cid of [...this.#waiters.keys()]) {
      this.#settle(cid, null);
      this.#step({ type: 'drop', cid });
    }
    this.#cancelTick?.();
    this.#cancelTick = null;
  }

  #await(cid: Cid, waiter: Waiter): void {
    const waiting = this.#waiters.get(cid);
    if (waiting) waiting.push(waiter);
    else this.#waiters.set(cid, [waiter]);
  }

  #settle(cid: Cid, outcome: FetchedBlock | null): void {
    const waiting = this.#waiters.get(cid) ?? [];
    this.#waiters.delete(cid);
    for (const waiter of waiting) waiter(outcome);
  }

  #step(input: FetchInput): void {
    const now = this.#clock.now();
    for (const effect of stepFetch(this.#plan, input, now)) this.#perform(effect);
    this.#cancelTick?.();
    const wake = nextFetchWake(this.#plan, now);
    this.#cancelTick =
      wake === undefined
        ? null
        : this.#clock.after(Math.max(TICK_MIN, wake - now), () => {
            this.#cancelTick = null;
            this.#step({ type: 'tick' });
          });
  }

  #perform(effect: FetchEffect): void {
    switch (effect.type) {
      case 'ask':
        void this.#ask(effect.source, effect.cids);
        return;
      case 'cancel':
        return;
      case 'unavailable':
        return this.#settle(effect.cid, null);
    }
  }

  async #ask(id: string, cids: readonly Cid[]): Promise<void> {
    const source = this.#sources.get(id);
    if (!source) return;
    try {
      const missing = await source.ask(cids, (cid, bytes) => this.#take(source, cid, bytes));
      for (const cid of missing) this.#step({ type: 'missing', source: id, cid });
    } catch {
      this.#step({ type: 'failed', source: id });
    }
  }

  async #take(source: BlockSource, cid: Cid, bytes: Uint8Array): Promise<void> {
    if (!(await verifyBlock(cid, bytes, this.#hasher))) {
      if (this.counters.refused.length < REFUSED_NAMED_MAX) this.counters.refused.push({ cid, source: source.id });
      this.#step({ type: 'lie', source: source.id, cid });
      return;
    }
    if (this.#waiters.has(cid)) {
      this.counters.bytes[source.kind] += bytes.length;
      this.counters.verified += 1;
      source.onVerified?.();
      if (source.kind === 'peer') this.counters.sources.add(source.id);
      this.#settle(cid, { cid, bytes, source });
    }
    this.#step({ type: 'block', source: source.id, cid });
  }
}
