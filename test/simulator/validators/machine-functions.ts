// The machine as a simulated validator calls it: the product's functions, or those with one mistake put around them.

import { createSimplex, stepSimplex } from '../../../shared/chain/simplex.ts';
import type { Cid } from '../../../shared/codec/cid.ts';
import type { CutItem } from '../../../shared/chain/block.ts';
import type { EntryBook } from './entry-book.ts';
import type { SimplexConfig } from '../../../shared/chain/simplex-state.ts';

export type MachineFunctions = {
  readonly configure: (config: SimplexConfig) => SimplexConfig;
  readonly create: typeof createSimplex;
  readonly step: typeof stepSimplex;
  /** What of a question for blocks the answer begins with; the product's hosts say `from`. */
  readonly firstBlock: (from: number) => number;
  /** False: its host goes on with the same validators after a seal. */
  readonly handsOver?: false;
  /** False: its host says nothing to whoever is in another epoch. */
  readonly answersEpochs?: false;
  /** What its host puts into a block. */
  readonly cutAfter: (book: EntryBook, parent: Cid, held: number, epoch: number) => CutItem[];
};

export const MACHINE: MachineFunctions = {
  configure: (config) => config,
  create: createSimplex,
  step: stepSimplex,
  firstBlock: (from) => from,
  cutAfter: (book, parent, held, epoch) => book.cutAfter(parent, held, epoch),
};
