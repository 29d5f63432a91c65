// Catching up: certified blocks from anybody, applied to the own head only after links, certificates and execution agree (CH32–CH35).

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import { equalBytes } from '../core/bytes.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import type { Verifier } from '../platform/ports.ts';
import { checkLink, tipOf, type Block, type ChainRules, type Tip } from './block.ts';
import { checkFinality, type CertifiedBlock } from './certified-block.ts';
import { verifyCertificate, type VerifiedCertificate } from './certificate.ts';
import { checkRecovery } from './recovery.ts';
import { certifiersOf, type RecoverySet } from './recovery-set.ts';
import type { ValidatorSet } from './validator-set.ts';

/** What executing a block's entries on its parent gave; the caller keeps the resulting state until `commit`, which follows at once or not at all. */
export type Execution = {
  readonly stateRoot: Uint8Array;
  readonly receiptsRoot: Uint8Array;
  /** Of a seal: the set that orders from the next block on. */
  readonly nextSet: ValidatorSet | null;
};

export type CatchUpPorts = {
  readonly verifier: Verifier;
  /** Executes on the state after the block executed last; fails if an entry or the cut is wrong. */
  execute(block: CertifiedBlock): Promise<Result<Execution, Failure>>;
  /** The seal that ended an epoch before the present one here, and who ordered in it. */
  endOf(epoch: number): Promise<{ readonly seal: Block; readonly set: ValidatorSet }>;
  /** Final for good, by rising height: to be stored strictly, a seal at once and others with it at the latest when all are judged. Rejects when the disk fails. */
  commit(block: CertifiedBlock, certificate: VerifiedCertificate): Promise<void>;
};

export type CatchUpCode =
  | 'bad_link'
  | 'bad_certificate'
  | 'bad_execution'
  /** Two final blocks at one height: proof that validators cheated, or that a validator's key was used twice. */
  | 'conflicting_block'
  /** Two final blocks that end one epoch: the same proof, whatever their heights (CH40). */
  | 'conflicting_seal';

export type CaughtUp = {
  /** The head after all that could be applied. */
  readonly tip: Tip;
  readonly applied: number;
  /** Of the new head; null when nothing was applied. */
  readonly certificate: VerifiedCertificate | null;
  /** Why it stopped before the end of the list. */
  readonly stopped: Failure<CatchUpCode> | null;
};

/**
 * Applies what follows `tip` from a list by rising height. Lists may begin before the head and may be cut short at any
 * point: what is applied stays, and the next question starts at the new head. Rejects when not even the first could be
 * stored; when a later one could not, those before it are what was applied.
 */
export async function applyCertifiedBlocks(given: {
  readonly tip: Tip;
  readonly blocks: readonly CertifiedBlock[];
  /** Of the block after `tip`; a seal among the blocks changes them. */
  readonly rules: ChainRules;
  /** CH38: who may hand over where a quorum is gone, judged at `now`. */
  readonly recovery: RecoverySet | null;
  /** A seal that is known beforehand: another final block of its height is another history (CH41). */
  readonly checkpoint?: { readonly height: number; readonly seal: Cid } | undefined;
  readonly now: Millis;
  readonly ports: CatchUpPorts;
}): Promise<CaughtUp> {
  let { tip, rules } = given;
  let applied = 0;
  let certificate: VerifiedCertificate | null = null;
  for (const block of given.blocks) {
    // Each block is judged on the state that the one before it leaves.
    const verified = await judgeBlock(block, { ...given, tip, rules });
    if (!verified.ok) return { tip, applied, certificate, stopped: verified.error };
    if (verified.value === null) continue;
    try {
      await given.ports.commit(block, verified.value.certificate);
    } catch (error) {
      if (applied === 0) throw error;
      return { tip, applied, certificate, stopped: null };
    }
    const { nextSet } = verified.value;
    if (nextSet !== null) rules = { ...rules, epoch: rules.epoch + 1, set: nextSet };
    tip = tipOf(block.block);
    certificate = verified.value.certificate;
    applied++;
  }
  return { tip, applied, certificate, stopped: null };
}

/** CH40: of an epoch that has ended here. Null: by this very seal. What is higher may stand on it, and proves nothing. */
async function judgeOldSeal(
  certified: CertifiedBlock,
  { rules, recovery, ports }: Omit<Parameters<typeof applyCertifiedBlocks>[0], 'blocks'>,
): Promise<Result<null, Failure<CatchUpCode>>> {
  const { block, certificate } = certified;
  const { header } = block;
  const known = await ports.endOf(header.epoch);
  if (block.id === known.seal.id) return ok(null);
  if (header.height > known.seal.header.height) return fail('bad_link', `Epoch ${header.epoch} is over.`);
  const { group } = rules;
  const set = certifiersOf(header, { set: known.set, recovery });
  const verified = await verifyCertificate({ certificate, group, set, verifier: ports.verifier });
  if (!verified.ok) return verified;
  const final = checkFinality(block, certified);
  if (!final.ok) return final;
  if (header.group !== group || header.validators !== known.set.id)
    return fail('bad_link', 'The block is of other validators.');
  if (header.nextValidators === header.validators) return conflictAt(header.height);
  return fail('conflicting_seal', `Two different blocks end epoch ${header.epoch}: stop, and show both.`);
}

function conflictAt(height: number): Result<never, Failure<CatchUpCode>> {
  return fail('conflicting_block', `Two different blocks of height ${height} are final: stop, and show both.`);
}

/** Null: known already. */
async function judgeBlock(
  certified: CertifiedBlock,
  at: Omit<Parameters<typeof applyCertifiedBlocks>[0], 'blocks'>,
): Promise<Result<{ certificate: VerifiedCertificate; nextSet: ValidatorSet | null } | null, Failure<CatchUpCode>>> {
  const { tip, rules, recovery, now, ports } = at;
  const { block, certificate } = certified;
  const { header } = block;
  const isSeal = header.nextValidators !== header.validators;
  // Where the head itself is a seal, any other final block of its height is as good a proof as another seal.
  if (header.epoch < rules.epoch && (isSeal || header.height === tip.height)) return await judgeOldSeal(certified, at);
  const isOld = header.height < tip.height || block.id === tip.id;
  if (isOld) return ok(null);
  if (header.epoch !== rules.epoch)
    return fail('bad_link', `The block is of epoch ${header.epoch}, not ${rules.epoch}.`);
  const { group } = rules;
  const set = certifiersOf(header, { ...rules, recovery });
  const verified = await verifyCertificate({ certificate, group, set, verifier: ports.verifier });
  if (!verified.ok) return verified;
  const final = checkFinality(block, certified);
  if (!final.ok) return final;
  if (header.height === tip.height) return conflictAt(header.height);
  if (header.height === at.checkpoint?.height && block.id !== at.checkpoint.seal) {
    return fail('conflicting_seal', 'Somebody signed another history than the one whose validators are known here.');
  }
  const isRecovering = set !== rules.set;
  const linked = isRecovering ? checkRecovery(tip, header, { rules, now }) : checkLink(tip, header, rules);
  if (!linked.ok) return linked;
  const executed = await ports.execute(certified);
  if (!executed.ok) return fail('bad_execution', executed.error.because);
  const { stateRoot, receiptsRoot, nextSet } = executed.value;
  if (!equalBytes(stateRoot, header.stateRoot) || !equalBytes(receiptsRoot, header.receiptsRoot)) {
    return fail('bad_execution', `Executing block ${header.height} gives another result than it says.`);
  }
  if (header.nextValidators !== (nextSet ?? rules.set).id) {
    return fail('bad_execution', `Block ${header.height} names other validators than executing it gives.`);
  }
  return ok({ certificate: verified.value, nextSet });
}
