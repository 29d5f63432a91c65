// The Simplex machine of a node as its disk left it (the vote log, the last certificate, the pace the policy sets), and what it proposes.

import type { Millis } from '../core/brand.ts';
import type { VerifiedCertificate } from '../chain/certificate.ts';
import type { Founding } from '../chain/genesis.ts';
import type { Simplex, SimplexConfig } from '../chain/simplex-state.ts';
import type { ExecutedBlock } from '../ledger/execute.ts';
import type { State } from '../ledger/state.ts';
import type { Clock, PublicKey, Signer, Store, Verifier } from '../platform/ports.ts';
import { rulesAfter, type ChainHead } from './chain-head.ts';
import { assert } from '../core/assert.ts';
import { createBlock, tipOf, type Block, type ChainRules, type Tip } from '../chain/block.ts';
import { genesisTip } from '../chain/genesis.ts';
import { createSimplex } from '../chain/simplex.ts';
import { decodeLogRecord, logRange } from '../chain/vote-log.ts';
import { verifyVote, voteBytes, type VerifiedVote, type VoteClaim } from '../chain/vote.ts';
import { POLICY } from '../ledger/records.ts';
import { readRecord } from '../ledger/state.ts';

/** How long a message between validators takes at most when all is well. */
const DELTA = 1_000;

type SimplexOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly founding: Founding;
  readonly signer: Signer | null;
  readonly openSigner?: (keys: readonly PublicKey[]) => Promise<Signer | null>;
};

/** `signer`: by which this node votes in the epoch, or null. */
export type OpenedMachine = { readonly simplex: Simplex; readonly signer: Signer | null };

/** CH10: what the policy says in the state after a block holds for the next one. */
export function intervalAfter(state: State): Millis {
  const policy = readRecord(state, POLICY, 'current');
  assert(policy, 'a group has a policy');
  return policy.blockInterval;
}

/** The block of an own proposal. */
export function createProposal(proposal: {
  readonly rules: ChainRules;
  readonly proposer: PublicKey;
  readonly view: number;
  readonly parent: Tip;
  readonly time: Millis;
  readonly result: ExecutedBlock;
}): Block {
  const { rules, proposer, view, parent, time, result } = proposal;
  const { group, epoch, set } = rules;
  const { cut, receiptsRoot, stateRoot, nextSet } = result;
  return createBlock({
    v: 1,
    group,
    epoch,
    view,
    height: parent.height + 1,
    parent: parent.id,
    parentView: parent.view,
    time,
    proposer,
    cut,
    receiptsRoot,
    stateRoot,
    validators: set.id,
    nextValidators: parent.handover?.epoch === epoch ? parent.handover.next : (nextSet ?? set).id,
  });
}

export async function openSimplex(options: SimplexOptions, { last, state }: ChainHead): Promise<OpenedMachine> {
  const { store, founding, clock } = options;
  const rules = rulesAfter(state, founding.group);
  const stored = await store.range(logRange(rules.epoch));
  const log = stored.map(({ value }) => {
    const record = decodeLogRecord(value);
    assert(record.ok, 'the own vote log decodes');
    return record.value;
  });
  const signer = options.openSigner ? await options.openSigner(rules.set.keys) : options.signer;
  const self = signer ? rules.set.keys.indexOf(signer.key) : -1;
  const simplex = createSimplex({
    config: { ...rules, self: self < 0 ? null : self, delta: DELTA },
    final: last ? tipOf(last.block) : genesisTip(founding),
    interval: intervalAfter(state),
    certificate: last ? (last.certificate as VerifiedCertificate) : null,
    log,
    now: clock.now(),
  });
  return { simplex, signer };
}

/** Records of the vote log that bind nobody any more. */
export async function eraseRange(store: Store, range: { readonly from: string; readonly to: string }): Promise<void> {
  const old = await store.range(range);
  if (old.length > 0) await store.write({ remove: old.map(({ key }) => key) }, 'relaxed');
}

/** Checked like anybody's: what a key that is not the set's signs is a bug here, and not a vote. */
export async function signVote(
  claim: VoteClaim,
  given: { readonly config: SimplexConfig; readonly signer: Signer; readonly verifier: Verifier },
): Promise<VerifiedVote> {
  const { config, signer, verifier } = given;
  const { group, set, self } = config;
  assert(self !== null, 'only a validator is asked to sign');
  const vote = { ...claim, signer: self, sig: await signer.sign(voteBytes(group, claim)) };
  const verified = await verifyVote({ vote, group, set, verifier });
  assert(verified.ok, 'an own vote verifies');
  return verified.value;
}
