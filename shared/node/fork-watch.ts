// Watches for devices that sign two entries with one number, and has their feeds frozen: by itself, and once a feed (SY12).

import type { Millis } from '../core/brand.ts';
import type { FeedId } from '../crypto/ids.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import type { Clock, Log, Random, Store } from '../platform/ports.ts';
import type { Ordering } from './ordering.ts';
import type { Outbox } from './outbox.ts';
import { FEED } from '../ledger/records.ts';
import { readRecord } from '../ledger/state.ts';
import { findRival, freezes, type ForkProof, type ForkProofs } from './fork-proofs.ts';
import { LoggedTurns } from './logged-turns.ts';
import { findWaitingOperations } from './waiting-operations.ts';

/** Whoever does not order the group leaves it to those who do, and then to chance who is first: one proof is enough. */
const FOLLOWER_WAIT: Millis = 5_000;
/** The longest that chance adds: 256 steps of it. */
const FOLLOWER_STEP: Millis = 80;

export type ForkWatchOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly proofs: ForkProofs;
  readonly chain: Pick<Ordering, 'state' | 'pool' | 'subscribe'>;
  readonly outbox: Pick<Outbox, 'pending' | 'submit'>;
  /** Whether this node orders. */
  readonly orders: boolean;
  /** Whether what this node writes counts. */
  readonly mayWrite: () => boolean;
};

export class ForkWatch {
  readonly #options: ForkWatchOptions;
  readonly #timers = new Map<FeedId, () => void>();
  readonly #unsubscribe: () => void;
  readonly #turns: LoggedTurns;
  #started = false;

  constructor(options: ForkWatchOptions) {
    this.#options = options;
    this.#turns = new LoggedTurns({ log: options.log, failure: 'a fork is not proven' });
    const look = (entry: VerifiedEntry): void => void this.#turns.run(() => this.#look(entry));
    this.#unsubscribe = options.chain.subscribe({
      contradicted: look,
      refused: (entry, { code }) => (code === 'forked' || code === 'seq_used') && look(entry),
      final: () => void this.#turns.run(() => this.#review()),
    });
  }

  /** From now on the own feed may be written to. */
  start(): void {
    this.#started = true;
    void this.#turns.run(() => this.#review());
  }

  close(): void {
    void this.#turns.close();
    this.#unsubscribe();
    for (const cancel of this.#timers.values()) cancel();
  }

  async #look(entry: VerifiedEntry): Promise<void> {
    const { proofs, chain, store } = this.#options;
    const { feed } = entry.body;
    const known = proofs.get(feed);
    if ((known && this.#isOrdered(known)) || this.#isDone(feed)) return;
    const { state, pool } = chain;
    const rival = await findRival(entry, { store, state, pool });
    if (!rival || !(await proofs.keep([rival, entry.bytes], (proof) => this.#isOrdered(proof)))) return;
    this.#options.log.warn('a feed is forked', { feed, device: entry.body.device });
    await this.#review();
  }

  async #review(): Promise<void> {
    const { proofs, clock, random, orders } = this.#options;
    for (const proof of proofs.all) {
      const { feed } = proof;
      if (this.#isDone(feed)) await proofs.forget(feed);
      else if (!this.#timers.has(feed) && this.#isDue(proof)) {
        const wait = orders ? 0 : FOLLOWER_WAIT + FOLLOWER_STEP * random.bytes(1)[0]!;
        const send = (): void => {
          this.#timers.delete(feed);
          void this.#turns.run(() => this.#send(proof));
        };
        this.#timers.set(feed, clock.after(wait, send));
      }
    }
  }

  async #send(proof: ForkProof): Promise<void> {
    const { proofs, clock, outbox } = this.#options;
    if (this.#isDone(proof.feed)) return await proofs.forget(proof.feed);
    if (!this.#isDue(proof)) return;
    await proofs.countSent(clock.now());
    await outbox.submit([proof.operation]);
  }

  /** Nothing more of this feed is ordered: it is frozen, or closed by the one that followed it. */
  #isDone(feed: FeedId): boolean {
    const known = readRecord(this.#options.chain.state, FEED, feed);
    return known !== undefined && (known.frozenAt !== undefined || !known.open);
  }

  /** LG46: before that a proof does not count. */
  #isOrdered({ feed, seq }: ForkProof): boolean {
    const known = readRecord(this.#options.chain.state, FEED, feed);
    return known !== undefined && known.seq >= seq;
  }

  /** Its number is ordered, and nobody has sent a proof that still waits. */
  #isDue(proof: ForkProof): boolean {
    const { feed } = proof;
    const { chain, outbox, proofs, clock, mayWrite } = this.#options;
    if (!this.#started || !this.#isOrdered(proof)) return false;
    if (!mayWrite() || !proofs.maySend(clock.now())) return false;
    return !freezes(findWaitingOperations({ chain, outbox }), feed);
  }
}
