// Certificates: exactly a quorum of votes for one claim, as a bitmap and signatures in the order of the set (CH15, CH16).

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import type { Cid } from '../codec/cid.ts';
import { bytes, link, list, mapped, nullable, struct, text, uint, type Infer } from '../codec/schema.ts';
import { assert } from '../core/assert.ts';
import type { Brand } from '../core/brand.ts';
import { CERTIFICATE_BYTES_MAX, VALIDATORS_MAX } from '../core/limits.ts';
import { err, fail, ok, type Failure, type Result } from '../core/result.ts';
import { publicKeyBytes, signatureSchema } from '../crypto/ids.ts';
import type { Verifier } from '../platform/ports.ts';
import { recoveryBytes, type RecoverySet } from './recovery-set.ts';
import { quorumOf, validatorAt, type ValidatorSet } from './validator-set.ts';
import { voteBytes, type VerifiedVote, type VoteClaim, type VoteKind } from './vote.ts';

const BITMAP_BYTES_MAX = Math.ceil(VALIDATORS_MAX / 8);

const KINDS: readonly string[] = ['notarize', 'nullify', 'finalize'] satisfies VoteKind[];

const kindSchema = mapped<string, VoteKind>(
  text({ max: 8 }),
  (word) => (KINDS.includes(word) ? ok(word as VoteKind) : err('expected notarize, nullify or finalize')),
  (word) => word,
);

const certificateSchema = struct({
  kind: kindSchema,
  epoch: uint(),
  view: uint({ min: 1 }),
  hash: nullable(link()),
  /** Bit i, least significant first, says that validator i signed. */
  signers: bytes({ min: 1, max: BITMAP_BYTES_MAX }),
  /** One for each bit, by rising index. */
  sigs: list(signatureSchema, { min: 1, max: VALIDATORS_MAX }),
});

export type Certificate = Infer<typeof certificateSchema>;

/** Made by verifyCertificate and assembleCertificate, and by nothing else but a validator's own log. */
export type VerifiedCertificate = Brand<Certificate, 'VerifiedCertificate'>;

export function encodeCertificate(certificate: Certificate): Uint8Array<ArrayBuffer> {
  return encodeCanonical(certificateSchema, certificate);
}

export function decodeCertificate(input: Uint8Array): Result<Certificate, Failure<'bad_certificate'>> {
  const decoded = decodeCanonical(certificateSchema, input, { max: CERTIFICATE_BYTES_MAX });
  if (!decoded.ok) return fail('bad_certificate', decoded.error.because);
  const { kind, hash } = decoded.value;
  if ((hash === null) !== (kind === 'nullify')) {
    return fail('bad_certificate', 'The certificate names no block, or one too many.');
  }
  return ok(decoded.value);
}

/** CH15: takes the lowest indexes; undefined while the votes for this claim are fewer than a quorum. */
export function assembleCertificate(
  claim: VoteClaim,
  votes: Iterable<VerifiedVote>,
  set: ValidatorSet,
): VerifiedCertificate | undefined {
  const { kind, epoch, view, hash } = claim;
  const votesBySigner = new Map<number, VerifiedVote>();
  for (const vote of votes) {
    if (vote.kind === kind && vote.epoch === epoch && vote.view === view && vote.hash === hash) {
      votesBySigner.set(vote.signer, vote);
    }
  }
  const quorum = quorumOf(set);
  if (votesBySigner.size < quorum) return undefined;
  const chosen = [...votesBySigner.values()].sort((a, b) => a.signer - b.signer).slice(0, quorum);
  const signers = new Uint8Array(bitmapBytes(set));
  for (const { signer } of chosen) {
    assert(signer < set.keys.length, 'a verified vote is of a validator');
    signers[signer >> 3]! |= 1 << (signer & 7);
  }
  const certificate: Certificate = { kind, epoch, view, hash, signers, sigs: chosen.map(({ sig }) => sig) };
  return certificate as VerifiedCertificate;
}

/** CH16: a bitmap of the set's size with exactly q bits, a signature for each, all of them valid; of a recovery (CH38) exactly its threshold. */
export async function verifyCertificate(given: {
  readonly certificate: Certificate;
  readonly group: Cid;
  readonly set: ValidatorSet | RecoverySet;
  readonly verifier: Verifier;
}): Promise<Result<VerifiedCertificate, Failure<'bad_certificate'>>> {
  const { certificate, group, set, verifier } = given;
  const { kind, hash, signers, sigs } = certificate;
  if ((hash === null) !== (kind === 'nullify')) {
    return fail('bad_certificate', 'The certificate names no block, or one too many.');
  }
  if (signers.length !== bitmapBytes(set))
    return fail('bad_certificate', 'The certificate is for a set of another size.');
  const indexes = readBitmap(signers);
  const isRecovery = 'threshold' in set;
  const quorum = isRecovery ? set.threshold : quorumOf(set);
  if (indexes.length !== quorum || indexes.length !== sigs.length) {
    return fail('bad_certificate', `The certificate does not have exactly ${quorum} signatures.`);
  }
  if (indexes.some((index) => index >= set.keys.length)) return fail('bad_certificate', 'A signer is not a validator.');
  if (isRecovery && hash === null) return fail('bad_certificate', 'A recovery is about a block.');
  const message = isRecovery ? recoveryBytes(group, certificate) : voteBytes(group, certificate);
  const verdicts = await Promise.all(
    indexes.map((index, at) =>
      verifier.verify({ key: publicKeyBytes(validatorAt(set, index)), message, signature: sigs[at]! }),
    ),
  );
  if (!verdicts.every(Boolean)) return fail('bad_certificate', "A validator's signature does not verify.");
  return ok(certificate as VerifiedCertificate);
}

function bitmapBytes(set: { readonly keys: readonly unknown[] }): number {
  return Math.ceil(set.keys.length / 8);
}

function readBitmap(bitmap: Uint8Array): number[] {
  const indexes: number[] = [];
  for (let index = 0; index < bitmap.length * 8; index++) {
    if ((bitmap[index >> 3]! >> (index & 7)) & 1) indexes.push(index);
  }
  return indexes;
}
