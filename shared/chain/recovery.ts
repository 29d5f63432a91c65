// Recovery: where a quorum is gone for good, so many of the identities that the genesis names hand the group over to other validators (CH38–CH40).

import { assert } from '../core/assert.ts';
import type { Millis } from '../core/brand.ts';
import { CLOCK_DRIFT_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import type { PublicKey } from '../crypto/ids.ts';
import { createBlock, findBrokenPlace, type Block, type ChainRules, type Header, type Tip } from './block.ts';
import type { Certificate } from './certificate.ts';
import type { RecoverySet } from './recovery-set.ts';
import type { ValidatorSet } from './validator-set.ts';

/** Nothing was final for so long: validators that come back within a week are not gone for good. */
export const RECOVERY_WAIT: Millis = 7 * 86_400_000;

/** CH39: what it may stand on; `now` by the clock of whoever takes it. */
export function checkRecovery(
  parent: Tip,
  header: Header,
  { rules, now }: { readonly rules: ChainRules; readonly now: Millis },
): Result<void, Failure<'bad_link'>> {
  const broken = findBrokenPlace(parent, header, rules);
  if (broken !== undefined) return fail('bad_link', broken);
  if (header.cut.length > 0) return fail('bad_link', 'A recovery orders nothing.');
  if (header.nextValidators === header.validators) return fail('bad_link', 'A recovery hands over to nobody else.');
  if (header.time < parent.time + RECOVERY_WAIT) return fail('bad_link', 'The recovery comes too early.');
  if (header.time > now + CLOCK_DRIFT_MAX) return fail('bad_link', 'The recovery is of a time that has not come.');
  return ok(undefined);
}

type Roots = Pick<Header, 'receiptsRoot' | 'stateRoot'>;

/** The block, still to be signed, that hands over from `parent` to `next`. */
export function createRecovery(given: {
  readonly rules: ChainRules;
  readonly recovery: RecoverySet;
  readonly parent: Tip;
  readonly time: Millis;
  readonly next: ValidatorSet;
  /** What executing it gives. */
  readonly execute: (start: { readonly proposer: PublicKey; readonly height: number }) => Roots;
}): Block {
  const { rules, recovery, parent, time, next, execute } = given;
  const { group, epoch, set } = rules;
  const view = parent.view + 1;
  const proposer = recovery.keys.find((key) => key !== set.keys[view % set.keys.length]);
  assert(proposer, 'identities have other keys than validators');
  const height = parent.height + 1;
  const { receiptsRoot, stateRoot } = execute({ proposer, height });
  const place = { group, epoch, view, height, parent: parent.id, parentView: parent.view };
  const hands = { validators: set.id, nextValidators: next.id };
  return createBlock({ v: 1, ...place, time, proposer, cut: [], receiptsRoot, stateRoot, ...hands });
}

/** Undefined while fewer have signed than it takes. Signatures by key, each verified before. */
export function assembleRecovery(
  { id, header }: Block,
  sigs: ReadonlyMap<PublicKey, Uint8Array>,
  { keys, threshold }: RecoverySet,
): Certificate | undefined {
  const signed = keys.flatMap((key, index) => {
    const sig = sigs.get(key);
    return sig ? [{ index, sig }] : [];
  });
  if (signed.length < threshold) return undefined;
  const chosen = signed.slice(0, threshold);
  const signers = new Uint8Array(Math.ceil(keys.length / 8));
  for (const { index } of chosen) signers[index >> 3]! |= 1 << (index & 7);
  const { epoch, view } = header;
  return { kind: 'finalize', epoch, view, hash: id, signers, sigs: chosen.map(({ sig }) => sig) };
}
