// How the validators of a run change: which entries say so, and who orders from the block that holds them on. Drawn from a seed.

import { quorumOf } from '../../../shared/chain/validator-set.ts';
import { createDice, type Dice } from './dice.ts';
import type { Fault, FaultPlan } from './fault-plan.ts';

/** The block that orders this entry is a seal. Members are validators of the plan, spares after the first ones. */
export type SetChange = { readonly entry: number; readonly members: readonly number[]; readonly f: number };

const SPARES_MAX = 3;
const CHANGES_MAX = 4;
/** Sets drawn before one fits: who cheats or is gone must not be too many in any of them. */
const TRIES = 30;

type Members = Pick<SetChange, 'members' | 'f'>;

/** The same plan with validators that change; half of all plans have none. */
export function addEpochs(plan: FaultPlan): FaultPlan {
  const dice = createDice(plan.seed * 17 + 5);
  const steady = { ...plan, changes: [] };
  if (dice.happens(0.5)) return steady;
  const spares = dice.between(0, SPARES_MAX);
  const roles = [...plan.roles, ...Array.from({ length: spares }, () => 'honest' as const)];
  const faults = [...plan.faults, ...drawSpareFaults(dice, plan, spares)].toSorted((a, b) => a.at - b.at);
  const grown = { ...steady, roles, faults, clocks: [...plan.clocks, ...Array.from({ length: spares }, () => 0)] };
  return { ...grown, changes: drawChanges(dice, grown) };
}

function drawChanges(dice: Dice, plan: FaultPlan): SetChange[] {
  const last = plan.submissions.reduce((sum, { entries }) => sum + entries, 0);
  const entries = Array.from({ length: dice.between(1, CHANGES_MAX) }, () => dice.between(1, last));
  const changes: SetChange[] = [];
  let now: Members = { members: [...Array(plan.validators).keys()], f: plan.f };
  for (const entry of new Set(entries.toSorted((a, b) => a - b))) {
    const next = drawMembers(dice, plan, now);
    if (next === null) continue;
    changes.push({ entry, ...next });
    now = next;
  }
  return changes;
}

function drawMembers(dice: Dice, plan: FaultPlan, now: Members): Members | null {
  const all = [...plan.roles.keys()];
  for (let tried = 0; tried < TRIES; tried++) {
    const stays = dice.pick([0, 0.7, 0.9, 1]);
    const joins = dice.pick([0, 0.3, 0.6, 1]);
    const members = all.filter((at) => dice.happens(now.members.includes(at) ? stays : joins));
    const f = dice.between(0, Math.floor(Math.max(0, members.length - 1) / 3));
    if (canOrder(plan, { members, f }, now)) return { members, f };
  }
  return null;
}

/** LG123, and what facts say of cheats and of those who are gone for good, of each set. */
function canOrder(plan: FaultPlan, { members, f }: Members, before: Members): boolean {
  if (members.length === 0) return false;
  const spare = members.length - quorumOf({ keys: members, f });
  if (before.members.length === 1 && members.length > 1 && spare === 0) return false;
  const cheats = members.filter((at) => plan.roles[at] !== 'honest');
  const gone = plan.faults.flatMap((fault) => (fault.kind === 'crash' && fault.down === null ? fault.validator : []));
  const lost = members.filter((at) => gone.includes(at) && plan.roles[at] === 'honest');
  return cheats.length <= f && cheats.length + lost.length <= spare;
}

/** Those who come in later fail as the others do, and are back by the end. */
function drawSpareFaults(dice: Dice, { validators, healAt }: FaultPlan, spares: number): Fault[] {
  return Array.from({ length: dice.between(0, 2 * spares) }, () => {
    const at = dice.between(0, healAt);
    const until = Math.min(healAt, at + dice.between(1, dice.pick([200, 3_000, 15_000])));
    const validator = validators + dice.between(0, spares - 1);
    return dice.happens(0.5)
      ? { kind: 'crash', at, validator, effects: dice.between(0, 20), down: until - at }
      : { kind: 'sleep', at, validator, until };
  });
}
