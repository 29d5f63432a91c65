// What a validator that cheats can do: a machine as everybody's runs inside it, and it changes what goes in and out.

import type { Cid } from '../../shared/codec/cid.ts';
import type { Millis } from '../../shared/core/brand.ts';
import type { Block, Header, Tip } from '../../shared/chain/block.ts';
import type { TestGroup } from '../../shared/chain/chain.test-kit.ts';
import type { Simplex, SimplexMessage } from '../../shared/chain/simplex-state.ts';
import type { VerifiedVote, VoteClaim } from '../../shared/chain/vote.ts';
import type { Dice } from '../simulator/validators/dice.ts';
import type { DiskCopy, FinalBlock } from '../simulator/validators/validator-disk.ts';
import type { UnsentWire, Wire } from '../simulator/validators/wire.ts';

/** Its own key is all it can sign with; what others signed it can only repeat. */
export type Stage = {
  /** As it was founded; who orders now, its machine knows. */
  readonly group: TestGroup;
  readonly dice: Dice;
  /** Places of all others in the network. */
  readonly peers: readonly number[];
  clock(): Millis;
  machine(): Simplex;
  chain(): readonly FinalBlock[];
  sign(claim: VoteClaim): VerifiedVote;
  /** A block that it may propose if the change leaves it so. */
  createBlock(parent: Tip, change: Partial<Header>): Block;
  /** What a block on this parent could order. */
  cutAfter(parent: Cid): Header['cut'];
  send(to: number, message: SimplexMessage, finalView: number): void;
  sendWire(to: number, wire: UnsentWire): void;
  /** New entries that only it has; returns the number of the last. */
  makeEntries(count: number): number;
  readDisk(): DiskCopy;
  /** Ends, and begins again with this on its disk. */
  restartWith(disk: DiskCopy): void;
};

/** Where a method is missing, it acts as the machine inside says. */
export type Adversary = {
  /** What the machine inside sends to one peer; true: this was done in its place. */
  send?(to: number, message: SimplexMessage, finalView: number): boolean;
  /** True: the machine inside hears nothing of it. */
  hear?(wire: Wire): boolean;
  /** True: this was done in its place. */
  answerBlocks?(to: number, blocks: readonly FinalBlock[]): boolean;
  /** Once every Δ. */
  tick?(): void;
};

export type AdversaryKind = {
  /** How many machines sign with its one key. */
  readonly bodies: number;
  readonly create: (stage: Stage) => Adversary;
};
