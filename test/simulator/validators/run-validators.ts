// One run of validators from a seed or a plan: faults, then a network that works, then silence; says what it saw, or throws how to see it again.

import { encodeUtf8, toHex } from '../../../shared/codec/base.ts';
import type { Millis } from '../../../shared/core/brand.ts';
import { messageOf } from '../../../shared/core/message-of.ts';
import { sha256 } from '../../../shared/crypto/sha256.ts';
import { drawPlan, type FaultPlan } from './fault-plan.ts';
import { BrokenInvariant, type Seen } from './invariants.ts';
import { ValidatorWorld, type WorldOptions } from './validator-world.ts';

/** Everything is final this soon after the faults: some leaders that cheat or are gone, the waits between, and a block for each 64 entries. */
const SETTLED_WITHIN: Millis = 240_000;
const BLOCKS_TO_SETTLE = 30;
/** Late votes and certificates; then no timer is set and nothing is on its way. */
const QUIET_WITHIN: Millis = 60_000;
/** No event more in this time. */
const QUIET_FOR: Millis = 3_600_000;
const STEP: Millis = 250;
/** A run that takes more events than this goes round in circles. */
const EVENTS_MAX = 3_000_000;

export type ValidatorRun = {
  readonly seed: number;
  /** Of all chains, messages and times: equal for two runs of one seed. */
  readonly digest: string;
  readonly height: number;
  readonly events: number;
  /** From the end of the faults until all was final. */
  readonly settled: Millis;
  /** Since the run began, when the last block became final for the last. */
  readonly finished: Millis;
  readonly seen: Seen;
};

/** Throws BrokenInvariant with how to run it again. */
export function runValidators(seed: number, options: WorldOptions = {}): ValidatorRun {
  return runPlan(drawPlan(seed), options);
}

export function runPlan(plan: FaultPlan, options: WorldOptions = {}): ValidatorRun {
  const world = new ValidatorWorld(plan, options);
  try {
    return runWorld(world);
  } catch (error) {
    const because = messageOf(error);
    const replay = `npm run test:sim -- --validators --seed ${plan.seed}`;
    throw new BrokenInvariant(`seed ${plan.seed} at ${world.elapsed} ms: ${because}\nReplay: ${replay}`, {
      cause: error,
    });
  }
}

function runWorld(world: ValidatorWorld): ValidatorRun {
  const { queue, plan } = world;
  let events = 0;
  const runUntil = (elapsed: Millis): void => {
    const until = queue.now + elapsed - world.elapsed;
    while (queue.runNext(until)) if (++events > EVENTS_MAX) throw new BrokenInvariant('it goes round in circles');
  };
  world.begin();
  runUntil(plan.healAt);
  while (!world.isSettled()) {
    if (world.elapsed > plan.healAt + SETTLED_WITHIN + BLOCKS_TO_SETTLE * plan.interval)
      throw new BrokenInvariant(`stuck: ${describe(world)}`);
    runUntil(world.elapsed + STEP);
  }
  const settled = world.elapsed - plan.healAt;
  world.silence();
  runUntil(world.elapsed + QUIET_WITHIN);
  expectQuiet(world);
  const before = events;
  const { sent } = world.network;
  runUntil(world.elapsed + QUIET_FOR);
  if (world.network.sent !== sent) throw new BrokenInvariant(`not quiet: ${world.network.sent - sent} messages more`);
  expectQuiet(world);
  const chains = world.honest.map(({ chain, machine }) => [chain.map(({ block }) => block.id), machine.view]);
  const seen = JSON.stringify([chains, before, sent, settled]);
  const finished = world.finishedAt;
  const digest = toHex(sha256(encodeUtf8(seen))).slice(0, 32);
  return {
    seed: plan.seed,
    digest,
    height: world.honest[0]?.chain.length ?? 0,
    events,
    settled,
    finished,
    seen: world.seen,
  };
}

function expectQuiet(world: ValidatorWorld): void {
  const isQuiet = world.network.inFlight === 0 && world.honest.every(({ timer }) => timer === null);
  if (!isQuiet || !world.isSettled()) throw new BrokenInvariant(`not quiet: ${describe(world)}`);
}

function describe(world: ValidatorWorld): string {
  const nodes = world.honest.map(({ place, up, held, timer, machine }) => {
    const { view, final, finalization, tip, work } = machine;
    const ordered = world.book.orderedUpTo(final.id);
    return { place, up, held, ordered, view, final: final.view, seen: finalization?.view, tip: tip.view, work, timer };
  });
  return JSON.stringify({ roles: world.plan.roles, inFlight: world.network.inFlight, nodes });
}
