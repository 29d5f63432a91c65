// What goes wrong in one run, as data: drawn from a seed, or written down by a directed test.

import type { Millis } from '../../../shared/core/brand.ts';
import { ADVERSARIES, type AdversaryName } from '../../adversaries/adversaries.ts';
import { createDice, type Dice } from './dice.ts';
import { addEpochs, type SetChange } from './epoch-plan.ts';

export type Fault =
  /** Strikes in the middle of a step, after so many of its effects; `down` null is for good. */
  | {
      readonly kind: 'crash';
      readonly at: Millis;
      readonly validator: number;
      readonly effects: number;
      readonly down: Millis | null;
    }
  /** Everybody at once. */
  | { readonly kind: 'power cut'; readonly at: Millis; readonly down: Millis }
  /** Who is on which side; validators on different sides hear nothing of each other. */
  | { readonly kind: 'partition'; readonly at: Millis; readonly until: Millis; readonly sides: readonly number[] }
  /** A tab in the background: nothing runs, everything is late. */
  | { readonly kind: 'sleep'; readonly at: Millis; readonly until: Millis; readonly validator: number }
  /** Somebody sets a clock; `offset` is how far it is off from then on. */
  | { readonly kind: 'clock'; readonly at: Millis; readonly validator: number; readonly offset: Millis }
  /** A lost session is taken for a lost validator. */
  | { readonly kind: 'rumour'; readonly at: Millis; readonly validator: number; readonly about: number };

export type Traffic = {
  readonly delayMin: Millis;
  readonly delayMax: Millis;
  /** Parts of all messages that take up to `slowMax`, get lost, come twice. */
  readonly slow: number;
  readonly slowMax: Millis;
  readonly lost: number;
  readonly doubled: number;
};

export type Submission = {
  readonly at: Millis;
  readonly validator: number;
  readonly entries: number;
  readonly spread: boolean;
};

/** All times in milliseconds since the run began. */
export type FaultPlan = {
  readonly seed: number;
  /** In the genesis; those that come in later, the spares, are numbered after them. */
  readonly validators: number;
  /** Equivocators that the set tolerates. */
  readonly f: number;
  /** Of the validators of the genesis by index, then of the spares. */
  readonly roles: readonly (AdversaryName | 'honest')[];
  /** Nodes that only watch what the validators do. */
  readonly watchers: number;
  /** Least time between two blocks, by the policy. */
  readonly interval: Millis;
  readonly traffic: Traffic;
  readonly diskDelayMax: Millis;
  /** How long it takes to execute or to make a block, while other things happen. */
  readonly workDelayMax: Millis;
  /** How far each validator's clock is off. */
  readonly clocks: readonly Millis[];
  readonly faults: readonly Fault[];
  readonly submissions: readonly Submission[];
  /** By rising entry. */
  readonly changes: readonly SetChange[];
  /** From here on messages arrive, and whoever did not crash for good is up. */
  readonly healAt: Millis;
};

/** How often each size is drawn: four is what most groups that tolerate a cheat will have. */
const SIZES = [1, 2, 3, 3, 4, 4, 4, 4, 7, 7, 10] as const;

/** A network that works: below Δ in both directions. */
export const CALM: Traffic = { delayMin: 5, delayMax: 250, slow: 0, slowMax: 0, lost: 0, doubled: 0 };

const FAULTS_LAST: { readonly least: Millis; readonly most: Millis } = { least: 10_000, most: 45_000 };

/** Mostly as many as the size can carry; a policy may name fewer, and then more may be away. */
function drawTolerated(validators: number, dice: Dice): number {
  const most = Math.floor((validators - 1) / 3);
  return dice.happens(0.7) ? most : dice.between(0, most);
}

export function drawPlan(seed: number): FaultPlan {
  const dice = createDice(seed);
  const validators = dice.pick(SIZES);
  const f = drawTolerated(validators, dice);
  const spare = validators - (Math.floor((validators + f) / 2) + 1);
  const names = Object.keys(ADVERSARIES) as AdversaryName[];
  const order = dice.shuffle([...Array(validators).keys()]);
  const hostile = order.slice(0, dice.between(0, f));
  const gone = order.slice(hostile.length, hostile.length + dice.between(0, spare - hostile.length));
  const roles = [...Array(validators).keys()].map((at) => (hostile.includes(at) ? dice.pick(names) : 'honest'));
  const healAt = dice.between(FAULTS_LAST.least, FAULTS_LAST.most);
  return addEpochs({
    seed,
    validators,
    f,
    roles,
    watchers: dice.pick([0, 0, 0, 1]),
    interval: dice.pick([250, 1_000, 1_000, 1_000, 5_000, 20_000]),
    traffic: drawTraffic(dice),
    diskDelayMax: dice.pick([0, 0, 5, 40]),
    workDelayMax: dice.pick([0, 0, 30, 700]),
    clocks: roles.map(() => drawClock(dice)),
    faults: drawFaults(dice, { validators, gone, healAt }),
    submissions: drawSubmissions(dice, validators, healAt),
    changes: [],
    healAt,
  });
}

function drawTraffic(dice: Dice): Traffic {
  const bad = dice.pick([0, 0.02, 0.1, 0.3]);
  return {
    delayMin: dice.between(1, 50),
    delayMax: dice.pick([60, 250, 900]),
    slow: dice.pick([0, 0.05, 0.3]),
    slowMax: dice.pick([1_500, 6_000, 20_000]),
    lost: bad,
    doubled: dice.pick([0, 0.05, 0.2]),
  };
}

function drawClock(dice: Dice): Millis {
  return dice.happens(0.7) ? 0 : drawOffset(dice);
}

/** No two are further apart than the bound of CH10. */
function drawOffset(dice: Dice): Millis {
  const most = dice.pick([200, 2_000, 120_000]);
  return dice.between(-most, most);
}

function drawFaults(
  dice: Dice,
  { validators, gone, healAt }: { validators: number; gone: readonly number[]; healAt: Millis },
): Fault[] {
  const faults: Fault[] = gone.map((validator) => {
    return { kind: 'crash', at: dice.between(0, healAt), validator, effects: dice.between(0, 20), down: null };
  });
  const count = dice.between(0, 2 + validators);
  for (let made = 0; made < count; made++) {
    const at = dice.between(0, healAt);
    const validator = dice.between(0, validators - 1);
    const kind = dice.pick([
      'crash',
      'crash',
      'crash',
      'power cut',
      'partition',
      'partition',
      'sleep',
      'clock',
      'rumour',
    ] as const);
    const lasts = dice.pick([200, 3_000, 15_000]);
    const until = Math.min(healAt, at + dice.between(1, lasts));
    if (kind === 'crash') faults.push({ kind, at, validator, effects: dice.between(0, 20), down: until - at });
    else if (kind === 'power cut') faults.push({ kind, at, down: until - at });
    else if (kind === 'sleep') faults.push({ kind, at, validator, until });
    else if (kind === 'clock') faults.push({ kind, at, validator, offset: drawOffset(dice) });
    else if (kind === 'rumour') faults.push({ kind, at, validator, about: dice.between(0, validators - 1) });
    else faults.push({ kind, at, until, sides: Array.from({ length: validators }, () => dice.between(0, 1)) });
  }
  return faults.toSorted((a, b) => a.at - b.at);
}

function drawSubmissions(dice: Dice, validators: number, healAt: Millis): Submission[] {
  const count = dice.between(1, 10);
  const late = dice.happens(0.5) ? 1 : 0;
  return Array.from({ length: count + late }, (_, at) => ({
    at: at < count ? dice.between(0, healAt) : healAt + dice.between(0, 5_000),
    validator: dice.between(0, validators - 1),
    entries: dice.pick([1, 1, 3, 70]),
    spread: dice.happens(0.7),
  })).toSorted((a, b) => a.at - b.at);
}

/** Nothing goes wrong: what a directed test adds its faults to. */
export function calmPlan(validators: number, f: number, submissions: readonly Submission[]): FaultPlan {
  return {
    seed: validators,
    validators,
    f,
    roles: Array.from({ length: validators }, () => 'honest'),
    watchers: 0,
    interval: 1_000,
    traffic: CALM,
    diskDelayMax: 0,
    workDelayMax: 0,
    clocks: [],
    faults: [],
    submissions,
    changes: [],
    healAt: 0,
  };
}
