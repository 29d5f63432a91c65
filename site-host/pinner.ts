// Keeps copies of what the commons publishes: pulls a version as soon as its entry is seen, and holds the newest two.

import type { Cid } from '../shared/codec/cid.ts';
import type { BlockSource } from '../shared/node/block-fetcher.ts';
import type { BlobStore, Clock, Hasher, Log, Store } from '../shared/platform/ports.ts';
import type { Pin, PinKey } from './pin-records.ts';
import { PIN_SITE_BYTES_MAX, PIN_TOTAL_BYTES_MAX } from '../shared/core/limits.ts';
import { fail, ok, type Failure, type Result } from '../shared/core/result.ts';
import { BlockFetcher } from '../shared/node/block-fetcher.ts';
import { loadPins, writePin, writeVersions } from './pin-records.ts';
import { fetchSite, type FetchedSite } from './site-blocks.ts';

/** Versions kept of one site: the newest and the one before, for visitors who are in the middle of it. */
const VERSIONS_KEPT = 2;
/** Sites pulled at once; the rest wait their turn. */
const PULLS_MAX = 4;

export type PinFailure = Failure<'pin_limit' | 'not_found' | 'bad_site'>;

export type PinTask = { readonly key: PinKey; readonly manifest: Cid; readonly seq: number };

export type PinnerOptions = {
  readonly store: Store;
  readonly blobs: BlobStore;
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

  /** Resolves when every block of the version is on disk here, verified. The same version is pulled once at a time. */
  pin(task: PinTask): Promise<Result<null, PinFailure>> {
    const name = `${task.key} ${task.manifest}`;
    if (this.#pins.get(task.key)?.versions.some(({ manifest }) => manifest === task.manifest))
      return this.#renumber(task);
    const running = this.#pulls.get(name);
    if (running) return running;
    const pull = this.#pull(task).finally(() => this.#pulls.delete(name));
    this.#pulls.set(name, pull);
    return pull;
  }

  /** The same files again under a later number: held already, and now the newest. */
  #renumber({ key, manifest, seq }: PinTask): Promise<Result<null, PinFailure>> {
    return this.#inTurn(async () => {
      const versions = this.#pins.get(key)?.versions ?? [];
      if (versions.some((version) => version.manifest === manifest && version.seq < seq)) {
        const renumbered = versions.map((version) => (version.manifest === manifest ? { ...version, seq } : version));
        const pin: Pin = { versions: renumbered.sort((a, b) => b.seq - a.seq) };
        await writeVersions(this.#options.store, key, pin);
        this.#pins.set(key, pin);
      }
      return ok(null);
    });
  }

  async #pull(task: PinTask): Promise<Result<null, PinFailure>> {
    await this.#slot();
    try {
      for (;;) {
        const site = await this.#fetch(task.manifest);
        if (!site.ok) {
          this.#options.log.warn('site not pinned', { manifest: task.manifest, code: site.error.code });
          return site;
        }
        // A block that was here may have been released meanwhile with the last version that held it: then once more.
        if (await this.#keep(task, site.value)) return ok(null);
      }
    } finally {
      this.#active--;
      this.#waiting.shift()?.();
    }
  }

  async #fetch(manifest: Cid): Promise<Result<FetchedSite, PinFailure>> {
    const { clock, hasher, blobs, findSources } = this.#options;
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
      const held = await this.#options.blobs.has(site.cids);
      if (!held.every(Boolean)) return false;
      const before = this.#pins.get(task.key)?.versions ?? [];
      const version = { manifest: task.manifest, seq: task.seq, bytes: site.bytes };
      const versions = [version, ...before.filter(({ manifest }) => manifest !== task.manifest)].sort(
        (a, b) => b.seq - a.seq,
      );
      const kept = versions.slice(0, VERSIONS_KEPT);
      const released = versions.slice(VERSIONS_KEPT).map(({ manifest }) => manifest);
      if (released.includes(task.manifest)) return true;
      const pin: Pin = { versions: kept };
      const unheld = await writePin(this.#options.store, {
        key: task.key,
        pin,
        added: { manifest: task.manifest, cids: site.cids },
        released,
      });
      this.#pins.set(task.key, pin);
      this.#options.onHeld(this.held);
      if (unheld.length > 0) await this.#options.blobs.remove(unheld);
      this.#options.log.info('site pinned', { manifest: task.manifest, bytes: site.bytes, blocks: site.cids.length });
      return true;
    });
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
