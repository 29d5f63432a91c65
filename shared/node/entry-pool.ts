// Entries that were verified and are not ordered yet: what the next block is chosen from.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { FeedId, Identity, PublicKey } from '../crypto/ids.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { BLOCK_BYTES_MAX } from '../core/limits.ts';

/** The working set; beyond it a sender is told to come back (facts: CometBFT and geth keep about as many). */
const POOL_ENTRIES_MAX = 5_000;
/** Bytes of it all: what eight full blocks take away. */
const POOL_BYTES_MAX: number = 8 * BLOCK_BYTES_MAX;
/** Of one device, whatever others have: nobody's entries leave no room for another's. */
export const POOL_DEVICE_ENTRIES_MIN = 256;
/** Of one device while there is plenty of room: what one message holds, so that a day's edits come in one go. */
export const POOL_DEVICE_ENTRIES_MAX = 1_024;
/** Of what others leave free one device takes no more than this part. */
const SHARE = 4;
/** Of those who are no members yet: the other half is the members', however many stand at the door. */
const POOL_NEWCOMER_ENTRIES_MAX: number = POOL_ENTRIES_MAX / 2;
const POOL_NEWCOMER_BYTES_MAX: number = POOL_BYTES_MAX / 2;

/** What an entry pays (thousandths) and since when it waits; `own` of this device; `newcomer`: of no member when it came. */
export type WaitingTerms = {
  readonly paid: bigint;
  readonly since: Millis;
  readonly own: boolean;
  readonly newcomer?: boolean;
};

const UNKNOWN: WaitingTerms = { paid: 0n, since: 0, own: false };

export class EntryPool {
  readonly #byId = new Map<Cid, VerifiedEntry>();
  readonly #byFeed = new Map<FeedId, Map<number, VerifiedEntry>>();
  readonly #byDevice = new Map<PublicKey, { identity: Identity; entries: Set<VerifiedEntry> }>();
  /** In the order in which they came. */
  readonly #termsById = new Map<Cid, WaitingTerms>();
  #bytes = 0;
  readonly #ofNewcomers = { entries: 0, bytes: 0 };

  get size(): number {
    return this.#byId.size;
  }

  /** How many of this device wait. */
  countOf(device: PublicKey): number {
    return this.#byDevice.get(device)?.entries.size ?? 0;
  }

  /** How many more of this device may wait, beside those that come in just now. */
  roomFor(device: PublicKey, coming: Iterable<VerifiedEntry> = []): number {
    let own = this.countOf(device);
    let bytes = this.#bytes;
    for (const { body, size } of coming) {
      if (body.device === device) own++;
      bytes += size;
    }
    return this.#shareOf(device, bytes) - own;
  }

  /** Whether a good part of what this device may have waiting is free. */
  isHalfFreeFor(device: PublicKey): boolean {
    return this.countOf(device) <= this.#shareOf(device, this.#bytes) / 2;
  }

  /** WS7: whether a newcomer's entry of so many bytes may wait, beside those that come in just now. */
  hasNewcomerRoom(size: number, coming: ReadonlyMap<VerifiedEntry, WaitingTerms>): boolean {
    let { entries, bytes } = this.#ofNewcomers;
    for (const [one, { newcomer }] of coming) if (newcomer) [entries, bytes] = [entries + 1, bytes + one.size];
    return entries < POOL_NEWCOMER_ENTRIES_MAX && bytes + size <= POOL_NEWCOMER_BYTES_MAX;
  }

  /**
   * What must go so that an entry fits beside those that come in just now: none while there is room, null when it pays
   * no more for its bytes than the cheapest. What pays least by the byte goes first, of those the newest, and with it
   * all that its device wrote after it, which could not be ordered without. Never what is this device's own.
   */
  findRoom(
    entry: Pick<VerifiedEntry, 'body' | 'size'>,
    offer: { readonly paid: bigint; readonly own: boolean; readonly coming: Iterable<VerifiedEntry> },
  ): readonly VerifiedEntry[] | null {
    const { paid, own, coming } = offer;
    let [count, bytes] = [this.size + 1, this.#bytes + entry.size];
    for (const { size } of coming) [count, bytes] = [count + 1, bytes + size];
    const leaving = new Set<VerifiedEntry>();
    while (count > POOL_ENTRIES_MAX || bytes > POOL_BYTES_MAX) {
      const victim = this.#findCheapest((one) => one.body.device !== entry.body.device && !leaving.has(one));
      if (!victim) return null;
      const { paid: least } = this.#termsById.get(victim.id) ?? UNKNOWN;
      if (!own && paid * BigInt(victim.size) <= least * BigInt(entry.size)) return null;
      for (const one of this.followersOf(victim)) {
        if (leaving.has(one)) continue;
        leaving.add(one);
        [count, bytes] = [count - 1, bytes - one.size];
      }
    }
    return [...leaving];
  }

  /** This entry, and all that its device wrote after it. */
  followersOf(entry: VerifiedEntry): readonly VerifiedEntry[] {
    const ofDevice = this.#byDevice.get(entry.body.device)?.entries ?? [];
    return [...ofDevice].filter((one) => one === entry || isNewer(one, entry));
  }

  /** Entries of others that have waited too long, or can only be void any more, with what stands behind them. */
  findStale(limits: { readonly since: Millis; readonly expired: Millis }): readonly VerifiedEntry[] {
    const stale = new Set<VerifiedEntry>();
    for (const entry of this.#byId.values()) {
      const { since, own } = this.#termsById.get(entry.id) ?? UNKNOWN;
      const { validUntil = Infinity } = entry.body;
      if (own || (since > limits.since && validUntil >= limits.expired)) continue;
      for (const one of this.followersOf(entry)) stale.add(one);
    }
    return [...stale];
  }

  entries(): Iterable<VerifiedEntry> {
    return this.#byId.values();
  }

  /** Feed by feed in the order of their numbers, and a device's feeds in the order in which they were opened. */
  inOrder(): readonly VerifiedEntry[] {
    return [...this.#byDevice.values()].flatMap(({ entries }) =>
      [...entries].sort((a, b) => (a === b ? 0 : isNewer(a, b) ? 1 : -1)),
    );
  }

  /** Whether something of this identity waits here. */
  hasAuthor(identity: Identity): boolean {
    for (const known of this.#byDevice.values()) if (known.identity === identity) return true;
    return false;
  }

  has(id: Cid): boolean {
    return this.#byId.has(id);
  }

  get(id: Cid): VerifiedEntry | undefined {
    return this.#byId.get(id);
  }

  /** False when another entry has this feed and number: two of them are a fork, and the first one seen stays. */
  add(entry: VerifiedEntry, terms: WaitingTerms = UNKNOWN): boolean {
    const { feed, seq, device } = entry.body;
    const ofFeed = this.#byFeed.get(feed) ?? new Map<number, VerifiedEntry>();
    const same = ofFeed.get(seq);
    if (same) return same.id === entry.id;
    ofFeed.set(seq, entry);
    this.#byFeed.set(feed, ofFeed);
    this.#byId.set(entry.id, entry);
    this.#termsById.set(entry.id, terms);
    this.#bytes += entry.size;
    if (terms.newcomer) this.#countNewcomer(1, entry.size);
    const known = this.#byDevice.get(device) ?? { identity: entry.identity, entries: new Set() };
    known.entries.add(entry);
    this.#byDevice.set(device, known);
    return true;
  }

  remove(id: Cid): void {
    const entry = this.#byId.get(id);
    if (!entry) return;
    if (this.#termsById.get(id)?.newcomer) this.#countNewcomer(-1, -entry.size);
    this.#byId.delete(id);
    this.#termsById.delete(id);
    this.#bytes -= entry.size;
    const { feed, seq, device } = entry.body;
    const ofFeed = this.#byFeed.get(feed);
    ofFeed?.delete(seq);
    if (ofFeed?.size === 0) this.#byFeed.delete(feed);
    const known = this.#byDevice.get(device);
    known?.entries.delete(entry);
    if (known?.entries.size === 0) this.#byDevice.delete(device);
  }

  /** The identity that certified a device whose first entry waits here. */
  identityOf(device: PublicKey): Identity | undefined {
    return this.#byDevice.get(device)?.identity;
  }

  /** The newest waiting entry of a device: the last of its feed, and of two feeds the one written to last. */
  newestOf(device: PublicKey): VerifiedEntry | undefined {
    let newest: VerifiedEntry | undefined;
    for (const entry of this.#byDevice.get(device)?.entries ?? []) {
      if (!newest || isNewer(entry, newest)) newest = entry;
    }
    return newest;
  }

  /** The entries `from`…`to` of a feed, or undefined while one is missing. */
  range(feed: FeedId, bounds: { from: number; to: number }): VerifiedEntry[] | undefined {
    const ofFeed = this.#byFeed.get(feed);
    const found: VerifiedEntry[] = [];
    for (let seq = bounds.from; seq <= bounds.to; seq++) {
      const entry = ofFeed?.get(seq);
      if (!entry) return undefined;
      found.push(entry);
    }
    return found;
  }

  /** WS1. Large entries take the bytes long before the places. */
  #shareOf(device: PublicKey, bytes: number): number {
    const free = POOL_ENTRIES_MAX - (this.size - this.countOf(device));
    if (bytes > POOL_BYTES_MAX / SHARE) return POOL_DEVICE_ENTRIES_MIN;
    return Math.max(POOL_DEVICE_ENTRIES_MIN, Math.min(POOL_DEVICE_ENTRIES_MAX, Math.floor(free / SHARE)));
  }

  #countNewcomer(entries: number, bytes: number): void {
    this.#ofNewcomers.entries += entries;
    this.#ofNewcomers.bytes += bytes;
  }

  #findCheapest(mayGo: (entry: VerifiedEntry) => boolean): VerifiedEntry | undefined {
    let cheapest: { readonly entry: VerifiedEntry; readonly paid: bigint } | undefined;
    for (const [id, { paid, own }] of this.#termsById) {
      const entry = this.#byId.get(id)!;
      if (own || !mayGo(entry)) continue;
      // Later ones come later: of equals the newest goes.
      if (cheapest && paid * BigInt(cheapest.entry.size) > cheapest.paid * BigInt(entry.size)) continue;
      cheapest = { entry, paid };
    }
    return cheapest?.entry;
  }
}

function isNewer({ body: a }: VerifiedEntry, { body: b }: VerifiedEntry): boolean {
  if (a.feed === b.feed) return a.seq > b.seq;
  return a.after?.feed === b.feed || (b.after?.feed !== a.feed && a.time > b.time);
}
