// Keeps what is published, pinned or in work, and takes the rest of a node's blocks for a cache that gives way (rules CT40–CT44).

import type { Cid } from '../shared/codec/cid.ts';
import type { Millis } from '../shared/core/brand.ts';
import { messageOf } from '../shared/core/message-of.ts';
import type { BlobStore, Clock, Hasher, ListedBlobStore, Log, Store } from '../shared/platform/ports.ts';
import { parseCid } from '../shared/codec/cid.ts';
import { StoreError } from '../shared/platform/ports.ts';
import { loadBlobPins, removeBlobPin, writeBlobPin } from './blob-pins.ts';
import { ReachableBlocks } from './reachable-blocks.ts';

/** Blocks looked at and removed at once: other work gets its turn between two such steps. */
const SWEEP_BLOCKS = 512;
/** From the reason for a sweep that nobody waits for to that sweep, so that several reasons make one. */
const SWEEP_DELAY: Millis = 1_000;
/** Between two of these: whoever makes pulls fail does not keep a node busy with its disk. */
const SWEEP_GAP: Millis = 60_000;
/** A browser counts freed space only after a while (Chromium: when its database has been tidied). */
const ROOM_PAUSES: readonly Millis[] = [100, 250, 500, 1_000, 2_000, 4_000];
/** Never written: removing it changes nothing, and takes no space on a full disk. */
const OWNER_PROBE = 'pins-owner';
const MIB = 1024 * 1024;

export type BlobKeeperOptions = {
  readonly store: Store;
  readonly blobs: ListedBlobStore;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly log: Log;
  /** Manifests to be kept whole, as they stand on disk now. */
  readonly roots: () => Promise<readonly Cid[]>;
  /** Bytes that may come before what is not kept is thrown away. */
  readonly limit: () => Promise<number>;
};

/** Work on blocks: all that `blobs` has put or was asked for stays until it ends. */
export type BlobHold = {
  readonly blobs: BlobStore;
  /** `kept`: by now a root or a pin keeps what should stay. `given up`: what it stored is freed soon. */
  end(outcome: 'kept' | 'given up'): void;
};

type Removal = { readonly cids: ReadonlySet<string>; readonly done: Promise<void> };

export class BlobKeeper {
  readonly #options: BlobKeeperOptions;
  readonly #pins: Map<Cid, number>;
  readonly #holds = new Set<ReadonlySet<string>>();
  /** Holds that ended since the running sweep last read what is to be kept: that may not know yet what they left. */
  readonly #ended = new Set<ReadonlySet<string>>();
  readonly #removals = new Set<Removal>();
  #running: Promise<number> | null = null;
  #next: Promise<number> | null = null;
  #cancelSoon: (() => void) | null = null;
  #soonest: Millis = 0;
  /** Bytes that came since the last sweep; null until the first one is put. */
  #grown: number | null = null;
  #closed = false;
  /** For all that is no hold's: reading, serving, and what may be fetched again. A full disk sweeps and tries again. */
  readonly blobs: BlobStore;
  /** The records, for which a full disk makes room, too. */
  readonly store: Store;

  private constructor(options: BlobKeeperOptions, pins: Map<Cid, number>) {
    this.#options = options;
    this.#pins = pins;
    this.blobs = this.#open(() => undefined);
    const { store } = options;
    this.store = {
      get: (key) => store.get(key),
      range: (bounds) => store.range(bounds),
      write: (batch, durability) => this.#withRoom(() => store.write(batch, durability)),
      close: () => store.close(),
    };
  }

  static async open(options: BlobKeeperOptions): Promise<BlobKeeper> {
    return new BlobKeeper(options, await loadBlobPins(options.store));
  }

  /** Bytes by what is pinned. */
  get pins(): ReadonlyMap<Cid, number> {
    return this.#pins;
  }

  hold(): BlobHold {
    const cids = new Set<string>();
    this.#holds.add(cids);
    return {
      blobs: this.#open((named) => {
        for (const cid of named) cids.add(cid);
      }),
      end: (outcome) => {
        if (!this.#holds.delete(cids)) return;
        if (this.#running) this.#ended.add(cids);
        if (outcome === 'given up') this.sweepSoon();
      },
    };
  }

  /** Work that is given up if it throws. */
  async during<T>(work: (blobs: BlobStore) => Promise<T>): Promise<T> {
    const hold = this.hold();
    let outcome: 'kept' | 'given up' = 'given up';
    try {
      const result = await work(hold.blobs);
      outcome = 'kept';
      return result;
    } finally {
      hold.end(outcome);
    }
  }

  /** Keeps a file of so many bytes with all that is below it, which a hold has now. On disk when it resolves. */
  async pin(cid: Cid, bytes: number): Promise<void> {
    await writeBlobPin(this.store, cid, bytes);
    this.#pins.set(cid, bytes);
  }

  /** From now on it is cache. False if it was not pinned. */
  async unpin(cid: Cid): Promise<boolean> {
    await removeBlobPin(this.store, cid);
    return this.#pins.delete(cid);
  }

  /** Removes every block that nothing keeps and no work holds; resolves with their number. One at a time. */
  sweep(): Promise<number> {
    if (!this.#running) return this.#begin();
    // What came free since it began is for the next one.
    const begin = (): Promise<number> => {
      this.#next = null;
      return this.#begin();
    };
    this.#next ??= this.#running.then(begin, begin);
    return this.#next;
  }

  /** Sweeps by itself in a moment. */
  sweepSoon(): void {
    if (this.#cancelSoon || this.#closed) return;
    const { clock, log } = this.#options;
    const wait = Math.max(SWEEP_DELAY, this.#soonest - clock.now());
    this.#cancelSoon = clock.after(wait, () => {
      this.#cancelSoon = null;
      this.#soonest = clock.now() + SWEEP_GAP;
      this.sweep().catch((error: unknown) => {
        log.error('sweep failed', { because: messageOf(error) });
      });
    });
  }

  /** No sweep is under way, nor will be, when it resolves. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelSoon?.();
    await Promise.allSettled([this.#running, this.#next]);
  }

  #begin(): Promise<number> {
    this.#running = this.#sweep().finally(() => {
      this.#running = null;
      this.#ended.clear();
    });
    return this.#running;
  }

  async #sweep(): Promise<number> {
    const { blobs, log } = this.#options;
    const reachable = new ReachableBlocks(this.#options);
    this.#grown = 0;
    let removed = 0;
    for (let after: string | null = null; !this.#closed;) {
      const page: readonly string[] = await blobs.list({ after, limit: SWEEP_BLOCKS });
      if (page.length === 0) break;
      after = page.at(-1)!;
      if (!(await this.#mark(reachable))) return removed;
      const unkept = page.filter((text) => {
        const cid = parseCid(text);
        return cid.ok && !reachable.has(cid.value);
      });
      if (unkept.length === 0) continue;
      // Fails where this run does not own the data any more: another one has holds of its own by now.
      await this.#options.store.write({ remove: [OWNER_PROBE] }, 'relaxed');
      removed += await this.#remove(unkept);
    }
    if (removed > 0) log.info('blocks freed', { blocks: removed });
    return removed;
  }

  /** Everything to be kept is marked, or held, when it resolves: also what came while it ran. */
  async #mark(reachable: ReachableBlocks): Promise<boolean> {
    // What a hold left when it ended was on disk before: the roots read after that have it.
    const ended = [...this.#ended];
    const roots = await this.#options.roots();
    const marked = await reachable.mark([...roots, ...this.#pins.keys()]);
    if (!marked.ok) this.#options.log.warn('nothing freed', { because: marked.error.because });
    else for (const hold of ended) this.#ended.delete(hold);
    return marked.ok;
  }

  /** From choosing to the end of the removal nobody who wants one of them goes on (`#untilRemoved`). */
  async #remove(cids: readonly string[]): Promise<number> {
    const unheld = cids.filter((cid) => !this.#isHeld(cid));
    if (unheld.length === 0) return 0;
    const done = this.#options.blobs.remove(unheld);
    const removal = { cids: new Set(unheld), done };
    this.#removals.add(removal);
    try {
      await done;
    } finally {
      this.#removals.delete(removal);
    }
    return unheld.length;
  }

  #isHeld(cid: string): boolean {
    for (const hold of this.#holds) if (hold.has(cid)) return true;
    for (const hold of this.#ended) if (hold.has(cid)) return true;
    return false;
  }

  async #untilRemoved(cids: readonly string[]): Promise<void> {
    for (;;) {
      const removal = [...this.#removals].find((one) => cids.some((cid) => one.cids.has(cid)));
      if (!removal) return;
      await removal.done.catch(() => undefined);
      this.#removals.delete(removal);
    }
  }

  #open(note: (cids: readonly string[]) => void): BlobStore {
    const { blobs } = this.#options;
    /** Noted first: from then on none of them is chosen for removal. */
    const take = async <T>(cids: readonly string[], use: () => Promise<T>): Promise<T> => {
      note(cids);
      if (this.#removals.size > 0) await this.#untilRemoved(cids);
      return await use();
    };
    return {
      get: (cid) => take([cid], () => blobs.get(cid)),
      getMany: (cids) => take(cids, () => blobs.getMany(cids)),
      has: (cids) => take(cids, () => blobs.has(cids)),
      putMany: (blocks) => {
        const cids = blocks.map(({ cid }) => cid);
        return take(cids, () => this.#put(blocks));
      },
      remove: async (cids) => void (await this.#remove(cids)),
      stats: () => blobs.stats(),
    };
  }

  async #put(blocks: readonly { cid: string; bytes: Uint8Array }[]): Promise<void> {
    const { blobs, limit } = this.#options;
    await this.#withRoom(() => blobs.putMany(blocks));
    this.#grown ??= await this.#countUnpinned();
    this.#grown += blocks.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (!this.#running && !this.#cancelSoon && this.#grown > (await limit())) this.sweepSoon();
  }

  async #countUnpinned(): Promise<number> {
    const { bytes } = await this.#options.blobs.stats();
    return Math.max(0, bytes - this.#bytesPinned());
  }

  #bytesPinned(): number {
    return [...this.#pins.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Sweeps when the disk is full, then waits for the space to be counted as free; what is full of kept things says so. */
  async #withRoom<T>(write: () => Promise<T>): Promise<T> {
    const pauses = ROOM_PAUSES.values();
    for (let removed: number | null = null; ;) {
      try {
        return await write();
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'quota_exceeded' || this.#closed) throw error;
        removed ??= await this.sweep();
        const pause = removed > 0 ? pauses.next().value : undefined;
        if (pause === undefined) throw this.#explainFull(error);
        await new Promise<void>((resolve) => this.#options.clock.after(pause, resolve));
      }
    }
  }

  #explainFull(error: StoreError): StoreError {
    const pinned = this.#bytesPinned();
    if (pinned === 0) return error;
    const advice = `Or unpin what is not needed any more: pins take ${Math.ceil(pinned / MIB)} MiB here.`;
    return new StoreError(error.code, `${error.message} ${advice}`);
  }
}
