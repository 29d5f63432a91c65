// Answers every request of a site's origin from verified bytes: keeps the record fresh, the version whole, the origin clean.

import type { Millis } from '../../shared/core/brand.ts';
import type { Failure, Result } from '../../shared/core/result.ts';
import { messageOf } from '../../shared/core/message-of.ts';
import type { Clock, Hasher } from '../../shared/platform/ports.ts';
import type { Origin } from '../../site-host/site-source-version.ts';
import type { SiteRecord, SiteSource } from '../../site-host/site-source.ts';
import type { SiteNetwork } from '../../site-host/site-source-peers.ts';
import type { WorkerToLoader } from './loader-messages.ts';
import type { SiteReport } from './site-report.ts';
import type { SiteStorage } from './site-storage.ts';
import { judgeFreshness } from '../../shared/light-client/site-record.ts';
import { respond } from '../../site-host/respond.ts';
import { SiteVersion } from '../../site-host/site-source-version.ts';
import { explainFailure } from './site-failure.ts';
import { formatLine } from './site-report.ts';
import { respondWithWipePage, wipeWorkerStorage } from './site-wipe.ts';
import { VisitCounts } from './visit-counts.ts';

/** A record checked this recently is not asked for again. */
const FRESH_FOR: Millis = 10_000;
/** How long a page that can be shown waits for a newer record; what comes later counts for the next one. */
const CHECK_BUDGET: Millis = 400;
/** How long a page that cannot be shown yet waits. */
const OPEN_BUDGET: Millis = 10_000;
/** When the answers of a page have settled, notes are written once. */
const NOTES_AFTER: Millis = 1_500;
/** Streams of service workers end after minutes: an open-ended range gets this much, and its client asks for more. */
const OPEN_RANGE_BYTES_MAX: number = 4 * 1024 * 1024;
/** Pair of the query that asked the edge for the page itself. */
const DIRECT_MARKER = /(^|&)weft-direct(=[^&]*)?(?=&|$)/g;

export type SiteServerOptions = {
  /** For people, such as `@alice`. */
  readonly name: string;
  readonly clock: Clock;
  readonly hasher: Hasher;
  readonly network: SiteNetwork;
  readonly source: SiteSource;
  readonly storage: SiteStorage;
  readonly crypto: 'native' | 'pure';
  /** Reloads the pages of this origin, which belong to an owner before, but for the loader's. */
  readonly evictPages: (loaders: ReadonlySet<string>) => Promise<void>;
};

export type Asked = {
  readonly request: Request;
  readonly url: URL;
  /** The page that asks, or that will come of a navigation. */
  readonly page: string;
  readonly waitUntil: (work: Promise<unknown>) => void;
};

export class SiteServer {
  readonly #options: SiteServerOptions;
  readonly #started: Promise<void>;
  readonly #counts = new VisitCounts();
  #version: SiteVersion | null = null;
  /** Of a first visit that was not asked for yet. */
  #prepared: Promise<Result<SiteRecord, Failure>> | null = null;
  #opening: {
    readonly cid: SiteVersion['cid'];
    readonly opened: Promise<Result<SiteVersion, Failure>>;
  } | null = null;
  #leaseUntil: Millis = 0;
  #refreshing: Promise<void> | null = null;
  /** Why the last check brought nothing. */
  #trouble: Failure | null = null;
  /** The generation of owner that the origin's storage belongs to. */
  #cleanFor: number | null = null;
  /** The generation it is being emptied for; pages have to do their part. */
  #wipingFor: number | null = null;
  #notKept: string | null = null;
  #writing = false;
  readonly #loaders = new Set<string>();

  constructor(options: SiteServerOptions) {
    this.#options = options;
    this.#started = this.#start().catch((error: unknown) => {
      this.#trouble = { code: 'worker_failed', because: String(error) };
    });
  }

  async answer({ request, url, page, waitUntil }: Asked): Promise<Response> {
    const { clock } = this.#options;
    const startedAt = clock.now();
    await this.#started;
    const isPage = request.mode === 'navigate';
    if (isPage && this.#wipingFor === null) await this.#freshen(waitUntil);
    if (this.#wipingFor !== null) return isPage ? respondWithWipePage() : explainFailure(WIPING, request.method);
    const version = this.#version;
    if (!version || this.#leaseUntil <= clock.now()) return explainFailure(this.#explain(), request.method);
    if (isPage) this.#loaders.clear();
    if (request.destination === 'document') this.#counts.beginLoad({ page, path: url.pathname, startedAt });
    const origins = new Set<Origin>();
    const response = await respond({
      manifest: version.manifest,
      manifestCid: version.cid,
      method: request.method,
      url: url.pathname + withoutMarker(url.search),
      headers: request.headers,
      readFile: (resource, range) =>
        version.readFile(resource, { ...(range && { range }), onOrigin: (origin) => origins.add(origin) }),
      delivery: () => ({
        source: [...origins].join('+') || 'record',
        verified: 'certificate, cid',
        ms: clock.now() - startedAt,
      }),
      openRangeMax: OPEN_RANGE_BYTES_MAX,
      navigation: isPage,
    });
    this.#counts.countAnswer({ page, response, origins, now: clock.now() });
    if (isPage) {
      waitUntil(version.preload());
      waitUntil(this.#keepWhole(version));
      waitUntil(this.#writeNotesSoon());
    }
    return response;
  }

  /** Before anybody asks, on a first visit: finds and fetches what will be asked for. Nothing is shown or trusted for it. */
  async prepare(): Promise<void> {
    const { network, source } = this.#options;
    network.room?.wake();
    this.#prepared = source.check();
    const checked = await this.#prepared;
    const site = checked.ok ? source.read(checked.value) : null;
    if (!site?.ok || this.#version) return;
    const opened = await this.#openVersion(site.value.manifest, true);
    if (opened.ok) await this.#keepWhole(opened.value);
  }

  /** For the loader: until the page at `path` can be shown at once. */
  async open(
    loader: { page: string; path: string; clean: boolean },
    tell: (message: WorkerToLoader) => void,
  ): Promise<void> {
    const { page, path, clean } = loader;
    this.#loaders.add(page);
    tell({ type: 'resolving' });
    this.#options.network.room?.wake();
    await this.#started;
    if (!this.#isFresh()) await this.#refresh();
    if (clean && !(await this.finishWipe())) throw new Error('old data could not be removed');
    if (this.#wipingFor !== null) return tell({ type: 'wipe' });
    const version = this.#version;
    if (!version) return tell({ type: 'failed', ...this.#explain() });
    tell({ type: 'manifest', files: version.manifest.resources.size });
    const whole = this.#keepWhole(version, (progress) => tell({ type: 'blocks', ...progress }));
    // The page's own file is enough to begin with; its others are asked for meanwhile, and again by the page, in its order.
    const first = respond({
      manifest: version.manifest,
      manifestCid: version.cid,
      method: 'GET',
      url: path,
      headers: new Headers(),
      navigation: true,
      readFile: (resource, range) => version.readFile(resource, range && { range }),
    });
    await Promise.race([first.then((response) => response.body?.cancel()), whole]);
    tell({ type: 'ready' });
    await whole;
    await this.#writeNotes();
  }

  /** After a page did its part of emptying the origin: does the worker's. False while something cannot be removed. */
  async finishWipe(): Promise<boolean> {
    await this.#started;
    const generation = this.#wipingFor;
    if (generation === null) return true;
    if (!(await wipeWorkerStorage())) return false;
    this.#wipingFor = null;
    this.#cleanFor = generation;
    const { record } = this.#options.source;
    if (record) await this.#adopt(record);
    return true;
  }

  async report(): Promise<SiteReport> {
    await this.#started;
    const { name, source, crypto } = this.#options;
    const version = this.#version;
    const { counters, load, held } = this.#counts;
    const report: Omit<SiteReport, 'line'> = {
      site: name,
      files: version?.manifest.resources.size ?? 0,
      bytes: version?.manifest.total ?? 0,
      whole: version !== null && held?.manifest === version.cid,
      bytesBySource: counters.bytes,
      peers: counters.peers.length,
      verified: counters.verified,
      failed: counters.failures.length,
      failures: counters.failures.map((failure) => ({ ...failure, ...this.#pathOf(failure.cid) })),
      load,
      ms: load?.ms ?? 0,
      record: source.record && this.#describeRecord(source.record),
      refusedRecords: source.refused,
      trouble: this.#trouble,
      storage: this.#notKept === null ? { state: 'kept' } : { state: 'not_kept', because: this.#notKept },
      crypto,
    };
    return { ...report, line: formatLine(report) };
  }

  async #start(): Promise<void> {
    const { source, storage } = this.#options;
    const [record, written] = await Promise.all([
      source.restore(),
      storage.notes.load(),
      storage.blobs.has([]).catch((error: unknown) => this.#noteNotKept(error)),
    ]);
    if (record) {
      this.#cleanFor = source.generationOf(record);
      // A check may have been faster than the disk.
      await this.#adopt(source.record!);
    }
    this.#counts.restore(written);
  }

  #isFresh(): boolean {
    const { source, clock } = this.#options;
    const checkedAt = source.record?.checkedAt ?? 0;
    return this.#version !== null && clock.now() - checkedAt < FRESH_FOR && this.#leaseUntil > clock.now();
  }

  /** A page that can be shown is held up only briefly; one that cannot waits as long as people do. */
  async #freshen(waitUntil: (work: Promise<unknown>) => void): Promise<void> {
    if (this.#isFresh()) return;
    const { clock } = this.#options;
    const refreshing = this.#refresh();
    waitUntil(refreshing);
    const shown = this.#version !== null && this.#leaseUntil > clock.now();
    await new Promise<void>((resolve, reject) => {
      const cancel = clock.after(shown ? CHECK_BUDGET : OPEN_BUDGET, resolve);
      refreshing.finally(cancel).then(resolve, reject);
    });
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.#check().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #check(): Promise<void> {
    const { source, clock } = this.#options;
    const prepared = await this.#prepared;
    this.#prepared = null;
    const isOfNow = prepared?.ok && clock.now() - prepared.value.checkedAt < FRESH_FOR;
    const checked = isOfNow ? prepared : await source.check();
    if (checked.ok) await this.#adopt(checked.value);
    else this.#trouble = checked.error;
  }

  /** Makes what is shown follow the record: cleans the origin for a new owner first, opens a new version, forgets what ended. */
  async #adopt(record: SiteRecord): Promise<void> {
    const { source } = this.#options;
    const generation = source.generationOf(record);
    if (generation !== null && generation !== this.#cleanFor) await this.#beginWipe(generation);
    if (this.#wipingFor !== null) return;
    const site = source.read(record);
    if (!site.ok) {
      this.#show(null);
      this.#trouble = site.error;
    } else {
      const opened = await this.#openVersion(site.value.manifest);
      this.#trouble = opened.ok ? null : opened.error;
      // The version before stays on show, as it stays the newest one that can be had.
      if (!opened.ok) return;
      this.#show(opened.value);
      this.#leaseUntil = site.value.lease;
    }
    await source.keep().catch((error: unknown) => this.#noteNotKept(error));
  }

  /**
   * One opening at a time: of two, the second would close the first under the pages it answers. `isNew`: nothing of it
   * should be on disk, so the disk is not waited for.
   */
  async #openVersion(cid: SiteVersion['cid'], isNew = false): Promise<Result<SiteVersion, Failure>> {
    if (this.#version?.cid === cid) return { ok: true, value: this.#version };
    if (this.#opening?.cid !== cid) {
      const { clock, hasher, network, storage } = this.#options;
      const opened = SiteVersion.open({ cid, blobs: storage.blobs, clock, hasher, network, isNew });
      this.#opening = { cid, opened };
    }
    const opened = await this.#opening.opened;
    if (!opened.ok) this.#opening = null;
    return opened;
  }

  #show(version: SiteVersion | null): void {
    if (version === this.#version) return;
    this.#opening = null;
    this.#version?.close();
    this.#version = version;
    this.#counts.follow(version);
  }

  /** VS10: nothing is shown until worker and page have both emptied their part. */
  async #beginWipe(generation: number): Promise<void> {
    const { storage, evictPages } = this.#options;
    this.#show(null);
    this.#wipingFor = generation;
    const { held } = this.#counts;
    this.#counts.forget();
    if (held) await storage.blobs.remove(held.cids).catch(() => undefined);
    // Not awaited: these navigations are answered only when this is over.
    void evictPages(this.#loaders);
  }

  /** Takes a small site whole, then drops the blocks that only the version before had. */
  async #keepWhole(version: SiteVersion, onProgress?: Parameters<SiteVersion['ensureWhole']>[0]): Promise<void> {
    if (this.#counts.held?.manifest === version.cid) return;
    const whole = await version.ensureWhole(onProgress);
    if (whole.state === 'not_kept') this.#notKept = whole.because;
    if (whole.state !== 'whole' || this.#version !== version) return;
    const before = this.#counts.held;
    this.#counts.held = { manifest: version.cid, cids: whole.cids };
    if (!before) return;
    // First: a worker that ends in between would call a version whole whose blocks are gone.
    await this.#writeNotes();
    const kept = new Set(whole.cids);
    const gone = before.cids.filter((cid) => !kept.has(cid));
    await this.#options.storage.blobs.remove(gone).catch(() => undefined);
  }

  #noteNotKept(error: unknown): void {
    this.#notKept = messageOf(error);
  }

  #explain(): Failure {
    const { record } = this.#options.source;
    const site = record && this.#options.source.read(record);
    if (site && !site.ok) return site.error;
    return this.#trouble ?? NOTHING_KNOWN;
  }

  #describeRecord(record: SiteRecord): NonNullable<SiteReport['record']> {
    const { source, clock } = this.#options;
    const site = source.read(record);
    const named = site.ok ? site.value : null;
    return {
      height: record.resolved.height,
      manifest: named?.manifest ?? null,
      seq: named?.seq ?? null,
      owner: named?.owner ?? null,
      generation: source.generationOf(record),
      leaseUntil: named?.lease ?? null,
      blockTime: record.resolved.blockTime,
      recovered: record.resolved.recovered,
      freshness: judgeFreshness(record.resolved, clock.now()).age,
      from: record.from,
    };
  }

  #pathOf(cid: string): { path?: string } {
    for (const [path, { src }] of this.#version?.manifest.resources ?? []) if (src === cid) return { path };
    return {};
  }

  /** One write for a page, however many answers it took. */
  async #writeNotesSoon(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    await new Promise<void>((resolve) => this.#options.clock.after(NOTES_AFTER, resolve));
    this.#writing = false;
    await this.#writeNotes();
  }

  async #writeNotes(): Promise<void> {
    const notes = this.#counts.encode();
    if (!notes || this.#notKept !== null) return;
    await this.#options.storage.notes.save(notes).catch(() => undefined);
  }
}

const WIPING: Failure = {
  code: 'owner_changed',
  because: 'This name has a new owner: reload the page to remove what the site before left here.',
};
const NOTHING_KNOWN: Failure = {
  code: 'waiting_for_network',
  because: 'Nobody who could show this site answers right now. Try again in a moment.',
};

function withoutMarker(search: string): string {
  const kept = search.slice(1).replace(DIRECT_MARKER, '').replace(/^&/, '');
  return kept === '' ? '' : `?${kept}`;
}
