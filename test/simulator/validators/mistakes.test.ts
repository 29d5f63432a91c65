// Mistakes that others made and told of, each as a scene that the machine passes and a machine with that mistake does not.

import { describe, expect, test } from 'vitest';
import { claimOf, createTestGroup, stubVote, testBlock } from '../../../shared/chain/chain.test-kit.ts';
import { Bench, NOW, nullify, sent, signs } from '../../../shared/chain/simplex-bench.test-kit.ts';
import { leaderOf } from '../../../shared/chain/validator-set.ts';
import type { LogRecord } from '../../../shared/chain/vote-log.ts';
import { calmPlan, type Fault, type FaultPlan } from './fault-plan.ts';
import { MACHINE, type MachineFunctions } from './machine-functions.ts';
import { MUTANTS } from './mutants.ts';
import { runPlan } from './run-validators.ts';
import { DELTA } from './validator-node.ts';
import { ValidatorWorld } from './validator-world.ts';

/** Throws, or returns false, where the mistake shows. */
type Scene = (machine: MachineFunctions) => boolean;

const group = createTestGroup(4, 1);
const { set } = group.rules;
/** Leads neither view 1 nor 2. */
const self = leaderOf(set, 3);
const others = [0, 1, 2, 3].filter((at) => at !== self);
const block = testBlock(group, group.tip, { time: NOW - 5_000 });

function isClean(scene: Scene, machine: MachineFunctions): boolean {
  try {
    return scene(machine);
  } catch {
    return false;
  }
}

function openBench(machine: MachineFunctions, log: readonly LogRecord[] = [], at = self): Bench {
  return new Bench(group, at, log, machine);
}

/** It gave up on view 1, as the others did, and went on to `view`; now the notarization of view 1 comes after all. */
function skipAndHear(machine: MachineFunctions, view: number, hear: (bench: Bench) => void): boolean {
  const bench = openBench(machine);
  bench.give({ kind: 'work', pending: true });
  const signed = [...bench.give({ kind: 'timer' }, NOW + 2 * DELTA)];
  bench.give({ kind: 'signed', vote: stubVote(self, nullify(1)) });
  for (let skipped = 1; skipped < view; skipped++) bench.hearVotes(nullify(skipped), others);
  expect(signs(signed)).toEqual(['nullify 1']);
  expect(bench.state.view).toBe(view);
  const record: string[] = [];
  const give = bench.give.bind(bench);
  bench.give = (input, now) => {
    const effects = give(input, now);
    record.push(...signs(effects));
    return effects;
  };
  hear(bench);
  return !record.includes('finalize 1');
}

function passes(plan: FaultPlan, machine: MachineFunctions): boolean {
  return runPlan(plan, { machine }).height > 0;
}

/** The leader of view 1 loses its power after each of its first effects on new work; when it is back, there is more of it. */
function passesRestarts(machine: MachineFunctions): boolean {
  for (let effects = 0; effects < 16; effects++) {
    const validator = leaderOf(set, 1);
    const crash: Fault = { kind: 'crash', at: 1_000, validator, effects, down: 400 };
    const submissions = [1_000, 1_100].map((at) => ({ at, validator, entries: 1, spread: true }));
    if (!passes({ ...calmPlan(4, 1, submissions), diskDelayMax: 5, faults: [crash], healAt: 5_000 }, machine))
      return false;
  }
  return true;
}

const SCENES: readonly { readonly rule: string; readonly mutant: keyof typeof MUTANTS; readonly scene: Scene }[] = [
  {
    rule: 'CH27 (ava-labs/Simplex#280): no finalize built afresh for a round that timed out, thrown away or not',
    mutant: 'finalize built afresh',
    scene: (machine) => skipAndHear(machine, 5, (bench) => bench.hearVotes(claimOf(block, 'notarize'), others)),
  },
  {
    rule: 'CH27 (ava-labs/Simplex#290): no finalize from a replicated notarization of a skipped view',
    mutant: 'finalize from a replicated notarization',
    scene: (machine) => skipAndHear(machine, 2, (bench) => bench.hearCertificate(claimOf(block, 'notarize'), block)),
  },
  {
    rule: 'CH27: no finalize after a nullify',
    mutant: 'finalize after nullify',
    scene: (machine) => skipAndHear(machine, 2, (bench) => bench.hearVotes(claimOf(block, 'notarize'), others)),
  },
  {
    rule: 'CH29 (ava-labs/Simplex#306, #599): stale votes of one that is behind are answered, idle or not',
    mutant: 'stale votes ignored',
    scene(machine) {
      // One is cut off while the others make a block; it has the same work, and nobody greets it when it is back.
      const cut: Fault = { kind: 'partition', at: 0, until: 10_000, sides: [0, 0, 0, 1] };
      const submissions = [{ at: 1_000, validator: 0, entries: 1, spread: true }];
      const plan = { ...calmPlan(4, 1, submissions), faults: [cut], healAt: 10_000 };
      const world = new ValidatorWorld(plan, { machine, greets: false });
      world.begin();
      world.queue.push(world.queue.now + 9_000, () => world.nodes[3]!.addEntries(1));
      while (world.queue.runNext(world.queue.now + DELTA) || world.elapsed < 60_000);
      return world.nodes.every(({ chain }) => chain.length === 1);
    },
  },
  {
    rule: 'CH33: answers begin where the question said: no livelock from a fencepost and a silent refusal',
    mutant: 'fencepost in answers',
    scene(machine) {
      const cut: Fault = { kind: 'partition', at: 0, until: 20_000, sides: [0, 0, 0, 1] };
      const times = [1, 4, 7, 10, 13, 16].map((seconds) => seconds * 1_000);
      const submissions = times.map((at) => ({ at, validator: 0, entries: 1, spread: true }));
      return passes({ ...calmPlan(4, 1, submissions), faults: [cut], healAt: 20_000 }, machine);
    },
  },
  {
    rule: 'CH23 (commonware #4275): an own nullify from before a restart is counted again',
    mutant: 'own nullify not counted',
    scene(machine) {
      // The leader of view 1 is gone; the two others give up on it without hearing of each other, and lose their power.
      const gone: Fault = { kind: 'crash', at: 0, validator: leaderOf(set, 1), effects: 0, down: null };
      const cut: Fault = { kind: 'partition', at: 500, until: 4_000, sides: [0, 1, 2] };
      const off: Fault = { kind: 'power cut', at: 4_000, down: 200 };
      const submissions = [0, 2].map((validator) => ({ at: 1_000, validator, entries: 1, spread: false }));
      const plan = { ...calmPlan(3, 0, submissions), faults: [gone, cut, off], healAt: 5_000 };
      return passes(plan, machine);
    },
  },
  { rule: 'CH23 (commonware #2045): no other vote after a restart', mutant: 'restart votes', scene: passesRestarts },
  { rule: 'CH23: nothing signed is forgotten', mutant: 'lost vote log', scene: passesRestarts },
  {
    rule: 'CH18 (aptos-core#18298): signed and on disk are one: a crash between them shows nothing that was not kept',
    mutant: 'signed before persisted',
    scene: passesRestarts,
  },
  {
    rule: 'CH21: a proposal over a view that may have been notarized waits',
    mutant: 'no gap check',
    scene(machine) {
      const bench = openBench(machine);
      bench.hearCertificate(claimOf(block, 'notarize'), block);
      const child = testBlock(group, group.tip, { view: 2, time: NOW });
      const effects = [...bench.propose(child), ...bench.execute(child)];
      return !signs(effects).includes('notarize 2');
    },
  },
  {
    rule: 'CH28: no nullify after a finalize, also not after a restart that took the view back',
    mutant: 'nullify after finalize',
    scene(machine) {
      const bench = openBench(machine, [{ sort: 'vote', claim: claimOf(block, 'finalize') }]);
      const effects = [
        ...bench.give({ kind: 'work', pending: true }),
        ...bench.give({ kind: 'timer' }, NOW + 2 * DELTA),
        ...bench.hearVotes(nullify(1), [leaderOf(set, 1)]),
      ];
      return !signs(effects).includes('nullify 1');
    },
  },
  {
    rule: 'CH20: where finality is late and nothing waits, an empty block carries it',
    mutant: 'no empty block',
    scene(machine) {
      const bench = openBench(machine, [], leaderOf(set, 2));
      bench.hearCertificate(claimOf(block, 'notarize'), block);
      bench.execute(block);
      const effects = bench.give({ kind: 'timer' }, NOW + 4 * DELTA);
      return effects.some((effect) => effect.kind === 'propose' && effect.empty);
    },
  },
  {
    rule: 'CH25: what was certified survives a restart',
    mutant: 'certificates not persisted',
    scene(machine) {
      const effects = openBench(machine).hearVotes(nullify(1), others);
      const log = effects.flatMap((effect) => (effect.kind === 'persist' ? effect.records : []));
      const after = openBench(machine, log);
      return after.state.view === 2 && sent(after.hear({ kind: 'getCerts', above: 0 }))[0]?.kind === 'certificate';
    },
  },
];

describe('mistakes of others', () => {
  test.each(SCENES)('$rule', { timeout: 60_000 }, ({ mutant, scene }) => {
    expect(scene(MACHINE)).toBe(true);
    expect(isClean(scene, MUTANTS[mutant])).toBe(false);
  });
});
