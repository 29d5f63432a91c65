// All adversaries of the ordering by name, for plans that draw them.

import type { AdversaryKind } from './adversary.ts';
import { createEquivocator } from './equivocator.ts';
import { createFlooder } from './flooder.ts';
import { createGrinder } from './grinder.ts';
import { createLiarAboutState } from './liar-about-state.ts';
import { createOutdated } from './outdated.ts';
import { createReplayer } from './replayer.ts';
import { createTwin } from './twins.ts';
import { createWithholder } from './withholder.ts';

export const ADVERSARIES = {
  equivocator: { bodies: 1, create: createEquivocator },
  flooder: { bodies: 1, create: createFlooder },
  grinder: { bodies: 1, create: createGrinder },
  'liar about state': { bodies: 1, create: createLiarAboutState },
  outdated: { bodies: 1, create: createOutdated },
  replayer: { bodies: 1, create: createReplayer },
  twins: { bodies: 2, create: createTwin },
  withholder: { bodies: 1, create: createWithholder },
} satisfies Record<string, AdversaryKind>;

export type AdversaryName = keyof typeof ADVERSARIES;
