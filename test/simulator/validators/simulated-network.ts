// The network between simulated validators: messages take their time, overtake each other, get lost, come twice, and stop at partitions.

import type { Dice } from './dice.ts';
import type { EventQueue } from './event-queue.ts';
import { CALM, type FaultPlan, type Traffic } from './fault-plan.ts';
import type { Wire } from './wire.ts';

type Side = readonly number[];

export class SimulatedNetwork {
  readonly #dice: Dice;
  readonly #queue: EventQueue;
  readonly #hear: (to: number, wire: Wire) => void;
  #traffic: Traffic;
  #partitions = new Set<Side>();
  /** Messages on their way. */
  inFlight = 0;
  sent = 0;

  constructor(given: { plan: FaultPlan; dice: Dice; queue: EventQueue; hear: (to: number, wire: Wire) => void }) {
    this.#dice = given.dice;
    this.#queue = given.queue;
    this.#hear = given.hear;
    this.#traffic = given.plan.traffic;
  }

  send(to: number, wire: Wire): void {
    const { lost, doubled } = this.#traffic;
    this.sent++;
    if (this.isApart(wire.from, to) || this.#dice.happens(lost)) return;
    this.#carry(to, wire);
    if (this.#dice.happens(doubled)) this.#carry(to, wire);
  }

  split(sides: Side): void {
    this.#partitions.add(sides);
  }

  join(sides: Side): void {
    this.#partitions.delete(sides);
  }

  calm(): void {
    this.#traffic = CALM;
    this.#partitions.clear();
  }

  isApart(one: number, other: number): boolean {
    for (const sides of this.#partitions) {
      if (sides[one % sides.length] !== sides[other % sides.length]) return true;
    }
    return false;
  }

  #carry(to: number, wire: Wire): void {
    const { delayMin, delayMax, slow, slowMax } = this.#traffic;
    const most = this.#dice.happens(slow) ? slowMax : delayMax;
    this.inFlight++;
    this.#queue.push(this.#queue.now + this.#dice.between(delayMin, most), () => {
      this.inFlight--;
      this.#hear(to, wire);
    });
  }
}
