// Decides what a node keeps: every version that the commons names or is about to, tells whoever waits, and tries again.

import type { Cid } from '../shared/codec/cid.ts';
import type { Millis } from '../shared/core/brand.ts';
import type { VerifiedEntry } from '../shared/feeds/entry.ts';
import type { FinalBlock } from '../shared/node/chain-head.ts';
import type { Handle, SiteName } from '../shared/ledger/handle-grammar.ts';
import type { Ordering } from '../shared/node/ordering.ts';
import type { PinRequest } from '../shared/node/session-desk.ts';
import type { Clock, Log } from '../shared/platform/ports.ts';
import type { Session } from '../shared/session/session.ts';
import type { SessionMessage } from '../shared/session/session-messages.ts';
import type { Pinner, PinTask } from './pinner.ts';
import { decodeCanonical } from '../shared/codec/canonical.ts';
import { sitePublish } from '../shared/ledger/families/sites.ts';
import { OPERATION_BODY_BYTES_MAX } from '../shared/ledger/operation.ts';
import { decodeRecord, HANDLE, SITE } from '../shared/ledger/records.ts';
import { readRecord, readValue, stateEntries } from '../shared/ledger/state.ts';

/** A pull that found nobody is tried again, when its publisher may be back. */
const RETRIES: readonly Millis[] = [2_000, 5_000, 15_000, 60_000];
/** Versions that sessions wait for at once, and that one of them does: nobody's wishes push out another's. */
const WISHES_MAX = 4_096;
const WISHES_PER_SESSION_MAX = 16;
const SITES_PREFIX = 'sites/';

export type PinDeskOptions = {
  readonly pinner: Pinner;
  readonly ordering: Ordering;
  readonly clock: Clock;
  readonly log: Log;
};

type Version = PinTask & { readonly handle: Handle; readonly name: SiteName };

export class PinDesk {
  readonly #options: PinDeskOptions;
  /** Who wants to hear that a version is held here. */
  readonly #wishers = new Map<Cid, Set<Session>>();
  /** How to cancel the next try of a version. */
  readonly #retries = new Map<Cid, () => void>();
  #closed = false;

  constructor(options: PinDeskOptions) {
    this.#options = options;
  }

  /**
   * Pulls what a pending entry is about to publish, as soon as it is seen. Only the owner's next version counts: what
   * anybody else names would push out versions that people read.
   */
  pinPending(entry: VerifiedEntry): void {
    for (const task of versionsOf(entry)) if (this.#isNext(entry, task)) this.#pin(task, 0);
  }

  /** Pulls what a final block has published. */
  pinFinal({ verified, receipts }: FinalBlock): void {
    const done = new Set(receipts.filter(({ code }) => code === 'ok').map(({ entry }) => entry));
    for (const entry of verified) {
      if (done.has(entry.id)) for (const task of versionsOf(entry)) this.#pin(task, 0);
    }
  }

  /** After a start: versions that state names and this node does not hold. */
  pinWhatIsPublished(): void {
    const { ordering, pinner } = this.#options;
    for (const [key, value] of stateEntries(ordering.state)) {
      if (!key.startsWith(SITES_PREFIX)) continue;
      const site = decodeRecord(SITE, value);
      if (!site.ok || !site.value.manifest || pinner.holds(site.value.manifest)) continue;
      this.#pin({ key: key.slice(SITES_PREFIX.length), manifest: site.value.manifest, seq: site.value.seq }, 0);
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
      (error: unknown) =>
        log.error('pin failed', { manifest, because: error instanceof Error ? error.message : 'unknown' }),
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

  #isNext(entry: VerifiedEntry, { handle, name, seq }: Version): boolean {
    const { state } = this.#options.ordering;
    if (readRecord(state, HANDLE, handle)?.owner !== entry.identity) return false;
    return seq === (readRecord(state, SITE, { handle, name })?.seq ?? 0) + 1;
  }

  #findVersion(manifest: Cid, key: string): PinTask | null {
    const { ordering } = this.#options;
    const value = readValue(ordering.state, SITES_PREFIX + key);
    const site = value && decodeRecord(SITE, value);
    if (site && site.ok && site.value.manifest === manifest) return { key, manifest, seq: site.value.seq };
    for (const entry of ordering.pool.entries()) {
      const named = versionsOf(entry).find(
        (task) => task.manifest === manifest && task.key === key && this.#isNext(entry, task),
      );
      if (named) return named;
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
    tasks.push({ key: `${handle}/${name}`, handle, name, manifest, seq });
  }
  return tasks;
}
