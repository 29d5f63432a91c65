// Signatures in a simulation: a register of who signed what, which takes no time and cannot be forged either; or real ones.

import { assert } from '../../../shared/core/assert.ts';
import { encodeUtf8 } from '../../../shared/codec/base.ts';
import { publicKeyOfSeed, signPure, verifyPure } from '../../../shared/crypto/ed25519.ts';
import { publicKeyBytes, publicKeyFromBytes } from '../../../shared/crypto/ids.ts';
import { sha256 } from '../../../shared/crypto/sha256.ts';
import type { VerifiedCertificate } from '../../../shared/chain/certificate.ts';
import type { Cid } from '../../../shared/codec/cid.ts';
import { quorumOf, type ValidatorSet } from '../../../shared/chain/validator-set.ts';
import { voteBytes, type VerifiedVote, type VoteClaim } from '../../../shared/chain/vote.ts';

export type Signatures = {
  sign(signer: number, claim: VoteClaim): VerifiedVote;
  isVote(vote: VerifiedVote): boolean;
  isCertificate(certificate: VerifiedCertificate): boolean;
};

export function createRegister(set: ValidatorSet): Signatures {
  const signed = new WeakMap<Uint8Array, string>();
  const wordsOf = (signer: number, { kind, epoch, view, hash }: VoteClaim): string =>
    `${signer} ${kind} ${epoch} ${view} ${hash}`;
  const isSigned = (signer: number, claim: VoteClaim, sig: Uint8Array): boolean =>
    signed.get(sig) === wordsOf(signer, claim);
  return {
    sign(signer, claim) {
      const sig = new Uint8Array(1);
      signed.set(sig, wordsOf(signer, claim));
      return { ...claim, signer, sig } as unknown as VerifiedVote;
    },
    isVote: (vote) => isSigned(vote.signer, vote, vote.sig),
    isCertificate: (certificate) => isQuorum(set, certificate, isSigned),
  };
}

/** Ed25519 for every vote and every check, with the keys of the kit's groups. */
export function createRealSignatures(group: Cid, set: ValidatorSet): Signatures {
  const { keys } = set;
  const seeds = keys.map((_, at) => sha256(encodeUtf8(`validator ${at}`)));
  const seedOf = (signer: number): Uint8Array => {
    const seed = seeds.find((candidate) => {
      const key = publicKeyFromBytes(publicKeyOfSeed(candidate));
      return key.ok && key.value === keys[signer];
    });
    assert(seed !== undefined, 'the kit makes keys from names');
    return seed;
  };
  const bySigner = keys.map((_, signer) => seedOf(signer));
  const isSigned = (signer: number, claim: VoteClaim, sig: Uint8Array): boolean => {
    const key = keys[signer];
    if (key === undefined) return false;
    const message = voteBytes(group, claim);
    return verifyPure({ key: publicKeyBytes(key), message, signature: sig });
  };
  return {
    sign(signer, claim) {
      const sig = signPure(bySigner[signer]!, voteBytes(group, claim));
      return { ...claim, signer, sig } as unknown as VerifiedVote;
    },
    isVote: (vote) => isSigned(vote.signer, vote, vote.sig),
    isCertificate: (certificate) => isQuorum(set, certificate, isSigned),
  };
}

function isQuorum(
  set: ValidatorSet,
  certificate: VerifiedCertificate,
  isSigned: (signer: number, claim: VoteClaim, sig: Uint8Array) => boolean,
): boolean {
  const { signers, sigs } = certificate;
  const indexes = [...set.keys.keys()].filter((at) => ((signers[at >> 3] ?? 0) >> (at & 7)) & 1);
  if (indexes.length !== quorumOf(set) || indexes.length !== sigs.length) return false;
  return indexes.every((signer, at) => isSigned(signer, certificate, sigs[at]!));
}
