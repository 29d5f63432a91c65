// What follows from the facts: certificates, the view, finality, the tip, votes, proposals and timers, decided in this order after every input.

import type { Cid } from '../codec/cid.ts';
import { checkLink, tipOf, type Block, type Tip } from './block.ts';
import { assembleCertificate } from './certificate.ts';
import { judgeProposal } from './simplex-proposals.ts';
import { decideTimers, isActive, leaderTimedOut, proposeIfDue, sendAgain } from './simplex-timers.ts';
import {
  askOnce,
  changeRound,
  findTip,
  isAboveFloor,
  isOver,
  isSolo,
  readRound,
  send,
  type Draft,
} from './simplex-state.ts';
import { leaderOf } from './validator-set.ts';
import type { VoteClaim, VoteKind } from './vote.ts';

export function decideAll(draft: Draft): void {
  formCertificates(draft);
  enterView(draft);
  finalise(draft);
  if (isOver(draft)) return;
  executeBlocks(draft);
  moveTip(draft);
  if (draft.config.self !== null) {
    notarizeProposal(draft);
    finalizeNotarized(draft);
    nullifyView(draft);
    proposeIfDue(draft);
    sendAgain(draft);
  }
  decideTimers(draft);
}

/** CH24: q votes of a kind for one claim; only in rounds that this step changed, since it is done after every step. */
function formCertificates(draft: Draft): void {
  for (const [view, round] of draft.rounds) {
    if (round === draft.before.rounds.get(view)) continue;
    if (round.notarization === null) formCertificate(draft, view, 'notarize');
    if (round.nullification === null) formCertificate(draft, view, 'nullify');
    if (isAboveFloor(draft, view)) formCertificate(draft, view, 'finalize');
  }
}

function formCertificate(draft: Draft, view: number, kind: VoteKind): void {
  const votes = [...readRound(draft, view).votes[kind].values()];
  const { epoch, set } = draft.config;
  for (const hash of new Set(votes.map((vote) => vote.hash))) {
    const certificate = assembleCertificate({ kind, epoch, view, hash }, votes, set);
    if (certificate === undefined) continue;
    if (kind === 'finalize') {
      draft.finalization = certificate;
    } else {
      changeRound(draft, view, { [kind === 'notarize' ? 'notarization' : 'nullification']: certificate });
      draft.records.push({ sort: 'certificate', certificate });
    }
    send(draft, 'all', { kind: 'certificate', certificate });
    return;
  }
}

/** CH25: the view after the highest one that a certificate ended. */
function enterView(draft: Draft): void {
  let view = Math.max(draft.view, (draft.finalization?.view ?? 0) + 1, draft.final.view + 1);
  for (const [ended, { notarization, nullification }] of draft.rounds) {
    if (notarization !== null || nullification !== null) view = Math.max(view, ended + 1);
  }
  if (view === draft.view) return;
  draft.view = view;
  draft.request = null;
  draft.armedAt = null;
}

/** CH26: the finalized block and its ancestors, as soon as all of them were executed here. */
function finalise(draft: Draft): void {
  const { finalization, before } = draft;
  if (finalization !== null && finalization.view > draft.final.view) {
    const blocks = unfinalisedChain(draft, finalization.hash);
    if (blocks === undefined) {
      if (finalization !== before.finalization) draft.records.push({ sort: 'certificate', certificate: finalization });
      draft.askAt = askOnce(draft, 'all', { kind: 'getBlocks', from: draft.final.height + 1 });
    } else {
      for (const [at, block] of blocks.entries()) {
        draft.effects.push({ kind: 'finalised', block, certificate: finalization, after: blocks.slice(at + 1) });
        draft.final = tipOf(block);
        // What stands on a seal has made it final, and is no part of the chain.
        if (isOver(draft)) break;
      }
    }
  }
  if (draft.final.id !== before.final.id) forgetSettled(draft);
}

/** From the last final block up to this one, all executed; undefined while one is missing. */
function unfinalisedChain(draft: Draft, last: Cid | null): Block[] | undefined {
  const chain: Block[] = [];
  for (let id = last; id !== draft.final.id;) {
    const known = id === null ? undefined : draft.blocks.get(id);
    if (known?.verdict !== 'valid') return undefined;
    chain.unshift(known.block);
    id = known.block.header.parent;
  }
  return chain;
}

function forgetSettled(draft: Draft): void {
  const through = draft.final.view;
  for (const view of draft.rounds.keys()) if (view <= through) draft.rounds.delete(view);
  for (const [id, { block }] of draft.blocks) if (block.header.view <= through) draft.blocks.delete(id);
  for (const id of draft.intervals.keys())
    if (id !== draft.final.id && !draft.blocks.has(id)) draft.intervals.delete(id);
  draft.effects.push({ kind: 'forget', through });
}

/** A block is executed once its parent was; one that cannot follow its parent is invalid without that. */
function executeBlocks(draft: Draft): void {
  for (const [id, known] of draft.blocks) {
    const { parent } = known.block.header;
    const ready = parent === draft.final.id || draft.blocks.get(parent)?.verdict === 'valid';
    if (known.verdict !== 'unknown' || !ready) continue;
    const tip = findTip(draft, parent);
    const linked = tip !== undefined && checkLink(tip, known.block.header, draft.config).ok;
    draft.blocks.set(id, { ...known, verdict: linked ? 'asked' : 'invalid' });
    if (linked) draft.effects.push({ kind: 'execute', block: known.block });
  }
}

/** Until the host has said what waits beyond the new tip, nothing does. */
function moveTip(draft: Draft): void {
  const tip = findHighestTip(draft);
  if (tip.id === draft.tip.id) return;
  draft.tip = tip;
  draft.tipSince = draft.now;
  draft.work = false;
  draft.request = null;
  draft.effects.push({ kind: 'tip', tip });
}

function findHighestTip(draft: Draft): Tip {
  let tip = draft.final;
  for (const { block, verdict } of draft.blocks.values()) {
    const { view } = block.header;
    if (verdict !== 'valid' || view <= tip.view) continue;
    if (readRound(draft, view).notarization?.hash === block.id) tip = tipOf(block);
  }
  return tip;
}

/** CH21: the first valid proposal of the current view's leader, even after nullifying the view. */
function notarizeProposal(draft: Draft): void {
  const { view } = draft;
  const { proposal, own } = readRound(draft, view);
  if (proposal === null || own.notarized !== null || !isAboveFloor(draft, view)) return;
  const known = draft.blocks.get(proposal);
  if (known === undefined || judgeProposal(draft, known) !== 'ready') return;
  changeRound(draft, view, { own: { ...own, notarized: proposal } });
  draft.records.push({ sort: 'block', block: known.block });
  bindVote(draft, { kind: 'notarize', epoch: draft.config.epoch, view, hash: proposal });
}

/** CH27: any notarized view that this validator never nullified, late or not. */
function finalizeNotarized(draft: Draft): void {
  for (const [view, { notarization, own }] of draft.rounds) {
    if (notarization === null || own.finalized !== null || own.nullified || !isAboveFloor(draft, view)) continue;
    changeRound(draft, view, { own: { ...own, finalized: notarization.hash } });
    bindVote(draft, { kind: 'finalize', epoch: draft.config.epoch, view, hash: notarization.hash });
  }
}

/** CH28: only the current view, never after a finalize in it, and only for a reason. */
function nullifyView(draft: Draft): void {
  const { view } = draft;
  const { own } = readRound(draft, view);
  if (own.nullified || own.finalized !== null || !isAboveFloor(draft, view) || isSolo(draft)) return;
  if (!isLost(draft)) return;
  changeRound(draft, view, { own: { ...own, nullified: true } });
  bindVote(draft, { kind: 'nullify', epoch: draft.config.epoch, view, hash: null });
}

function isLost(draft: Draft): boolean {
  const { proposal, votes } = readRound(draft, draft.view);
  const leader = leaderOf(draft.config.set, draft.view);
  if (votes.nullify.has(leader)) return true;
  const known = proposal === null ? undefined : draft.blocks.get(proposal);
  if (known !== undefined && judgeProposal(draft, known) === 'invalid') return true;
  if (proposal === null && draft.offline.has(leader) && isActive(draft)) return true;
  // No timer runs without work: that there is some is known from those who gave the view up, one honest among them.
  if (proposal === null && !isActive(draft) && votes.nullify.size > draft.config.set.f) return true;
  return leaderTimedOut(draft);
}

/** CH18: on disk first; the signature comes back as an input. */
function bindVote(draft: Draft, claim: VoteClaim): void {
  draft.records.push({ sort: 'vote', claim });
  draft.effects.push({ kind: 'sign', claim });
}
