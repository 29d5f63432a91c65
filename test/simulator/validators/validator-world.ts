// A world of validators: one clock, one seed, a network and disks that fail as the plan says, and somebody who looks on.

import type { Millis } from '../../../shared/core/brand.ts';
import type { TestGroup } from '../../../shared/chain/chain.test-kit.ts';
import type { Address } from '../../../shared/chain/simplex-state.ts';
import { ADVERSARIES } from '../../adversaries/adversaries.ts';
import { openStage } from './adversary-stage.ts';
import type { PublicKey } from '../../../shared/crypto/ids.ts';
import { createDice, type Dice } from './dice.ts';
import { createEntryBook, type EntryBook } from './entry-book.ts';
import { EventQueue } from './event-queue.ts';
import type { Fault, FaultPlan } from './fault-plan.ts';
import { Invariants, type Seen } from './invariants.ts';
import { MACHINE, type MachineFunctions } from './machine-functions.ts';
import type { ValidatorSet } from '../../../shared/chain/validator-set.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import { createRealSignatures, createRegister, isGenuine, type Signatures } from './signatures.ts';
import { groupOf, keyOf } from './test-groups.ts';
import { ValidatorDisk } from './validator-disk.ts';
import type { NodePorts } from './node-ports.ts';
import { DELTA, ValidatorNode, WATCHER } from './validator-node.ts';
import type { Wire } from './wire.ts';

/** A crash that waits for a step in which to strike strikes anyway after this. */
const CRASH_WAITS: Millis = 2_000;
/** A lost session is noticed after this at most, if at all. */
const NOTICED_AFTER: Millis = 3_000;
/** Entries that were not spread at once are after this. */
const SPREAD_AFTER: Millis = 5_000;

export type WorldOptions = {
  readonly machine?: MachineFunctions;
  /** Ed25519 and encoded logs in place of the register. */
  readonly real?: boolean;
  /** False: who meets again says nothing of itself. */
  readonly greets?: boolean;
};

export class ValidatorWorld {
  readonly plan: FaultPlan;
  readonly group: TestGroup;
  readonly book: EntryBook;
  readonly nodes: ValidatorNode[] = [];
  readonly queue: EventQueue;
  readonly network: SimulatedNetwork;
  readonly #dice: Dice;
  readonly #machine: MachineFunctions;
  readonly #signatures: Signatures;
  readonly #invariants: Invariants;
  readonly #began: Millis;
  readonly #asleep = new Map<ValidatorNode, Millis>();
  /** Effects until the power goes, by node. */
  readonly #crashIn = new Map<ValidatorNode, { effects: number; down: Millis | null }>();
  readonly #gone = new Set<number>();
  #entries = 0;
  #healed = false;
  #silenced = false;
  readonly #isReal: boolean;
  readonly #greets: boolean;

  constructor(plan: FaultPlan, { machine = MACHINE, real = false, greets = true }: WorldOptions = {}) {
    this.plan = plan;
    this.#machine = machine;
    this.#isReal = real;
    this.#greets = greets;
    this.group = groupOf(plan.validators, plan.f);
    const configured = (group: TestGroup): TestGroup => {
      const { group: id, epoch, set } = machine.configure({ ...group.rules, self: null, delta: DELTA });
      return { ...group, rules: { group: id, epoch, set } };
    };
    this.book = createEntryBook(this.group, plan.changes, configured);
    this.#began = this.group.tip.time + 10_000;
    this.queue = new EventQueue(this.#began);
    this.#dice = createDice(plan.seed + 1);
    const setOf = (epoch: number): ValidatorSet | undefined => this.book.groupOf(epoch)?.rules.set;
    this.#signatures = real
      ? createRealSignatures(this.group.rules.group, setOf, plan.roles.length)
      : createRegister(setOf);
    this.#invariants = new Invariants({
      isHonest: (self) => this.#isHonest(self),
      isHonestSigner: (epoch, signer) => this.#isHonest(this.#validatorAt(epoch, signer)),
      signatures: this.#signatures,
      book: this.book,
    });
    const bodies = plan.roles.flatMap((role, self) =>
      role === 'honest' ? [] : Array.from({ length: ADVERSARIES[role].bodies - 1 }, () => self),
    );
    const watchers = Array.from({ length: plan.watchers }, () => WATCHER);
    for (const [place, self] of [...plan.roles.keys(), ...bodies, ...watchers].entries()) {
      this.#addNode(place, self, real);
    }
    this.network = new SimulatedNetwork({
      plan,
      dice: this.#dice,
      queue: this.queue,
      hear: (to, wire) => this.#deliver(to, wire),
    });
    for (const node of this.nodes) this.#addAdversary(node);
  }

  /** Since the run began. */
  get elapsed(): Millis {
    return this.queue.now - this.#began;
  }

  get seen(): Seen {
    return this.#invariants.seen;
  }

  /** When the last of the honest had its last block final. */
  get finishedAt(): Millis {
    return Math.max(...this.honest.map(({ finishedAt }) => finishedAt)) - this.#began;
  }

  /** Validators that do not cheat and did not crash for good. */
  get honest(): ValidatorNode[] {
    return this.nodes.filter(({ self }) => this.#isHonest(self) && !this.#gone.has(self));
  }

  begin(): void {
    for (const node of this.nodes) node.start();
    for (const node of this.nodes) this.#greetAll(node);
    for (const fault of this.plan.faults) this.#at(fault.at, () => this.#strike(fault));
    for (const { at, validator, entries, spread } of this.plan.submissions) {
      this.#at(at, () => this.submit(validator, entries, spread));
    }
    this.#at(this.plan.healAt, () => this.heal());
    for (const node of this.nodes) if (node.adversary?.tick) this.#tick(node);
  }

  /** New entries come in at one validator, or at the next that is up and will last. */
  submit(validator: number, entries = 1, spread = true): void {
    const order = [...this.plan.roles.keys()].map((_, at) => this.nodes[(validator + at) % this.plan.validators]!);
    const lasting = order.filter((node) => this.honest.includes(node) && !this.#goesForGood(node.self));
    // Whoever is down finds it on its disk.
    const node = lasting.find(({ up }) => up) ?? lasting[0];
    if (node === undefined) return;
    this.#entries += entries;
    const upTo = this.#entries;
    node.addEntries(upTo);
    const tell = (): void => {
      if (node.up)
        for (const to of this.#othersOf(node)) this.network.send(to, { kind: 'entries', from: node.place, upTo });
    };
    if (spread) tell();
    else this.queue.push(this.queue.now + SPREAD_AFTER, tell);
  }

  /** From here on nothing is lost and nobody stays away who did not crash for good. */
  heal(): void {
    this.#healed = true;
    this.network.calm();
    this.#asleep.clear();
    for (const node of [...this.#crashIn.keys()]) this.#crashArmed(node);
    for (const node of this.nodes) if (!node.up && !this.#gone.has(node.self)) node.restart();
    for (const node of this.nodes) this.#greetAll(node);
  }

  /** Adversaries end. */
  silence(): void {
    this.#silenced = true;
    for (const node of this.nodes) if (node.adversary !== null && node.up) node.crash();
  }

  /** Everything submitted is final for everybody honest, under one block. */
  isSettled(): boolean {
    const { honest, plan } = this;
    if (!this.#healed || plan.submissions.some(({ at }) => at > this.elapsed - SPREAD_AFTER)) return false;
    const wanted = Math.max(0, ...honest.map(({ held }) => held));
    return honest.every(({ machine }) => {
      return this.book.orderedUpTo(machine.final.id) === wanted && machine.final.id === honest[0]!.machine.final.id;
    });
  }

  #isHonest(self: number): boolean {
    return self === WATCHER || this.plan.roles[self] === 'honest';
  }

  #goesForGood(self: number): boolean {
    return this.plan.faults.some((fault) => fault.kind === 'crash' && fault.down === null && fault.validator === self);
  }

  #addNode(place: number, self: number, real: boolean): void {
    const disk = new ValidatorDisk(real);
    const ports = this.#portsOf(place, self);
    this.nodes.push(new ValidatorNode({ place, self, disk, clockOffset: this.plan.clocks[self] ?? 0, ports }));
  }

  #addAdversary(node: ValidatorNode): void {
    const role = this.plan.roles[node.self] ?? 'honest';
    if (role === 'honest') return;
    const { group, book, queue } = this;
    const dice = createDice(this.plan.seed * 31 + node.place);
    const stage = openStage({
      node,
      group,
      book,
      dice,
      peers: this.#othersOf(node),
      sign: (claim) => this.#signatures.sign(keyOf(group, node.self), claim),
      send: (to, wire) => {
        this.seen.staged++;
        this.network.send(to, wire);
      },
      restart: () => queue.push(queue.now, () => this.#restart(node)),
    });
    node.adversary = ADVERSARIES[role].create(stage);
  }

  #portsOf(place: number, self: number): NodePorts {
    const { group, book, queue } = this;
    const nodeOf = (): ValidatorNode => this.nodes[place]!;
    const isCheating = this.plan.roles.some((role) => role !== 'honest');
    return {
      group,
      book,
      interval: this.plan.interval,
      machine: this.#isHonest(self) ? this.#machine : { ...MACHINE, configure: this.#machine.configure },
      now: () => queue.now,
      after: (delay, task) => this.#afterAwake(place, delay, task),
      placesOf: (to, epoch) => this.#placesOf(place, to, epoch),
      indexIn: ({ keys }, validator) => this.#indexIn(keys, validator),
      send: (to, wire) => this.network.send(to, wire),
      sign: (claim) => this.#signatures.sign(keyOf(group, self), claim),
      isGenuine: (wire) => (!isCheating && !this.#isReal) || isGenuine(wire, this.#signatures),
      diskDelay: () => this.#drawDelay(this.plan.diskDelayMax),
      workDelay: () => this.#drawDelay(this.#healed ? 0 : this.plan.workDelayMax),
      crashes: () => this.#countEffect(nodeOf()),
      watch: this.#invariants,
    };
  }

  #drawDelay(most: Millis): Millis {
    return most === 0 ? 0 : this.#dice.between(0, most);
  }

  #at(elapsed: Millis, task: () => void): void {
    this.queue.push(this.#began + elapsed, task);
  }

  #othersOf({ place }: ValidatorNode): number[] {
    return this.nodes.map((_, at) => at).filter((at) => at !== place);
  }

  /** Which validator of the plan has this index. */
  #validatorAt(epoch: number, signer: number): number {
    const key = this.book.groupOf(epoch)?.rules.set.keys[signer];
    return [...this.plan.roles.keys()].find((at) => keyOf(this.group, at) === key) ?? WATCHER;
  }

  #indexIn(keys: readonly PublicKey[], validator: number): number | null {
    const index = validator === WATCHER ? -1 : keys.indexOf(keyOf(this.group, validator));
    return index < 0 ? null : index;
  }

  #placesOf(place: number, to: Address, epoch: number): readonly number[] {
    if (to === 'all') return this.nodes.map((_, at) => at).filter((at) => at !== place);
    if ('peer' in to) return [Number(to.peer)];
    const validator = this.#validatorAt(epoch, to.validator);
    if (validator === this.nodes[place]!.self) return [];
    return this.nodes.filter(({ self }) => self === validator).map((node) => node.place);
  }

  #deliver(to: number, wire: Wire): void {
    const node = this.nodes[to]!;
    this.#whenAwake(node, () => {
      if (!node.up) return;
      if (wire.kind === 'greeting') node.notice(this.nodes[wire.from]!.self, true);
      node.hear(wire);
    });
  }

  #afterAwake(place: number, delay: Millis, task: () => void): void {
    this.queue.push(this.queue.now + delay, () => this.#whenAwake(this.nodes[place]!, task));
  }

  /** What comes while a node sleeps it finds when it wakes. */
  #whenAwake(node: ValidatorNode, task: () => void): void {
    const until = this.#asleep.get(node);
    if (until === undefined || until <= this.queue.now) task();
    else this.queue.push(until, () => this.#whenAwake(node, task));
  }

  /** Both sides of each session say how far they are. */
  #greetAll(node: ValidatorNode): void {
    for (const to of this.#othersOf(node)) {
      if (!this.network.isApart(node.place, to)) this.#greet(node, this.nodes[to]!);
    }
  }

  #greet(one: ValidatorNode, other: ValidatorNode): void {
    if (!this.#greets || !one.up || !other.up) return;
    one.greet(other.place);
    other.greet(one.place);
  }

  #tick(node: ValidatorNode): void {
    this.queue.push(this.queue.now + DELTA, () => {
      if (this.#silenced) return;
      if (node.up) node.adversary?.tick?.();
      this.#tick(node);
    });
  }

  #strike(fault: Fault): void {
    switch (fault.kind) {
      case 'crash': {
        if (fault.down === null) this.#gone.add(fault.validator);
        for (const node of this.nodes.filter(({ self }) => self === fault.validator)) this.#armCrash(node, fault);
        return;
      }
      case 'power cut':
        for (const node of this.nodes) this.#crash(node, fault.down);
        return;
      case 'partition':
        this.network.split(fault.sides);
        this.#loseSessions((one, other) => this.network.isApart(one.place, other.place));
        this.#at(fault.until, () => this.#endPartition(fault.sides));
        return;
      case 'sleep':
        this.#asleep.set(this.nodes[fault.validator]!, this.#began + fault.until);
        return;
      case 'clock':
        for (const node of this.nodes) if (node.self === fault.validator) node.clockOffset = fault.offset;
        return;
      case 'rumour': {
        const [node, about] = [this.nodes[fault.validator]!, this.nodes[fault.about]!];
        if (node.up) node.notice(about.self, false);
        this.queue.push(this.queue.now + NOTICED_AFTER, () => {
          if (!this.network.isApart(node.place, about.place)) this.#greet(node, about);
        });
      }
    }
  }

  #armCrash(node: ValidatorNode, { effects, down }: { effects: number; down: Millis | null }): void {
    if (!node.up) return;
    this.#crashIn.set(node, { effects, down });
    this.queue.push(this.queue.now + CRASH_WAITS, () => this.#crashArmed(node));
  }

  #crashArmed(node: ValidatorNode): void {
    const armed = this.#crashIn.get(node);
    if (armed !== undefined) this.#crash(node, armed.down);
  }

  /** After each effect of a node: whether the power goes now. */
  #countEffect(node: ValidatorNode): boolean {
    const armed = this.#crashIn.get(node);
    if (armed === undefined) return false;
    if (armed.effects > 0) {
      this.#crashIn.set(node, { ...armed, effects: armed.effects - 1 });
      return false;
    }
    this.#crash(node, armed.down);
    return true;
  }

  #crash(node: ValidatorNode, down: Millis | null): void {
    this.#crashIn.delete(node);
    if (!node.up) return;
    node.crash();
    node.disk.crash(this.#dice);
    this.#asleep.delete(node);
    this.#loseSessions((one, other) => other === node || one === node);
    if (down !== null) this.queue.push(this.queue.now + down, () => this.#restart(node));
  }

  #restart(node: ValidatorNode): void {
    if (node.up || this.#gone.has(node.self) || this.#silenced) return;
    node.restart();
    this.#greetAll(node);
  }

  #endPartition(sides: readonly number[]): void {
    const apart = this.nodes.map((one) => this.nodes.filter((other) => this.network.isApart(one.place, other.place)));
    this.network.join(sides);
    for (const [place, others] of apart.entries()) {
      for (const other of others) {
        const isBack = place < other.place && !this.network.isApart(place, other.place);
        if (isBack) this.#greet(this.nodes[place]!, other);
      }
    }
  }

  /** Some notice at once that somebody is away, some later, some never. */
  #loseSessions(isLost: (one: ValidatorNode, other: ValidatorNode) => boolean): void {
    for (const one of this.nodes) {
      for (const other of this.nodes) {
        if (one === other || !isLost(one, other) || this.#dice.happens(0.4)) continue;
        this.queue.push(this.queue.now + this.#dice.between(0, NOTICED_AFTER), () => {
          const isAway = !other.up || this.network.isApart(one.place, other.place);
          if (one.up && isAway) one.notice(other.self, false);
        });
      }
    }
  }
}
