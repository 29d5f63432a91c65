// Keeps copies of what the commons publishes: pulls a version as soon as its entry is seen, and holds the newest two.

import type { Cid } from '../shared/codec/cid.ts';
import type { BlockSource } from '../shared/node/block-fetcher.ts';
import type { BlobStore, Clock, Hasher, Log, Store } from '../shared/platform/ports.ts';
import type { BlobHold } from './blob-keeper.ts';
import type { Pin, PinKey, PinnedVersion } from './pin-records.ts';
import { PIN_SITE_BYTES_MAX, PIN_TOTAL_BYTES_MAX } from '../shared/core/limits.ts';
import { fail, ok, type Failure, type Result } from '../shared/core/result.ts';
import { BlockFetcher } from '../shared/node/block-fetcher.ts';
import { loadPins, writePin } from './pin-records.ts';
import { fetchSite, type FetchedSite } from './site-blocks.ts';

/** Versions kept of one site: the newest and the one before, for visitors who are in the middle of it. */
const VERSIONS_KEPT = 2;
/** Sites pulled at once; the rest wait their turn. */
const PULLS_MAX = 4;

export type PinFailure = Failure<'pin_limit' | 'not_found' | 'bad_site'>;

/** `generation`: of the handle, whose owner numbers the versions. */
export type PinTask = {
  readonly key: PinKey;
  readonly generation: number;
  readonly manifest: Cid;
  readonly seq: number;
};

export type PinnerOptions = {
  readonly store: Store;
  readonly blobs: BlobStore;
  /** Where blocks that nothing keeps are freed: what a pull brings stays until the pin is written, and goes if there is none. */
  readonly hold?: () => BlobHold;
  readonly clock: Clock;
  readonly hasher: Hasher;
  readonly log: Log;
  /** Where the blocks of a version may be had now. */
  readonly findSources: (manifest: Cid) => Promise<readonly BlockSource[]>;
  /** The manifests held, whenever that changes. */
  readonly onHeld: (manifests: readonly Cid[]) => void;
};

export class Pinner {
  readonly #options: PinnerOptions;
  readonly #pins: Map<PinKey, Pin>;
  readonly #pulls = new Map<string, Promise<Result<null, PinFailure>>>();
  readonly #waiting: (() => void)[] = [];
  #active = 0;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: PinnerOptions, pins: Map<PinKey, Pin>) {
    this.#options = options;
    this.#pins = pins;
  }

  static async open(options: PinnerOptions): Promise<Pinner> {
    return new Pinner(options, await loadPins(options.store));
  }

  get held(): readonly Cid[] {
    return [...this.#pins.values()].flatMap(({ versions }) => versions.map(({ manifest }) => manifest));
  }

  holds(manifest: Cid): boolean {
    return this.held.includes(manifest);
  }

  /** The sites of which something is kept, and under which generation of their handle. */
  get sites(): readonly { readonly key: PinKey; readonly generation: number }[] {
    return [...this.#pins].map(([key, { generation }]) => ({ key, generation }));
  }

  /** Resolves when every block of the version is on disk here, verified. The same version is pulled once at a time. */
  pin(task: PinTask): Promise<Result<null, PinFailure>> {
    const name = `${task.key} ${task.generation} ${task.manifest}`;
    if (this.#pins.get(task.key)?.versions.some(({ manifest }) => manifest === task.manifest))
      return this.#renumber(task);
    const running = this.#pulls.get(name);
    if (running) return running;
    const pull = this.#pull(task).finally(() => this.#pulls.delete(name));
    this.#pulls.set(name, pull);
    return pull;
  }

  /** Lets go of all that is kept of a site, unless it was pinned anew for a later generation of its handle. */
  release({ key, generation }: { readonly key: PinKey; readonly generation: number }): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#pins.get(key)?.generation !== generation) return;
      await this.#write(key, { pin: null, added: null });
      this.#options.log.info('site released', { key });
    });
  }

  /** The same files again under a later number: held already, and now the newest. */
  async #renumber(task: PinTask): Promise<Result<null, PinFailure>> {
    const renumbered = await this.#inTurn(async () => {
      const { key, generation, manifest, seq } = task;
      const before = this.#pins.get(key);
      const known = before?.versions.find((version) => version.manifest === manifest);
      if (!known) return false;
      const pin = placeVersion(before, generation, { ...known, seq });
      if (pin && pin !== before) await this.#write(key, { pin, added: null });
      return true;
    });
    // Let go of a moment ago: then it is pulled again.
    return renumbered ? ok(null) : await this.pin(task);
  }

  async #pull(task: PinTask): Promise<Result<null, PinFailure>> {
    await this.#slot();
    const hold = this.#options.hold?.();
    let outcome: 'kept' | 'given up' = 'given up';
    try {
      for (;;) {
        const site = await this.#fetch(task.manifest, hold?.blobs ?? this.#options.blobs);
        if (!site.ok) {
          this.#options.log.warn('site not pinned', { manifest: task.manifest, code: site.error.code });
          return site;
        }
        // A block that was here may have been released meanwhile with the last version that held it: then once more.
        if (!(await this.#keep(task, site.value))) continue;
        outcome = 'kept';
        return ok(null);
      }
    } finally {
      hold?.end(outcome);
      this.#active--;
      this.#waiting.shift()?.();
    }
  }

  async #fetch(manifest: Cid, blobs: BlobStore): Promise<Result<FetchedSite, PinFailure>> {
    const { clock, hasher, findSources } = this.#options;
    const room = PIN_TOTAL_BYTES_MAX - this.#bytesHeld();
    if (room <= 0) return fail('pin_limit', 'This node keeps no more sites: its disk share is full.');
    const fetcher = new BlockFetcher({ clock, hasher });
    for (const source of await findSources(manifest)) fetcher.addSource(source);
    const bytesMax = Math.min(PIN_SITE_BYTES_MAX, room);
    const site = await fetchSite({ cid: manifest, blobs, hasher, fetcher, bytesMax });
    fetcher.abandon();
    if (site.ok) return site;
    const { code, because } = site.error;
    return fail(code === 'too_large' ? 'pin_limit' : code === 'not_found' ? 'not_found' : 'bad_site', because);
  }

  /** One change of the pins at a time: counts are read before they are written. False when a block is gone again. */
  #keep(task: PinTask, site: FetchedSite): Promise<boolean> {
    return this.#inTurn(async () => {
      const { key, generation, manifest, seq } = task;
      const held = await this.#options.blobs.has(site.cids);
      if (!held.every(Boolean)) return false;
      const before = this.#pins.get(key);
      const isCounted = before?.versions.some((version) => version.manifest === manifest) ?? false;
      const pin = placeVersion(before, generation, { manifest, seq, bytes: site.bytes });
      if (!pin || pin === before) return true;
      await this.#write(key, { pin, added: isCounted ? null : { manifest, cids: site.cids } });
      this.#options.log.info('site pinned', { manifest, bytes: site.bytes, blocks: site.cids.length });
      return true;
    });
  }

  /** The pin of a site as it is from now on; what nothing holds any more is removed. */
  async #write(
    key: PinKey,
    { pin, added }: { pin: Pin | null; added: { manifest: Cid; cids: readonly Cid[] } | null },
  ): Promise<void> {
    const before = this.#pins.get(key)?.versions ?? [];
    const kept = new Set(pin?.versions.map(({ manifest }) => manifest));
    const released = before.map(({ manifest }) => manifest).filter((manifest) => !kept.has(manifest));
    const unheld = await writePin(this.#options.store, { key, pin, added, released });
    if (pin) this.#pins.set(key, pin);
    else this.#pins.delete(key);
    if (added || released.length > 0) this.#options.onHeld(this.held);
    if (unheld.length > 0) await this.#options.blobs.remove(unheld);
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const next = this.#turn.then(change);
    this.#turn = next.catch(() => {});
    return next;
  }

  #bytesHeld(): number {
    let bytes = 0;
    for (const { versions } of this.#pins.values()) for (const version of versions) bytes += version.bytes;
    return bytes;
  }

  async #slot(): Promise<void> {
    if (this.#active >= PULLS_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#active++;
  }
}

/**
 * A site's pin with this version in its place: the same one when nothing changes, null when newer versions leave it none.
 * Versions of an earlier generation were another lease's: whatever their numbers, they make room.
 */
function placeVersion(before: Pin | undefined, generation: number, version: PinnedVersion): Pin | null {
  if (before && before.generation > generation) return null;
  const others = before?.generation === generation ? before.versions : [];
  const known = others.find(({ manifest }) => manifest === version.manifest);
  if (before && known && known.seq >= version.seq) return before;
  const versions = [version, ...others.filter((other) => other !== known)]
    .sort((a, b) => b.seq - a.seq)
    .slice(0, VERSIONS_KEPT);
  return versions.includes(version) ? { generation, versions } : null;
}
