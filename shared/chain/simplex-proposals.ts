// Proposals of the Simplex machine: whether one may be notarized, and on which parent the next may stand (CH19–CH21).

import { CLOCK_DRIFT_MAX } from '../core/limits.ts';
import { checkLink, tipOf, type Header, type Tip } from './block.ts';
import {
  askOnce,
  finalViewOf,
  findTip,
  readRound,
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
    if (header.time - parent.time < draft.config.blockInterval) return 'invalid';
  }
  if (!holdsParent(draft, header) || !holdsGap(draft, header.parentView, header.view)) {
    // Whoever proposed on this parent holds what shows that it may.
    const to = { validator: leaderOf(draft.config.set, header.view) };
    askOnce(draft, to, { kind: 'getCerts', above: finalViewOf(draft) });
    return 'wait';
  }
  if (header.time > draft.now + CLOCK_DRIFT_MAX) return 'wait';
  return verdict === 'valid' ? 'ready' : 'wait';
}

/** CH19: the highest executed parent that is final or notarized and from which on every view was nullified. */
export function findParent(state: Simplex, view: number): Tip | undefined {
  if (finalViewOf(state) > state.final.view) return undefined;
  const parents = [state.final];
  for (const { block, verdict } of state.blocks.values()) {
    const notarized = readRound(state, block.header.view).notarization?.hash === block.id;
    if (verdict === 'valid' && notarized) parents.push(tipOf(block));
  }
  parents.sort((a, b) => b.view - a.view);
  return parents.find((parent) => holdsGap(state, parent.view, view));
}

function holdsParent(state: Simplex, { parent, parentView }: Header): boolean {
  if (parent === state.final.id) return true;
  return readRound(state, parentView).notarization?.hash === parent;
}

/** Nullifications for every view between the two. */
function holdsGap(state: Simplex, parentView: number, view: number): boolean {
  for (let between = parentView + 1; between < view; between++) {
    if (readRound(state, between).nullification === null) return false;
  }
  return true;
}
