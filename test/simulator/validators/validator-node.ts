// One simulated validator: the machine, its disk, and the loop that performs effects in order, one input at a time.

import { assert } from '../../../shared/core/assert.ts';
import type { Millis } from '../../../shared/core/brand.ts';
import { checkLink, tipOf, type Block, type Tip } from '../../../shared/chain/block.ts';
import { checkFinality } from '../../../shared/chain/certified-block.ts';
import type { Simplex, SimplexEffect, SimplexInput, SimplexMessage } from '../../../shared/chain/simplex-state.ts';
import { finalViewOf } from '../../../shared/chain/simplex-state.ts';
import type { Adversary } from '../../adversaries/adversary.ts';
import type { FinalBlock, ValidatorDisk } from './validator-disk.ts';
import type { NodePorts } from './node-ports.ts';
import type { Wire } from './wire.ts';

/** In place of an index: a node that signs nothing. */
export const WATCHER = -1;
export const DELTA: Millis = 1_000;
/** How soon entries of a proposal that are missing are asked for again, and how often. */
const WANTED_AGAIN: Millis = 2 * DELTA;
const WANTED_TIMES = 30;
/** Blocks of one answer: cut short, so that whoever is far behind asks again. */
const ANSWER_BLOCKS_MAX = 4;
/** Between two words to somebody in another epoch (CN9). */
const OTHER_EPOCH_PACE: Millis = 2 * DELTA;

type NodeInput =
  | SimplexInput
  | Extract<Wire, { readonly kind: 'blocks' }>
  /** Something may wait to be ordered: what, is looked up when its turn comes. */
  | { readonly kind: 'look' };

export class ValidatorNode {
  /** Its place in the network; two nodes with one `self` are twins. */
  readonly place: number;
  /** Which validator of the plan it is, in the set or not; WATCHER for none. */
  readonly self: number;
  readonly disk: ValidatorDisk;
  /** How far its clock is off. */
  clockOffset: Millis;
  adversary: Adversary | null = null;
  machine: Simplex;
  chain: FinalBlock[] = [];
  up = true;
  /** Entries 1 to this one are here. */
  held = 0;
  /** When its last block became final, by the world's time. */
  finishedAt: Millis = 0;
  /** When its timer goes off, by the world's time. */
  timer: Millis | null = null;
  readonly #ports: NodePorts;
  /** Goes up at a crash, so that what was under way ends there. */
  #life = 0;
  #turn = 0;
  #inputs: NodeInput[] = [];
  #running = false;
  readonly #waiting = new Map<string, Block>();
  /** When somebody in another epoch was last answered, by place. */
  readonly #metAt = new Map<number, Millis>();

  constructor(given: { place: number; self: number; disk: ValidatorDisk; clockOffset: Millis; ports: NodePorts }) {
    this.place = given.place;
    this.self = given.self;
    this.disk = given.disk;
    this.clockOffset = given.clockOffset;
    this.#ports = given.ports;
    this.machine = this.#openMachine();
  }

  get clock(): Millis {
    return this.#ports.now() + this.clockOffset;
  }

  get finalView(): number {
    return finalViewOf(this.machine);
  }

  get epoch(): number {
    return this.machine.config.epoch;
  }

  start(): void {
    this.#take({ kind: 'start' });
  }

  crash(): void {
    this.up = false;
    this.#life++;
    this.#inputs = [];
    this.#running = false;
    this.#waiting.clear();
    this.timer = null;
  }

  /** As after a power cut: what the disk has is all there is. Entries are on it. */
  restart(): void {
    assert(!this.up, 'only what is down starts again');
    this.up = true;
    this.machine = this.#openMachine();
    this.start();
  }

  /** A session with this validator began or was lost. */
  notice(validator: number, online: boolean): void {
    const index = this.#ports.indexIn(this.machine.config.set, validator);
    const { epoch } = this.machine.config;
    if (validator !== this.self && index !== null) this.#take({ kind: 'presence', epoch, validator: index, online });
  }

  addEntries(upTo: number): void {
    if (upTo <= this.held) return;
    this.held = upTo;
    if (!this.up) return;
    for (const [id, block] of this.#waiting) {
      if (this.#ports.book.lastOf(block) > this.held) continue;
      this.#waiting.delete(id);
      this.#take(this.#judge(block));
    }
    this.#take({ kind: 'look' });
  }

  hear(wire: Wire): void {
    if (!this.up || !this.#ports.isGenuine(wire)) return;
    const { from } = wire;
    if (this.adversary?.hear?.(wire) === true) return;
    switch (wire.kind) {
      case 'simplex':
        if (wire.epoch !== this.epoch) return this.#meetOtherEpoch(wire);
        return this.#take({ kind: 'message', from: String(from), finalView: wire.finalView, message: wire.message });
      case 'blocks':
        return this.#take(wire);
      case 'entries':
        if (wire.upTo > this.held) this.#passOn(wire.upTo);
        return this.addEntries(wire.upTo);
      case 'wanted':
        if (this.held > 0)
          this.#ports.send(from, { kind: 'entries', from: this.place, upTo: Math.min(wire.upTo, this.held) });
        return;
      case 'greeting':
        this.addEntries(wire.upTo);
        // A new session: what was said in the one before may be lost.
        this.#metAt.delete(from);
        this.hear({ ...wire, kind: 'simplex', message: { kind: 'status' } });
    }
  }

  /** CN9: whoever is behind hears of it, and asks for the blocks that lead to the present epoch. */
  #meetOtherEpoch({ from, epoch, message }: Extract<Wire, { readonly kind: 'simplex' }>): void {
    if (this.#ports.machine.answersEpochs === false) return;
    if (message.kind === 'getBlocks') return this.#answerBlocks(from, message.from);
    const last = this.#metAt.get(from);
    if (last !== undefined && this.#ports.now() - last < OTHER_EPOCH_PACE) return;
    this.#metAt.set(from, this.#ports.now());
    if (epoch > this.epoch) this.#askForBlocks(from);
    else this.#send(from, { kind: 'status' }, this.finalView);
  }

  #askForBlocks(to: number): void {
    this.#send(to, { kind: 'getBlocks', from: this.machine.final.height + 1 }, this.finalView);
  }

  #passOn(upTo: number): void {
    for (const to of this.#ports.placesOf('all', this.epoch))
      this.#ports.send(to, { kind: 'entries', from: this.place, upTo });
  }

  greet(to: number): void {
    if (!this.up) return;
    this.#ports.send(to, {
      kind: 'greeting',
      from: this.place,
      epoch: this.epoch,
      finalView: this.finalView,
      upTo: this.held,
    });
  }

  #openMachine(): Simplex {
    const { group, machine, book } = this.#ports;
    this.chain = [...this.disk.chain];
    const last = this.chain.at(-1);
    const { rules } = book.groupAfter(last?.block.id ?? group.tip.id);
    return machine.create({
      config: machine.configure({ ...rules, self: this.#ports.indexIn(rules.set, this.self), delta: DELTA }),
      final: last === undefined ? group.tip : tipOf(last.block),
      interval: this.#ports.interval,
      certificate: last?.certificate ?? null,
      log: this.disk.readLog(),
      now: this.clock,
    });
  }

  #take(input: NodeInput): void {
    this.#inputs.push(input);
    if (!this.#running) this.#drain();
  }

  #drain(): void {
    this.#running = true;
    const life = this.#life;
    for (let input = this.#inputs.shift(); input !== undefined; input = this.#inputs.shift()) {
      if (input.kind === 'blocks') {
        const caughtUp = this.#keepBlocks(input);
        if (caughtUp === null) continue;
        input = caughtUp;
      }
      if (input.kind === 'look') input = this.#workBeyond(this.machine.tip);
      const before = this.machine;
      const { state, effects } = this.#ports.machine.step(before, input, this.clock);
      this.machine = state;
      const isDone = this.#performAll(effects, 0, []);
      if (this.#life !== life) return;
      this.#ports.watch.stepped(this, before);
      if (!isDone) return;
    }
    this.#running = false;
  }

  /** False when it goes on later: a strict write takes its time. */
  #performAll(effects: readonly SimplexEffect[], first: number, answers: SimplexInput[]): boolean {
    const life = this.#life;
    for (let at = first; at < effects.length; at++) {
      const effect = effects[at]!;
      const isStrict = this.#perform(effect, answers);
      if (this.#ports.crashes() || this.#life !== life) return false;
      const delay = isStrict ? this.#ports.diskDelay() : 0;
      if (delay > 0) {
        this.#ports.after(delay, () => {
          if (this.#life !== life) return;
          this.disk.sync();
          this.#ports.watch.performed(this, effect);
          if (this.#performAll(effects, at + 1, answers)) this.#drain();
        });
        return false;
      }
      if (isStrict) this.disk.sync();
      this.#ports.watch.performed(this, effect);
    }
    if (this.#followSeal()) return true;
    this.#inputs.unshift(...answers);
    return true;
  }

  /** CH37: after a final seal a new machine begins, and what the old one waits for is void. */
  #followSeal(): boolean {
    const { book, machine } = this.#ports;
    const last = this.chain.at(-1);
    const { epoch } = this;
    if (last === undefined || machine.handsOver === false || book.groupAfter(last.block.id).rules.epoch === epoch) {
      return false;
    }
    this.disk.write({ kind: 'forget', epoch, through: Number.MAX_SAFE_INTEGER - 1 });
    this.#waiting.clear();
    this.#setTimer(null);
    this.machine = this.#openMachine();
    this.#inputs.unshift({ kind: 'start' });
    for (const to of this.#ports.placesOf('all', this.epoch)) this.#send(to, { kind: 'status' }, this.finalView);
    return true;
  }

  /** True for a strict write. */
  #perform(effect: SimplexEffect, answers: SimplexInput[]): boolean {
    switch (effect.kind) {
      case 'persist':
        this.disk.write({ kind: 'log', records: effect.records });
        return true;
      case 'sign':
        answers.push({ kind: 'signed', vote: this.#ports.sign(effect.claim) });
        return false;
      case 'send':
        for (const to of this.#ports.placesOf(effect.to, this.epoch)) this.#send(to, effect.message, effect.finalView);
        return false;
      case 'propose':
        this.#answer(answers, () => this.#propose(effect));
        return false;
      case 'execute':
        this.#execute(effect.block, answers);
        return false;
      case 'tip':
        this.#inputs.push({ kind: 'look' });
        return false;
      case 'finalised':
        this.#keep({ block: effect.block, certificate: effect.certificate, after: effect.after });
        return true;
      case 'forget':
        this.disk.write({ kind: 'forget', epoch: this.epoch, through: effect.through });
        return false;
      case 'answerBlocks':
        for (const to of this.#ports.placesOf(effect.to, this.epoch)) this.#answerBlocks(to, effect.from);
        return false;
      case 'setTimer':
        this.#setTimer(effect.at);
        return false;
      case 'evidence':
        return false;
    }
  }

  #send(to: number, message: SimplexMessage, finalView: number): void {
    if (this.adversary?.send?.(to, message, finalView) === true) return;
    this.#ports.send(to, { kind: 'simplex', from: this.place, epoch: this.epoch, finalView, message });
  }

  #setTimer(at: Millis | null): void {
    const turn = ++this.#turn;
    this.timer = at === null ? null : Math.max(this.#ports.now(), at - this.clockOffset);
    if (this.timer === null) return;
    this.#ports.after(this.timer - this.#ports.now(), () => {
      if (turn !== this.#turn || !this.up) return;
      this.timer = null;
      this.#take({ kind: 'timer' });
    });
  }

  #workBeyond(tip: Tip): SimplexInput {
    return { kind: 'work', pending: this.#ports.book.cutAfter(tip.id, this.held, this.epoch).length > 0 };
  }

  #propose({ view, parent, time, entries, empty }: SimplexEffect & { kind: 'propose' }): SimplexInput {
    const { book, machine } = this.#ports;
    const cut = entries ? machine.cutAfter(book, parent.id, this.held, this.epoch) : [];
    if (cut.length === 0 && !empty) return { kind: 'proposed', view, block: null };
    const block = book.createBlock(this.epoch, parent, { view, time, cut });
    book.add(block);
    return { kind: 'proposed', view, block, interval: this.#ports.interval };
  }

  #execute(block: Block, answers: SimplexInput[]): void {
    if (this.#ports.book.lastOf(block) <= this.held) {
      this.#answer(answers, () => this.#judge(block));
    } else {
      this.#waiting.set(block.id, block);
      this.#askForEntries(block, WANTED_TIMES);
    }
  }

  /** Within the step, or later, when other things have happened. */
  #answer(answers: SimplexInput[], make: () => SimplexInput): void {
    const delay = this.#ports.workDelay();
    const life = this.#life;
    if (delay === 0) answers.push(make());
    else this.#ports.after(delay, () => life === this.#life && this.#take(make()));
  }

  #judge(block: Block): SimplexInput {
    const { id } = block;
    return this.#ports.book.add(block)
      ? { kind: 'executed', id, valid: true, interval: this.#ports.interval }
      : { kind: 'executed', id, valid: false };
  }

  #askForEntries(block: Block, times: number): void {
    if (times === 0 || !this.#waiting.has(block.id) || block.header.view <= this.machine.final.view) return;
    const upTo = this.#ports.book.lastOf(block);
    for (const to of this.#ports.placesOf('all', this.epoch))
      this.#ports.send(to, { kind: 'wanted', from: this.place, upTo });
    const life = this.#life;
    this.#ports.after(WANTED_AGAIN, () => life === this.#life && this.#askForEntries(block, times - 1));
  }

  #keep(final: FinalBlock): void {
    assert(final.block.header.height === this.chain.length + 1, 'final blocks come by rising height');
    this.#ports.book.open(final.block.id);
    this.chain.push(final);
    this.finishedAt = this.#ports.now();
    this.disk.write({ kind: 'final', final });
    this.#ports.watch.finalised(this, final);
  }

  #answerBlocks(to: number, from: number): void {
    const first = this.#ports.machine.firstBlock(from);
    const blocks = first < 1 ? [] : this.chain.slice(first - 1, first - 1 + ANSWER_BLOCKS_MAX);
    if (this.adversary?.answerBlocks?.(to, blocks) === true || blocks.length === 0) return;
    this.#ports.send(to, { kind: 'blocks', from: this.place, epoch: this.epoch, blocks });
  }

  /** CH32: what stands on the own chain and is final; the entries came with the blocks. */
  #keepBlocks({ from, epoch, blocks }: Extract<Wire, { readonly kind: 'blocks' }>): SimplexInput | null {
    const { group, book } = this.#ports;
    let kept: FinalBlock | null = null;
    for (const final of blocks) {
      const { block } = final;
      if (block.header.height <= this.chain.length) continue;
      const before = this.chain.at(-1);
      const parent = before === undefined ? group.tip : tipOf(before.block);
      const follows =
        checkFinality(block, final).ok && checkLink(parent, block.header, book.groupAfter(parent.id).rules).ok;
      if (!follows || !book.add(block)) break;
      this.#keep(final);
      this.held = Math.max(this.held, book.lastOf(block));
      kept = final;
    }
    if (kept === null) return null;
    this.disk.sync();
    const isOver = this.#followSeal();
    // The answer was cut short: the next one goes on from here.
    if (this.epoch < epoch) this.#askForBlocks(from);
    if (isOver) return null;
    return { kind: 'caughtUp', tip: tipOf(kept.block), certificate: kept.certificate, interval: this.#ports.interval };
  }
}
