// The loop around Simplex machines, in memory: performs effects in order, keeps the log as a disk would, carries messages, has one clock.

import type { Block, Tip } from './block.ts';
import type { VerifiedCertificate } from './certificate.ts';
import { INTERVAL, stubVote, testBlock, type TestGroup } from './chain.test-kit.ts';
import { createSimplex, stepSimplex } from './simplex.ts';
import type { Simplex, SimplexEffect, SimplexInput } from './simplex-state.ts';
import type { VoteClaim } from './vote.ts';
import { decodeLogRecord, encodeLogRecord, forgottenRange, type LogRecord } from './vote-log.ts';

export const DELTA = 1_000;

export type TestNode = {
  readonly self: number;
  machine: Simplex;
  online: boolean;
  /** The log, as bytes by key; survives a restart. */
  disk: Map<string, Uint8Array>;
  /** The chain's store. */
  chain: { block: Block; certificate: VerifiedCertificate }[];
  timer: number | null;
  /** Everything it ever asked to have signed. */
  readonly signed: VoteClaim[];
  readonly effects: SimplexEffect[];
  /** Entries to order; the kit's blocks carry their count as a cut of one feed. */
  pending: number;
};

type Delivery = { readonly to: number; readonly input: SimplexInput; readonly blocks?: TestNode['chain'] };

/** While there is chaos: of 100 messages so many are lost, of 1,000 steps so many begin with a crash, up to a total. */
const LOST_PERCENT = 15;
const CRASHES_PER_THOUSAND = 10;
const CRASHES_MAX = 12;

export class TestNetwork {
  readonly group: TestGroup;
  readonly nodes: TestNode[];
  now: number;
  /** Draws natural numbers: then deliveries come in any order, get lost, and nodes restart. */
  chaos: (() => number) | null = null;
  #queue: Delivery[] = [];
  #crashes = 0;

  constructor(group: TestGroup) {
    this.group = group;
    this.now = group.tip.time + 10_000;
    this.nodes = group.signers.map((_, self) => this.#createNode(self));
  }

  #createNode(self: number): TestNode {
    const disk = new Map<string, Uint8Array>();
    const node = { self, online: true, disk, chain: [], timer: null, signed: [], effects: [], pending: 0 };
    return { ...node, machine: this.#createMachine(self, [], []) };
  }

  #createMachine(self: number, log: readonly LogRecord[], chain: TestNode['chain']): Simplex {
    const last = chain.at(-1);
    const final: Tip = last === undefined ? this.group.tip : { ...last.block.header, id: last.block.id };
    return createSimplex({
      config: { ...this.group.rules, self, delta: DELTA },
      final,
      interval: INTERVAL,
      certificate: last?.certificate ?? null,
      log,
      now: this.now,
    });
  }

  start(): void {
    for (const { self } of this.nodes) this.give(self, { kind: 'start' });
  }

  /** As after a crash: only disk and chain are left. */
  restart(self: number): void {
    const node = this.nodes[self]!;
    const log = [...node.disk.values()].map((value) => {
      const record = decodeLogRecord(value);
      if (!record.ok) throw new Error(record.error.because);
      return record.value;
    });
    node.machine = this.#createMachine(self, log, node.chain);
    node.timer = null;
    this.#queue = this.#queue.filter(({ to, input }) => to !== self || input.kind === 'message');
    this.give(self, { kind: 'start' });
  }

  /** Something to order reaches every node that is online. */
  submit(count = 1): void {
    for (const node of this.nodes) {
      if (!node.online) continue;
      node.pending += count;
      this.give(node.self, { kind: 'work', pending: true });
    }
  }

  give(to: number, input: SimplexInput): void {
    this.#queue.push({ to, input });
  }

  /** Delivers everything; when all is quiet the clock goes on to the next timer, until `until`. */
  run(until: number, perform?: (node: TestNode, effect: SimplexEffect) => boolean): void {
    for (let steps = 0; steps < 100_000; steps++) {
      if (this.chaos !== null && this.#crashes < CRASHES_MAX && this.chaos() % 1_000 < CRASHES_PER_THOUSAND) {
        this.#crashes++;
        this.restart(this.chaos() % this.nodes.length);
      }
      const delivery = this.#nextDelivery();
      if (delivery !== undefined) {
        const node = this.nodes[delivery.to]!;
        const isLost = delivery.input.kind === 'message' && this.chaos !== null && this.chaos() % 100 < LOST_PERCENT;
        if (!node.online || isLost) continue;
        for (const final of delivery.blocks ?? []) {
          if (final.block.header.height > node.chain.length) node.chain.push(final);
        }
        this.#step(node, delivery.input, perform);
        continue;
      }
      const due = this.nodes.filter((node) => node.online && node.timer !== null && node.timer <= until);
      if (due.length === 0) {
        this.now = Math.max(this.now, until);
        return;
      }
      const [first] = due.sort((a, b) => a.timer! - b.timer!);
      this.now = Math.max(this.now, first!.timer!);
      first!.timer = null;
      this.give(first!.self, { kind: 'timer' });
    }
    throw new Error('the network does not come to rest');
  }

  /** The first; with chaos the start of a node is still its first input. */
  #nextDelivery(): Delivery | undefined {
    const { chaos } = this;
    if (chaos === null || this.#queue.length === 0) return this.#queue.shift();
    const at = chaos() % this.#queue.length;
    const { to } = this.#queue[at]!;
    const started = this.#queue.findIndex((delivery) => delivery.to === to && delivery.input.kind === 'start');
    return this.#queue.splice(started < 0 ? at : started, 1)[0];
  }

  #step(node: TestNode, input: SimplexInput, perform?: (node: TestNode, effect: SimplexEffect) => boolean): void {
    const { state, effects } = stepSimplex(node.machine, input, this.now);
    node.machine = state;
    for (const effect of effects) {
      node.effects.push(effect);
      if (perform?.(node, effect) === false) continue;
      this.#perform(node, effect);
    }
  }

  #perform(node: TestNode, effect: SimplexEffect): void {
    const { self } = node;
    switch (effect.kind) {
      case 'persist':
        for (const record of effect.records) {
          const { key, value } = encodeLogRecord(record);
          node.disk.set(key, value);
        }
        return;
      case 'sign':
        node.signed.push(effect.claim);
        return this.give(self, { kind: 'signed', vote: stubVote(self, effect.claim) });
      case 'send':
        for (const { self: to } of this.nodes) {
          if (to === self) continue;
          if (effect.to !== 'all' && addressOf(effect.to) !== to) continue;
          this.give(to, { kind: 'message', from: String(self), finalView: effect.finalView, message: effect.message });
        }
        return;
      case 'propose':
        return this.#propose(node, effect);
      case 'execute':
        return this.give(self, { kind: 'executed', id: effect.block.id, valid: true, interval: INTERVAL });
      case 'tip':
        return this.give(self, { kind: 'work', pending: this.#beyond(node, effect.tip) > 0 });
      case 'finalised':
        node.chain.push({ block: effect.block, certificate: effect.certificate });
        return;
      case 'forget': {
        const { from, to } = forgottenRange(this.group.rules.epoch, effect.through);
        for (const key of node.disk.keys()) if (key >= from && key < to) node.disk.delete(key);
        return;
      }
      case 'answerBlocks':
        return this.#answerBlocks(effect.to === 'all' ? -1 : addressOf(effect.to), node, effect.from);
      case 'setTimer':
        node.timer = effect.at;
        return;
      case 'evidence':
        return;
    }
  }

  /** Entries that the chain up to this tip does not hold: the cut of a kit block ends at the count so far. */
  #beyond(node: TestNode, tip: Tip): number {
    return node.pending - this.#orderedUpTo(node, tip);
  }

  #orderedUpTo(node: TestNode, tip: Tip): number {
    for (let id = tip.id; id !== this.group.tip.id;) {
      const known = node.machine.blocks.get(id)?.block ?? node.chain.find(({ block }) => block.id === id)?.block;
      if (known === undefined) return 0;
      const last = known.header.cut[0];
      if (last !== undefined) return last.to;
      id = known.header.parent;
    }
    return 0;
  }

  #propose(node: TestNode, { view, parent, time, entries, empty }: SimplexEffect & { kind: 'propose' }): void {
    const ordered = this.#orderedUpTo(node, parent);
    const to = Math.min(node.pending, ordered + 64);
    const head = this.group.tip.id;
    const cut = entries && to > ordered ? [{ feed: '00000000000000aa' as never, from: ordered + 1, to, head }] : [];
    const block = cut.length === 0 && !empty ? null : testBlock(this.group, parent, { view, time, cut });
    this.give(
      node.self,
      block === null ? { kind: 'proposed', view, block } : { kind: 'proposed', view, block, interval: INTERVAL },
    );
  }

  #answerBlocks(to: number, { chain }: TestNode, from: number): void {
    const last = chain.at(-1);
    const asker = this.nodes[to];
    if (asker === undefined || last === undefined || last.block.header.height < from) return;
    const tip = { ...last.block.header, id: last.block.id };
    const input = { kind: 'caughtUp', tip, certificate: last.certificate, interval: INTERVAL } as const;
    this.#queue.push({ to, input, blocks: [...chain] });
  }
}

function addressOf(to: { readonly peer: string } | { readonly validator: number }): number {
  return 'peer' in to ? Number(to.peer) : to.validator;
}
