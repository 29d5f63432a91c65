// Runs the Simplex machine of a validator over its disk (docs/protocol/consensus.md): performs effects in order, keeps what is
// final, and follows those who order where this node does not.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Signer } from '../platform/ports.ts';
import type { Tip } from '../chain/block.ts';
import type { CertifiedBlock } from '../chain/certified-block.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import type { ParsedEntry, VerifiedEntry } from '../feeds/entry.ts';
import type { OpenBlock } from '../ledger/admission.ts';
import type { DocumentIndex } from '../ledger/document-index.ts';
import type { Selection } from '../ledger/execute.ts';
import type { State } from '../ledger/state.ts';
import type { EntryCounts } from './entry-counters.ts';
import type { EntryPool } from './entry-pool.ts';
import type { Leap } from './chain-leap.ts';
import type { OrderingEvents, OrderingOptions } from './ordering-options.ts';
import { assert } from '../core/assert.ts';
import { err, fail, ok, type Failure, type Result } from '../core/result.ts';
import { messageOf } from '../core/message-of.ts';
import { isSolo, type Simplex, type SimplexEffect, type SimplexInput } from '../chain/simplex-state.ts';
import { stepSimplex } from '../chain/simplex.ts';
import { encodeLogRecord, forgottenRange, logRange } from '../chain/vote-log.ts';
import { becauseOf, codeWaits, isCode } from '../ledger/codes.ts';
import { BlockWork } from './block-work.ts';
import { catchUp, keepFinal, rulesAfter, tipOfHead, type ChainHead, type FinalBlock } from './chain-head.ts';
import { findEntryHeight, loadChain } from './chain-store.ts';
import { ConsensusLine } from './consensus-line.ts';
import { EntryIntake } from './entry-intake.ts';
import { eraseRange, intervalAfter, openSimplex, signVote, type OpenedMachine } from './ordering-simplex.ts';
import { createTimer, TurnQueue } from './turn-queue.ts';

/** Messages that wait for the machine; others say two hundred about a block of a large set. */
const MESSAGES_WAITING_MAX = 1_024;

export class Ordering {
  readonly #options: OrderingOptions;
  readonly #intake: EntryIntake;
  readonly #work: BlockWork;
  readonly #line: ConsensusLine;
  readonly #turns: TurnQueue<SimplexInput>;
  /** Null: none is set. */
  readonly #setTimer: (at: Millis | null) => void;
  readonly #listeners = new Set<OrderingEvents>();
  #simplex: Simplex;
  #signer: Signer | null;
  #head: ChainHead;
  #running = false;
  #resting = false;
  #closed = false;

  private constructor(options: OrderingOptions, loaded: OpenedMachine & { head: ChainHead }) {
    const { store, clock, verifier, log, peers = null, readChanges } = options;
    const { group } = options.founding;
    this.#options = options;
    this.#head = loaded.head;
    this.#simplex = loaded.simplex;
    this.#signer = loaded.signer;
    this.#turns = new TurnQueue({ step: (input) => this.#step(input), onFailed: (error) => this.#fail(error) });
    this.#setTimer = createTimer(clock, () => this.#turns.push({ kind: 'timer' }));
    this.#intake = new EntryIntake({
      ...{ store, clock, verifier, log, group, readChanges },
      own: options.own,
      purgeInterval: options.purgeInterval,
      keepBound: (entry) => this.#work.keepBound(entry),
      head: () => ({ state: this.state, tip: this.tip }),
      onContradicted: (entry) => this.#emit((events) => events.contradicted?.(entry)),
      onPending: (entries) => this.#onPending(entries),
    });
    this.#work = new BlockWork({
      ...options,
      pool: this.pool,
      head: () => this.#head,
      finalTip: () => this.tip,
      machine: () => this.#simplex,
      onAged: () => this.#turns.runOnce(this.#findWork),
      ask: (question) => this.#line.askEntries(question),
    });
    this.#line = new ConsensusLine({
      ...{ clock, verifier, log, group, peers, machine: () => this.#simplex },
      entry: (id) => this.#work.entry(id),
      // What others say is said again; a disk that does not write must not fill the memory with it.
      onInput: (input) => {
        if (input.kind !== 'message' || this.#turns.length < MESSAGES_WAITING_MAX) this.#turns.push(input);
      },
      onEntries: (wires) => {
        if (this.#work.takeEntries(wires)) this.#executeReady();
      },
    });
  }

  /** Loads the chain, the vote log and what was pending. Signs nothing before `start`. */
  static async open(options: OrderingOptions): Promise<Ordering> {
    const head = await loadChain(options.store, options.founding);
    const ordering = new Ordering(options, { head, ...(await openSimplex(options, head)) });
    await ordering.#intake.restore();
    await ordering.#work.restore();
    return ordering;
  }

  subscribe(events: OrderingEvents): () => void {
    this.#listeners.add(events);
    return () => this.#listeners.delete(events);
  }

  /** State after the last final block. */
  get state(): State {
    return this.#head.state;
  }

  /** Changes of documents that are final. */
  get index(): DocumentIndex {
    return this.#head.index;
  }

  /** The last final block, null before the first. */
  get last(): CertifiedBlock | null {
    return this.#head.last;
  }

  get tip(): Tip {
    return tipOfHead(this.#head, this.#options.founding);
  }

  /** Whose votes count now. */
  get validators(): ValidatorSet {
    return this.#simplex.config.set;
  }

  /** By which this node votes now; null on one that follows. */
  get signer(): Signer | null {
    return this.#simplex.config.self === null ? null : this.#signer;
  }

  get pool(): EntryPool {
    return this.#intake.pool;
  }

  /** The last final state with all that is pending on top: what a preview is made on. */
  get workingSet(): OpenBlock {
    return this.#intake.workingSet();
  }

  /** Begins to take part: signs again what the log binds it to, then orders what is pending. */
  start(): void {
    assert(this.#signer, 'a node that follows has nothing to sign');
    if (this.#running) return;
    this.#running = true;
    if (this.#resting) return this.#turns.runAside(() => this.#reopen());
    this.#line.start();
    this.#turns.push({ kind: 'start' });
    this.#turns.runOnce(this.#findWork);
  }

  /** Whether it takes part. */
  get isRunning(): boolean {
    return this.#running;
  }

  /** Signs nothing more until `start`, and follows what others make final. */
  async rest(): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    this.#resting = true;
    await this.#turns.run(async () => ({ value: this.#setTimer(null), inputs: [] }));
  }

  async close(): Promise<void> {
    this.#stop();
    this.#intake.close();
    await this.#turns.settled;
  }

  /** What became of entries at the door (T11). */
  get counts(): EntryCounts & { readonly mempool_size: number } {
    return { mempool_size: this.pool.size, ...this.#intake.counters.read() };
  }

  /** The height of the final block that holds an entry. */
  readonly heightOf = (id: Cid): Promise<number | undefined> => findEntryHeight(this.#options.store, id);

  /** Takes an entry in, or several; see EntryIntake. */
  readonly submit = (wire: Uint8Array): ReturnType<EntryIntake['submit']> => this.#intake.submit(wire);
  readonly submitAll = (entries: readonly ParsedEntry[]): ReturnType<EntryIntake['submitAll']> =>
    this.#intake.submitAll(entries);
  /** Forgets pending entries that those who order have refused. */
  readonly drop = (ids: readonly Cid[]): Promise<void> => this.#intake.drop(ids);

  /**
   * Takes certified blocks of others, from the own tip upwards, and returns how many were new. A sole validator does so
   * before `start` only, so that an old copy of the folder learns what it signed before it signs again. After
   * `conflicting_block` or `conflicting_seal` nothing may be signed.
   */
  async takeBlocks(blocks: readonly Uint8Array[]): Promise<Result<number, Failure>> {
    if (this.#running && isSolo(this.#simplex) && this.#simplex.config.self !== null) {
      return fail(
        'conflicting_block',
        'This node orders the group, and somebody else has blocks that it never signed.',
      );
    }
    const taken = await this.#turns.run(() => this.#catchUp(blocks));
    return taken ?? fail('store_failed', 'The node is closed.');
  }

  /** Goes on from a snapshot where there is no block yet and nothing is signed (SN12). */
  async leap(keep: () => Promise<Leap>): Promise<void> {
    await this.#turns.run(async () => {
      if (this.#head.last !== null || this.#running) return { value: null, inputs: [] };
      const { head, final, settled } = await keep();
      this.#head = head;
      for (const id of settled) this.pool.remove(id);
      await this.#openMachine();
      this.#emit((events) => events.final?.(final, false));
      this.#dropRefused(this.#work.select());
      return { value: null, inputs: [] };
    });
  }

  async #catchUp(blocks: readonly Uint8Array[]): Promise<{ value: Result<number, Failure>; inputs: SimplexInput[] }> {
    const finals: FinalBlock[] = [];
    const { applied, stopped, certificate } = await catchUp({
      ...this.#options,
      head: this.#head,
      blocks,
      verified: (id) => this.pool.get(id),
      executed: (id) => this.#work.executed(id),
      onFinal: (final, head) => {
        this.#head = head;
        finals.push(final);
      },
    });
    // What was pending here may be final by now: it is neither ordered nor refused again.
    for (const { id } of finals.flatMap(({ verified }) => verified)) this.pool.remove(id);
    try {
      if (applied > 0 && !this.#running) await this.#openMachine();
    } catch (error) {
      // It is opened again when this node begins to take part.
      this.#resting = true;
      throw error;
    } finally {
      for (const final of finals) this.#emit((events) => events.final?.(final, final !== finals.at(-1)));
    }
    const value = stopped && applied === 0 ? err(stopped) : ok(applied);
    if (stopped?.code.startsWith('conflicting_')) this.#emit((events) => events.conflict?.(stopped));
    if (applied === 0 || certificate === null) return { value, inputs: [] };
    if (!this.#running) {
      this.#dropRefused(this.#work.select());
      return { value, inputs: [] };
    }
    const interval = intervalAfter(this.state);
    const inputs = await this.#followSeal();
    return { value, inputs: inputs ?? [{ kind: 'caughtUp', tip: this.tip, certificate, interval }] };
  }

  #onPending(entries: readonly VerifiedEntry[]): void {
    this.#emit((events) => events.pending?.(entries));
    this.#executeReady();
    // While the machine rests and knows of work, there is no news in more: choosing anew would take longer than ordering.
    const { work, request } = this.#simplex;
    if (this.#turns.length > 0 || !work || request !== null) this.#turns.runOnce(this.#findWork);
  }

  /** Proposals whose entries have come. */
  #executeReady(): void {
    for (const block of this.#work.ready) this.#turns.runAside(() => this.#work.execute(block));
  }

  /** Says whether anything could be ordered beyond the tip, and forgets what never can; once for all that comes until then. */
  readonly #findWork = async (): Promise<SimplexInput[]> => {
    if (!this.#running || !this.#work.groundOf(this.#simplex.tip.id)) return [];
    const selection = this.#work.select();
    if (this.#simplex.tip.id === this.tip.id) this.#dropRefused(selection);
    return [{ kind: 'work', pending: selection.entries.length > 0 }];
  };

  #dropRefused({ refused: all }: Selection): void {
    const refused = all.filter(({ code }) => !codeWaits(code));
    if (refused.length === 0) return;
    void this.#intake.drop(refused.map(({ entry }) => entry.id)).catch((error: unknown) => this.#fail(error));
    for (const { entry, code } of refused) {
      const because = isCode(code) ? becauseOf(code) : code;
      this.#emit((events) => events.refused?.(entry, { code, because }));
    }
  }

  /** One input, its effects in order, each finished before the next begins. */
  async #step(input: SimplexInput): Promise<SimplexInput[]> {
    if (this.#resting) return [];
    const before = this.#simplex;
    const { state, effects } = stepSimplex(before, input, this.#options.clock.now());
    this.#simplex = state;
    this.#line.stepped(before, state);
    const answers: SimplexInput[] = [];
    for (const effect of effects) answers.push(...(await this.#perform(effect)));
    return (await this.#followSeal()) ?? answers;
  }

  /** After a final block that hands over to other validators, a new machine begins, and what the old one waits for is void. */
  async #followSeal(): Promise<SimplexInput[] | null> {
    const { epoch } = this.#simplex.config;
    if (rulesAfter(this.state, this.#options.founding.group).epoch === epoch) return null;
    await this.#work.forget(Number.MAX_SAFE_INTEGER - 1);
    await eraseRange(this.#options.store, logRange(epoch));
    return await this.#reopen();
  }

  /** A machine as the disk says it should be. */
  async #reopen(): Promise<SimplexInput[]> {
    this.#setTimer(null);
    await this.#openMachine();
    if (!this.#running) return [];
    this.#line.start();
    this.#resting = false;
    return [{ kind: 'start' }];
  }

  async #openMachine(): Promise<void> {
    const { epoch } = this.#simplex.config;
    const { simplex, signer } = await openSimplex(this.#options, this.#head);
    this.#simplex = simplex;
    this.#signer = signer;
    if (epoch !== simplex.config.epoch) this.#emit((events) => events.epoch?.());
  }

  #stop(): void {
    this.#closed = true;
    this.#setTimer(null);
    this.#turns.close();
    this.#work.close();
    this.#line.close();
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.#stop();
    this.#options.log.error('ordering stopped', { because: messageOf(error) });
    this.#emit((events) => events.failed?.(error));
  }

  async #perform(effect: SimplexEffect): Promise<SimplexInput[]> {
    const { store, log, verifier } = this.#options;
    const signer = this.#signer;
    switch (effect.kind) {
      case 'persist':
        await store.write({ put: effect.records.map(encodeLogRecord) }, 'strict');
        return [];
      case 'sign':
        assert(signer, 'only a validator signs');
        return [{ kind: 'signed', vote: await signVote(effect.claim, { ...this.#simplex, signer, verifier }) }];
      case 'propose':
        assert(signer, 'only a validator proposes');
        return [this.#work.propose(effect, signer)];
      case 'execute':
        return await this.#work.execute(effect.block);
      case 'finalised':
        await this.#finalise(effect);
        return [];
      case 'tip':
        this.#turns.runOnce(this.#findWork);
        return [];
      case 'forget':
        await this.#forget(effect.through);
        return [];
      case 'setTimer':
        this.#setTimer(effect.at);
        return [];
      case 'evidence':
        log.error('validator contradicts itself', { signer: effect.first.signer, view: effect.first.view });
        this.#emit((events) => events.evidence?.({ ...effect, set: this.validators }));
        return [];
      case 'send':
      case 'answerBlocks':
        this.#line.perform(effect);
        return [];
    }
  }

  async #finalise({ block, certificate, after }: Extract<SimplexEffect, { kind: 'finalised' }>): Promise<void> {
    const executed = this.#work.executed(block.id);
    assert(executed, 'a block is executed before it is final');
    const kept = await keepFinal(this.#options, this.#head, [{ block, certificate, after, executed }]);
    this.#head = kept.advance();
    for (const { id } of executed.entries) this.pool.remove(id);
    this.#options.log.info('block final', { height: block.header.height, entries: executed.entries.length });
    for (const final of kept.finals) this.#emit((events) => events.final?.(final, false));
  }

  async #forget(through: number): Promise<void> {
    await eraseRange(this.#options.store, forgottenRange(this.#simplex.config.epoch, through));
    await this.#work.forget(through);
    // Leaders hold back while too much is not final.
    if (this.#simplex.tip.id !== this.tip.id) this.#turns.runOnce(this.#findWork);
  }

  #emit(tell: (events: OrderingEvents) => void): void {
    for (const events of [...this.#listeners]) tell(events);
  }
}
