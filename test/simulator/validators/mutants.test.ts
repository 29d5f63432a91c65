// The gate: a simulator that lets a mistake pass is worth nothing, so each mistake has to fail within so many seeds.

import { describe, expect, test } from 'vitest';
import { drawPlan, type FaultPlan } from './fault-plan.ts';
import { BrokenInvariant } from './invariants.ts';
import { MUTANTS } from './mutants.ts';
import { runPlan } from './run-validators.ts';

type Gate = {
  readonly mutant: keyof typeof MUTANTS;
  /** It fails within as many; several times what it takes today. */
  readonly seeds: number;
  readonly plan?: (seed: number) => FaultPlan;
};

/** As many twins as seven validators tolerate. */
function planTwins(seed: number): FaultPlan {
  const plan = drawPlan(seed);
  const roles = Array.from({ length: 7 }, (_, at) => (at < 2 ? 'twins' : 'honest'));
  const faults = plan.faults.filter((fault) => fault.kind === 'partition');
  return { ...plan, validators: 7, f: 2, roles, faults, changes: [] };
}

/** Certificates that never come, so that validators go on over views they know nothing of. */
function planLosses(seed: number): FaultPlan {
  const plan = drawPlan(seed);
  const roles = Array.from({ length: 4 }, () => 'honest' as const);
  const traffic = { delayMin: 10, delayMax: 900, slow: 0.3, slowMax: 6_000, lost: 0.3, doubled: 0 };
  const faults = plan.faults.filter((fault) => fault.kind === 'partition');
  return { ...plan, validators: 4, f: 1, roles, interval: 250, faults, traffic, changes: [] };
}

const GATES: readonly Gate[] = [
  { mutant: 'finalize after nullify', seeds: 20 },
  { mutant: 'majority quorum', seeds: 100, plan: planTwins },
  { mutant: 'no gap check', seeds: 150, plan: planLosses },
  { mutant: 'lost vote log', seeds: 40 },
  { mutant: 'certificates not persisted', seeds: 3 },
  { mutant: 'no empty block', seeds: 150 },
  { mutant: 'finalize built afresh', seeds: 40 },
  { mutant: 'finalize from a replicated notarization', seeds: 80 },
  { mutant: 'fencepost in answers', seeds: 40, plan: planLosses },
  { mutant: 'own nullify not counted', seeds: 400 },
  { mutant: 'restart votes', seeds: 60 },
  { mutant: 'signed before persisted', seeds: 3 },
  { mutant: 'old validators go on', seeds: 15 },
  { mutant: 'past the seal', seeds: 120 },
  { mutant: 'entries on a seal', seeds: 120 },
  { mutant: 'old votes bind', seeds: 120 },
  { mutant: 'finalization of the old epoch', seeds: 120 },
  { mutant: 'silent to other epochs', seeds: 100 },
];

describe('every mistake is noticed', () => {
  test.each(GATES)('$mutant: within $seeds seeds', { timeout: 300_000 }, ({ mutant, seeds, plan = drawPlan }) => {
    let found: unknown = null;
    for (let seed = 0; seed < seeds && found === null; seed++) {
      try {
        runPlan(plan(seed), { machine: MUTANTS[mutant] });
      } catch (error) {
        found = error;
      }
    }
    expect(found).toBeInstanceOf(BrokenInvariant);
  });
});
