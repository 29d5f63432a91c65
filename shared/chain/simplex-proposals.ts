// Proposals of the Simplex machine: whether one may be notarized, and on which parent the next may stand (CH19–CH21).

import { CLOCK_DRIFT_MAX } from '../core/limits.ts';
import { CERTIFIED_VIEWS_MAX } from './simplex-answers.ts';
import { checkLink, tipOf, type Header, type Tip } from './block.ts';
import {
  askOnce,
  finalViewOf,
  findTip,
  readRound,
  type Address,
  type Draft,
  type KnownBlock,
  type Simplex,
} from './simplex-state.ts';
import { leaderOf } from './validator-set.ts';

/** `wait` is for what may still arrive: entries, certificates, the time. `invalid` is for ever. */
export type Judgement = 'ready' | 'wait' | 'invalid';

export function judgeProposal(draft: Draft, { block, verdict }: KnownBlock): Judgement {
  const { header } = block;
  if (verdict === 'invalid' || header.parentView < draft.final.view) return 'invalid';
  const parent = findTip(draft, header.parent);
  if (parent !== undefined) {
    if (!checkLink(parent, header, draft.config).ok) return 'invalid';
    // Known once the parent was executed; before that a block on it has no verdict and waits. An empty one may be sooner.
    const interval = header.cut.length === 0 ? undefined : draft.intervals.get(header.parent);
    if (interval !== undefined && header.time - parent.time < interval) return 'invalid';
  }
  // A notarized parent that is not here comes with its certificate.
  const holds = parent !== undefined && holdsParent(draft, header);
  const missing = holds ? findGap(draft, header.parentView, header.view) : header.parentView;
  if (missing !== undefined) {
    // Whoever proposed on this parent holds what shows that it may.
    askFrom(draft, { validator: leaderOf(draft.config.set, header.view) }, missing);
    return 'wait';
  }
  if (header.time > draft.now + CLOCK_DRIFT_MAX) return 'wait';
  return verdict === 'valid' ? 'ready' : 'wait';
}

/** CH19: the highest executed parent that is final or notarized and from which on every view was nullified. */
export function findParent(state: Simplex, view: number): Tip | undefined {
  if (finalViewOf(state) > state.final.view) return undefined;
  return findParents(state).find((parent) => findGap(state, parent.view, view) === undefined);
}

/** Asks for what keeps this validator from proposing in a view: all from the first view it cannot account for. */
export function askForGap(draft: Draft, view: number): void {
  const [best] = findParents(draft);
  askFrom(draft, 'all', (best && findGap(draft, best.view, view)) ?? 0);
}

/** Highest first. */
function findParents(state: Simplex): Tip[] {
  const parents = [state.final];
  for (const { block, verdict } of state.blocks.values()) {
    const notarized = readRound(state, block.header.view).notarization?.hash === block.id;
    if (verdict === 'valid' && notarized) parents.push(tipOf(block));
  }
  return parents.sort((a, b) => b.view - a.view);
}

/**
 * CH30: an answer holds a bounded number of views, so the questions go by answers: one for each, however many of its
 * certificates have come so far.
 */
function askFrom(draft: Draft, to: Address, missing: number): void {
  const final = finalViewOf(draft);
  const answers = Math.floor(Math.max(0, missing - 1 - final) / CERTIFIED_VIEWS_MAX);
  askOnce(draft, to, { kind: 'getCerts', above: final + answers * CERTIFIED_VIEWS_MAX });
}

function holdsParent(state: Simplex, { parent, parentView }: Header): boolean {
  if (parent === state.final.id) return true;
  return readRound(state, parentView).notarization?.hash === parent;
}

/** The first view between the two that is not known to be nullified. */
function findGap(state: Simplex, parentView: number, view: number): number | undefined {
  for (let between = parentView + 1; between < view; between++) {
    if (readRound(state, between).nullification === null) return between;
  }
  return undefined;
}
