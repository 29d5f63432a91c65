// The validators of one epoch: sorted keys and f, the quorum they need, and whose turn a view is (CH1–CH3).

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { cidFromDigest, type Cid } from '../codec/cid.ts';
import { list, literal, struct, uint } from '../codec/schema.ts';
import { assert } from '../core/assert.ts';
import { VALIDATOR_SET_BYTES_MAX, VALIDATORS_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { publicKeySchema, type PublicKey } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';

/** `keys` sorted by their bytes and unique; a validator's index in it is its bit in certificates. */
export type ValidatorSet = {
  /** CID of the canonical bytes: what headers name. */
  readonly id: Cid;
  readonly keys: readonly PublicKey[];
  /** Equivocators tolerated. */
  readonly f: number;
};

const validatorSetSchema = struct({
  v: literal(1),
  f: uint({ max: VALIDATORS_MAX }),
  keys: list(publicKeySchema, { min: 1, max: VALIDATORS_MAX }),
});

/** Sorts the keys; refuses duplicates, and an f that fewer than 3f + 1 validators cannot carry. */
export function createValidatorSet(given: {
  readonly keys: readonly PublicKey[];
  readonly f: number;
}): Result<ValidatorSet, Failure<'bad_validators'>> {
  const { f } = given;
  const keys = [...given.keys].sort(compareKeys);
  return checkSet({ keys, f });
}

/** `keys` in order. `bytes`: their canonical form, where it is known. */
function checkSet(
  { keys, f }: Pick<ValidatorSet, 'keys' | 'f'>,
  bytes?: Uint8Array,
): Result<ValidatorSet, Failure<'bad_validators'>> {
  if (keys.length === 0 || keys.length > VALIDATORS_MAX) {
    return fail('bad_validators', `A group has 1 to ${VALIDATORS_MAX} validators.`);
  }
  if (keys.some((key, at) => key === keys[at - 1])) return fail('bad_validators', 'A validator is listed twice.');
  if (!Number.isSafeInteger(f) || f < 0 || keys.length < 3 * f + 1) {
    return fail('bad_validators', `${keys.length} validators cannot tolerate ${f} that cheat: it takes 3f + 1.`);
  }
  const canonical = bytes ?? encodeCanonical(validatorSetSchema, { v: 1, f, keys });
  return ok({ id: cidFromDigest('dag-cbor', sha256(canonical)), keys, f });
}

export function encodeValidatorSet(set: ValidatorSet): Uint8Array<ArrayBuffer> {
  return encodeCanonical(validatorSetSchema, { v: 1, f: set.f, keys: set.keys });
}

export function decodeValidatorSet(bytes: Uint8Array): Result<ValidatorSet, Failure<'bad_validators'>> {
  const decoded = decodeCanonical(validatorSetSchema, bytes, { max: VALIDATOR_SET_BYTES_MAX });
  if (!decoded.ok) return fail('bad_validators', decoded.error.because);
  const { keys, f } = decoded.value;
  if (keys.some((key, at) => at > 0 && compareKeys(keys[at - 1]!, key) >= 0)) {
    return fail('bad_validators', 'The validators are not in order.');
  }
  // Read above as the one encoding of this set: no need to write it again.
  return checkSet({ keys, f }, bytes);
}

/** CH2: ⌊(n + f) / 2⌋ + 1, so that any two quorums share f + 1 validators. It never shrinks. */
export function quorumOf(set: { readonly keys: { readonly length: number }; readonly f: number }): number {
  return Math.floor((set.keys.length + set.f) / 2) + 1;
}

/** CH3: the index of the leader of a view. */
export function leaderOf(set: ValidatorSet, view: number): number {
  return view % set.keys.length;
}

/** The key at an index that is known to be in the set. */
export function validatorAt(set: Pick<ValidatorSet, 'keys'>, index: number): PublicKey {
  const key = set.keys[index];
  assert(key !== undefined, 'an index of a validator is below n');
  return key;
}

/** Hex of equal length orders as its bytes do. */
function compareKeys(a: PublicKey, b: PublicKey): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
