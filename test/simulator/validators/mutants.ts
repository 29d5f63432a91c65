// Mistakes put around the machine, each of which the simulator has to notice: those of our own trial, and those that others made.

import { createSimplex, stepSimplex } from '../../../shared/chain/simplex.ts';
import { tipOf } from '../../../shared/chain/block.ts';
import { readRound, type Round, type Simplex, type SimplexEffect } from '../../../shared/chain/simplex-state.ts';
import type { VerifiedCertificate } from '../../../shared/chain/certificate.ts';
import type { VoteKind } from '../../../shared/chain/vote.ts';
import type { LogRecord } from '../../../shared/chain/vote-log.ts';
import { MACHINE, type MachineFunctions } from './machine-functions.ts';

type Step = typeof stepSimplex;

function changeRounds(state: Simplex, change: (view: number, round: Round) => Round): Simplex {
  return { ...state, rounds: new Map([...state.rounds].map(([view, round]) => [view, change(view, round)])) };
}

function forgetNullified(state: Simplex, isForgotten: (view: number) => boolean): Simplex {
  return changeRounds(state, (view, round) =>
    round.own.nullified && isForgotten(view) ? { ...round, own: { ...round.own, nullified: false } } : round,
  );
}

/** Rule 3: "only if v was never nullified by you". This one looks at the current view only. */
const finalizeAfterNullify: Step = (state, input, now) =>
  stepSimplex(
    forgetNullified(state, (view) => view < state.view),
    input,
    now,
  );

/** Two quorums of a bare majority share one validator, which may be a twin. */
const majorityQuorum: MachineFunctions['configure'] = (config) => ({ ...config, set: { ...config.set, f: 0 } });

/** Rule 1 without "holding nullifications for every view between": what is missing is taken for given. */
const noGapCheck: Step = (state, input, now) => {
  const { final, view, config } = state;
  const taken = new Set<VerifiedCertificate>();
  const rounds = new Map(state.rounds);
  for (let between = final.view + 1; between < view; between++) {
    const round = readRound(state, between);
    if (round.nullification !== null) continue;
    const signers = new Uint8Array(1);
    const claim = { kind: 'nullify', epoch: config.epoch, view: between, hash: null, signers, sigs: [] } as const;
    const nullification = claim as unknown as VerifiedCertificate;
    taken.add(nullification);
    rounds.set(between, { ...round, nullification });
  }
  const step = stepSimplex({ ...state, rounds }, input, now);
  const effects = step.effects.filter(
    (effect) =>
      !(effect.kind === 'send' && effect.message.kind === 'certificate' && taken.has(effect.message.certificate)),
  );
  const isTaken = ({ nullification }: Round): boolean => nullification !== null && taken.has(nullification);
  const own = changeRounds(step.state, (_, round) => (isTaken(round) ? { ...round, nullification: null } : round));
  return { state: own, effects };
};

function restoring(isKept: (record: LogRecord) => boolean): typeof createSimplex {
  return (given) => createSimplex({ ...given, log: given.log.filter(isKept) });
}

function isVote(record: LogRecord, ...kinds: VoteKind[]): boolean {
  return record.sort === 'vote' && kinds.includes(record.claim.kind);
}

function changingEffects(change: (effects: readonly SimplexEffect[]) => readonly SimplexEffect[]): Step {
  return (state, input, now) => {
    const step = stepSimplex(state, input, now);
    return { ...step, effects: change(step.effects) };
  };
}

const noCertificatesOnDisk = changingEffects((effects) =>
  effects.map((effect) =>
    effect.kind === 'persist'
      ? { ...effect, records: effect.records.filter(({ sort }) => sort !== 'certificate') }
      : effect,
  ),
);

const noEmptyBlock = changingEffects((effects) =>
  effects.map((effect) => (effect.kind === 'propose' ? { ...effect, empty: false } : effect)),
);

const persistLast = changingEffects((effects) => [
  ...effects.filter(({ kind }) => kind !== 'persist'),
  ...effects.filter(({ kind }) => kind === 'persist'),
]);

/** A round that timed out is thrown away once two views have gone by, and built afresh when something comes about it. */
const builtAfresh: Step = (state, input, now) =>
  stepSimplex(
    forgetNullified(state, (view) => view < state.view - 2),
    input,
    now,
  );

/** What comes as an answer, a certificate with its block, is taken as if the view had not been skipped. */
const finalizeReplicated: Step = (state, input, now) => {
  const isReplicated =
    input.kind === 'message' && input.message.kind === 'certificate' && input.message.block !== undefined;
  const view = isReplicated ? input.message.certificate.view : null;
  return stepSimplex(
    forgetNullified(state, (at) => at === view),
    input,
    now,
  );
};

const ignoreStale: Step = (state, input, now) => {
  const isStale =
    input.kind === 'message' && input.message.kind === 'vote' && input.message.vote.view <= state.final.view;
  return isStale && state.timerAt === null ? { state, effects: [] } : stepSimplex(state, input, now);
};

/** The flag is restored, the vote is not given to anybody again. */
const ownNullifyNotCounted: Step = (state, input, now) => {
  const step = stepSimplex(state, input, now);
  if (input.kind !== 'start') return step;
  const isNullify = (effect: SimplexEffect): boolean => effect.kind === 'sign' && effect.claim.kind === 'nullify';
  return { ...step, effects: step.effects.filter((effect) => !isNullify(effect)) };
};

/** CH37: the tip no longer says that its block hands over, and the host asks nobody else. */
const sealForgotten: Step = (state, input, now) => {
  const { handover, ...final } = state.final;
  return stepSimplex(handover === undefined ? state : { ...state, final }, input, now);
};

/** CH37 without "what has made the seal final is no part of the chain". */
const pastTheSeal: Step = (state, input, now) => {
  const step = stepSimplex(state, input, now);
  const effects: SimplexEffect[] = [];
  let { final } = step.state;
  for (const effect of step.effects) {
    effects.push(effect);
    if (effect.kind !== 'finalised' || tipOf(effect.block).handover === undefined) continue;
    for (const [at, block] of effect.after.entries()) {
      effects.push({ ...effect, block, after: effect.after.slice(at + 1) });
      final = tipOf(block);
    }
  }
  return { state: { ...step.state, final }, effects };
};

/** The log of the old epoch is read as if it were of the new one: views go on, so its votes seem to bind. */
const oldVotesBind: typeof createSimplex = (given) => {
  const { epoch } = given.config;
  const log = given.log.map((record) =>
    record.sort === 'vote' ? { ...record, claim: { ...record.claim, epoch } } : record,
  );
  return createSimplex({ ...given, log });
};

/** What made the seal final stands above it, and is taken for a block of the new epoch that is missing. */
const oldFinalization: typeof createSimplex = (given) => {
  const { certificate } = given;
  return { ...createSimplex(given), finalization: certificate };
};

/** CH36 without "empty". */
const entriesOnSeal: MachineFunctions['cutAfter'] = (book, parent, held) => book.cutAfter(parent, held, OTHER_EPOCH);
const OTHER_EPOCH = -1;

const with_ = (functions: Partial<MachineFunctions>): MachineFunctions => ({ ...MACHINE, ...functions });

export const MUTANTS = {
  'finalize after nullify': with_({ step: finalizeAfterNullify }),
  'majority quorum': with_({ configure: majorityQuorum }),
  'no gap check': with_({ step: noGapCheck }),
  'lost vote log': with_({ create: restoring(({ sort }) => sort !== 'vote') }),
  'certificates not persisted': with_({ step: noCertificatesOnDisk }),
  'nullify after finalize': with_({
    create: restoring((record) => !isVote(record, 'finalize') && record.sort !== 'certificate'),
  }),
  'no empty block': with_({ step: noEmptyBlock }),
  'finalize built afresh': with_({ step: builtAfresh }),
  'finalize from a replicated notarization': with_({ step: finalizeReplicated }),
  'stale votes ignored': with_({ step: ignoreStale }),
  'fencepost in answers': with_({ firstBlock: (from) => from + 1 }),
  'own nullify not counted': with_({ step: ownNullifyNotCounted }),
  'restart votes': with_({ create: restoring((record) => !isVote(record, 'notarize')) }),
  'signed before persisted': with_({ step: persistLast }),
  'old validators go on': with_({ step: sealForgotten, handsOver: false }),
  'past the seal': with_({ step: pastTheSeal }),
  'entries on a seal': with_({ cutAfter: entriesOnSeal }),
  'old votes bind': with_({ create: oldVotesBind }),
  'finalization of the old epoch': with_({ create: oldFinalization }),
  'silent to other epochs': with_({ answersEpochs: false }),
} satisfies Record<string, MachineFunctions>;
