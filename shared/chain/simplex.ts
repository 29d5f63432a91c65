// The quiescent Simplex machine (eprint 2023/463, 2023/1916; rules CH18–CH31): facts go in, one pass decides all that follows, effects go out.

import type { Millis } from '../core/brand.ts';
import { assert } from '../core/assert.ts';
import { checkLink, type Block, type Tip } from './block.ts';
import type { VerifiedCertificate } from './certificate.ts';
import { decideAll } from './simplex-decisions.ts';
import { answerMessage } from './simplex-answers.ts';
import {
  askOnce,
  changeRound,
  closeDraft,
  findTip,
  finalViewOf,
  isAboveFloor,
  isLeader,
  isOver,
  isSolo,
  openDraft,
  readRound,
  send,
  type Draft,
  type Simplex,
  type SimplexConfig,
  type SimplexEffect,
  type SimplexInput,
  type SimplexMessage,
} from './simplex-state.ts';
import { leaderOf } from './validator-set.ts';
import type { VerifiedVote } from './vote.ts';
import type { LogRecord } from './vote-log.ts';

/** How far ahead of the current view votes and proposals are kept, so that memory is bounded. */
export const VIEW_WINDOW = 64;
/** A timer this late means that the machine slept: others may have gone on, so nobody is blamed before asking. */
const SLEPT_AFTER: Millis = 5_000;

/** From the last final block (of the chain's store, which is the truth) and the records of the log, in any order. */
export function createSimplex(given: {
  readonly config: SimplexConfig;
  readonly final: Tip;
  /** Least time between the final block and the next one. */
  readonly interval: Millis;
  readonly certificate: VerifiedCertificate | null;
  readonly log: readonly LogRecord[];
  readonly now: Millis;
}): Simplex {
  const { config, final, interval, certificate, now } = given;
  assert((certificate === null) === (final.height === 0), 'every final block but the genesis has a certificate');
  const empty: Simplex = {
    config,
    view: final.view + 1,
    final,
    // That of a seal is of other validators, and perhaps of a view that this epoch has again.
    finalization: certificate?.epoch === config.epoch ? certificate : null,
    rounds: new Map(),
    blocks: new Map(),
    intervals: new Map([[final.id, interval]]),
    tip: final,
    // After a restart nobody has to wait for the interval once more.
    tipSince: Math.min(final.time, now),
    work: false,
    offline: new Set(),
    request: null,
    armedAt: null,
    retransmitAt: null,
    timerAt: null,
    asked: new Map(),
  };
  const draft = openDraft(empty, now);
  for (const record of given.log) restoreRecord(draft, record);
  return closeDraft(draft).state;
}

export function stepSimplex(
  state: Simplex,
  input: SimplexInput,
  now: Millis,
): { state: Simplex; effects: readonly SimplexEffect[] } {
  if (isOver(state)) return { state, effects: [] };
  const draft = openDraft(state, now);
  recordInput(draft, input);
  decideAll(draft);
  return closeDraft(draft);
}

function recordInput(draft: Draft, input: SimplexInput): void {
  switch (input.kind) {
    case 'start':
      return signAgain(draft);
    case 'work':
      return recordWork(draft, input.pending);
    case 'message':
      recordMessage(draft, input.message);
      return answerMessage(draft, input);
    case 'signed':
      return recordSigned(draft, input.vote);
    case 'proposed':
      return recordProposed(draft, input);
    case 'executed': {
      const known = draft.blocks.get(input.id);
      if (known === undefined) return;
      draft.blocks.set(input.id, { ...known, verdict: input.valid ? 'valid' : 'invalid' });
      if (input.valid) draft.intervals.set(input.id, input.interval);
      return;
    }
    case 'caughtUp':
      return recordCaughtUp(draft, input);
    case 'presence': {
      if (input.epoch !== draft.config.epoch) return;
      const offline = new Set(draft.offline);
      if (input.online) offline.delete(input.validator);
      else offline.add(input.validator);
      draft.offline = offline;
      return;
    }
    case 'timer':
      return recordTimer(draft);
  }
}

function recordWork(draft: Draft, pending: boolean): void {
  draft.work = pending;
  const { request } = draft;
  if (!pending || request === null) return;
  draft.request = request.answered ? null : { ...request, again: true };
}

/** CH23: after a restart the same claims are signed again, for oneself as for others, and nothing else. */
function signAgain(draft: Draft): void {
  draft.effects.push({ kind: 'tip', tip: draft.tip });
  for (const view of [...draft.rounds.keys()].sort((a, b) => a - b)) {
    if (!isAboveFloor(draft, view)) continue;
    const { epoch } = draft.config;
    const { own, notarization, nullification } = readRound(draft, view);
    if (own.notarized !== null && notarization === null) {
      draft.effects.push({ kind: 'sign', claim: { kind: 'notarize', epoch, view, hash: own.notarized } });
    }
    if (own.nullified && nullification === null) {
      draft.effects.push({ kind: 'sign', claim: { kind: 'nullify', epoch, view, hash: null } });
    }
    if (own.finalized !== null) {
      draft.effects.push({ kind: 'sign', claim: { kind: 'finalize', epoch, view, hash: own.finalized } });
    }
  }
}

function recordMessage(draft: Draft, message: SimplexMessage): void {
  switch (message.kind) {
    case 'propose':
      return recordProposal(draft, message.block, message.vote);
    case 'vote':
      return recordVote(draft, message.vote);
    case 'certificate':
      if (message.block !== undefined && message.block.id === message.certificate.hash) {
        recordBlock(draft, message.block);
      }
      return recordCertificate(draft, message.certificate);
    case 'getCerts':
    case 'getBlocks':
    case 'status':
      return;
  }
}

function recordProposal(draft: Draft, block: Block, vote: VerifiedVote): void {
  const { view } = block.header;
  const { set, epoch } = draft.config;
  // Said before a seal was final, and heard after: its leader may be that of another view now.
  if (vote.epoch !== epoch) return;
  if (vote.kind !== 'notarize' || vote.view !== view || vote.hash !== block.id) return;
  if (vote.signer !== leaderOf(set, view) || !isInWindow(draft, view)) return;
  const round = readRound(draft, view);
  if (round.proposal === null) {
    changeRound(draft, view, { proposal: block.id });
    recordBlock(draft, block);
  } else if (round.notarization?.hash === block.id) {
    recordBlock(draft, block);
  }
  recordVote(draft, vote);
}

function recordBlock(draft: Draft, block: Block): void {
  if (!isAboveFinal(draft, block.header.view) || draft.blocks.has(block.id)) return;
  draft.blocks.set(block.id, { block, verdict: 'unknown' });
}

function recordVote(draft: Draft, vote: VerifiedVote): void {
  if (vote.epoch !== draft.config.epoch || !isInWindow(draft, vote.view)) return;
  const round = readRound(draft, vote.view);
  reportContradiction(draft, vote);
  if (round.votes[vote.kind].has(vote.signer)) return;
  const votes = { ...round.votes, [vote.kind]: new Map(round.votes[vote.kind]).set(vote.signer, vote) };
  changeRound(draft, vote.view, { votes });
}

/** CH31: two notarizes or finalizes of different blocks, or finalize and nullify, in one view. */
function reportContradiction(draft: Draft, second: VerifiedVote): void {
  const round = readRound(draft, second.view);
  if (round.accused.has(second.signer)) return;
  const same = round.votes[second.kind].get(second.signer);
  const opposite = second.kind === 'finalize' ? 'nullify' : 'finalize';
  const other = second.kind === 'notarize' ? undefined : round.votes[opposite].get(second.signer);
  const first = same !== undefined && same.hash !== second.hash ? same : other;
  if (first === undefined) return;
  draft.effects.push({ kind: 'evidence', first, second });
  changeRound(draft, second.view, { accused: new Set(round.accused).add(second.signer) });
}

function recordCertificate(draft: Draft, certificate: VerifiedCertificate): void {
  const { kind, view } = certificate;
  if (certificate.epoch !== draft.config.epoch || !isAboveFinal(draft, view)) return;
  if (kind === 'finalize') {
    if (view > finalViewOf(draft)) draft.finalization = certificate;
    return;
  }
  const field = kind === 'notarize' ? 'notarization' : 'nullification';
  if (readRound(draft, view)[field] !== null) return;
  changeRound(draft, view, { [field]: certificate });
  draft.records.push({ sort: 'certificate', certificate });
}

/** An answer that came too late for its view is dropped; its claim stays on disk and binds. */
function recordSigned(draft: Draft, vote: VerifiedVote): void {
  if (vote.signer !== draft.config.self || vote.epoch !== draft.config.epoch || !isAboveFloor(draft, vote.view)) return;
  const { own } = readRound(draft, vote.view);
  const bound =
    vote.kind === 'nullify' ? own.nullified : vote.hash === (vote.kind === 'notarize' ? own.notarized : own.finalized);
  assert(bound, 'only what is on disk is signed');
  recordVote(draft, vote);
  const proposed = vote.hash === null ? undefined : draft.blocks.get(vote.hash);
  if (vote.kind === 'notarize' && proposed !== undefined && isLeader(draft, vote.view)) {
    send(draft, 'all', { kind: 'propose', block: proposed.block, vote });
  } else {
    send(draft, 'all', { kind: 'vote', vote });
  }
}

/** CH20: one proposal a view; an answer to an older question is dropped. */
function recordProposed(draft: Draft, answer: SimplexInput & { kind: 'proposed' }): void {
  const { request, config } = draft;
  const { view, block } = answer;
  if (view !== draft.view || request === null || request.answered) return;
  if (block === null) {
    draft.request = request.again ? null : { ...request, answered: true };
    draft.work = request.again;
    return;
  }
  const { own } = readRound(draft, view);
  if (block.header.parent !== request.parent || own.notarized !== null || !isAboveFloor(draft, view)) return;
  const parent = findTip(draft, request.parent);
  assert(parent !== undefined && block.header.view === view, 'a proposal is on the parent and view it was asked for');
  assert(checkLink(parent, block.header, config).ok, 'a proposal keeps the rules of links');
  draft.blocks.set(block.id, { block, verdict: 'valid' });
  draft.intervals.set(block.id, answer.interval);
  changeRound(draft, view, { proposal: block.id, own: { ...own, notarized: block.id } });
  const claim = { kind: 'notarize', epoch: config.epoch, view, hash: block.id } as const;
  draft.records.push({ sort: 'block', block }, { sort: 'vote', claim });
  draft.effects.push({ kind: 'sign', claim });
}

function recordCaughtUp(draft: Draft, answer: SimplexInput & { kind: 'caughtUp' }): void {
  const { tip, certificate, interval } = answer;
  if (tip.view <= draft.final.view) return;
  // It may be of a block above, which an answer that was cut short does not hold.
  assert(certificate.kind === 'finalize' && certificate.view >= tip.view, 'what is caught up with is final');
  draft.final = tip;
  draft.intervals.set(tip.id, interval);
  if (certificate.view > (draft.finalization?.view ?? 0)) draft.finalization = certificate;
}

function recordTimer(draft: Draft): void {
  const late = draft.timerAt === null ? 0 : draft.now - draft.timerAt;
  draft.timerAt = null;
  if (late <= SLEPT_AFTER) return;
  if (draft.armedAt !== null) draft.armedAt = draft.now;
  if (isSolo(draft)) return;
  askOnce(draft, 'all', { kind: 'getCerts', above: finalViewOf(draft) });
}

function restoreRecord(draft: Draft, record: LogRecord): void {
  switch (record.sort) {
    case 'vote': {
      const { kind, view, hash, epoch } = record.claim;
      if (epoch !== draft.config.epoch || !isAboveFinal(draft, view)) return;
      const { own, proposal } = readRound(draft, view);
      if (kind === 'nullify') changeRound(draft, view, { own: { ...own, nullified: true } });
      else if (kind === 'finalize') changeRound(draft, view, { own: { ...own, finalized: hash } });
      else changeRound(draft, view, { own: { ...own, notarized: hash }, proposal: proposal ?? hash });
      draft.view = Math.max(draft.view, view);
      return;
    }
    case 'block':
      if (record.block.header.epoch === draft.config.epoch) recordBlock(draft, record.block);
      return;
    case 'certificate':
      recordCertificate(draft, record.certificate);
      return;
  }
}

function isInWindow(draft: Draft, view: number): boolean {
  return isAboveFinal(draft, view) && view <= draft.view + VIEW_WINDOW;
}

/** Views at or below the executed final block are settled: what comes about them changes nothing. */
function isAboveFinal(draft: Draft, view: number): boolean {
  return view > draft.final.view;
}
