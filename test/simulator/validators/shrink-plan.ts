// A plan that fails, made smaller as long as it still fails: what is left is what it takes.

import { CALM, type FaultPlan } from './fault-plan.ts';

/** Runs it may take: each is a whole run. */
const RUNS_MAX = 400;

/** `fails` runs a plan. Faults, submissions, cheats, and what is wrong with the network, clocks and disks go one by one. */
export function shrinkPlan(plan: FaultPlan, fails: (plan: FaultPlan) => boolean): FaultPlan {
  let smallest = plan;
  let runs = 0;
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    for (const candidate of listSmaller(smallest)) {
      if (++runs > RUNS_MAX) return smallest;
      if (!fails(candidate)) continue;
      smallest = candidate;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

function* listSmaller(plan: FaultPlan): Generator<FaultPlan> {
  const { faults, submissions, roles, traffic, clocks, diskDelayMax, workDelayMax } = plan;
  if (traffic !== CALM) yield { ...plan, traffic: CALM };
  if (clocks.some((offset) => offset !== 0)) yield { ...plan, clocks: [] };
  if (diskDelayMax > 0) yield { ...plan, diskDelayMax: 0 };
  if (workDelayMax > 0) yield { ...plan, workDelayMax: 0 };
  if (plan.watchers > 0) yield { ...plan, watchers: 0 };
  for (const at of faults.keys()) yield { ...plan, faults: faults.toSpliced(at, 1) };
  for (const at of submissions.keys()) {
    if (submissions.length > 1) yield { ...plan, submissions: submissions.toSpliced(at, 1) };
  }
  for (const at of plan.changes.keys()) yield { ...plan, changes: plan.changes.toSpliced(at, 1) };
  for (const [at, role] of roles.entries()) if (role !== 'honest') yield { ...plan, roles: roles.with(at, 'honest') };
}
