// The machine as a simulated validator calls it: the product's functions, or those with one mistake put around them.

import { createSimplex, stepSimplex } from '../../../shared/chain/simplex.ts';
import type { SimplexConfig } from '../../../shared/chain/simplex-state.ts';

export type MachineFunctions = {
  readonly configure: (config: SimplexConfig) => SimplexConfig;
  readonly create: typeof createSimplex;
  readonly step: typeof stepSimplex;
  /** What of a question for blocks the answer begins with; the product's hosts say `from`. */
  readonly firstBlock: (from: number) => number;
};

export const MACHINE: MachineFunctions = {
  configure: (config) => config,
  create: createSimplex,
  step: stepSimplex,
  firstBlock: (from) => from,
};
