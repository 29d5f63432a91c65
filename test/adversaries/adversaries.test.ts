// Each adversary alone and with a second of its kind: it does what it is named for, and harms nobody.

import { describe, expect, test } from 'vitest';
import type { Seen } from '../simulator/validators/invariants.ts';
import { addEpochs } from '../simulator/validators/epoch-plan.ts';
import { drawPlan, type FaultPlan } from '../simulator/validators/fault-plan.ts';
import { runPlan } from '../simulator/validators/run-validators.ts';
import { ADVERSARIES, type AdversaryName } from './adversaries.ts';

const SEEDS = process.env['WEFT_LONG'] ? 400 : 20;

/** What shows that it was at work. */
const MARKS: Readonly<Record<AdversaryName, keyof Seen>> = {
  equivocator: 'evidence',
  flooder: 'evidence',
  grinder: 'nullified',
  'liar about state': 'staged',
  outdated: 'evidence',
  replayer: 'staged',
  twins: 'evidence',
  withholder: 'nullified',
};

/** A drawn plan, half of them with validators that change, with as many of them as the set tolerates, and nobody gone for good, as that would be one too many. */
function planWith(name: AdversaryName, seed: number): FaultPlan {
  const plan = drawPlan(seed);
  const [validators, f] = seed % 2 === 0 ? [4, 1] : [7, 2];
  const roles = Array.from({ length: validators }, (_, at) => (at < f ? name : 'honest'));
  const faults = plan.faults.filter((fault) => fault.kind === 'partition' || fault.kind === 'power cut');
  const submissions = plan.submissions.map((submission) => ({
    ...submission,
    validator: submission.validator % validators,
  }));
  return addEpochs({ ...plan, validators, f, roles, faults, submissions });
}

describe('an adversary', () => {
  test.each(Object.keys(ADVERSARIES) as AdversaryName[])('CH2, CH31: %s', { timeout: 600_000 }, (name) => {
    let marks = 0;
    for (let seed = 0; seed < SEEDS; seed++) marks += runPlan(planWith(name, seed)).seen[MARKS[name]];
    expect(marks).toBeGreaterThan(0);
  });
});
