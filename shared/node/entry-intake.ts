// How entries come in: verified against the last final state and all that is pending, on disk, and then in the pool.

import type { Cid } from '../codec/cid.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Tip } from '../chain/block.ts';
import type { PublicKey } from '../crypto/ids.ts';
import type { ChangeReader } from '../feeds/document-change.ts';
import type { ParsedEntry, VerifiedEntry } from '../feeds/entry.ts';
import type { OpenBlock } from '../ledger/admission.ts';
import type { State } from '../ledger/state.ts';
import type { Clock, Log, Store, Verifier } from '../platform/ports.ts';
import { CLOCK_DRIFT_MAX } from '../core/limits.ts';
import { fail, ok } from '../core/result.ts';
import { parseEntry, verifyEntry } from '../feeds/entry.ts';
import { admitEntry, createPrecheck, openBlock, previewEntry } from '../ledger/admission.ts';
import { verifyAuthorisations } from '../ledger/authorisations.ts';
import { becauseOf } from '../ledger/codes.ts';
import { orderEntries } from '../ledger/execute.ts';
import { DEVICE } from '../ledger/records.ts';
import { readRecord } from '../ledger/state.ts';
import { findEntryHeight, loadPending, removePending, writePending } from './chain-store.ts';
import { EntryPool } from './entry-pool.ts';

/** What became of a submitted entry. */
export type Submitted =
  | { readonly id: Cid; readonly state: 'pending' }
  | { readonly id: Cid; readonly state: 'final'; readonly height: number };

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
  /** A new entry is on disk and in the pool. */
  readonly onPending: (entry: VerifiedEntry) => void;
  /** A verified entry is refused because another has its number. */
  readonly onContradicted?: (entry: VerifiedEntry) => void;
};

export class EntryIntake {
  readonly #options: EntryIntakeOptions;
  /** Entries of one device are taken in one after the other: a later one is judged by what the earlier one made known. */
  readonly #submissions = new Map<PublicKey, Promise<void>>();
  readonly pool = new EntryPool();
  #working: { readonly tip: Cid; readonly block: OpenBlock } | null = null;

  constructor(options: EntryIntakeOptions) {
    this.#options = options;
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
    const { device } = parsed.value.body;
    const before = this.#submissions.get(device) ?? Promise.resolve();
    const submission = before.then(() => this.#admit(parsed.value));
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

  /** One entry may need another to be judged (a join, the first of its feed): those refused get another turn after the rest. */
  async restore(): Promise<void> {
    let waiting = await loadPending(this.#options.store);
    for (let before = Infinity; waiting.length > 0 && waiting.length < before;) {
      before = waiting.length;
      const refused: Uint8Array[] = [];
      for (const wire of waiting) {
        const entry = await this.#verify(wire);
        const fits = entry.ok && previewEntry(this.#workingSet(), entry.value).outcome !== 'refuse';
        if (fits && this.pool.add(entry.value)) admitEntry(this.#workingSet(), entry.value);
        else refused.push(wire);
      }
      waiting = refused;
    }
    if (waiting.length > 0) this.#options.log.warn('pending entries that no longer fit', { entries: waiting.length });
  }

  /** Forgets entries that can never be ordered. */
  async drop(ids: readonly Cid[]): Promise<void> {
    for (const id of ids) this.pool.remove(id);
    this.#working = null;
    await removePending(this.#options.store, ids);
  }

  async #admit({ id, bytes, body }: ParsedEntry): Promise<Result<Submitted, Failure>> {
    const { store, clock, readChanges } = this.#options;
    const height = await findEntryHeight(store, id);
    if (height !== undefined) return ok({ id, state: 'final', height });
    if (this.pool.has(id)) return ok({ id, state: 'pending' });
    if (this.pool.isFullFor(body.device)) return fail('pool_full', becauseOf('pool_full'));
    // Its device hears of it now; in the pool it would hold up that device's feed until its time has come.
    if (body.time > clock.now() + CLOCK_DRIFT_MAX) return fail('clock_ahead', becauseOf('clock_ahead'));
    const entry = await this.#verify(bytes);
    if (!entry.ok) return entry;
    const admission = previewEntry(this.#workingSet(), entry.value);
    if (admission.outcome === 'refuse') {
      // Its block may have become final while it was verified.
      const since = await findEntryHeight(store, id);
      if (since !== undefined) return ok({ id, state: 'final', height: since });
      const { code } = admission;
      if (code === 'forked' || code === 'seq_used') this.#options.onContradicted?.(entry.value);
      return fail(code, becauseOf(code));
    }
    if (!this.pool.hasRoomFor(entry.value)) return fail('pool_full', becauseOf('pool_full'));
    // Where members sync, an entry rests strictly with its author until it is final, and whatever is written strictly after
    // it, such as a vote, brings it to the disk as well. Who is told `seen` by a validator of the commons relies on it.
    await writePending(store, { id, wire: bytes, durability: readChanges ? 'relaxed' : 'strict' });
    if (!this.pool.add(entry.value)) {
      await removePending(store, [id]);
      this.#options.onContradicted?.(entry.value);
      return fail('forked', becauseOf('forked'));
    }
    admitEntry(this.#workingSet(), entry.value);
    this.#options.onPending(entry.value);
    return ok({ id, state: 'pending' });
  }

  async #verify(wire: Uint8Array): Promise<Result<VerifiedEntry, Failure>> {
    const { group, verifier, head, readChanges } = this.#options;
    return await verifyEntry(wire, {
      group,
      verifier,
      identityOfDevice: (device) => readRecord(head().state, DEVICE, device)?.identity ?? this.pool.identityOf(device),
      precheck: createPrecheck(this.#workingSet()),
      authorise: verifyAuthorisations,
      ...(readChanges && { readChanges }),
    });
  }

  /** The last final state with all that is pending admitted into it: what a new entry is judged by before it is verified. */
  #workingSet(): OpenBlock {
    const { state, tip } = this.#options.head();
    const blockTime = this.#options.clock.now();
    // The draft lasts as long as the tip, which on a quiet chain is longer than clocks may differ.
    if (this.#working?.tip === tip.id) return { ...this.#working.block, blockTime };
    const start = { state, parentId: tip.id, blockTime, height: tip.height + 1 };
    const block = openBlock(start);
    for (const entry of orderEntries(start, this.pool.entries())) admitEntry(block, entry);
    this.#working = { tip: tip.id, block };
    return block;
  }
}
