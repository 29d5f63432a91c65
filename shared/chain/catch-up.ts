// Catching up: certified blocks from anybody, applied to the own head only after links, certificates and execution agree (CH32–CH35).

import { equalBytes } from '../core/bytes.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import type { Verifier } from '../platform/ports.ts';
import { certifies, checkLink, tipOf, type CertifiedBlock, type ChainRules, type Tip } from './block.ts';
import { verifyCertificate, type VerifiedCertificate } from './certificate.ts';

/** What executing a block's entries on its parent gave; the caller keeps the resulting state until `commit`. */
export type Execution = { readonly stateRoot: Uint8Array; readonly receiptsRoot: Uint8Array };

export type CatchUpPorts = {
  readonly verifier: Verifier;
  /** Executes on the state after the block executed last; fails if an entry or the cut is wrong. */
  execute(block: CertifiedBlock): Promise<Result<Execution, Failure>>;
  /** Final for good, by rising height: store it, strictly, before resolving. */
  commit(block: CertifiedBlock, certificate: VerifiedCertificate): Promise<void>;
  /** What was executed since the last commit is not final: throw it away. */
  discard(): void;
};

export type CatchUpCode =
  | 'bad_link'
  | 'bad_certificate'
  | 'bad_execution'
  /** Two final blocks at one height: proof that validators cheated, or that a validator's key was used twice. */
  | 'conflicting_block';

export type CaughtUp = {
  /** The head after all that could be applied. */
  readonly tip: Tip;
  readonly applied: number;
  /** Of the new head; null when nothing was applied. */
  readonly certificate: VerifiedCertificate | null;
  /** Why it stopped before the end of the list. */
  readonly stopped: Failure<CatchUpCode> | null;
};

type Verified = { readonly block: CertifiedBlock; readonly certificate: VerifiedCertificate };

/**
 * Applies what follows `tip` from a list by rising height. Lists may begin before the head and may be cut short at any
 * point: what is applied stays, and the next question starts at the new head. A block under a mere notarization is
 * applied together with the finalized block that follows it.
 */
export async function applyCertifiedBlocks(given: {
  readonly tip: Tip;
  readonly blocks: readonly CertifiedBlock[];
  readonly rules: ChainRules;
  readonly ports: CatchUpPorts;
}): Promise<CaughtUp> {
  const { rules, ports } = given;
  let head = given.tip;
  let applied = 0;
  let certificate: VerifiedCertificate | null = null;
  let stopped: Failure<CatchUpCode> | null = null;
  let run: Verified[] = [];
  for (const block of given.blocks) {
    // Each block is judged on the state that the one before it leaves.
    const verified = await judgeBlock(block, { head, tip: run.at(-1)?.block ?? null, rules, ports });
    if (!verified.ok) {
      stopped = verified.error;
      break;
    }
    if (verified.value === null) continue;
    run.push(verified.value);
    if (verified.value.certificate.kind !== 'finalize') continue;
    for (const { block: final, certificate: proof } of run) {
      await ports.commit(final, proof);
      head = tipOf(final.block);
      certificate = proof;
      applied++;
    }
    run = [];
  }
  if (run.length > 0 || stopped !== null) ports.discard();
  return { tip: head, applied, certificate, stopped };
}

/** Null: known already. */
async function judgeBlock(
  certified: CertifiedBlock,
  at: {
    readonly head: Tip;
    readonly tip: CertifiedBlock | null;
    readonly rules: ChainRules;
    readonly ports: CatchUpPorts;
  },
): Promise<Result<Verified | null, Failure<CatchUpCode>>> {
  const { head, rules, ports } = at;
  const { block, certificate } = certified;
  const { header } = block;
  const isOld = header.height < head.height || block.id === head.id;
  if (isOld) return ok(null);
  const verified = await verifyCertificate({ certificate, ...rules, verifier: ports.verifier });
  if (!verified.ok) return verified;
  if (!certifies(certificate, block)) return fail('bad_certificate', 'The certificate is of another block.');
  if (header.height === head.height) {
    return certificate.kind === 'finalize'
      ? fail('conflicting_block', `Two different blocks of height ${header.height} are final: stop, and show both.`)
      : ok(null);
  }
  const parent = at.tip === null ? head : tipOf(at.tip.block);
  const linked = checkLink(parent, header, rules);
  if (!linked.ok) return linked;
  const executed = await ports.execute(certified);
  if (!executed.ok) return fail('bad_execution', executed.error.because);
  const { stateRoot, receiptsRoot } = executed.value;
  if (!equalBytes(stateRoot, header.stateRoot) || !equalBytes(receiptsRoot, header.receiptsRoot)) {
    return fail('bad_execution', `Executing block ${header.height} gives another result than it says.`);
  }
  return ok({ block: certified, certificate: verified.value });
}
