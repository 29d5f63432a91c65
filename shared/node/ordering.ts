// Runs the Simplex machine of a validator over its disk: performs effects in order, executes blocks, keeps what is final.

import type { Cid } from '../codec/cid.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Block, Tip } from '../chain/block.ts';
import type { CertifiedBlock } from '../chain/certified-block.ts';
import type { Founding } from '../chain/genesis.ts';
import type { Simplex, SimplexEffect, SimplexInput } from '../chain/simplex-state.ts';
import type { VoteClaim } from '../chain/vote.ts';
import type { ChangeReader } from '../feeds/document-change.ts';
import type { ParsedEntry, VerifiedEntry } from '../feeds/entry.ts';
import type { DocumentIndex } from '../ledger/document-index.ts';
import type { State } from '../ledger/state.ts';
import type { Clock, Log, Signer, Store, Verifier } from '../platform/ports.ts';
import { assert } from '../core/assert.ts';
import { err, fail, ok } from '../core/result.ts';
import { GENESIS_EPOCH } from '../chain/genesis.ts';
import { stepSimplex } from '../chain/simplex.ts';
import { encodeLogRecord, forgottenRange } from '../chain/vote-log.ts';
import { verifyVote, voteBytes } from '../chain/vote.ts';
import { becauseOf, codeWaits, isCode } from '../ledger/codes.ts';
import { executeBlock, selectEntries, type Selection } from '../ledger/execute.ts';
import { findEntryHeight, loadChain } from './chain-store.ts';
import { EntryIntake } from './entry-intake.ts';
import { createProposal, intervalAfter, openSimplex } from './ordering-simplex.ts';
import { HeldEntries } from './held-entries.ts';
import type { EntryPool } from './entry-pool.ts';
import {
  catchUp,
  executeOn,
  keepFinal,
  standOn,
  tipOfHead,
  type BesideChain,
  type ChainHead,
  type Executed,
  type FinalBlock,
  type Ground,
} from './chain-head.ts';

export type OrderingEvents = {
  /** Entries were verified and are on disk, waiting for their block. */
  pending?(entries: readonly VerifiedEntry[]): void;
  final?(block: FinalBlock): void;
  /** The disk failed: nothing more is signed or ordered until a restart. */
  failed?(error: unknown): void;
  /** A waiting entry can never be ordered; it is forgotten. */
  refused?(entry: VerifiedEntry, failure: Failure): void;
  /** A verified entry was not taken in because another has its number. */
  contradicted?(entry: VerifiedEntry): void;
};

export type OrderingOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly verifier: Verifier;
  readonly founding: Founding;
  /** The validator's key, one of the founding's set; null on a node that follows those who order. */
  readonly signer: Signer | null;
  readonly log: Log;
  /** Where the group has documents. */
  readonly readChanges?: ChangeReader;
  readonly beside?: BesideChain;
};

export class Ordering {
  readonly #options: OrderingOptions;
  readonly #intake: EntryIntake;
  readonly #executed = new Map<Cid, Executed & { readonly parent: Cid }>();
  readonly #inputs: SimplexInput[] = [];
  readonly #listeners = new Set<OrderingEvents>();
  #simplex: Simplex;
  #head: ChainHead;
  /** Entries that wait for what they build on. */
  readonly #held: HeldEntries;
  #running = false;
  #closed = false;
  #cancelTimer: (() => void) | null = null;
  #turn: Promise<void> = Promise.resolve();

  private constructor(options: OrderingOptions, loaded: { head: ChainHead; simplex: Simplex }) {
    this.#options = options;
    this.#held = new HeldEntries(options.clock, () => this.#feedWork());
    this.#head = loaded.head;
    this.#simplex = loaded.simplex;
    const { store, clock, verifier, log, founding } = options;
    this.#intake = new EntryIntake({
      store,
      clock,
      verifier,
      log,
      group: founding.group,
      readChanges: options.readChanges,
      head: () => ({ state: this.state, tip: this.tip }),
      onContradicted: (entry) => this.#emit((events) => events.contradicted?.(entry)),
      onPending: (entries) => {
        this.#emit((events) => events.pending?.(entries));
        // While the machine rests and knows of work, there is no news in more: choosing anew would take longer than ordering.
        const { work, request } = this.#simplex;
        if (this.#inputs.length > 0 || !work || request !== null) this.#feedWork();
      },
    });
  }

  /** Loads the chain, the vote log and what was pending. Signs nothing before `start`. */
  static async open(options: OrderingOptions): Promise<Ordering> {
    const { store, founding } = options;
    const head = await loadChain(store, founding);
    const ordering = new Ordering(options, { head, simplex: await openSimplex(options, head) });
    await ordering.#intake.restore();
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

  get pool(): EntryPool {
    return this.#intake.pool;
  }

  /** Begins to take part: signs again what the log binds it to, then orders what is pending. */
  start(): void {
    assert(this.#options.signer, 'a node that follows has nothing to sign');
    if (this.#running) return;
    this.#running = true;
    this.#feed({ kind: 'start' });
    this.#feedWork();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#held.close();
    await this.#turn.catch(() => {});
  }

  /** The height of the final block that holds an entry. */
  heightOf(id: Cid): Promise<number | undefined> {
    return findEntryHeight(this.#options.store, id);
  }

  /** Takes an entry in, or several; see EntryIntake. */
  readonly submit = (wire: Uint8Array): ReturnType<EntryIntake['submit']> => this.#intake.submit(wire);
  readonly submitAll = (entries: readonly ParsedEntry[]): ReturnType<EntryIntake['submitAll']> =>
    this.#intake.submitAll(entries);

  /**
   * Takes certified blocks of others, from the own tip upwards: each is verified, executed and kept. Returns how many
   * were new. Used before `start`, so that an old copy of the folder learns what it signed before it signs again.
   * `conflicting_block`: somebody holds another final block of the own height; nothing may be signed.
   */
  async takeBlocks(blocks: readonly Uint8Array[]): Promise<Result<number, Failure>> {
    if (this.#running) {
      return fail(
        'conflicting_block',
        'This node orders the group, and somebody else has blocks that it never signed.',
      );
    }
    const { store, founding, verifier } = this.#options;
    const finals: FinalBlock[] = [];
    const { applied, stopped } = await catchUp({
      store,
      founding,
      verifier,
      head: this.#head,
      blocks,
      readChanges: this.#options.readChanges,
      beside: this.#options.beside,
      verified: (id) => this.pool.get(id),
      onFinal: (final, head) => {
        this.#head = head;
        finals.push(final);
      },
    });
    if (applied > 0) this.#simplex = await openSimplex(this.#options, this.#head);
    // What was pending here may be final by now: it is neither ordered nor refused again.
    for (const { id } of finals.flatMap(({ verified }) => verified)) this.pool.remove(id);
    for (const final of finals) this.#emit((events) => events.final?.(final));
    if (applied > 0) this.#dropRefused(this.#select().refused);
    return stopped && applied === 0 ? err(stopped) : ok(applied);
  }

  /** Forgets pending entries that those who order have refused. */
  drop(ids: readonly Cid[]): Promise<void> {
    return this.#intake.drop(ids);
  }

  #groundOf(id: Cid): Ground | undefined {
    if (id === this.tip.id) return this.#head;
    const executed = this.#executed.get(id);
    const below = executed && this.#groundOf(executed.parent);
    return below && standOn(below, executed.result);
  }

  /** Says whether anything could be ordered beyond the tip, and forgets what never can. */
  #feedWork(): void {
    if (!this.#running || !this.#groundOf(this.#simplex.tip.id)) return;
    const selection = this.#select();
    if (this.#simplex.tip.id === this.tip.id) this.#dropRefused(selection.refused);
    this.#feed({ kind: 'work', pending: selection.entries.length > 0 });
  }

  /** What a block after the machine's tip would take of the pending. */
  #select(): Selection {
    const { tip } = this.#simplex;
    const ground = this.#groundOf(tip.id);
    assert(ground, 'the tip was executed');
    const selection = selectEntries({
      ...ground,
      held: this.#held.current,
      parentId: tip.id,
      blockTime: Math.max(this.#options.clock.now(), tip.time + 1),
      height: tip.height + 1,
      pending: this.#intake.pool.entries(),
    });
    this.#held.keep(selection);
    return selection;
  }

  #dropRefused(all: Selection['refused']): void {
    const refused = all.filter(({ code }) => !codeWaits(code));
    if (refused.length === 0) return;
    void this.#intake.drop(refused.map(({ entry }) => entry.id)).catch((error: unknown) => this.#fail(error));
    for (const { entry, code } of refused) {
      const because = isCode(code) ? becauseOf(code) : code;
      this.#emit((events) => events.refused?.(entry, { code, because }));
    }
  }

  #feed(input: SimplexInput): void {
    this.#inputs.push(input);
    if (this.#inputs.length > 1) return;
    this.#turn = this.#turn.then(() => this.#drain()).catch((error: unknown) => this.#fail(error));
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

  #fail(error: unknown): void {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#held.close();
    this.#options.log.error('ordering stopped', { because: error instanceof Error ? error.message : String(error) });
    this.#emit((events) => events.failed?.(error));
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
        return [this.#propose(effect)];
      case 'execute':
        return this.#executeKnown(effect.block);
      case 'finalised':
        await this.#finalise(effect);
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
    assert(self !== null && signer, 'only a validator is asked to sign');
    const vote = { ...claim, signer: self, sig: await signer.sign(voteBytes(group, claim)) };
    const verified = await verifyVote({ vote, group, set, verifier });
    assert(verified.ok, 'an own vote verifies');
    return { kind: 'signed', vote: verified.value };
  }

  #propose(effect: Extract<SimplexEffect, { kind: 'propose' }>): SimplexInput {
    const { view, parent, time, empty } = effect;
    const { signer, founding } = this.#options;
    assert(signer, 'only a validator proposes');
    const ground = this.#groundOf(parent.id);
    assert(ground, 'a proposal stands on an executed block');
    const start = { ...ground, parentId: parent.id, blockTime: time, height: parent.height + 1 };
    const { entries } = selectEntries({ ...start, held: this.#held.current, pending: this.#intake.pool.entries() });
    if (entries.length === 0 && !empty) return { kind: 'proposed', view, block: null };
    const result = executeBlock({ ...start, proposer: signer.key, entries });
    assert(result.ok, 'selected entries execute');
    const block = createProposal({ founding, proposer: signer.key, view, parent, time, result: result.value });
    this.#executed.set(block.id, { result: result.value, entries, parent: parent.id });
    return { kind: 'proposed', view, block, interval: intervalAfter(result.value.state) };
  }

  /** After a restart: the entries of an own proposal are still pending, so that it can be executed again. */
  #executeKnown(block: Block): SimplexInput[] {
    const { id } = block;
    const known = this.#executed.get(id);
    if (known) return [{ kind: 'executed', id, valid: true, interval: intervalAfter(known.result.state) }];
    const entries: VerifiedEntry[] = [];
    for (const { feed, from, to } of block.header.cut) {
      const found = this.#intake.pool.range(feed, { from, to });
      if (!found) return [];
      entries.push(...found);
    }
    const { parent } = block.header;
    const ground = this.#groundOf(parent);
    assert(ground, 'a block is executed after its parent');
    const executed = executeOn(ground, block, entries);
    if (!executed.ok) {
      this.#options.log.error('a proposal does not execute', { code: executed.error.code });
      return [{ kind: 'executed', id, valid: false }];
    }
    this.#executed.set(id, { ...executed.value, parent });
    return [{ kind: 'executed', id, valid: true, interval: intervalAfter(executed.value.result.state) }];
  }

  async #finalise({ block, certificate, after }: Extract<SimplexEffect, { kind: 'finalised' }>): Promise<void> {
    const executed = this.#executed.get(block.id);
    assert(executed, 'a block is executed before it is final');
    const kept = await keepFinal(this.#options, this.#head, { block, certificate, after, executed });
    this.#head = kept.advance();
    this.#executed.delete(block.id);
    for (const { id } of executed.entries) this.#intake.pool.remove(id);
    this.#options.log.info('block final', { height: block.header.height, entries: executed.entries.length });
    this.#emit((events) => events.final?.(kept.final));
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
