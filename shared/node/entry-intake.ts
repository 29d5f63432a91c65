// How entries come in: verified against the last final state and all that is pending, on disk, and then in the pool.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Tip } from '../chain/block.ts';
import type { Identity, PublicKey } from '../crypto/ids.ts';
import type { ChangeReader } from '../feeds/document-change.ts';
import type { ParsedEntry, VerifiedEntry } from '../feeds/entry.ts';
import type { Admission, OpenBlock } from '../ledger/admission.ts';
import type { State } from '../ledger/state.ts';
import type { Clock, Log, Store, Verifier } from '../platform/ports.ts';
import { CLOCK_DRIFT_MAX } from '../core/limits.ts';
import { fail, ok } from '../core/result.ts';
import { parseEntry, verifySignature } from '../feeds/entry.ts';
import { verifyParsed } from '../feeds/verify-entry.ts';
import { NEXT_TOKEN_POLICY } from '../ledger/account-records.ts';
import { admitEntry, checkPayment, createPrecheck, openBlock, previewEntry, tryEntry } from '../ledger/admission.ts';
import { verifyAuthorisations } from '../ledger/authorisations.ts';
import { becauseOf } from '../ledger/codes.ts';
import { orderEntries } from '../ledger/execute.ts';
import { DEVICE, MEMBER } from '../ledger/records.ts';
import { readRecord } from '../ledger/state.ts';
import { findEntryHeight, loadPending, writePending } from './chain-store.ts';
import type { NamedEntry } from './block-stash.ts';
import { EntryCounters } from './entry-counters.ts';
import { EntryPool, type WaitingTerms } from './entry-pool.ts';
import { LeavingEntries, type KeepBound } from './leaving-entries.ts';

/** What became of a submitted entry. */
export type Submitted =
  | { readonly id: Cid; readonly state: 'pending' }
  | { readonly id: Cid; readonly state: 'final'; readonly height: number };

/** An entry that was here before; with the height of its block when it is final. */
type Known = { readonly id: Cid; readonly height?: number };

const FORKED = fail('forked', becauseOf('forked'));

export type EntryIntakeOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly verifier: Verifier;
  readonly log: Log;
  readonly group: Cid;
  /** Where the group has documents. */
  readonly readChanges?: ChangeReader | undefined;
  /** The last final state, and the block it is of. */
  readonly head: () => { readonly state: State; readonly tip: Tip };
  /** This device: what it wrote itself is neither evicted nor purged. */
  readonly own?: PublicKey | undefined;
  /** How often what has waited too long is looked for. */
  readonly purgeInterval?: Millis | undefined;
  readonly keepBound?: KeepBound | undefined;
  /** New entries are on disk and in the pool. */
  readonly onPending: (entries: readonly VerifiedEntry[]) => void;
  /** A verified entry is refused because another has its number. */
  readonly onContradicted?: (entry: VerifiedEntry) => void;
};

/** Longer than a validator is usually away; whoever wrote an entry keeps it and gives it again. */
const WAIT_MAX: Millis = 24 * 60 * 60 * 1_000;
/** Seldom enough for a tab that is asleep, often enough for one that is full of what nobody orders. */
const PURGE_INTERVAL: Millis = 10 * 60 * 1_000;

export class EntryIntake {
  readonly #options: EntryIntakeOptions;
  /** Entries of one device are taken in one after the other: a later one is judged by what the earlier one made known. */
  readonly #submissions = new Map<PublicKey, Promise<void>>();
  readonly pool = new EntryPool();
  /** Verified and admitted, and on their way to the disk: not in the pool before they are there. */
  readonly #arriving = new Map<VerifiedEntry, WaitingTerms>();
  readonly #arrivingIds = new Set<Cid>();
  readonly #leaving: LeavingEntries;
  readonly counters = new EntryCounters();
  #cancelPurge: (() => void) | null = null;
  #closed = false;
  /** Until: when an announced policy is in force, which is another to be judged by. */
  #working: { readonly tip: Cid; readonly block: OpenBlock; readonly until: Millis } | null = null;

  constructor(options: EntryIntakeOptions) {
    this.#options = options;
    this.#leaving = new LeavingEntries(options);
  }

  /**
   * Takes an entry in: verified, on disk, then pending. Known ones answer as before. Refusals leave no trace and carry
   * the codes of the ledger and of verifyEntry; `pool_full` when too much waits. What could not be in the next block
   * (a gap, a quota used up) is refused with the code by which its sender knows to come back: it would wait here for
   * ever, for nothing, and whoever sends enough of it would leave no room for others.
   */
  async submit(wire: Uint8Array): Promise<Result<Submitted, Failure>> {
    const parsed = parseEntry(wire);
    if (!parsed.ok) return parsed;
    const [outcome] = await this.submitAll([parsed.value]);
    return outcome!;
  }

  /** The same for several, those of a feed in order: on disk in one write, and pending at once. Outcomes stand in their order. */
  async submitAll(entries: readonly ParsedEntry[]): Promise<readonly Result<Submitted, Failure>[]> {
    const outcomes = new Map<ParsedEntry, Result<Submitted, Failure>>();
    const byDevice = Map.groupBy(entries, ({ body }) => body.device);
    await Promise.all(
      [...byDevice].map(async ([device, own]) => {
        const admitted = await this.#inTurn(device, () => this.#admit(own));
        for (const [at, outcome] of admitted.entries()) outcomes.set(own[at]!, outcome);
      }),
    );
    return entries.map((entry) => outcomes.get(entry)!);
  }

  /** One entry may need another to be judged (a join, the first of its feed): those refused get another turn after the rest. */
  async restore(): Promise<void> {
    // On disk they lie by id; each is judged by the one before it in its feed.
    let waiting = (await this.#loadUnexpired()).toSorted((a, b) => a.body.seq - b.body.seq);
    for (let before = Infinity; waiting.length > 0 && waiting.length < before;) {
      before = waiting.length;
      const refused: ParsedEntry[] = [];
      for (const parsed of waiting) {
        const entry = await this.#verify(parsed);
        const admission = entry.ok ? previewEntry(this.workingSet(), entry.value) : undefined;
        const fits = entry.ok && admission?.outcome !== 'refuse';
        if (fits && this.pool.add(entry.value, this.#termsOf(entry.value, admission)))
          admitEntry(this.workingSet(), entry.value);
        else refused.push(parsed);
      }
      waiting = refused;
    }
    if (waiting.length > 0) this.#options.log.warn('pending entries that no longer fit', { entries: waiting.length });
    // They are no part of the working set: what is bound is found where proposals look for it.
    this.#leaving.keep(waiting);
    await this.#leaving.erase(this.#isHere);
    this.#armPurge();
  }

  /** Nothing is purged from now on. */
  close(): void {
    this.#closed = true;
    this.#cancelPurge?.();
  }

  /** WS5: forgets entries of others that have waited too long; they may be given again. */
  async purge(): Promise<void> {
    const { clock, purgeInterval = PURGE_INTERVAL } = this.#options;
    const now = clock.now();
    const stale = this.pool.findStale({ since: now - WAIT_MAX, expired: now - purgeInterval });
    if (stale.length === 0) return;
    this.counters.add('ttl_drop_total', stale.length);
    this.#forget(stale);
    await this.#leaving.erase(this.#isHere);
  }

  /** Forgets entries that can never be ordered. */
  async drop(ids: readonly Cid[]): Promise<void> {
    for (const id of ids) this.counters.add(this.pool.has(id) ? 'orphan_sweep_total' : 'drop_not_found_total');
    this.#forget(ids.flatMap((id) => this.pool.get(id) ?? []));
    await this.#leaving.erase(this.#isHere, ids);
  }

  /** WS6: what expired while this node was off can only be void. */
  async #loadUnexpired(): Promise<readonly ParsedEntry[]> {
    const { store, clock, own } = this.#options;
    const parsed = (await loadPending(store)).map((wire) => parseEntry(wire)).filter((one) => one.ok);
    const stored = parsed.map(({ value }) => value);
    const isOver = ({ body: { validUntil = Infinity, device } }: ParsedEntry): boolean =>
      validUntil < clock.now() && device !== own;
    const expired = stored.filter(isOver);
    this.counters.add('startup_ttl_drop_total', expired.length);
    this.#forget(expired);
    await this.#leaving.erase(this.#isHere);
    return stored.filter((entry) => !isOver(entry));
  }

  /** While nothing waits there is nothing to wake up for. */
  #armPurge(): void {
    const { clock, log, purgeInterval = PURGE_INTERVAL } = this.#options;
    if (this.#closed || this.#cancelPurge || this.pool.size === 0) return;
    this.#cancelPurge = clock.after(purgeInterval, () => {
      this.#cancelPurge = null;
      this.purge().catch((error: unknown) =>
        log.warn('entries that waited too long are still on disk', { error: String(error) }),
      );
      this.#armPurge();
    });
  }

  async #inTurn<T>(device: PublicKey, task: () => Promise<T>): Promise<T> {
    const before = this.#submissions.get(device) ?? Promise.resolve();
    const submission = before.then(task);
    const settled = submission.then(
      () => {},
      () => {},
    );
    this.#submissions.set(device, settled);
    void settled.then(() => {
      if (this.#submissions.get(device) === settled) this.#submissions.delete(device);
    });
    return await submission;
  }

  /** Entries of one device. */
  async #admit(entries: readonly ParsedEntry[]): Promise<readonly Result<Submitted, Failure>[]> {
    const { store } = this.#options;
    // What comes alone is news, as a rule: its signature is checked while the disk is asked.
    const alone = entries.length === 1 ? this.#beginCheck(entries[0]!) : undefined;
    const heights = await Promise.all(entries.map(({ id }) => findEntryHeight(store, id)));
    const signed = entries.map((entry, at) => {
      return alone ?? (heights[at] === undefined ? this.#beginCheck(entry) : undefined);
    });
    const outcomes: Result<Submitted, Failure>[] = [];
    const arriving: VerifiedEntry[] = [];
    const contradicted: VerifiedEntry[] = [];
    try {
      for (const [at, entry] of entries.entries()) {
        const { id } = entry;
        const height = heights[at];
        const judge = () => this.#judge(entry, { signed: signed[at], contradicted });
        const judged = height === undefined ? await judge() : ok({ id, height });
        this.#count(judged);
        if (judged.ok && 'body' in judged.value) arriving.push(judged.value);
        outcomes.push(judged.ok ? ok(submittedOf(judged.value)) : judged);
      }
      const forked = await this.#keep(arriving);
      // Only now: what they contradict may have come with them.
      contradicted.push(...arriving.filter(({ id }) => forked.has(id)));
      for (const entry of contradicted) this.#options.onContradicted?.(entry);
      return outcomes.map((outcome) => (outcome.ok && forked.has(outcome.value.id) ? FORKED : outcome));
    } catch (error) {
      this.counters.add('lock_poison_total');
      this.#working = null;
      throw error;
    } finally {
      for (const entry of arriving) this.#arrived(entry);
    }
  }

  /** On disk, then in the pool; those whose place was taken meanwhile. */
  async #keep(entries: readonly VerifiedEntry[]): Promise<ReadonlySet<Cid>> {
    const { store, readChanges, onPending } = this.#options;
    if (entries.length === 0) return new Set();
    // Where members sync, an entry rests strictly with its author until it is final, and whatever is written strictly after
    // it, such as a vote, brings it to the disk as well. Who is told `seen` by a validator of the commons relies on it.
    await writePending(store, entries, readChanges ? 'relaxed' : 'strict');
    const [added, forked] = [[] as VerifiedEntry[], [] as Cid[]];
    for (const entry of entries) {
      if (this.pool.add(entry, this.#arriving.get(entry))) added.push(entry);
      else forked.push(entry.id);
      this.#arrived(entry);
    }
    if (forked.length > 0) this.#working = null;
    this.#armPurge();
    if (added.length > 0) onPending(added);
    await this.#leaving.erase(this.#isHere, forked);
    return new Set(forked);
  }

  /** Whether an entry may wait for the next block: then it is part of what the next one is judged by. */
  async #judge(
    entry: ParsedEntry,
    { signed, contradicted }: { signed: Promise<boolean> | undefined; contradicted: VerifiedEntry[] },
  ): Promise<Result<VerifiedEntry | Known, Failure>> {
    const { id, body } = entry;
    if (this.#isHere(id)) return ok({ id });
    if (!this.#mayHaveRoom(entry)) return fail('pool_full', becauseOf('pool_full'));
    // Its device hears of it now; in the pool it would hold up that device's feed until its time has come.
    if (body.time > this.#options.clock.now() + CLOCK_DRIFT_MAX) return fail('clock_ahead', becauseOf('clock_ahead'));
    const verified = await this.#verify(entry, signed);
    if (!verified.ok) return verified;
    const tried = this.workingSet();
    const { admission, keep } = tryEntry(tried, verified.value);
    if (admission.outcome === 'refuse') {
      // Its block may have become final while it was verified.
      const height = await findEntryHeight(this.#options.store, id);
      if (height !== undefined) return ok({ id, height });
      const { code } = admission;
      if (code === 'forked' || code === 'seq_used') contradicted.push(verified.value);
      return fail(code, becauseOf(code));
    }
    const terms = this.#termsOf(verified.value, admission);
    if (terms.newcomer && !this.#hasNewcomerRoom(entry)) return fail('pool_full', becauseOf('pool_full'));
    const leaving = this.pool.findRoom(verified.value, { ...terms, coming: this.#arriving.keys() });
    if (leaving === null) return fail('pool_full', becauseOf('pool_full'));
    this.counters.add('evictions_total', leaving.length);
    this.#forget(leaving);
    const working = this.workingSet();
    // Without what had to leave for it, the working set is another one.
    if (working.draft === tried.draft) keep();
    else admitEntry(working, verified.value);
    this.#arriving.set(verified.value, terms);
    this.#arrivingIds.add(id);
    return verified;
  }

  /** Before anything is verified: as if it paid all that it offers. */
  #mayHaveRoom(entry: ParsedEntry): boolean {
    const { body } = entry;
    if (this.pool.roomFor(body.device, this.#arriving.keys()) <= 0) return false;
    const own = body.device === this.#options.own;
    return this.pool.findRoom(entry, { paid: body.fee ?? 0n, own, coming: this.#arriving.keys() }) !== null;
  }

  #hasNewcomerRoom({ size }: ParsedEntry): boolean {
    return this.pool.hasNewcomerRoom(size, this.#arriving);
  }

  #isNewcomer(identity: Identity): boolean {
    return readRecord(this.#options.head().state, MEMBER, identity) === undefined;
  }

  #termsOf({ body, identity }: VerifiedEntry, admission: Admission | undefined): WaitingTerms {
    const paid = admission && admission.outcome !== 'refuse' ? admission.paid : undefined;
    const { clock, own } = this.#options;
    return {
      paid: (paid?.consumer ?? 0n) + (paid?.industrial ?? 0n),
      since: clock.now(),
      own: body.device === own,
      newcomer: this.#isNewcomer(identity),
    };
  }

  /** From the pool at once; from the disk with the next write. */
  #forget(entries: readonly NamedEntry[]): void {
    if (entries.length > 0) this.#working = null;
    for (const { id } of entries) this.pool.remove(id);
    this.#leaving.add(entries);
  }

  #count(judged: Result<VerifiedEntry | Known, Failure>): void {
    if (!judged.ok) this.counters.reject(judged.error.code);
    else if (!('body' in judged.value)) this.counters.add('dup_tx_reject_total');
  }

  #arrived(entry: VerifiedEntry): void {
    this.#arriving.delete(entry);
    this.#arrivingIds.delete(entry.id);
  }

  readonly #isHere = (id: Cid): boolean => {
    return this.pool.has(id) || this.#arrivingIds.has(id);
  };

  /** Signatures are checked beside each other, of entries whose author may be heard at all (EN6). */
  #beginCheck(entry: ParsedEntry): Promise<boolean> | undefined {
    const { device, group } = entry.body;
    const identity = this.#identityOf(device);
    if (identity === undefined || group !== this.#options.group || this.#isHere(entry.id)) return undefined;
    if (!this.#mayHaveRoom(entry)) return undefined;
    const refused = this.#precheck(entry, identity);
    return refused === undefined ? verifySignature(entry, this.#options.verifier) : undefined;
  }

  async #verify(entry: ParsedEntry, signed?: Promise<boolean>): Promise<Result<VerifiedEntry, Failure>> {
    const { group, verifier, readChanges } = this.#options;
    return await verifyParsed(entry, {
      group,
      verifier,
      identityOfDevice: (device) => this.#identityOf(device),
      precheck: (one, identity) => this.#precheck(one, identity),
      authorise: verifyAuthorisations,
      signed,
      ...(readChanges && { readChanges }),
    });
  }

  /** EN6, LG69, WS7: from what is known without a signature. */
  #precheck(entry: ParsedEntry, identity: Identity): Failure | undefined {
    if (this.#isNewcomer(identity) && !this.#hasNewcomerRoom(entry))
      return { code: 'pool_full', because: becauseOf('pool_full') };
    const block = this.workingSet();
    const { body, size } = entry;
    return createPrecheck(block)(entry, identity) ?? checkPayment(block, { body, size, identity });
  }

  #identityOf(device: PublicKey): Identity | undefined {
    const known = readRecord(this.#options.head().state, DEVICE, device)?.identity ?? this.pool.identityOf(device);
    if (known !== undefined) return known;
    for (const { body, identity } of this.#arriving.keys()) if (body.device === device) return identity;
    return undefined;
  }

  /** The last final state with all that is pending admitted into it: what previews and new entries are judged by. */
  workingSet(): OpenBlock {
    const { state, tip } = this.#options.head();
    const blockTime = this.#options.clock.now();
    // The draft lasts as long as the tip, which on a quiet chain is longer than clocks may differ.
    const working = this.#working;
    if (working?.tip === tip.id && blockTime <= working.until) return { ...working.block, blockTime };
    const start = { state, parentId: tip.id, blockTime, height: tip.height + 1 };
    const block = openBlock(start);
    for (const entry of orderEntries(start, [...this.pool.entries(), ...this.#arriving.keys()]))
      admitEntry(block, entry);
    const until = readRecord(block.draft, NEXT_TOKEN_POLICY, 'next')?.from ?? Infinity;
    this.#working = { tip: tip.id, block, until };
    return block;
  }
}

function submittedOf({ id, height }: Known): Submitted {
  return height === undefined ? { id, state: 'pending' } : { id, state: 'final', height };
}
