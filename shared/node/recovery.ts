// Recovers a group whose quorum is gone for good: what its identities sign, and what their signatures make of it (CH38–CH40).

import type { Block } from '../chain/block.ts';
import type { Founding } from '../chain/genesis.ts';
import type { Millis } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { PublicKey, Signer } from '../platform/ports.ts';
import type { Ordering } from './ordering.ts';
import { encodeCertifiedBlock } from '../chain/certified-block.ts';
import { assembleRecovery, checkRecovery, createRecovery } from '../chain/recovery.ts';
import { readRecovery, recoveryBytes } from '../chain/recovery-set.ts';
import { createValidatorSet, type ValidatorSet } from '../chain/validator-set.ts';
import { assert } from '../core/assert.ts';
import { fail, ok } from '../core/result.ts';
import { executeBlock } from '../ledger/execute.ts';
import { readRecord } from '../ledger/state.ts';
import { VALIDATOR } from '../ledger/validator-records.ts';
import { rulesAfter } from './chain-head.ts';

export type RecoveryPlan = { readonly block: Block; readonly next: ValidatorSet };

/** The same for all who know the same last final block, name the same validators and the same time. */
export function planRecovery(given: {
  readonly chain: Pick<Ordering, 'state' | 'tip'>;
  readonly founding: Founding;
  /** Whose votes count from then on, and the equivocators that they tolerate. */
  readonly keys: readonly PublicKey[];
  readonly f: number;
  readonly time: Millis;
}): Result<RecoveryPlan, Failure> {
  const { chain, founding, time } = given;
  const { state, tip: parent } = chain;
  const recovery = readRecovery(founding.genesis);
  if (recovery === null) return fail('not_permitted', 'The founding of this group names nobody who may recover it.');
  const next = createValidatorSet(given);
  if (!next.ok) return next;
  const rules = rulesAfter(state, founding.group);
  if (next.value.keys.some((key) => readRecord(state, VALIDATOR, key)?.removed !== undefined)) {
    return fail('not_permitted', 'One of these keys was taken out because it contradicted itself.');
  }
  const block = createRecovery({
    ...{ rules, recovery, parent, time, next: next.value },
    execute: (start) => {
      const at = { state, parentId: parent.id, blockTime: time, recover: next.value, entries: [], ...start };
      const executed = executeBlock(at);
      assert(executed.ok, 'a block without entries executes');
      return executed.value;
    },
  });
  const allowed = checkRecovery(parent, block.header, { rules, now: time });
  return allowed.ok ? ok({ block, next: next.value }) : allowed;
}

/** By an identity that the founding names. */
export async function signRecovery(founding: Founding, { block }: RecoveryPlan, signer: Signer): Promise<Uint8Array> {
  const { epoch, view } = block.header;
  return await signer.sign(recoveryBytes(founding.group, { epoch, view, hash: block.id }));
}

/** The block as it travels, for `takeBlocks` of anybody; null while too few have signed. */
export function finishRecovery(
  founding: Founding,
  { block, next }: RecoveryPlan,
  sigs: ReadonlyMap<PublicKey, Uint8Array>,
): Uint8Array<ArrayBuffer> | null {
  const recovery = readRecovery(founding.genesis);
  const certificate = recovery && assembleRecovery(block, sigs, recovery);
  return certificate ? encodeCertifiedBlock({ block, certificate, nextSet: next, entries: [] }) : null;
}
