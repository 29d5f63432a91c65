// One machine of four, fed by hand: for tests that say message by message what it hears.

import type { Block } from './block.ts';
import { claimOf, INTERVAL, stubCertificate, stubVote, type TestGroup } from './chain.test-kit.ts';
import { createSimplex, stepSimplex } from './simplex.ts';
import type { Simplex, SimplexEffect, SimplexInput, SimplexMessage } from './simplex-state.ts';
import { DELTA } from './simplex.test-kit.ts';
import { leaderOf } from './validator-set.ts';
import type { VoteClaim } from './vote.ts';
import type { LogRecord } from './vote-log.ts';

export const NOW = 1_700_000_100_000;

/** The product's, or the same with a mistake around it. */
type Functions = { readonly create: typeof createSimplex; readonly step: typeof stepSimplex };

/** One machine among four, fed by hand. */
export class Bench {
  readonly group: TestGroup;
  readonly #functions: Functions;
  state: Simplex;
  now = NOW;
  effects: readonly SimplexEffect[] = [];

  constructor(
    group: TestGroup,
    self: number,
    log: readonly LogRecord[] = [],
    functions: Functions = { create: createSimplex, step: stepSimplex },
  ) {
    this.group = group;
    this.#functions = functions;
    const config = { ...group.rules, self, delta: DELTA };
    const given = { config, final: group.tip, interval: INTERVAL, certificate: null, log, now: NOW };
    this.state = functions.create(given);
    this.give({ kind: 'start' });
  }

  give(input: SimplexInput, now = this.now): readonly SimplexEffect[] {
    this.now = now;
    const step = this.#functions.step(this.state, input, now);
    this.state = step.state;
    this.effects = step.effects;
    return step.effects;
  }

  hear(message: SimplexMessage, finalView = 0): readonly SimplexEffect[] {
    return this.give({ kind: 'message', from: 'peer', finalView, message });
  }

  hearVotes(claim: VoteClaim, signers: readonly number[]): readonly SimplexEffect[] {
    const all: SimplexEffect[] = [];
    for (const signer of signers) all.push(...this.hear({ kind: 'vote', vote: stubVote(signer, claim) }));
    return all;
  }

  hearCertificate(claim: VoteClaim, block?: Block): readonly SimplexEffect[] {
    const certificate = stubCertificate(this.group, claim);
    return this.hear({ kind: 'certificate', certificate, ...(block !== undefined && { block }) });
  }

  propose(block: Block): readonly SimplexEffect[] {
    const signer = leaderOf(this.group.rules.set, block.header.view);
    return this.hear({ kind: 'propose', block, vote: stubVote(signer, claimOf(block, 'notarize')) });
  }

  execute(block: Block, valid = true, interval = INTERVAL): readonly SimplexEffect[] {
    return this.give({ kind: 'executed', id: block.id, ...(valid ? { valid, interval } : { valid }) });
  }
}

export function signs(effects: readonly SimplexEffect[]): string[] {
  return effects.flatMap((effect) => (effect.kind === 'sign' ? [`${effect.claim.kind} ${effect.claim.view}`] : []));
}

export function sent(effects: readonly SimplexEffect[]): SimplexMessage[] {
  return effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));
}

export function nullify(view: number): VoteClaim {
  return { kind: 'nullify', epoch: 0, view, hash: null };
}
