// What a simulated validator gets from its world, and who looks on.

import type { Millis } from '../../../shared/core/brand.ts';
import type { TestGroup } from '../../../shared/chain/chain.test-kit.ts';
import type { Address, Simplex, SimplexEffect } from '../../../shared/chain/simplex-state.ts';
import type { ValidatorSet } from '../../../shared/chain/validator-set.ts';
import type { VerifiedVote, VoteClaim } from '../../../shared/chain/vote.ts';
import type { EntryBook } from './entry-book.ts';
import type { MachineFunctions } from './machine-functions.ts';
import type { FinalBlock } from './validator-disk.ts';
import type { ValidatorNode } from './validator-node.ts';
import type { Wire } from './wire.ts';

/** What a node gets from the world it is in. */
export type NodePorts = {
  readonly group: TestGroup;
  readonly machine: MachineFunctions;
  readonly book: EntryBook;
  /** Least time between two blocks. */
  readonly interval: Millis;
  /** The world's time; the node's own clock may be off. */
  now(): Millis;
  after(delay: Millis, task: () => unknown): void;
  /** Places of the other nodes that an address means in this epoch. */
  placesOf(to: Address, epoch: number): readonly number[];
  /** Of a validator of the plan in a set; null for none. */
  indexIn(set: ValidatorSet, validator: number): number | null;
  send(to: number, wire: Wire): void;
  sign(claim: VoteClaim): VerifiedVote;
  /** Whether all that is signed in what came verifies. */
  isGenuine(wire: Wire): boolean;
  /** How long the next strict write takes. */
  diskDelay(): Millis;
  /** How long a block takes to be made or executed: 0 is at once, within the step. */
  workDelay(): Millis;
  /** The power goes when this is true. */
  crashes(): boolean;
  readonly watch: NodeWatch;
};

/** Who looks on after every effect and every step. */
export type NodeWatch = {
  performed(node: ValidatorNode, effect: SimplexEffect): void;
  finalised(node: ValidatorNode, final: FinalBlock): void;
  stepped(node: ValidatorNode, before: Simplex): void;
};
