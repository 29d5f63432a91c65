// A status: one validator's signed word that this block was its latest final one at this time. Freshness rests on it (CH17).

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import type { Cid } from '../codec/cid.ts';
import { link, struct, uint, type Infer } from '../codec/schema.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { publicKeyBytes, publicKeySchema, signatureSchema } from '../crypto/ids.ts';
import { signedBytes } from '../crypto/signed-bytes.ts';
import type { Signer, Verifier } from '../platform/ports.ts';
import type { ValidatorSet } from './validator-set.ts';

const claimFields = {
  epoch: uint(),
  /** View and height of the final block, 0 before the first. */
  view: uint(),
  height: uint(),
  /** Id of the final block; the group's id before the first. */
  hash: link(),
  /** When it was signed, by the validator's clock: milliseconds since the Unix epoch. */
  time: uint(),
  validator: publicKeySchema,
};

const claimSchema = struct(claimFields);
const statusSchema = struct({ ...claimFields, sig: signatureSchema });

export type StatusClaim = Infer<typeof claimSchema>;
export type Status = Infer<typeof statusSchema>;

/** Seven short fields, a key, a link and a signature: about 230 bytes. */
export const STATUS_BYTES_MAX = 512;

export async function createStatus(given: {
  readonly claim: Omit<StatusClaim, 'validator'>;
  readonly group: Cid;
  readonly signer: Signer;
}): Promise<Status> {
  const claim = { ...given.claim, validator: given.signer.key };
  return { ...claim, sig: await given.signer.sign(statusBytes(given.group, claim)) };
}

export function encodeStatus(status: Status): Uint8Array<ArrayBuffer> {
  return encodeCanonical(statusSchema, status);
}

export function decodeStatus(input: Uint8Array): Result<Status, Failure<'bad_status'>> {
  const decoded = decodeCanonical(statusSchema, input, { max: STATUS_BYTES_MAX });
  return decoded.ok ? decoded : fail('bad_status', decoded.error.because);
}

export async function verifyStatus(given: {
  readonly status: Status;
  readonly group: Cid;
  readonly set: ValidatorSet;
  readonly verifier: Verifier;
}): Promise<Result<Status, Failure<'bad_status'>>> {
  const { status, group, set, verifier } = given;
  if (!set.keys.includes(status.validator)) return fail('bad_status', 'The status is not signed by a validator.');
  const { sig, ...claim } = status;
  const message = statusBytes(group, claim);
  const valid = await verifier.verify({ key: publicKeyBytes(status.validator), message, signature: sig });
  return valid ? ok(status) : fail('bad_status', "The status's signature does not verify.");
}

/** CH17: signed like a vote, under a kind of its own, over all fields. */
function statusBytes(group: Cid, claim: StatusClaim): Uint8Array<ArrayBuffer> {
  return signedBytes('status', group, encodeCanonical(claimSchema, claim));
}
