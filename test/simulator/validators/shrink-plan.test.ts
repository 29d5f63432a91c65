// Shrinking: the smaller plan still fails, and holds nothing that it does without.

import { expect, test } from 'vitest';
import { CALM, drawPlan, type FaultPlan } from './fault-plan.ts';
import { MUTANTS } from './mutants.ts';
import { runPlan } from './run-validators.ts';
import { shrinkPlan } from './shrink-plan.ts';

test('a plan that fails is cut down to what it takes', () => {
  const fails = (plan: FaultPlan): boolean => {
    try {
      runPlan(plan, { machine: MUTANTS['restart votes'] });
      return false;
    } catch {
      return true;
    }
  };
  const drawn = Array.from({ length: 200 }, (_, seed) => drawPlan(seed));
  const plan = drawn.find((drew) => drew.validators <= 4 && drew.faults.length > 4 && fails(drew))!;
  const smallest = shrinkPlan(plan, fails);
  expect(fails(smallest)).toBe(true);
  expect(smallest.faults.length).toBeLessThan(plan.faults.length);
  expect(smallest.faults.length === 0 || !fails({ ...smallest, faults: smallest.faults.slice(1) })).toBe(true);
  expect(smallest.traffic === CALM || !fails({ ...smallest, traffic: CALM })).toBe(true);
});
