// Which block to ask of whom, and when to ask somebody else (rules CT8–CT13): a machine without a clock or a wire.
//
// Invariants after every step:
//   1. a block is outstanding at no more than ASKS_PER_WANT_MAX sources, and never twice at one;
//   2. a source has at most BYTES_IN_FLIGHT_MAX outstanding, or a single block;
//   3. a want is queued, or outstanding somewhere, or gone (arrived, dropped, reported unavailable).

import { assert } from '../core/assert.ts';
import type { Millis } from '../core/brand.ts';
import { BLOB_LEAF_BYTES, NETWORK_WAIT } from '../core/limits.ts';
import type { Cid } from '../codec/cid.ts';
import {
  chooseSource,
  createSource,
  hedgeAfter,
  HEDGE_AFTER_MIN,
  isBanned,
  isOpen,
  noteBlock,
  noteFailure,
  noteLie,
  RANKS,
  silenceOf,
  type SourceId,
  type SourceState,
} from './fetch-source.ts';

const ASKS_PER_WANT_MAX = 2;
/** A source that does not have a block is not asked for it again; one that failed gets a second turn. */
const ROUNDS_MAX = 2;
/** A source that was silent for so long has failed. */
const SILENCE_MAX = 5_000;
/** Sources come up one after the other: what the first ones lack waits this long for the next. */
const LINGER = 1_000;
/** Queued blocks looked at beyond those that found no room: keeps a step short. */
const SKIPS_MAX = 64;

export type FetchSource = {
  readonly id: SourceId;
  /** 0 is asked first; a higher rank (the edge) when the lower ones are silent, fail, lie or lack the block. Below 100. */
  readonly rank: number;
};

export type FetchInput =
  /** `size` in bytes, if known. Urgent wants go first and do not wait long for a busy source. */
  | { readonly type: 'want'; readonly blocks: readonly { cid: Cid; size?: number }[]; readonly urgent?: boolean }
  | { readonly type: 'drop'; readonly cid: Cid }
  | { readonly type: 'sourceJoined'; readonly source: FetchSource }
  | { readonly type: 'sourceLeft'; readonly source: SourceId }
  /** Verified by the caller. */
  | { readonly type: 'block'; readonly source: SourceId; readonly cid: Cid }
  /** A part of an answer came. */
  | { readonly type: 'progress'; readonly source: SourceId }
  /** What came is not what the CID names. */
  | { readonly type: 'lie'; readonly source: SourceId; readonly cid: Cid }
  | { readonly type: 'missing'; readonly source: SourceId; readonly cid: Cid }
  /** The request failed: nothing that is outstanding there will come. */
  | { readonly type: 'failed'; readonly source: SourceId }
  | { readonly type: 'tick' };

export type FetchEffect =
  | { readonly type: 'ask'; readonly source: SourceId; readonly cids: readonly Cid[] }
  /** The block came from elsewhere, or nobody wants it any more. */
  | { readonly type: 'cancel'; readonly source: SourceId; readonly cid: Cid }
  /** The want is over: every source was tried, or none came within `patience`. */
  | { readonly type: 'unavailable'; readonly cid: Cid };

type Want = {
  readonly size: number;
  readonly wantedAt: Millis;
  urgent: boolean;
  queuedAt: Millis;
  readonly askedOf: Set<SourceId>;
  /** Failed in this round. */
  readonly tried: Set<SourceId>;
  readonly lackedBy: Set<SourceId>;
  round: number;
};

export type FetchPlan = {
  readonly patience: Millis;
  readonly wants: Map<Cid, Want>;
  readonly urgent: Set<Cid>;
  readonly queue: Set<Cid>;
  readonly sources: Map<SourceId, SourceState>;
  /** Since when nobody can be asked. */
  aloneSince: Millis | undefined;
};

/** `patience` in ms: how long wants outlive the last source. */
export function createFetchPlan(options: { readonly patience?: Millis } = {}): FetchPlan {
  const queues = { urgent: new Set<Cid>(), queue: new Set<Cid>() };
  const patience = options.patience ?? NETWORK_WAIT;
  return { patience, wants: new Map(), ...queues, sources: new Map(), aloneSince: undefined };
}

/** Changes `plan` and returns what to do. What it does not know (a late block, a source that left) it ignores. */
export function stepFetch(plan: FetchPlan, input: FetchInput, now: Millis): FetchEffect[] {
  const effects: FetchEffect[] = [];
  applyInput(plan, input, { now, effects });
  failSilentSources(plan, now);
  const asks = new Map<SourceId, Cid[]>();
  const open = new Set([...plan.sources.values()].filter(isOpen));
  for (const queue of [plan.urgent, plan.queue]) assignQueue(plan, queue, { now, effects, asks, open });
  hedge(plan, { now, asks, open });
  for (const [source, cids] of asks) effects.push({ type: 'ask', source, cids });
  giveUpAlone(plan, now, effects);
  return effects;
}

/** When to step with a `tick` if nothing happens before; undefined: not at all. */
export function nextFetchWake(plan: FetchPlan, now: Millis): Millis | undefined {
  let wake = Infinity;
  const consider = (at: Millis): void => {
    if (at > now && at < wake) wake = at;
  };
  for (const source of plan.sources.values()) {
    const [oldest] = source.askedAt.values();
    if (oldest === undefined) continue;
    const after = hedgeAfter(source);
    consider(Math.max(oldest, source.heardAt) + SILENCE_MAX);
    consider(Math.max(oldest, source.heardAt) + after);
    for (const at of source.askedAt.values()) consider(at + after);
  }
  for (const cid of plan.urgent) consider(plan.wants.get(cid)!.queuedAt + HEDGE_AFTER_MIN);
  if (plan.urgent.size + plan.queue.size > 0) consider(now + LINGER);
  if (plan.aloneSince !== undefined) consider(plan.aloneSince + plan.patience);
  return wake === Infinity ? undefined : wake;
}

type Turn = { readonly now: Millis; readonly effects: FetchEffect[] };

function applyInput(plan: FetchPlan, input: FetchInput, turn: Turn): void {
  switch (input.type) {
    case 'want':
      for (const { cid, size } of input.blocks) addWant(plan, { cid, size, urgent: input.urgent ?? false }, turn.now);
      return;
    case 'drop':
      return endWant(plan, input.cid, turn.effects);
    case 'sourceJoined': {
      const { id, rank } = input.source;
      assert(rank >= 0 && rank < RANKS, 'ranks leave room for silent and failing sources');
      if (!plan.sources.has(id)) plan.sources.set(id, createSource(input.source, turn.now));
      return;
    }
    case 'tick':
      return;
    default: {
      const source = plan.sources.get(input.source);
      if (source) applyAnswer(plan, source, { ...turn, input });
    }
  }
}

type Answer = Exclude<FetchInput, { type: 'want' | 'drop' | 'sourceJoined' | 'tick' }>;

function applyAnswer(plan: FetchPlan, source: SourceState, turn: Turn & { readonly input: Answer }): void {
  const { input, now } = turn;
  switch (input.type) {
    case 'sourceLeft':
      dismiss(plan, source, now);
      plan.sources.delete(source.id);
      return;
    case 'progress':
      source.heardAt = now;
      return;
    case 'failed':
      return failSource(plan, source, now);
    case 'block':
      noteBlock(source, input.cid, now);
      release(plan, source, input.cid);
      return endWant(plan, input.cid, turn.effects);
    case 'missing':
      source.heardAt = now;
      plan.wants.get(input.cid)?.lackedBy.add(source.id);
      release(plan, source, input.cid);
      return requeue(plan, input.cid, now);
    case 'lie':
      noteLie(source);
      plan.wants.get(input.cid)?.tried.add(source.id);
      release(plan, source, input.cid);
      requeue(plan, input.cid, now);
      if (isBanned(source)) dismiss(plan, source, now);
  }
}

function addWant(plan: FetchPlan, want: { cid: Cid; size: number | undefined; urgent: boolean }, now: Millis): void {
  const { cid, urgent } = want;
  const known = plan.wants.get(cid);
  if (known) {
    known.urgent ||= urgent;
    if (urgent && plan.queue.delete(cid)) plan.urgent.add(cid);
    return;
  }
  const sets = { askedOf: new Set<SourceId>(), tried: new Set<SourceId>(), lackedBy: new Set<SourceId>() };
  const size = want.size ?? BLOB_LEAF_BYTES;
  plan.wants.set(cid, { size, urgent, wantedAt: now, queuedAt: now, ...sets, round: 1 });
  (urgent ? plan.urgent : plan.queue).add(cid);
}

function endWant(plan: FetchPlan, cid: Cid, effects: FetchEffect[]): void {
  const want = plan.wants.get(cid);
  if (!want) return;
  for (const id of want.askedOf) {
    effects.push({ type: 'cancel', source: id, cid });
    release(plan, plan.sources.get(id)!, cid);
  }
  plan.wants.delete(cid);
  plan.queue.delete(cid);
  plan.urgent.delete(cid);
}

function release(plan: FetchPlan, source: SourceState, cid: Cid): void {
  if (!source.askedAt.delete(cid)) return;
  const want = plan.wants.get(cid);
  assert(want, 'what is outstanding is wanted');
  want.askedOf.delete(source.id);
  source.bytesInFlight -= want.size;
}

/** Back to the queue, unless it is still outstanding elsewhere. */
function requeue(plan: FetchPlan, cid: Cid, now: Millis): void {
  const want = plan.wants.get(cid);
  if (!want || want.askedOf.size > 0 || plan.queue.has(cid) || plan.urgent.has(cid)) return;
  want.queuedAt = now;
  (want.urgent ? plan.urgent : plan.queue).add(cid);
}

function failSource(plan: FetchPlan, source: SourceState, now: Millis): void {
  noteFailure(source);
  for (const cid of source.askedAt.keys()) plan.wants.get(cid)!.tried.add(source.id);
  dismiss(plan, source, now);
}

/** Takes back all that is outstanding there. */
function dismiss(plan: FetchPlan, source: SourceState, now: Millis): void {
  for (const cid of source.askedAt.keys()) {
    release(plan, source, cid);
    requeue(plan, cid, now);
  }
}

function failSilentSources(plan: FetchPlan, now: Millis): void {
  for (const source of plan.sources.values()) {
    if (silenceOf(source, now) >= SILENCE_MAX) failSource(plan, source, now);
  }
}

type Assignment = {
  readonly now: Millis;
  readonly asks: Map<SourceId, Cid[]>;
  readonly open: ReadonlySet<SourceState>;
};

function assignQueue(plan: FetchPlan, queue: Set<Cid>, turn: Assignment & Turn): void {
  let skips = 0;
  for (const cid of queue) {
    if (skips > SKIPS_MAX) return;
    const want = plan.wants.get(cid)!;
    const candidates = findCandidates(plan, cid, turn);
    const spill = want.urgent && turn.now - want.queuedAt >= HEDGE_AFTER_MIN;
    const source = chooseSource({ ...turn, candidates, size: want.size, spill });
    if (source) {
      queue.delete(cid);
      ask(want, source, { cid, ...turn });
    } else if (plan.wants.has(cid)) skips += 1;
  }
}

/** Who may still be asked for a block; when all have failed a new round, and after the last one the end of the want. */
function findCandidates(plan: FetchPlan, cid: Cid, { now, effects }: Turn): SourceState[] {
  const want = plan.wants.get(cid)!;
  const usable = [...plan.sources.values()].filter((source) => !isBanned(source));
  const holders = usable.filter(({ id }) => !want.lackedBy.has(id));
  const untried = holders.filter(({ id }) => !want.tried.has(id));
  if (untried.length > 0 || usable.length === 0) return untried;
  if (holders.length > 0 && want.round < ROUNDS_MAX) {
    want.round += 1;
    want.tried.clear();
    return holders;
  }
  if (now - want.wantedAt < LINGER) return [];
  effects.push({ type: 'unavailable', cid });
  endWant(plan, cid, effects);
  return [];
}

function ask(want: Want, source: SourceState, { cid, now, asks }: Assignment & { readonly cid: Cid }): void {
  want.askedOf.add(source.id);
  source.askedAt.set(cid, now);
  source.bytesInFlight += want.size;
  const cids = asks.get(source.id);
  if (cids) cids.push(cid);
  else asks.set(source.id, [cid]);
}

/** Asks a second source for what a silent one owes; when nothing is queued, also for what is merely late. */
function hedge(plan: FetchPlan, turn: Assignment): void {
  const idle = plan.queue.size === 0 && plan.urgent.size === 0;
  for (const slow of plan.sources.values()) {
    const after = hedgeAfter(slow);
    if (!idle && silenceOf(slow, turn.now) < after) continue;
    for (const [cid, askedAt] of slow.askedAt) {
      if (turn.now - askedAt < after) break;
      const want = plan.wants.get(cid)!;
      if (want.askedOf.size >= ASKS_PER_WANT_MAX) continue;
      const candidates = [...plan.sources.values()].filter(
        ({ id }) => !want.askedOf.has(id) && !want.tried.has(id) && !want.lackedBy.has(id),
      );
      const other = chooseSource({ ...turn, candidates, size: want.size, spill: true });
      if (other) ask(want, other, { cid, ...turn });
    }
  }
}

function giveUpAlone(plan: FetchPlan, now: Millis, effects: FetchEffect[]): void {
  const usable = [...plan.sources.values()].some((source) => !isBanned(source));
  if (usable || plan.wants.size === 0) plan.aloneSince = undefined;
  else plan.aloneSince ??= now;
  if (plan.aloneSince === undefined || now - plan.aloneSince < plan.patience) return;
  for (const cid of plan.wants.keys()) {
    effects.push({ type: 'unavailable', cid });
    endWant(plan, cid, effects);
  }
  plan.aloneSince = undefined;
}
