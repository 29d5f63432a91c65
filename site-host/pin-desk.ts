// Decides what a node keeps: every version that the commons names or is about to, tells whoever waits, and tries again.

import type { Cid } from '../shared/codec/cid.ts';
import type { Millis } from '../shared/core/brand.ts';
import { messageOf } from '../shared/core/message-of.ts';
import type { VerifiedEntry } from '../shared/feeds/entry.ts';
import type { FinalBlock } from '../shared/node/chain-head.ts';
import type { State } from '../shared/ledger/state.ts';
import type { EntryPool } from '../shared/node/entry-pool.ts';
import type { PinRequest } from '../shared/node/session-desk.ts';
import type { Clock, Log } from '../shared/platform/ports.ts';
import type { Session } from '../shared/session/session.ts';
import type { SessionMessage } from '../shared/session/session-messages.ts';
import type { HandleLease } from '../shared/ledger/records.ts';
import type { PinKey } from './pin-records.ts';
import type { Pinner, PinTask } from './pinner.ts';
import { decodeCanonical } from '../shared/codec/canonical.ts';
import { sitePublish } from '../shared/ledger/families/sites.ts';
import { OPERATION_BODY_BYTES_MAX } from '../shared/ledger/operation.ts';
import { decodeRecord, HANDLE, SITE } from '../shared/ledger/records.ts';
import { readValue, stateEntries } from '../shared/ledger/state.ts';

/** A pull that found nobody is tried again, when its publisher may be back. */
const RETRIES: readonly Millis[] = [2_000, 5_000, 15_000, 60_000];
/** Versions that sessions wait for at once, and that one of them does: nobody's wishes push out another's. */
const WISHES_MAX = 4_096;
const WISHES_PER_SESSION_MAX = 16;
const SITES_PREFIX = 'sites/';
const HANDLES_PREFIX = 'handles/';
/** What is kept is compared with what is published this often; what is not published any more is let go of the second time. */
const SWEEP_EVERY: Millis = 60 * 60_000;
/** A lease that lapsed may be renewed while nobody else takes the handle: so long its sites are kept. */
const LAPSED_GRACE: Millis = 7 * 24 * 60 * 60_000;

export type PinDeskOptions = {
  readonly pinner: Pick<Pinner, 'pin' | 'release' | 'sites'>;
  readonly ordering: { readonly state: State; readonly pool: Pick<EntryPool, 'entries'> };
  readonly clock: Clock;
  readonly log: Log;
};

type Version = Omit<PinTask, 'generation'>;

export class PinDesk {
  readonly #options: PinDeskOptions;
  /** Who wants to hear that a version is held here. */
  readonly #wishers = new Map<Cid, Set<Session>>();
  /** How to cancel the next try of a version. */
  readonly #retries = new Map<Cid, () => void>();
  /** Sites that the last sweep found kept for nothing, by the generation they are kept under. */
  #unwanted: ReadonlyMap<PinKey, number> = new Map();
  #cancelSweep: (() => void) | null = null;
  #closed = false;

  constructor(options: PinDeskOptions) {
    this.#options = options;
  }

  /**
   * Pulls what a pending entry is about to publish, as soon as it is seen. Only the owner's next version counts: what
   * anybody else names would push out versions that people read.
   */
  pinPending(entry: VerifiedEntry): void {
    for (const version of versionsOf(entry)) {
      const task = this.#readNext(entry, version);
      if (task) this.#pin(task, 0);
    }
  }

  /** Pulls what a final block has published. */
  pinFinal({ verified, receipts }: FinalBlock): void {
    const done = new Set(receipts.filter(({ code }) => code === 'ok').map(({ entry }) => entry));
    for (const entry of verified) {
      if (!done.has(entry.id)) continue;
      for (const { key, manifest, seq } of versionsOf(entry)) {
        const lease = this.#readLease(key);
        if (lease) this.#pin({ key, generation: lease.generation, manifest, seq }, 0);
      }
    }
  }

  /** After a start, and every hour: pulls versions that state names and this node lacks, and lets go of what it names no more. */
  sweep(): void {
    if (this.#closed) return;
    this.#cancelSweep?.();
    this.#cancelSweep = this.#options.clock.after(SWEEP_EVERY, () => this.sweep());
    this.#releaseUnwanted();
    for (const [key] of stateEntries(this.#options.ordering.state)) {
      const task = key.startsWith(SITES_PREFIX) ? this.#readPublished(key.slice(SITES_PREFIX.length)) : null;
      if (task) this.#pin(task, 0);
    }
  }

  /** A wish is remembered until the version is named by an entry, and kept. */
  request(session: Session, { manifest, handle, name }: PinRequest): void {
    const wishers = this.#wishers.get(manifest) ?? new Set();
    if (!this.#wishers.has(manifest) && this.#wishers.size >= WISHES_MAX) return;
    if (!wishers.has(session) && this.#wishesOf(session) >= WISHES_PER_SESSION_MAX) return;
    this.#wishers.set(manifest, wishers.add(session));
    const task = this.#findVersion(manifest, `${handle}/${name}`);
    if (task) this.#pin(task, 0);
  }

  closed(session: Session): void {
    for (const [manifest, wishers] of this.#wishers) {
      wishers.delete(session);
      if (wishers.size === 0) this.#wishers.delete(manifest);
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancelSweep?.();
    for (const cancel of this.#retries.values()) cancel();
    this.#retries.clear();
    this.#wishers.clear();
  }

  #pin(task: PinTask, attempt: number): void {
    const { pinner, clock, log } = this.#options;
    const { manifest } = task;
    this.#retries.get(manifest)?.();
    this.#retries.delete(manifest);
    pinner.pin(task).then(
      (pinned) => {
        if (pinned.ok) return this.#tell({ t: 'held', manifest });
        const { code, because } = pinned.error;
        if (code === 'pin_limit') return this.#tell({ t: 'pinLimit', manifest, because });
        const wait = RETRIES[attempt];
        if (code !== 'not_found' || wait === undefined || this.#closed || this.#retries.has(manifest)) return;
        this.#retries.set(
          manifest,
          clock.after(wait, () => this.#pin(task, attempt + 1)),
        );
      },
      (error: unknown) => log.error('pin failed', { manifest, because: messageOf(error) }),
    );
  }

  #tell(answer: Extract<SessionMessage, { t: 'held' | 'pinLimit' }>): void {
    const wishers = this.#wishers.get(answer.manifest) ?? [];
    this.#wishers.delete(answer.manifest);
    for (const session of wishers) void session.send(answer);
  }

  #wishesOf(session: Session): number {
    let wishes = 0;
    for (const wishers of this.#wishers.values()) if (wishers.has(session)) wishes++;
    return wishes;
  }

  #releaseUnwanted(): void {
    const { pinner, log } = this.#options;
    const before = this.#unwanted;
    const found = pinner.sites.filter(({ key, generation }) => this.#readPublished(key)?.generation !== generation);
    this.#unwanted = new Map(found.map(({ key, generation }) => [key, generation]));
    for (const site of found) {
      if (before.get(site.key) !== site.generation) continue;
      pinner
        .release(site)
        .catch((error: unknown) => log.error('pin not released', { key: site.key, because: messageOf(error) }));
    }
  }

  /** The version of a site that state names, under a lease that runs or lapsed a little while ago. */
  #readPublished(key: PinKey): PinTask | null {
    const { ordering, clock } = this.#options;
    const value = readValue(ordering.state, SITES_PREFIX + key);
    const lease = this.#readLease(key);
    if (!value || !lease || lease.lease + LAPSED_GRACE <= clock.now()) return null;
    const site = decodeRecord(SITE, value);
    if (!site.ok || !site.value.manifest) return null;
    return { key, generation: lease.generation, manifest: site.value.manifest, seq: site.value.seq };
  }

  #readLease(key: PinKey): HandleLease | null {
    const value = readValue(this.#options.ordering.state, `${HANDLES_PREFIX}${key.slice(0, key.indexOf('/'))}`);
    const lease = value && decodeRecord(HANDLE, value);
    return lease?.ok ? lease.value : null;
  }

  /** The next version of its site, by the owner of the handle. */
  #readNext(entry: VerifiedEntry, { key, manifest, seq }: Version): PinTask | null {
    const lease = this.#readLease(key);
    if (lease?.owner !== entry.identity) return null;
    const value = readValue(this.#options.ordering.state, SITES_PREFIX + key);
    const site = value && decodeRecord(SITE, value);
    const last = site?.ok ? site.value.seq : 0;
    return seq === last + 1 ? { key, generation: lease.generation, manifest, seq } : null;
  }

  #findVersion(manifest: Cid, key: PinKey): PinTask | null {
    const published = this.#readPublished(key);
    if (published?.manifest === manifest) return published;
    for (const entry of this.#options.ordering.pool.entries()) {
      for (const version of versionsOf(entry)) {
        const task = version.manifest === manifest && version.key === key ? this.#readNext(entry, version) : null;
        if (task) return task;
      }
    }
    return null;
  }
}

/** The versions that an entry's operations name. */
function versionsOf(entry: VerifiedEntry): Version[] {
  const tasks: Version[] = [];
  for (const { kind, body } of entry.body.ops) {
    if (kind !== sitePublish.kind) continue;
    const version = decodeCanonical(sitePublish.schema, body, { max: OPERATION_BODY_BYTES_MAX });
    if (!version.ok) continue;
    const { handle, name, manifest, seq } = version.value;
    tasks.push({ key: `${handle}/${name}`, manifest, seq });
  }
  return tasks;
}
