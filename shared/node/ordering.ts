// Runs the Simplex machine of a validator over its disk: performs effects in order, executes blocks, keeps what is final.

import type { Cid } from '../codec/cid.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Block, CertifiedBlock, Tip } from '../chain/block.ts';
import type { VerifiedCertificate } from '../chain/certificate.ts';
import type { Founding } from '../chain/genesis.ts';
import type { Simplex, SimplexEffect, SimplexInput } from '../chain/simplex-state.ts';
import type { VoteClaim } from '../chain/vote.ts';
import type { PublicKey } from '../crypto/ids.ts';
import type { ParsedEntry, VerifiedEntry } from '../feeds/entry.ts';
import type { ExecutedBlock } from '../ledger/execute.ts';
import type { Receipt } from '../ledger/receipts.ts';
import type { State } from '../ledger/state.ts';
import type { Clock, Log, Signer, Store, Verifier } from '../platform/ports.ts';
import { assert } from '../core/assert.ts';
import { equalBytes } from '../core/bytes.ts';
import { fail, ok } from '../core/result.ts';
import { checkLink, createBlock, decodeCertifiedBlock, tipOf } from '../chain/block.ts';
import { verifyCertificate } from '../chain/certificate.ts';
import { GENESIS_EPOCH, genesisTip } from '../chain/genesis.ts';
import { createSimplex, stepSimplex } from '../chain/simplex.ts';
import { forgottenRange, decodeLogRecord, encodeLogRecord, logRange } from '../chain/vote-log.ts';
import { verifyVote, voteBytes } from '../chain/vote.ts';
import { parseEntry, verifyEntry } from '../feeds/entry.ts';
import { admitEntry, createPrecheck, openBlock, type OpenBlock } from '../ledger/admission.ts';
import { becauseOf, codeWaits, isCode } from '../ledger/codes.ts';
import { executeBlock, orderEntries, selectEntries } from '../ledger/execute.ts';
import { DEVICE } from '../ledger/records.ts';
import { readRecord, stateEntries } from '../ledger/state.ts';
import { findEntryHeight, loadChain, loadPending, removePending, writeFinal, writePending } from './chain-store.ts';
import { EntryPool } from './entry-pool.ts';

/** How long a message between validators takes at most when all is well. */
const DELTA = 1_000;

/** A final block as listeners hear of it: already on disk. */
export type FinalBlock = CertifiedBlock & {
  readonly verified: readonly VerifiedEntry[];
  readonly receipts: readonly Receipt[];
};

export type OrderingEvents = {
  /** An entry was verified and is on disk, waiting for its block. */
  pending?(entry: VerifiedEntry): void;
  final?(block: FinalBlock): void;
  /** A waiting entry can never be ordered; it is forgotten. */
  refused?(entry: VerifiedEntry, failure: Failure): void;
};

export type OrderingOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly verifier: Verifier;
  readonly founding: Founding;
  /** The validator's key: it must be in the founding's set. */
  readonly signer: Signer;
  readonly log: Log;
};

type Executed = { readonly result: ExecutedBlock; readonly entries: readonly VerifiedEntry[] };

/** What became of a submitted entry. */
export type Submitted =
  | { readonly id: Cid; readonly state: 'pending' }
  | { readonly id: Cid; readonly state: 'final'; readonly height: number };

export class Ordering {
  readonly #options: OrderingOptions;
  readonly #pool = new EntryPool();
  readonly #executed = new Map<Cid, Executed>();
  readonly #inputs: SimplexInput[] = [];
  /** Entries of one device are taken in one after the other: a later one is judged by what the earlier one made known. */
  readonly #submissions = new Map<PublicKey, Promise<void>>();
  readonly #listeners = new Set<OrderingEvents>();
  #working: { readonly tip: Cid; readonly block: OpenBlock } | null = null;
  #simplex: Simplex;
  #state: State;
  #last: CertifiedBlock | null;
  #running = false;
  #closed = false;
  #cancelTimer: (() => void) | null = null;
  #turn: Promise<void> = Promise.resolve();

  private constructor(
    options: OrderingOptions,
    loaded: { state: State; last: CertifiedBlock | null; simplex: Simplex },
  ) {
    this.#options = options;
    this.#state = loaded.state;
    this.#last = loaded.last;
    this.#simplex = loaded.simplex;
  }

  /** Loads the chain, the vote log and what was pending. Signs nothing before `start`. */
  static async open(options: OrderingOptions): Promise<Ordering> {
    const { store, founding } = options;
    const { state, last } = await loadChain(store, founding);
    const ordering = new Ordering(options, { state, last, simplex: await openSimplex(options, last) });
    await ordering.#restorePending(await loadPending(store));
    return ordering;
  }

  /** One entry may need another to be judged (a join, the first of its feed): those refused get another turn after the rest. */
  async #restorePending(wires: readonly Uint8Array[]): Promise<void> {
    let waiting = wires;
    for (let before = Infinity; waiting.length > 0 && waiting.length < before;) {
      before = waiting.length;
      const refused: Uint8Array[] = [];
      for (const wire of waiting) {
        const entry = await this.#verify(wire);
        if (entry.ok && this.#pool.add(entry.value)) admitEntry(this.#workingSet(), entry.value);
        else refused.push(wire);
      }
      waiting = refused;
    }
    if (waiting.length > 0) this.#options.log.warn('pending entries that no longer fit', { entries: waiting.length });
  }

  subscribe(events: OrderingEvents): () => void {
    this.#listeners.add(events);
    return () => this.#listeners.delete(events);
  }

  /** State after the last final block. */
  get state(): State {
    return this.#state;
  }

  /** The last final block, null before the first. */
  get last(): CertifiedBlock | null {
    return this.#last;
  }

  get tip(): Tip {
    return this.#last ? tipOf(this.#last.block) : genesisTip(this.#options.founding);
  }

  get pool(): EntryPool {
    return this.#pool;
  }

  /** Begins to take part: signs again what the log binds it to, then orders what is pending. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#feed({ kind: 'start' });
    this.#feedWork();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    await this.#turn.catch(() => {});
  }

  /**
   * Takes an entry in: verified, on disk, then `pending`. Known ones answer as before. Refusals leave no trace and carry
   * the codes of the ledger and of verifyEntry; `pool_full` when too much waits.
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

  async #admit({ id, bytes }: ParsedEntry): Promise<Result<Submitted, Failure>> {
    const height = await findEntryHeight(this.#options.store, id);
    if (height !== undefined) return ok({ id, state: 'final', height });
    if (this.#pool.has(id)) return ok({ id, state: 'pending' });
    if (this.#pool.isFull) return fail('pool_full', becauseOf('pool_full'));
    const entry = await this.#verify(bytes);
    if (!entry.ok) return entry;
    await writePending(this.#options.store, id, bytes);
    if (!this.#pool.add(entry.value)) {
      await removePending(this.#options.store, [id]);
      return fail('forked', becauseOf('forked'));
    }
    admitEntry(this.#workingSet(), entry.value);
    this.#emit((events) => events.pending?.(entry.value));
    this.#feedWork();
    return ok({ id, state: 'pending' });
  }

  /**
   * Takes certified blocks that follow the own tip, from anyone: each is verified, executed and kept. Returns how many
   * were new. Used before `start`, so that an old copy of the folder learns what it signed before it signs again.
   */
  async takeBlocks(blocks: readonly Uint8Array[]): Promise<Result<number, Failure>> {
    let taken = 0;
    for (const bytes of blocks) {
      const certified = decodeCertifiedBlock(bytes);
      if (!certified.ok) return certified;
      if (certified.value.block.header.height <= this.tip.height) continue;
      const result = await this.#takeBlock(certified.value);
      if (!result.ok) return result;
      taken++;
    }
    if (taken > 0) this.#simplex = await openSimplex(this.#options, this.#last);
    return ok(taken);
  }

  async #takeBlock(certified: CertifiedBlock): Promise<Result<void, Failure>> {
    assert(!this.#running, 'blocks of others are taken before the own machine runs');
    const { founding, verifier } = this.#options;
    const { block } = certified;
    const { group, set } = founding;
    const linked = checkLink(this.tip, block.header, { group, epoch: GENESIS_EPOCH, set });
    if (!linked.ok) return linked;
    const certificate = await verifyCertificate({ certificate: certified.certificate, group, set, verifier });
    if (!certificate.ok) return certificate;
    if (certificate.value.kind !== 'finalize')
      return fail('bad_certificate', 'The certificate does not make the block final.');
    const known = new Map<string, VerifiedEntry>();
    const verified: VerifiedEntry[] = [];
    for (const wire of certified.entries) {
      const entry = await verifyEntry(wire, {
        group,
        verifier,
        identityOfDevice: (device) => known.get(device)?.identity ?? readRecord(this.#state, DEVICE, device)?.identity,
      });
      if (!entry.ok) return entry;
      known.set(entry.value.body.device, entry.value);
      verified.push(entry.value);
    }
    const executed = this.#execute(block, verified);
    if (!executed.ok) return executed;
    await this.#keep(block, certificate.value, executed.value);
    return ok(undefined);
  }

  /** Executes a block on the state of its parent and compares everything its header commits to. */
  #execute(block: Block, entries: readonly VerifiedEntry[]): Result<Executed, Failure> {
    const { header } = block;
    const state = this.#stateOf(header.parent);
    assert(state, 'a block is executed after its parent');
    const result = executeBlock({
      state,
      parentId: header.parent,
      blockTime: header.time,
      height: header.height,
      entries,
    });
    if (!result.ok) return result;
    const same =
      equalBytes(result.value.stateRoot, header.stateRoot) &&
      equalBytes(result.value.receiptsRoot, header.receiptsRoot) &&
      JSON.stringify(result.value.cut) === JSON.stringify(header.cut);
    if (!same) return fail('bad_block', 'The block commits to another outcome than its entries have.');
    return ok({ result: result.value, entries });
  }

  #stateOf(id: Cid): State | undefined {
    return id === this.tip.id ? this.#state : this.#executed.get(id)?.result.state;
  }

  async #verify(wire: Uint8Array): Promise<Result<VerifiedEntry, Failure>> {
    const { founding, verifier } = this.#options;
    return await verifyEntry(wire, {
      group: founding.group,
      verifier,
      identityOfDevice: (device) => readRecord(this.#state, DEVICE, device)?.identity ?? this.#pool.identityOf(device),
      precheck: createPrecheck(this.#workingSet()),
    });
  }

  /** The last final state with all that is pending admitted into it: what a new entry is judged by before it is verified. */
  #workingSet(): OpenBlock {
    const { id, height } = this.tip;
    if (this.#working?.tip === id) return this.#working.block;
    const blockTime = this.#options.clock.now();
    const block = openBlock({ state: this.#state, parentId: id, blockTime, height: height + 1 });
    const pending = orderEntries({ state: this.#state, parentId: id }, this.#pool.entries());
    for (const entry of pending) admitEntry(block, entry);
    this.#working = { tip: id, block };
    return block;
  }

  /** Says whether anything could be ordered beyond the tip, and forgets what never can. */
  #feedWork(): void {
    if (!this.#running) return;
    const { tip } = this.#simplex;
    const state = this.#stateOf(tip.id);
    if (!state) return;
    const selection = selectEntries({
      state,
      parentId: tip.id,
      blockTime: Math.max(this.#options.clock.now(), tip.time + 1),
      height: tip.height + 1,
      pending: this.#pool.entries(),
    });
    this.#dropRefused(selection.refused.filter(({ code }) => !codeWaits(code) && tip.id === this.tip.id));
    this.#feed({ kind: 'work', pending: selection.entries.length > 0 });
  }

  #dropRefused(refused: readonly { readonly entry: VerifiedEntry; readonly code: string }[]): void {
    if (refused.length === 0) return;
    for (const { entry, code } of refused) {
      this.#pool.remove(entry.id);
      const because = isCode(code) ? becauseOf(code) : code;
      this.#emit((events) => events.refused?.(entry, { code, because }));
    }
    void removePending(
      this.#options.store,
      refused.map(({ entry }) => entry.id),
    );
  }

  #feed(input: SimplexInput): void {
    this.#inputs.push(input);
    if (this.#inputs.length > 1) return;
    this.#turn = this.#turn.then(() => this.#drain());
  }

  /** One input at a time, its effects in order, each finished before the next begins. */
  async #drain(): Promise<void> {
    while (this.#inputs.length > 0 && !this.#closed) {
      const { state, effects } = stepSimplex(this.#simplex, this.#inputs[0]!, this.#options.clock.now());
      this.#simplex = state;
      const answers: SimplexInput[] = [];
      for (const effect of effects) answers.push(...(await this.#perform(effect)));
      this.#inputs.shift();
      this.#inputs.unshift(...answers);
    }
  }

  async #perform(effect: SimplexEffect): Promise<SimplexInput[]> {
    const { store, clock, log } = this.#options;
    switch (effect.kind) {
      case 'persist':
        await store.write({ put: effect.records.map(encodeLogRecord) }, 'strict');
        return [];
      case 'sign':
        return [await this.#sign(effect.claim)];
      case 'propose':
        return [{ kind: 'proposed', view: effect.view, block: this.#propose(effect) }];
      case 'execute':
        return this.#executeKnown(effect.block);
      case 'finalised':
        await this.#finalise(effect.block, effect.certificate);
        return [];
      case 'tip':
        this.#feedWork();
        return [];
      case 'forget':
        await this.#forget(effect.through);
        return [];
      case 'setTimer':
        this.#cancelTimer?.();
        this.#cancelTimer =
          effect.at === null
            ? null
            : clock.after(Math.max(0, effect.at - clock.now()), () => this.#feed({ kind: 'timer' }));
        return [];
      case 'evidence':
        log.error('validator contradicts itself', { signer: effect.first.signer, view: effect.first.view });
        return [];
      case 'send':
      case 'answerBlocks':
        // The other validators; a set of one has none.
        return [];
    }
  }

  async #sign(claim: VoteClaim): Promise<SimplexInput> {
    const { founding, signer, verifier } = this.#options;
    const { group, set } = founding;
    const self = this.#simplex.config.self;
    assert(self !== null, 'only a validator is asked to sign');
    const vote = { ...claim, signer: self, sig: await signer.sign(voteBytes(group, claim)) };
    const verified = await verifyVote({ vote, group, set, verifier });
    assert(verified.ok, 'an own vote verifies');
    return { kind: 'signed', vote: verified.value };
  }

  #propose(effect: Extract<SimplexEffect, { kind: 'propose' }>): Block | null {
    const { view, parent, time, empty } = effect;
    const { group, set } = this.#options.founding;
    const state = this.#stateOf(parent.id);
    assert(state, 'a proposal stands on an executed block');
    const start = { state, parentId: parent.id, blockTime: time, height: parent.height + 1 };
    const { entries } = selectEntries({ ...start, pending: this.#pool.entries() });
    if (entries.length === 0 && !empty) return null;
    const result = executeBlock({ ...start, entries });
    assert(result.ok, 'selected entries execute');
    const block = createBlock({
      v: 1,
      group,
      epoch: GENESIS_EPOCH,
      view,
      height: parent.height + 1,
      parent: parent.id,
      parentView: parent.view,
      time,
      proposer: this.#options.signer.key,
      cut: result.value.cut,
      receiptsRoot: result.value.receiptsRoot,
      stateRoot: result.value.stateRoot,
      validators: set.id,
      nextValidators: set.id,
    });
    this.#executed.set(block.id, { result: result.value, entries });
    return block;
  }

  /** After a restart: the entries of an own proposal are still pending, so that it can be executed again. */
  #executeKnown(block: Block): SimplexInput[] {
    if (this.#executed.has(block.id)) return [{ kind: 'executed', id: block.id, valid: true }];
    const entries: VerifiedEntry[] = [];
    for (const { feed, from, to } of block.header.cut) {
      const found = this.#pool.range(feed, { from, to });
      if (!found) return [];
      entries.push(...found);
    }
    const executed = this.#execute(block, entries);
    if (!executed.ok) this.#options.log.error('a proposal does not execute', { code: executed.error.code });
    if (executed.ok) this.#executed.set(block.id, executed.value);
    return [{ kind: 'executed', id: block.id, valid: executed.ok }];
  }

  async #finalise(block: Block, certificate: VerifiedCertificate): Promise<void> {
    const executed = this.#executed.get(block.id);
    assert(executed, 'a block is executed before it is final');
    await this.#keep(block, certificate, executed);
  }

  async #keep(block: Block, certificate: VerifiedCertificate, executed: Executed): Promise<void> {
    const { store } = this.#options;
    const inCutOrder = sortByCut(block, executed.entries);
    const certified: CertifiedBlock = { block, certificate, entries: inCutOrder.map((entry) => entry.bytes) };
    const { receipts, writes, state } = executed.result;
    const entryIds = executed.entries.map((entry) => entry.id);
    await writeFinal(store, this.#last ? null : stateEntries(this.#state), { certified, entryIds, receipts, writes });
    this.#state = state;
    this.#last = certified;
    for (const id of entryIds) this.#pool.remove(id);
    for (const id of this.#executed.keys()) if (id === block.id) this.#executed.delete(id);
    this.#options.log.info('block final', { height: block.header.height, entries: entryIds.length });
    this.#emit((events) => events.final?.({ ...certified, verified: inCutOrder, receipts }));
  }

  async #forget(through: number): Promise<void> {
    const { store } = this.#options;
    const old = await store.range(forgottenRange(GENESIS_EPOCH, through));
    if (old.length > 0) await store.write({ remove: old.map(({ key }) => key) }, 'relaxed');
  }

  #emit(tell: (events: OrderingEvents) => void): void {
    for (const events of [...this.#listeners]) tell(events);
  }
}

/** Entries in the order of the cut: how a certified block carries them. */
function sortByCut(block: Block, entries: readonly VerifiedEntry[]): VerifiedEntry[] {
  const rankByFeed = new Map(block.header.cut.map(({ feed }, rank) => [feed, rank]));
  return [...entries].sort(
    (a, b) => (rankByFeed.get(a.body.feed) ?? 0) - (rankByFeed.get(b.body.feed) ?? 0) || a.body.seq - b.body.seq,
  );
}

async function openSimplex(options: OrderingOptions, last: CertifiedBlock | null): Promise<Simplex> {
  const { store, founding, signer, clock } = options;
  const { group, set, genesis } = founding;
  const stored = await store.range(logRange(GENESIS_EPOCH));
  const log = stored.map(({ value }) => {
    const record = decodeLogRecord(value);
    assert(record.ok, 'the own vote log decodes');
    return record.value;
  });
  const self = set.keys.indexOf(signer.key);
  return createSimplex({
    config: {
      group,
      epoch: GENESIS_EPOCH,
      set,
      self: self < 0 ? null : self,
      delta: DELTA,
      blockInterval: genesis.policy.blockInterval,
    },
    final: last ? tipOf(last.block) : genesisTip(founding),
    certificate: last ? (last.certificate as VerifiedCertificate) : null,
    log,
    now: clock.now(),
  });
}
