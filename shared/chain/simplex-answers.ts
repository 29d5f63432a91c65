// How the Simplex machine answers peers: never with silence, and never more than was asked (CH29, CH30).

import { askOnce, finalViewOf, readRound, send, type Address, type Draft, type SimplexInput } from './simplex-state.ts';

/** Views whose certificates one answer holds: the same bound for whoever asks, who then asks again from there. */
export const CERTIFIED_VIEWS_MAX = 32;

/** CH29: whoever is behind gets the highest finalization, idle or not; whoever is ahead is asked. */
export function answerMessage(draft: Draft, input: SimplexInput & { kind: 'message' }): void {
  const to: Address = { peer: input.from };
  const own = finalViewOf(draft);
  if (input.finalView < own && draft.finalization !== null) {
    send(draft, to, { kind: 'certificate', certificate: draft.finalization });
  } else if (input.finalView > own) {
    askOnce(draft, to, { kind: 'getCerts', above: own });
  }
  if (input.message.kind === 'getBlocks') {
    draft.effects.push({ kind: 'answerBlocks', to, from: input.message.from });
  } else if (input.message.kind === 'getCerts') {
    answerCertificates(draft, to, input.message.above);
  }
}

/** CH30: by rising view, from the first above `above`; `status` says that there is nothing. */
function answerCertificates(draft: Draft, to: Address, above: number): void {
  const views = [...draft.rounds.keys()]
    .filter((view) => view > above && hasCertificate(draft, view))
    .sort((a, b) => a - b)
    .slice(0, CERTIFIED_VIEWS_MAX);
  for (const view of views) {
    const { notarization, nullification } = readRound(draft, view);
    if (nullification !== null) send(draft, to, { kind: 'certificate', certificate: nullification });
    if (notarization === null) continue;
    const known = notarization.hash === null ? undefined : draft.blocks.get(notarization.hash);
    const block = known === undefined ? {} : { block: known.block };
    send(draft, to, { kind: 'certificate', certificate: notarization, ...block });
  }
  if (views.length === 0) send(draft, to, { kind: 'status' });
}

function hasCertificate(draft: Draft, view: number): boolean {
  const { notarization, nullification } = readRound(draft, view);
  return notarization !== null || nullification !== null;
}
