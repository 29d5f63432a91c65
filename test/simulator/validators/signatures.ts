// Signatures in a simulation: a register of who signed what, which takes no time and cannot be forged either; or real ones.

import { assert } from '../../../shared/core/assert.ts';
import { encodeUtf8 } from '../../../shared/codec/base.ts';
import { publicKeyOfSeed, signPure, verifyPure } from '../../../shared/crypto/ed25519.ts';
import { publicKeyBytes, publicKeyFromBytes, type PublicKey } from '../../../shared/crypto/ids.ts';
import { sha256 } from '../../../shared/crypto/sha256.ts';
import type { VerifiedCertificate } from '../../../shared/chain/certificate.ts';
import type { Cid } from '../../../shared/codec/cid.ts';
import { quorumOf, type ValidatorSet } from '../../../shared/chain/validator-set.ts';
import type { Wire } from './wire.ts';
import { voteBytes, type VerifiedVote, type VoteClaim } from '../../../shared/chain/vote.ts';

/** Votes name their signer by its index in the set of their epoch. */
export type Signatures = {
  sign(key: PublicKey, claim: VoteClaim): VerifiedVote;
  isVote(vote: VerifiedVote): boolean;
  isCertificate(certificate: VerifiedCertificate): boolean;
};

/** Undefined for an epoch that has not begun. */
type SetOf = (epoch: number) => ValidatorSet | undefined;

export function createRegister(setOf: SetOf): Signatures {
  const signed = new WeakMap<Uint8Array, string>();
  const wordsOf = (key: PublicKey, { kind, epoch, view, hash }: VoteClaim): string =>
    `${key} ${kind} ${epoch} ${view} ${hash}`;
  return createSignatures(setOf, {
    sign(key, claim) {
      const sig = new Uint8Array(1);
      signed.set(sig, wordsOf(key, claim));
      return sig;
    },
    isSigned: (key, claim, sig) => signed.get(sig) === wordsOf(key, claim),
  });
}

/** Ed25519 for every vote and every check, with as many keys as the kit made. */
export function createRealSignatures(group: Cid, setOf: SetOf, keys: number): Signatures {
  const seeds = new Map(
    Array.from({ length: keys }, (_, at) => {
      const seed = sha256(encodeUtf8(`validator ${at}`));
      const key = publicKeyFromBytes(publicKeyOfSeed(seed));
      assert(key.ok, 'the kit makes keys from names');
      return [key.value, seed] as const;
    }),
  );
  return createSignatures(setOf, {
    sign: (key, claim) => signPure(seeds.get(key)!, voteBytes(group, claim)),
    isSigned: (key, claim, signature) =>
      verifyPure({ key: publicKeyBytes(key), message: voteBytes(group, claim), signature }),
  });
}

function createSignatures(
  setOf: SetOf,
  scheme: {
    sign(key: PublicKey, claim: VoteClaim): Uint8Array;
    isSigned(key: PublicKey, claim: VoteClaim, sig: Uint8Array): boolean;
  },
): Signatures {
  const isSigned = (signer: number, claim: VoteClaim, sig: Uint8Array): boolean => {
    const key = setOf(claim.epoch)?.keys[signer];
    return key !== undefined && scheme.isSigned(key, claim, sig);
  };
  return {
    sign(key, claim) {
      const signer = setOf(claim.epoch)?.keys.indexOf(key) ?? -1;
      return { ...claim, signer, sig: scheme.sign(key, claim) } as unknown as VerifiedVote;
    },
    isVote: (vote) => isSigned(vote.signer, vote, vote.sig),
    isCertificate(certificate) {
      const set = setOf(certificate.epoch);
      return set !== undefined && isQuorum(set, certificate, isSigned);
    },
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

/** What the host of a machine checks before the machine hears of it. */
export function isGenuine(wire: Wire, signatures: Signatures): boolean {
  if (wire.kind === 'blocks') return wire.blocks.every(({ certificate }) => signatures.isCertificate(certificate));
  if (wire.kind !== 'simplex') return true;
  const { message } = wire;
  // One epoch is said for all that a message holds.
  if ('vote' in message && message.vote.epoch !== wire.epoch) return false;
  if (message.kind === 'certificate' && message.certificate.epoch !== wire.epoch) return false;
  if (message.kind === 'certificate') return signatures.isCertificate(message.certificate);
  return (message.kind !== 'vote' && message.kind !== 'propose') || signatures.isVote(message.vote);
}
