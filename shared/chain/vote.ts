// Votes: what a validator signs about a view, and how another checks it (CH12–CH14).

import { encodeCanonical } from '../codec/canonical.ts';
import type { Cid } from '../codec/cid.ts';
import { link, nullable, struct, uint } from '../codec/schema.ts';
import type { Brand } from '../core/brand.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { publicKeyBytes } from '../crypto/ids.ts';
import { signedBytes } from '../crypto/signed-bytes.ts';
import type { Verifier } from '../platform/ports.ts';
import type { ValidatorSet } from './validator-set.ts';

export type VoteKind = 'notarize' | 'nullify' | 'finalize';

/** What a vote says; `hash` is the block's id, and null exactly for nullify, which is about a view. */
export type VoteClaim = {
  readonly kind: VoteKind;
  readonly epoch: number;
  readonly view: number;
  readonly hash: Cid | null;
};

/** `signer` is the validator's index in the set of the epoch; `sig` 64 bytes. */
export type Vote = VoteClaim & { readonly signer: number; readonly sig: Uint8Array };

/** Made by verifyVote, and by nothing else. */
export type VerifiedVote = Brand<Vote, 'VerifiedVote'>;

const claimSchema = struct({ epoch: uint(), view: uint({ min: 1 }), hash: nullable(link()) });

/** CH12: the kind is in the domain, the group next to it; a leader's proposal is its notarize vote. */
export function voteBytes(group: Cid, { kind, epoch, view, hash }: VoteClaim): Uint8Array<ArrayBuffer> {
  return signedBytes(kind, group, encodeCanonical(claimSchema, { epoch, view, hash }));
}

export async function verifyVote(given: {
  readonly vote: Vote;
  readonly group: Cid;
  readonly set: ValidatorSet;
  readonly verifier: Verifier;
}): Promise<Result<VerifiedVote, Failure<'bad_vote'>>> {
  const { vote, group, set, verifier } = given;
  const key = set.keys[vote.signer];
  if (key === undefined) return fail('bad_vote', 'The vote is not of a validator.');
  if ((vote.hash === null) !== (vote.kind === 'nullify'))
    return fail('bad_vote', 'The vote names no block, or one too many.');
  const message = voteBytes(group, vote);
  const valid = await verifier.verify({ key: publicKeyBytes(key), message, signature: vote.sig });
  return valid ? ok(vote as VerifiedVote) : fail('bad_vote', "The vote's signature does not verify.");
}
