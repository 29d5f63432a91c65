// The groups of simulated validators, made once: their keys take longer than a run.

import { assert } from '../../../shared/core/assert.ts';
import type { PublicKey } from '../../../shared/crypto/ids.ts';
import { createTestGroup, testSigner, type TestGroup } from '../../../shared/chain/chain.test-kit.ts';
import { createValidatorSet, type ValidatorSet } from '../../../shared/chain/validator-set.ts';
import type { SetChange } from './epoch-plan.ts';

const groups = new Map<string, TestGroup>();
const sets = new Map<string, ValidatorSet>();
const spareKeys = new Map<number, PublicKey>();

export function groupOf(validators: number, f: number): TestGroup {
  const name = `${validators} ${f}`;
  const group = groups.get(name) ?? createTestGroup(validators, f);
  groups.set(name, group);
  return group;
}

/** Of the validators of a plan: those of the genesis by their index, the others by the names that the kit goes on with. */
export function keyOf({ founding }: TestGroup, validator: number): PublicKey {
  const founder = founding.set.keys[validator];
  if (founder !== undefined) return founder;
  const key = spareKeys.get(validator) ?? testSigner(`validator ${validator}`).key;
  spareKeys.set(validator, key);
  return key;
}

/** The same group under other validators. */
export function successorOf(
  genesis: TestGroup,
  epoch: number,
  { members, f }: Pick<SetChange, 'members' | 'f'>,
): TestGroup {
  const keys = members.map((member) => keyOf(genesis, member)).toSorted();
  const name = `${f} ${keys.join(' ')}`;
  const set = sets.get(name) ?? madeOf({ keys, f });
  sets.set(name, set);
  return { ...genesis, rules: { ...genesis.rules, epoch, set } };
}

function madeOf(given: { readonly keys: readonly PublicKey[]; readonly f: number }): ValidatorSet {
  const set = createValidatorSet(given);
  assert(set.ok, 'plans name sets that hold');
  return set.value;
}
