// What the Simplex machine knows, hears and asks for: its state, inputs, effects and messages, as plain data.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import { tipOf, type Block, type ChainRules, type Tip } from './block.ts';
import type { VerifiedCertificate } from './certificate.ts';
import { leaderOf } from './validator-set.ts';
import type { VerifiedVote, VoteClaim, VoteKind } from './vote.ts';
import type { LogRecord } from './vote-log.ts';

export type SimplexConfig = ChainRules & {
  /** This validator's index in the set; null only watches. */
  readonly self: number | null;
  /** Δ: how long a message takes at most when all is well, in milliseconds. */
  readonly delta: Millis;
};

/** What is known of one view above the final one. */
export type Round = {
  /** The leader's first proposal. */
  readonly proposal: Cid | null;
  readonly votes: Readonly<Record<VoteKind, ReadonlyMap<number, VerifiedVote>>>;
  readonly notarization: VerifiedCertificate | null;
  readonly nullification: VerifiedCertificate | null;
  /** What this validator has bound itself to; on disk before it is signed. */
  readonly own: { readonly notarized: Cid | null; readonly nullified: boolean; readonly finalized: Cid | null };
  /** Validators whose contradiction was reported already. */
  readonly accused: ReadonlySet<number>;
};

/** A block above the final one. `asked`: its execution was asked for and is not answered yet. */
export type KnownBlock = { readonly block: Block; readonly verdict: 'unknown' | 'asked' | 'valid' | 'invalid' };

export type Simplex = {
  readonly config: SimplexConfig;
  readonly view: number;
  /** The last final block that was executed here, or the genesis. */
  readonly final: Tip;
  /** The highest finalization seen: ahead of `final` while blocks are missing. */
  readonly finalization: VerifiedCertificate | null;
  readonly rounds: ReadonlyMap<number, Round>;
  readonly blocks: ReadonlyMap<Cid, KnownBlock>;
  /** CH10: least time between a block and the next one, by the policy in the state after it; of the final block and of those executed above it. */
  readonly intervals: ReadonlyMap<Cid, Millis>;
  /** The highest notarized or final block that was executed here: what the next block stands on. */
  readonly tip: Tip;
  readonly tipSince: Millis;
  /** Whether an admissible entry waits that the chain up to `tip` does not hold. */
  readonly work: boolean;
  readonly offline: ReadonlySet<number>;
  /**
   * The proposal that was asked for in this view. `empty`: it might be empty; `answered`: with nothing; `again`: there
   * was news of work since it was asked for.
   */
  readonly request: {
    readonly parent: Cid;
    readonly empty: boolean;
    readonly answered: boolean;
    readonly again: boolean;
  } | null;
  /** Since when the timers of this view run. */
  readonly armedAt: Millis | null;
  readonly retransmitAt: Millis | null;
  /** What the host's timer is set to. */
  readonly timerAt: Millis | null;
  /** When something missing was last asked for. */
  readonly asked: ReadonlyMap<string, Millis>;
};

export type Address = 'all' | { readonly peer: string } | { readonly validator: number };

/** Everything signed in a message was verified before it gets here. */
export type SimplexMessage =
  /** The vote is the leader's notarize of this block. */
  | { readonly kind: 'propose'; readonly block: Block; readonly vote: VerifiedVote }
  | { readonly kind: 'vote'; readonly vote: VerifiedVote }
  | { readonly kind: 'certificate'; readonly certificate: VerifiedCertificate; readonly block?: Block }
  /** Asks for certificates of views above this one. */
  | { readonly kind: 'getCerts'; readonly above: number }
  /** Asks for certified blocks from this height on. */
  | { readonly kind: 'getBlocks'; readonly from: number }
  /** Only says how far the sender is. */
  | { readonly kind: 'status' };

export type SimplexInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'work'; readonly pending: boolean }
  /** `finalView`: the sender's highest finalization. */
  | {
      readonly kind: 'message';
      readonly from: string;
      readonly finalView: number;
      readonly message: SimplexMessage;
    }
  /** A vote that `sign` asked for. */
  | { readonly kind: 'signed'; readonly vote: VerifiedVote }
  /** The answer to `propose`: an executed block whose entries are on disk, or null when there is nothing to order. */
  | { readonly kind: 'proposed'; readonly view: number; readonly block: Block; readonly interval: Millis }
  | { readonly kind: 'proposed'; readonly view: number; readonly block: null }
  /** The answer to `execute`; while entries are missing there is none. */
  | { readonly kind: 'executed'; readonly id: Cid; readonly valid: true; readonly interval: Millis }
  | { readonly kind: 'executed'; readonly id: Cid; readonly valid: false }
  /** Final blocks up to this one were fetched, verified and executed outside. */
  | {
      readonly kind: 'caughtUp';
      readonly tip: Tip;
      readonly certificate: VerifiedCertificate;
      readonly interval: Millis;
    }
  /** By its index in the set of that epoch: what was said before a seal is about another (CN11). */
  | { readonly kind: 'presence'; readonly epoch: number; readonly validator: number; readonly online: boolean }
  | { readonly kind: 'timer' };

/** To be performed in this order, each finished before the next begins. */
export type SimplexEffect =
  /** One transaction, strict; always the first of a step. */
  | { readonly kind: 'persist'; readonly records: readonly LogRecord[] }
  /** The answer is `signed`. */
  | { readonly kind: 'sign'; readonly claim: VoteClaim }
  | { readonly kind: 'send'; readonly to: Address; readonly finalView: number; readonly message: SimplexMessage }
  /** The answer is `proposed`: a block on `parent` with this time, with entries only if `entries` allows it, without only if `empty` does. */
  | {
      readonly kind: 'propose';
      readonly view: number;
      readonly parent: Tip;
      readonly time: Millis;
      readonly entries: boolean;
      readonly empty: boolean;
    }
  /** Its parent was executed before. The answer is `executed`. */
  | { readonly kind: 'execute'; readonly block: Block }
  /** The next block stands on this one: say by `work` whether there is something beyond it. */
  | { readonly kind: 'tip'; readonly tip: Tip }
  /** By rising height. `after`: the blocks above it up to the one that the finalization is of. */
  | {
      readonly kind: 'finalised';
      readonly block: Block;
      readonly certificate: VerifiedCertificate;
      readonly after: readonly Block[];
    }
  /** Records of views up to this one may go. */
  | { readonly kind: 'forget'; readonly through: number }
  | { readonly kind: 'answerBlocks'; readonly to: Address; readonly from: number }
  /** One timer; null cancels it. */
  | { readonly kind: 'setTimer'; readonly at: Millis | null }
  /** Two votes of one validator that contradict each other. */
  | { readonly kind: 'evidence'; readonly first: VerifiedVote; readonly second: VerifiedVote };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A step's working copy: nothing outside sees it change. */
export type Draft = Mutable<Simplex> & {
  rounds: Map<number, Round>;
  blocks: Map<Cid, KnownBlock>;
  intervals: Map<Cid, Millis>;
  asked: Map<string, Millis>;
  readonly now: Millis;
  readonly before: Simplex;
  readonly records: LogRecord[];
  readonly effects: SimplexEffect[];
  /** When final blocks that are missing are asked for again. */
  askAt: Millis | null;
};

const EMPTY_ROUND: Round = {
  proposal: null,
  votes: { notarize: new Map(), nullify: new Map(), finalize: new Map() },
  notarization: null,
  nullification: null,
  own: { notarized: null, nullified: false, finalized: null },
  accused: new Set(),
};

/** Δs after which what is missing is asked for, and what is unanswered sent, again. */
export const RETRANSMIT_DELTAS = 5;

export function openDraft(state: Simplex, now: Millis): Draft {
  const again = RETRANSMIT_DELTAS * state.config.delta;
  return {
    ...state,
    // A clock that was set back must not leave waits that last as long as the jump.
    tipSince: Math.min(state.tipSince, now),
    armedAt: state.armedAt === null ? null : Math.min(state.armedAt, now),
    retransmitAt: state.retransmitAt === null ? null : Math.min(state.retransmitAt, now + again),
    rounds: new Map(state.rounds),
    blocks: new Map(state.blocks),
    intervals: new Map(state.intervals),
    asked: new Map([...state.asked].filter(([, at]) => at <= now && now < at + again)),
    now,
    before: state,
    records: [],
    effects: [],
    askAt: null,
  };
}

/** CH18: what a step persists comes before everything else it does. */
export function closeDraft(draft: Draft): { state: Simplex; effects: readonly SimplexEffect[] } {
  const { config, view, final, finalization, rounds, blocks, tip, tipSince, work, offline, request } = draft;
  const { intervals, armedAt, retransmitAt, timerAt, asked, records, effects } = draft;
  const known = { config, view, final, finalization, rounds, blocks, tip, tipSince, work, offline, request };
  return {
    state: { ...known, intervals, armedAt, retransmitAt, timerAt, asked },
    effects: records.length === 0 ? effects : [{ kind: 'persist', records }, ...effects],
  };
}

export function readRound(state: Simplex, view: number): Round {
  return state.rounds.get(view) ?? EMPTY_ROUND;
}

export function changeRound(draft: Draft, view: number, change: Partial<Round>): void {
  draft.rounds.set(view, { ...readRound(draft, view), ...change });
}

export function finalViewOf(state: Simplex): number {
  return state.finalization?.view ?? state.final.view;
}

/** CH22: nothing is signed at or below the highest finalization. */
export function isAboveFloor(state: Simplex, view: number): boolean {
  return view > finalViewOf(state);
}

/** CH37: its last block is a seal and final, so other validators, or the same with other keys, go on. */
export function isOver(state: Simplex): boolean {
  return state.final.handover?.epoch === state.config.epoch;
}

export function isLeader(state: Simplex, view: number): boolean {
  return state.config.self === leaderOf(state.config.set, view);
}

/** A sole validator is its own quorum: it has nobody to wait for, so no timers. */
export function isSolo(state: Simplex): boolean {
  return state.config.set.keys.length === 1;
}

export function send(draft: Draft, to: Address, message: SimplexMessage): void {
  draft.effects.push({ kind: 'send', to, finalView: finalViewOf(draft), message });
}

/** Asks for one thing at most once in 5Δ; returns when it may be asked again. */
export function askOnce(draft: Draft, to: Address, message: SimplexMessage): Millis {
  const what = JSON.stringify([to, message]);
  const before = draft.asked.get(what);
  if (before === undefined) {
    draft.asked.set(what, draft.now);
    send(draft, to, message);
  }
  return (before ?? draft.now) + RETRANSMIT_DELTAS * draft.config.delta;
}

/** The block or genesis with this id that is executed here or known, whatever its certificates. */
export function findTip(state: Simplex, id: Cid): Tip | undefined {
  if (id === state.final.id) return state.final;
  const known = state.blocks.get(id);
  if (known === undefined) return undefined;
  return tipOf(known.block);
}
