// Entries that were verified and are not ordered yet: what the next block is chosen from.

import type { Cid } from '../codec/cid.ts';
import type { FeedId, Identity, PublicKey } from '../crypto/ids.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';

/** The working set; beyond it a sender is told to come back (facts: CometBFT and geth keep about as many). */
const POOL_ENTRIES_MAX = 5_000;

export class EntryPool {
  readonly #byId = new Map<Cid, VerifiedEntry>();
  readonly #byFeed = new Map<FeedId, Map<number, VerifiedEntry>>();
  readonly #byDevice = new Map<PublicKey, { identity: Identity; last: VerifiedEntry; count: number }>();

  get size(): number {
    return this.#byId.size;
  }

  get isFull(): boolean {
    return this.#byId.size >= POOL_ENTRIES_MAX;
  }

  entries(): Iterable<VerifiedEntry> {
    return this.#byId.values();
  }

  has(id: Cid): boolean {
    return this.#byId.has(id);
  }

  /** False when another entry has this feed and number: two of them are a fork, and the first one seen stays. */
  add(entry: VerifiedEntry): boolean {
    const { feed, seq, device } = entry.body;
    const ofFeed = this.#byFeed.get(feed) ?? new Map<number, VerifiedEntry>();
    const same = ofFeed.get(seq);
    if (same) return same.id === entry.id;
    ofFeed.set(seq, entry);
    this.#byFeed.set(feed, ofFeed);
    this.#byId.set(entry.id, entry);
    const known = this.#byDevice.get(device);
    const newer = !known || known.last.body.feed !== feed || known.last.body.seq < seq;
    this.#byDevice.set(device, {
      identity: entry.identity,
      last: newer ? entry : known.last,
      count: (known?.count ?? 0) + 1,
    });
    return true;
  }

  remove(id: Cid): void {
    const entry = this.#byId.get(id);
    if (!entry) return;
    this.#byId.delete(id);
    const { feed, seq, device } = entry.body;
    const ofFeed = this.#byFeed.get(feed);
    ofFeed?.delete(seq);
    if (ofFeed?.size === 0) this.#byFeed.delete(feed);
    const known = this.#byDevice.get(device);
    if (known && known.count === 1) this.#byDevice.delete(device);
    else if (known) this.#byDevice.set(device, { ...known, count: known.count - 1 });
  }

  /** The identity that certified a device whose first entry waits here. */
  identityOf(device: PublicKey): Identity | undefined {
    return this.#byDevice.get(device)?.identity;
  }

  /** The newest waiting entry of a device. */
  newestOf(device: PublicKey): VerifiedEntry | undefined {
    return this.#byDevice.get(device)?.last;
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
}
