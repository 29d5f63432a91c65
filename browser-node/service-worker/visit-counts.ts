// Counts of what a version and its last page were made of, across the lives of a worker (VS11).

import type { Millis } from '../../shared/core/brand.ts';
import type { Origin, SiteVersion, VersionCounters } from '../../site-host/site-source-version.ts';
import type { LoadReport } from './site-report.ts';
import { addCounters, decodeNotes, encodeNotes, NO_COUNTERS, type VisitNotes } from './visit-notes.ts';

/** As much of an address as a report bears. */
const LOAD_PATH_CHARS_MAX = 512;

type Load = {
  readonly page: string;
  readonly path: string;
  readonly startedAt: Millis;
  endedAt: Millis;
  files: number;
  readonly bytes: Record<Origin, number>;
};

export class VisitCounts {
  #version: SiteVersion | null = null;
  #earlier: VersionCounters = NO_COUNTERS;
  #lastLoad: LoadReport | null = null;
  #load: Load | null = null;
  /** All blocks of the version that is here in full. */
  held: VisitNotes['held'] = null;

  /** From what a worker before wrote down, for the version that is shown now. */
  restore(written: Uint8Array | undefined): void {
    const notes = written ? decodeNotes(written) : null;
    this.held = notes?.held ?? null;
    this.#lastLoad = notes?.load ?? null;
    if (notes && notes.manifest === this.#version?.cid) this.#earlier = notes.counters;
  }

  follow(version: SiteVersion | null): void {
    this.#version = version;
    this.#earlier = NO_COUNTERS;
  }

  /** Nothing of an owner before is reported. */
  forget(): void {
    this.held = null;
    this.#lastLoad = null;
    this.#load = null;
  }

  get counters(): VersionCounters {
    return this.#version ? addCounters(this.#earlier, this.#version.counters) : NO_COUNTERS;
  }

  get load(): LoadReport | null {
    if (!this.#load) return this.#lastLoad;
    const { path, startedAt, endedAt, files, bytes } = this.#load;
    const total = bytes.disk + bytes.peer + bytes.edge;
    return { path, files, bytes: total, bytesBySource: { ...bytes }, ms: endedAt - startedAt };
  }

  beginLoad(load: { readonly page: string; readonly path: string; readonly startedAt: Millis }): void {
    const path = load.path.slice(0, LOAD_PATH_CHARS_MAX);
    this.#load = { ...load, path, endedAt: load.startedAt, files: 0, bytes: { disk: 0, peer: 0, edge: 0 } };
  }

  countAnswer(answer: { page: string; response: Response; origins: ReadonlySet<Origin>; now: Millis }): void {
    const load = this.#load;
    if (!load || load.page !== answer.page) return;
    load.files += 1;
    load.endedAt = answer.now;
    const [origin] = answer.origins;
    if (origin) load.bytes[origin] += Number(answer.response.headers.get('content-length') ?? 0);
  }

  encode(): Uint8Array | null {
    if (!this.#version) return null;
    return encodeNotes({
      manifest: this.#version.cid,
      counters: this.counters,
      load: this.load,
      held: this.held,
    });
  }
}
