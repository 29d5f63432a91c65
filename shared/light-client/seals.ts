// Seals: final blocks that hand an epoch over to new validators, followed from the pinned set to the present one (LC3).

import { decodeHeader } from '../chain/block.ts';
import { afterSchema, checkFinality, decodeFinality } from '../chain/certified-block.ts';
import { verifyCertificate, type Certificate } from '../chain/certificate.ts';
import { GENESIS_EPOCH, type Founding } from '../chain/genesis.ts';
import { certifiersOf, readRecovery, type RecoverySet } from '../chain/recovery-set.ts';
import { decodeValidatorSet, type ValidatorSet } from '../chain/validator-set.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import type { Cid } from '../codec/cid.ts';
import { bytes, optional, struct, type Infer } from '../codec/schema.ts';
import { AFTER_BYTES_MAX, CERTIFICATE_BYTES_MAX, HEADER_BYTES_MAX, VALIDATOR_SET_BYTES_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import type { Verifier } from '../platform/ports.ts';

const SEAL_BYTES_MAX = HEADER_BYTES_MAX + AFTER_BYTES_MAX + CERTIFICATE_BYTES_MAX + VALIDATOR_SET_BYTES_MAX + 64;

const sealSchema = struct({
  header: bytes({ max: HEADER_BYTES_MAX }),
  /** Of the old validators, over the header or the last of those after it (CH26). */
  certificate: bytes({ max: CERTIFICATE_BYTES_MAX }),
  after: optional(afterSchema),
  /** The set whose CID is the header's `nextValidators`. */
  validators: bytes({ max: VALIDATOR_SET_BYTES_MAX }),
});

export type Seal = Infer<typeof sealSchema>;

/** Whose votes count in an epoch, and the height after which it begins. */
export type Epoch = { readonly epoch: number; readonly set: ValidatorSet; readonly height: number };

/**
 * Who signs now. `seal`: the last one, and whoever ended the epoch with it. `recovered`: at some point identities that
 * the genesis names, and not a quorum of validators, said who orders (LC16).
 */
export type Followed = Epoch & {
  readonly recovered: boolean;
  readonly seal?: { readonly id: Cid; readonly ended: Epoch; readonly certifiers: ValidatorSet | RecoverySet };
};

export function encodeSeal(seal: Seal): Uint8Array<ArrayBuffer> {
  return encodeCanonical(sealSchema, seal);
}

export function decodeSeal(bytes: Uint8Array): Result<Seal, Failure<'bad_seal'>> {
  const seal = decodeCanonical(sealSchema, bytes, { max: SEAL_BYTES_MAX });
  return seal.ok ? seal : fail('bad_seal', seal.error.because);
}

/** `checkpoint`: a seal that the reader knows of. */
type Reader = { readonly verifier: Verifier; readonly checkpoint?: Cid | undefined };

/** Where seals lead by their own word. Nothing of it is believed before `certified` is ok: signatures are still being checked. */
export type Claimed = {
  readonly followed: Followed;
  readonly certified: Promise<Result<unknown, Failure<'bad_seal'>>>;
};

/**
 * Starts with the validators of the genesis; any seal that does not verify refuses all, and so does a way past the
 * checkpoint: keys that were retired before it can sign another history, and do not get there (LC14).
 */
export async function followSeals(
  founding: Founding,
  seals: readonly Uint8Array[],
  { verifier, checkpoint }: Reader,
): Promise<Result<Claimed, Failure<'bad_seal'>>> {
  let followed: Followed = { epoch: GENESIS_EPOCH, set: founding.set, height: 0, recovered: false };
  let certified: Claimed['certified'] = Promise.resolve(ok(undefined));
  let passed = checkpoint === undefined;
  for (const bytes of seals) {
    const seal = readSeal(followed, bytes, founding);
    // Beside the one before, so that no core waits, and beside no more: a forger makes us check one certificate in vain (LC3).
    const verdict = seal.ok ? verifySeal(seal.value, { founding, verifier }) : Promise.resolve(seal);
    const before = await certified;
    if (!before.ok) {
      await verdict;
      return before;
    }
    if (!seal.ok) return seal;
    certified = verdict;
    followed = seal.value.followed;
    passed ||= followed.seal?.id === checkpoint;
  }
  if (passed) return ok({ followed, certified });
  const last = await certified;
  return last.ok ? fail('bad_seal', 'The answer leads past the change of validators that is known here.') : last;
}

/** `set`: who has to have signed it. */
type ReadSeal = {
  readonly followed: Followed;
  readonly certificate: Certificate;
  readonly set: ValidatorSet | RecoverySet;
};

/** Everything but the signatures. */
function readSeal(
  ended: Followed,
  input: Uint8Array,
  { group, genesis }: Founding,
): Result<ReadSeal, Failure<'bad_seal'>> {
  const { epoch, set, height } = ended;
  const seal = decodeSeal(input);
  if (!seal.ok) return seal;
  const block = decodeHeader(seal.value.header);
  if (!block.ok) return fail('bad_seal', block.error.because);
  const next = decodeValidatorSet(seal.value.validators);
  if (!next.ok) return fail('bad_seal', next.error.because);
  const { id, header } = block.value;
  if (header.group !== group || header.epoch !== epoch || header.validators !== set.id || header.height <= height) {
    return fail('bad_seal', 'A change of validators does not follow the one before it.');
  }
  if (next.value.id === set.id || header.nextValidators !== next.value.id) {
    return fail('bad_seal', 'A change of validators names other validators than it brings.');
  }
  const finality = decodeFinality(seal.value);
  if (!finality.ok) return fail('bad_seal', finality.error.because);
  const final = checkFinality(block.value, finality.value);
  if (!final.ok) return fail('bad_seal', 'A change of validators is not final.');
  const { certificate } = finality.value;
  const signers = certifiersOf(header, { set, recovery: readRecovery(genesis) });
  const recovered = ended.recovered || signers !== set;
  return ok({
    followed: {
      epoch: epoch + 1,
      set: next.value,
      height: header.height,
      recovered,
      seal: { id, ended, certifiers: signers },
    },
    certificate,
    set: signers,
  });
}

async function verifySeal(
  { certificate, set }: ReadSeal,
  { founding, verifier }: { readonly founding: Founding; readonly verifier: Verifier },
): Promise<Result<unknown, Failure<'bad_seal'>>> {
  const verified = await verifyCertificate({ certificate, group: founding.group, set, verifier });
  return verified.ok ? verified : fail('bad_seal', verified.error.because);
}
