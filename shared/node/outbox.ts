// The own feed and what it still owes the world: an entry is on disk before anyone hears of it, and stays until it is final.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Failure } from '../core/result.ts';
import type { FeedId, PublicKey } from '../crypto/ids.ts';
import type { Clock, Random, Signer, Store } from '../platform/ports.ts';
import type { Operation } from '../feeds/entry.ts';
import type { OwnHead, Outcome } from './outbox-records.ts';
import { assert } from '../core/assert.ts';
import { ENTRY_BYTES_MAX } from '../core/limits.ts';
import { encodeCanonical } from '../codec/canonical.ts';
import { feedIdFromBytes } from '../crypto/ids.ts';
import { createEntry } from '../feeds/entry.ts';
import { nextEntryBody, type EntryContent, type EntryTerms } from '../feeds/feed.ts';
import { readOwnRecord } from './own-record.ts';
import {
  outcomeKey,
  outcomeSchema,
  OWN_HEAD_KEY,
  OWN_PENDING_PREFIX,
  ownEntryKey,
  ownEntrySchema,
  ownHeadSchema,
  ownPendingKey,
  prefixRange,
} from './outbox-records.ts';

/** A record of ours is never larger than an entry and its id. */
const RECORD_BYTES_MAX: number = ENTRY_BYTES_MAX + 1_024;
const FEED_ID_BYTES = 8;

export type OwnEntry = { readonly id: Cid; readonly bytes: Uint8Array };

/** What somebody else knows of this device's newest feed. A claim may be a lie; what is proven is certified state, or the own chain. */
export type KnownHead = { readonly feed: FeedId; readonly seq: number; readonly head: Cid; readonly proven: boolean };

/** Null: they answered, and know no feed. Empty: nobody answered. */
type AskHeads = () => Promise<readonly (KnownHead | null)[]>;

export type EntryState =
  | { readonly state: 'pending' }
  | { readonly state: 'final'; readonly outcome: Outcome & { height: number } }
  | { readonly state: 'dropped'; readonly outcome: Outcome }
  | { readonly state: 'unknown' };

export type OutboxOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly signer: Signer;
  readonly group: Cid;
  readonly device: PublicKey;
  /** The signed device certificate, carried by the first entry of each feed. */
  readonly certificate: Uint8Array;
};

/** The device stopped writing under whoever waited: its wallet was locked. What is on disk goes on when it is opened again. */
export class OutboxClosed extends Error {
  readonly code = 'locked';
  constructor() {
    super('The wallet was locked meanwhile: unlock it, then try again.');
  }
}

type Waiter = { readonly resolve: (outcome: Outcome) => void; readonly reject: (error: unknown) => void };
type Pending = OwnEntry & { readonly at: { rank: number; seq: number } };
type Settled = Pending & { readonly outcome: Outcome };

/** What stood behind a refused entry in its feed can never be ordered; callers who may number again do so on this code. */
const FOLLOWED_REFUSED = {
  code: 'wrong_state',
  because: 'An earlier entry of this device was refused, so this one cannot follow it: do it again.',
  height: null,
  changes: [],
} as const satisfies Outcome;

/** Codes that say: another entry has the number, or the feed is closed. What was in it may be signed again in another feed. */
export const LOST_TO_FORK: ReadonlySet<string> = new Set(['forked', 'seq_used', 'feed_frozen']);

export class Outbox {
  readonly #options: OutboxOptions;
  /** In the order of delivery. */
  readonly #pending = new Map<Cid, Pending>();
  readonly #waiters = new Map<Cid, Waiter[]>();
  readonly #delays = new Map<Cid, Failure>();
  #lastRefused: Outcome | null = null;
  #head: OwnHead | null;
  /** Until someone has told us our own head, nothing may be appended to the old feed. */
  #reconciled = false;
  #ask: AskHeads = () => Promise.resolve([]);
  #turn: Promise<unknown> = Promise.resolve();
  #deliver: (entries: readonly OwnEntry[]) => void = () => {};
  #closed = false;
  readonly #ended = Promise.withResolvers<readonly never[]>();

  private constructor(options: OutboxOptions, head: OwnHead | null) {
    this.#options = options;
    this.#head = head;
  }

  static async open(options: OutboxOptions): Promise<Outbox> {
    const { store } = options;
    const stored = await store.get(OWN_HEAD_KEY);
    const outbox = new Outbox(options, stored ? readOwnRecord(ownHeadSchema, stored, RECORD_BYTES_MAX) : null);
    for (const record of await store.range(prefixRange(OWN_PENDING_PREFIX))) {
      const [rank, seq] = record.key.slice(OWN_PENDING_PREFIX.length).split('/').map(Number);
      assert(rank !== undefined && seq !== undefined, 'a pending key holds a rank and a seq');
      const bytes = await store.get(ownEntryKey({ rank, seq }));
      assert(bytes, 'a pending entry is stored in the transaction that makes it pending');
      const entry = readOwnRecord(ownEntrySchema, bytes, RECORD_BYTES_MAX);
      outbox.#pending.set(entry.id, { ...entry, at: { rank, seq } });
    }
    return outbox;
  }

  /** Where entries go, now and whenever one is added. */
  onDeliver(deliver: (entries: readonly OwnEntry[]) => void): void {
    this.#deliver = deliver;
  }

  get pending(): readonly OwnEntry[] {
    return [...this.#pending.values()];
  }

  owes(id: Cid): boolean {
    return this.#pending.has(id);
  }

  /** The bytes of one that is owed. */
  bytesOf(id: Cid): Uint8Array | undefined {
    return this.#pending.get(id)?.bytes;
  }

  get reconciled(): boolean {
    return this.#reconciled;
  }

  /** The own feed so far, as its device would report it. */
  get head(): OwnHead | null {
    return this.#head;
  }

  /**
   * Takes what others know of this device, now and again when an entry was refused. An own head that is ahead of the
   * store means that the store is an old copy: the feed goes on from there if that is proven, else a new one closes it,
   * and no seq is signed twice. With no answer at all the next entry opens a new feed. Entries wait until `ask` has settled.
   */
  reconcile(ask: AskHeads): Promise<void> {
    this.#ask = ask;
    return this.#inTurn(() => this.#reconcile());
  }

  /**
   * Ends it: nothing is signed or written from here any more, and whoever waits is told with OutboxClosed. Resolves when
   * a write that was under way is over: only then may another outbox read this feed, or both would take the same seq.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#ended.resolve([]);
    this.#deliver = () => {};
    for (const waiting of this.#waiters.values()) for (const { reject } of waiting) reject(new OutboxClosed());
    this.#waiters.clear();
    await this.#inTurn(async () => {});
  }

  /** Signs one ledger entry into the own feed. When it resolves the entry is on disk, strictly. Rejects with OutboxClosed. */
  async submit(ops: readonly Operation[], terms: EntryTerms = {}): Promise<Cid> {
    const id = await this.append(() => ({ sort: 'ledger', ops, ...terms }));
    assert(id, 'there was something to write');
    return id;
  }

  /** The same for what depends on the place it gets in the feed; null when there is nothing to write after all. */
  append(
    build: (place: { readonly feed: FeedId; readonly seq: number }) => Omit<EntryContent, 'time'> | null,
  ): Promise<Cid | null> {
    return this.#inTurn(async () => {
      if (!this.#reconciled) await this.#reconcile();
      if (this.#closed) throw new OutboxClosed();
      const own = this.#nextHead();
      const content = build({ feed: own.feed, seq: own.seq + 1 });
      return content && (await this.#write(own, content));
    });
  }

  async #write(own: OwnHead, content: Omit<EntryContent, 'time'>): Promise<Cid> {
    const { group, device, certificate, signer, clock, store } = this.#options;
    const { rank, ...written } = own;
    const body = nextEntryBody({ group, device, certificate, ...written }, { time: clock.now(), ...content });
    const entry = await createEntry({ body, signer });
    const { seq } = body;
    const at = { rank, seq };
    const head: OwnHead = { ...own, seq, head: entry.id };
    await store.write(
      {
        put: [
          { key: ownEntryKey(at), value: encodeCanonical(ownEntrySchema, { id: entry.id, bytes: entry.bytes }) },
          { key: ownPendingKey(at), value: new Uint8Array(0) },
          { key: OWN_HEAD_KEY, value: encodeCanonical(ownHeadSchema, head) },
        ],
      },
      'strict',
    );
    this.#head = head;
    const pending: Pending = { id: entry.id, bytes: entry.bytes, at };
    this.#pending.set(entry.id, pending);
    this.#deliver([pending]);
    return entry.id;
  }

  /** A validator said why it takes this entry only later. */
  delay(id: Cid, why: Failure): void {
    if (this.#pending.has(id)) this.#delays.set(id, why);
  }

  /** Why a pending entry has to wait, as far as anybody said. */
  delayOf(id: Cid): Failure | undefined {
    return this.#delays.get(id);
  }

  /** Why the first of them has to wait: what stands behind it waits for the same reason. */
  get whyWaiting(): Failure | undefined {
    const [first] = this.#pending.keys();
    return first && this.#delays.get(first);
  }

  /** What became of the last entry that had no effect; null when none has failed since the start. */
  get lastRefused(): Outcome | null {
    return this.#lastRefused;
  }

  /** Hands every pending entry over again, in order: after a reconnect. */
  redeliver(): void {
    if (this.#pending.size > 0) this.#deliver(this.pending);
  }

  /**
   * Records what became of an entry; the caller has verified it. Unknown ids are ignored. One that will never be ordered
   * (`height` null) ends its feed: what stood behind it is dropped as well, and the next entry opens a new feed. Resolves to
   * all that was settled.
   */
  settle(id: Cid, outcome: Outcome): Promise<readonly Cid[]> {
    return this.#inTurn(async () => {
      const pending = this.#closed ? undefined : this.#pending.get(id);
      if (!pending) return [];
      const settled: Settled[] = [{ ...pending, outcome }];
      if (outcome.height !== null) return await this.#keepOutcomes(settled, this.#head);
      for (const other of this.#pending.values()) {
        const follows = other.at.rank === pending.at.rank && other.at.seq > pending.at.seq;
        if (follows) settled.push({ ...other, outcome: LOST_TO_FORK.has(outcome.code) ? outcome : FOLLOWED_REFUSED });
      }
      return await this.#keepOutcomes(settled, this.#headAfterRefusal(pending));
    });
  }

  /** The same for those of a final block, in one write. */
  settleFinal(outcomes: ReadonlyMap<Cid, Outcome & { height: number }>): Promise<readonly Cid[]> {
    return this.#inTurn(async () => {
      const settled = [...outcomes].flatMap(([id, outcome]): Settled[] => {
        const pending = this.#closed ? undefined : this.#pending.get(id);
        return pending ? [{ ...pending, outcome }] : [];
      });
      return settled.length === 0 ? [] : await this.#keepOutcomes(settled, this.#head);
    });
  }

  async #keepOutcomes(settled: readonly Settled[], head: OwnHead | null): Promise<readonly Cid[]> {
    const outcomes = settled.map(({ id, outcome }) => ({
      key: outcomeKey(id),
      value: encodeCanonical(outcomeSchema, outcome),
    }));
    const heads = head ? [{ key: OWN_HEAD_KEY, value: encodeCanonical(ownHeadSchema, head) }] : [];
    const remove = settled.map(({ at }) => ownPendingKey(at));
    try {
      await this.#options.store.write({ put: [...outcomes, ...heads], remove }, 'strict');
    } catch (error) {
      // They stay pending, and are settled when their outcome is said again; whoever waits hears why not now.
      for (const { id: waited } of settled) this.#rejectWaiters(waited, error);
      throw error;
    }
    if (head !== this.#head) this.#reconciled = false;
    this.#head = head;
    for (const { id, outcome } of settled) {
      // Those that fell with the first of them have its fate, and not another reason.
      if (outcome.code !== 'ok' && outcome !== FOLLOWED_REFUSED) this.#lastRefused = outcome;
      this.#pending.delete(id);
      this.#delays.delete(id);
      for (const { resolve } of this.#waiters.get(id) ?? []) resolve(outcome);
      this.#waiters.delete(id);
    }
    return settled.map(({ id }) => id);
  }

  /** The group has frozen this feed: the next entry opens another, if it is the own open one. */
  leaveFeed(feed: FeedId): Promise<void> {
    return this.#inTurn(async () => {
      const own = this.#head;
      if (own?.feed === feed && own.seq > 0 && !this.#closed) await this.#writeHead(this.#newFeed(lastOf(own)));
    });
  }

  #rejectWaiters(id: Cid, error: unknown): void {
    for (const { reject } of this.#waiters.get(id) ?? []) reject(error);
    this.#waiters.delete(id);
  }

  async state(id: Cid): Promise<EntryState> {
    if (this.#pending.has(id)) return { state: 'pending' };
    const stored = await this.#options.store.get(outcomeKey(id));
    if (!stored) return { state: 'unknown' };
    const outcome = readOwnRecord(outcomeSchema, stored, RECORD_BYTES_MAX);
    if (outcome.height === null) return { state: 'dropped', outcome };
    return { state: 'final', outcome: { ...outcome, height: outcome.height } };
  }

  /** Resolves when the entry is final or dropped; never by itself before. Rejects with OutboxClosed, or StoreError when that could not be kept. */
  async whenSettled(id: Cid): Promise<Outcome> {
    // Nothing may come between this look and the waiting: it could be the outcome.
    const now = this.#pending.has(id) ? null : await this.state(id);
    if (now?.state === 'final' || now?.state === 'dropped') return now.outcome;
    assert(now === null, 'only own entries are waited for');
    if (this.#closed) throw new OutboxClosed();
    return await new Promise((resolve, reject) => {
      const waiting = this.#waiters.get(id);
      if (waiting) waiting.push({ resolve, reject });
      else this.#waiters.set(id, [{ resolve, reject }]);
    });
  }

  async #reconcile(): Promise<void> {
    if (this.#reconciled) return;
    const asked = this.#ask().catch(() => []);
    const answers: readonly (KnownHead | null)[] = await Promise.race([asked, this.#ended.promise]);
    if (answers.length === 0 || this.#closed) return;
    const next = this.#headBy(answers.filter((answer) => answer !== null));
    if (next !== this.#head && next) await this.#writeHead(next);
    this.#reconciled = true;
  }

  /** Where the own feed goes on, given what others know. */
  #headBy(known: readonly KnownHead[]): OwnHead | null {
    const own = this.#head;
    const proven = newest(known.filter((answer) => answer.proven));
    if (!own) return proven ? this.#newFeed(proven) : null;
    const ahead = newest(known.filter(({ feed, seq }) => feed === own.feed && seq > own.seq));
    if (ahead) return ahead.proven ? { ...own, seq: ahead.seq, head: ahead.head } : this.#newFeed(lastOf(own));
    // A claim alone moves nothing to a feed this store does not know: an `after` that nobody has ordered would wait for ever.
    const foreign = proven && proven.feed !== own.feed && proven.feed !== own.after?.feed;
    return foreign ? this.#newFeed(proven) : own;
  }

  /** The feed that follows a refused entry: it closes the old one where that can still be ordered. */
  #headAfterRefusal({ at }: Pending): OwnHead | null {
    const own = this.#head;
    if (own?.rank !== at.rank) return own;
    return this.#newFeed(at.seq > 1 ? { feed: own.feed, seq: at.seq - 1 } : own.after);
  }

  #nextHead(): OwnHead {
    const own = this.#head;
    if (own && this.#reconciled) return own;
    this.#reconciled = true;
    this.#head = this.#newFeed(own ? lastOf(own) : undefined);
    return this.#head;
  }

  #newFeed(after: { feed: FeedId; seq: number } | undefined): OwnHead {
    const feed = feedIdFromBytes(this.#options.random.bytes(FEED_ID_BYTES));
    const closed = after && { after: { feed: after.feed, seq: after.seq } };
    return { feed, rank: this.#nextRank(), seq: 0, head: null, ...closed };
  }

  #nextRank(): Millis {
    return Math.max(this.#options.clock.now(), (this.#head?.rank ?? 0) + 1);
  }

  async #writeHead(head: OwnHead): Promise<void> {
    const value = encodeCanonical(ownHeadSchema, head);
    await this.#options.store.write({ put: [{ key: OWN_HEAD_KEY, value }] }, 'strict');
    this.#head = head;
  }

  /** One signature at a time: two entries never share a seq. */
  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const next = this.#turn.then(task, task);
    this.#turn = next.catch(() => {});
    return next;
  }
}

/** The last entry of the own feed, or of the one before while this has none. */
function lastOf({ feed, seq, after }: OwnHead): { feed: FeedId; seq: number } | undefined {
  return seq > 0 ? { feed, seq } : after;
}

function newest(known: readonly KnownHead[]): KnownHead | undefined {
  return known.toSorted((a, b) => b.seq - a.seq || Number(b.proven) - Number(a.proven))[0];
}
