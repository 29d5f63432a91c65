// When the Simplex machine acts by itself: proposing, giving up on a leader, sending again. Without work nothing is armed (CH20, CH28).

import type { Millis } from '../core/brand.ts';
import { assert } from '../core/assert.ts';
import { CLOCK_DRIFT_MAX } from '../core/limits.ts';
import { askForGap, findParent } from './simplex-proposals.ts';
import {
  isAboveFloor,
  isLeader,
  isSolo,
  readRound,
  RETRANSMIT_DELTAS,
  send,
  type Draft,
  type Simplex,
} from './simplex-state.ts';

/** Δs from the start of a view: for the leader's proposal, and for the view's certificate. */
const LEADER_DELTAS = 2;
const VIEW_DELTAS = 3;
/** Δs that a notarized block may stay unfinal before another, perhaps empty, may carry its finality. */
const FINALITY_DELTAS = 4;

type Timed = Simplex & { readonly now: Millis };

/** Something waits that may be ordered by now, or a block has waited too long for its finality. */
export function isActive(state: Timed): boolean {
  return (state.work && state.now >= workDue(state)) || isFinalityLate(state);
}

/**
 * CH20: when the interval after the tip is over, by this clock. A leader need not wait longer than the tip's time says;
 * the others, whose clocks may be ahead of that, begin to wait for it when they have had the tip for as long.
 */
function workDue(state: Timed): Millis {
  const { tip, tipSince, view } = state;
  const interval = state.intervals.get(tip.id);
  assert(interval !== undefined, 'a tip was executed');
  return Math.min(tipSince, isLeader(state, view) ? tip.time : tip.time + CLOCK_DRIFT_MAX) + interval;
}

export function leaderTimedOut(draft: Draft): boolean {
  return draft.armedAt !== null && isActive(draft) && draft.now >= viewDeadline(draft, draft.armedAt);
}

/** CH20: on the best parent, with entries not before the block interval is over, empty only if finality is late. */
export function proposeIfDue(draft: Draft): void {
  const { view } = draft;
  const { own } = readRound(draft, view);
  if (!isLeader(draft, view) || !isActive(draft) || !isAboveFloor(draft, view)) return;
  if (own.notarized !== null || own.nullified) return;
  const parent = findParent(draft, view);
  if (parent === undefined) {
    askForGap(draft, view);
    return;
  }
  const empty = isFinalityLate(draft);
  const { request } = draft;
  if (request !== null && request.parent === parent.id && (request.empty || !empty)) return;
  const interval = draft.intervals.get(parent.id);
  assert(interval !== undefined, 'a parent of a proposal was executed');
  // What only carries finality does not wait for the interval, and may hold nothing else then.
  const entries = parent.id !== draft.tip.id || draft.now >= workDue(draft);
  draft.request = { parent: parent.id, empty, answered: false, again: false };
  const time = Math.max(draft.now, parent.time + (entries ? interval : 1));
  draft.effects.push({ kind: 'propose', view, parent, time, entries, empty });
}

/** Own votes for what is not final, and the certificate that brought this view. */
export function sendAgain(draft: Draft): void {
  if (isSolo(draft) || !isActive(draft)) {
    draft.retransmitAt = null;
    return;
  }
  const again = RETRANSMIT_DELTAS * draft.config.delta;
  if (draft.retransmitAt === null) {
    draft.retransmitAt = draft.now + again;
    return;
  }
  if (draft.now < draft.retransmitAt) return;
  draft.retransmitAt = draft.now + again;
  for (const view of [...draft.rounds.keys()].sort((a, b) => a - b)) sendRound(draft, view);
  const { finalization } = draft;
  if (finalization !== null) send(draft, 'all', { kind: 'certificate', certificate: finalization });
}

function sendRound(draft: Draft, view: number): void {
  const { self } = draft.config;
  const { votes, notarization, nullification } = readRound(draft, view);
  for (const certificate of [nullification, notarization]) {
    if (certificate !== null && view === draft.view - 1) send(draft, 'all', { kind: 'certificate', certificate });
  }
  if (self === null) return;
  for (const kind of ['notarize', 'nullify', 'finalize'] as const) {
    const vote = votes[kind].get(self);
    if (vote === undefined || !isAboveFloor(draft, view)) continue;
    const proposed = vote.hash === null ? undefined : draft.blocks.get(vote.hash);
    if (kind === 'notarize' && proposed !== undefined && isLeader(draft, view)) {
      send(draft, 'all', { kind: 'propose', block: proposed.block, vote });
    } else {
      send(draft, 'all', { kind: 'vote', vote });
    }
  }
}

export function decideTimers(draft: Draft): void {
  const votes = draft.config.self !== null && !isSolo(draft);
  if (!votes || !isActive(draft)) draft.armedAt = null;
  else draft.armedAt ??= draft.now;
  const at = earliest([
    draft.work && draft.now < workDue(draft) ? workDue(draft) : null,
    // Whoever knows that it is behind asks until it is not, with work or without: nobody else knows.
    draft.askAt,
    votes ? draft.retransmitAt : null,
    votes ? finalityDeadline(draft) : null,
    draft.armedAt === null || readRound(draft, draft.view).own.nullified ? null : viewDeadline(draft, draft.armedAt),
    draft.armedAt === null ? null : clockDeadline(draft),
  ]);
  if (at === draft.timerAt) return;
  draft.timerAt = at;
  draft.effects.push({ kind: 'setTimer', at });
}

function isFinalityLate(state: Timed): boolean {
  if (isSolo(state) || state.tip.view <= state.final.view) return false;
  return state.now >= state.tipSince + FINALITY_DELTAS * state.config.delta;
}

function finalityDeadline(draft: Draft): Millis | null {
  if (draft.tip.view <= draft.final.view || isFinalityLate(draft)) return null;
  return draft.tipSince + FINALITY_DELTAS * draft.config.delta;
}

function viewDeadline(draft: Draft, armedAt: Millis): Millis {
  const proposed = readRound(draft, draft.view).proposal !== null;
  return armedAt + (proposed ? VIEW_DELTAS : LEADER_DELTAS) * draft.config.delta;
}

/** When a proposal from a clock ahead of ours comes within the bound. */
function clockDeadline(draft: Draft): Millis | null {
  const { proposal } = readRound(draft, draft.view);
  const known = proposal === null ? undefined : draft.blocks.get(proposal);
  const at = known === undefined ? 0 : known.block.header.time - CLOCK_DRIFT_MAX;
  return at > draft.now ? at : null;
}

function earliest(times: readonly (Millis | null)[]): Millis | null {
  const set = times.filter((at) => at !== null);
  return set.length === 0 ? null : Math.min(...set);
}
