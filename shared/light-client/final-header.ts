// From the pinned group to a header that its validators made final; every failure names the part that did not hold (LC2–LC5).

import { decodeHeader, type Block } from '../chain/block.ts';
import { checkFinality, decodeFinality, type Finality, type FinalityBytes } from '../chain/certified-block.ts';
import { verifyCertificate } from '../chain/certificate.ts';
import { decodeGenesis } from '../chain/genesis.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import type { Cid } from '../codec/cid.ts';
import { fail, ok, type Err, type Failure, type Result } from '../core/result.ts';
import type { Verifier } from '../platform/ports.ts';
import { followSeals, type Claimed, type Epoch } from './seals.ts';

export type HeaderCode = 'bad_genesis' | 'bad_seal' | 'bad_header' | 'bad_certificate' | 'wrong_group';

/**
 * What the reader trusts beforehand, and checks with. `genesis` may come from anywhere: `group` is its hash. `checkpoint`
 * is the id of the latest seal that the reader knows of (LC14).
 */
export type Pin = {
  readonly group: Cid;
  readonly genesis: Uint8Array;
  readonly verifier: Verifier;
  readonly checkpoint?: Cid | undefined;
};

export type HeaderProof = FinalityBytes & {
  readonly seals: readonly Uint8Array[];
  readonly header: Uint8Array;
};

/** `set`: whoever orders after it, as far as the proof says; `seal`: the last one, null in the first epoch. `recovered`: LC16. */
export type FinalHeader = {
  readonly block: Block;
  readonly set: ValidatorSet;
  readonly seal: Cid | null;
  readonly recovered: boolean;
};

/** What a proof says, before its signatures are checked. Nothing of it is believed before `proven` is ok. */
export type ClaimedHeader = {
  readonly claimed: FinalHeader;
  readonly proven: Promise<Result<unknown, Failure<HeaderCode>>>;
};

export async function verifyFinalHeader(
  pin: Pin,
  proof: HeaderProof,
): Promise<Result<FinalHeader, Failure<HeaderCode>>> {
  const header = await claimFinalHeader(pin, proof);
  if (!header.ok) return header;
  const proven = await header.value.proven;
  return proven.ok ? ok(header.value.claimed) : proven;
}

/** Resolves once all seals but the last are certified: the signatures of that and of the header are checked meanwhile. */
export async function claimFinalHeader(
  pin: Pin,
  proof: HeaderProof,
): Promise<Result<ClaimedHeader, Failure<HeaderCode>>> {
  const { group, verifier } = pin;
  const founding = decodeGenesis(pin.genesis);
  if (!founding.ok) return founding;
  if (founding.value.group !== group) return fail('bad_genesis', 'The genesis is not the one that was pinned.');
  const way = await followSeals(founding.value, proof.seals, pin);
  if (!way.ok) return way;
  const { followed, certified } = way.value;
  const block = decodeHeader(proof.header);
  const finality = decodeFinality(proof);
  if (!block.ok) return afterSeals(certified, block);
  if (!finality.ok) return afterSeals(certified, finality);
  // The last seal may be the header itself: the old validators signed it, and the next ones say how fresh it is.
  const { seal } = followed;
  const signers = seal?.id === block.value.id ? seal.ended : followed;
  const { certificate } = finality.value;
  const set = seal?.id === block.value.id ? seal.certifiers : followed.set;
  const signed = verifyCertificate({ certificate, group, set, verifier });
  const fits = checkHeader(block.value, { finality: finality.value, group, signers });
  return ok({
    claimed: { block: block.value, set: followed.set, seal: seal?.id ?? null, recovered: followed.recovered },
    proven: Promise.all([certified, signed]).then(([sealed, verified]) => {
      if (!sealed.ok) return sealed;
      // The certificate is judged for what it says itself: so a changed header is told from a changed certificate.
      if (verified.ok) return fits;
      return block.value.header.group === group ? verified : fail('wrong_group', 'The answer is about another group.');
    }),
  });
}

/** What does not verify first in the order of the proof is what the refusal names. */
async function afterSeals(
  certified: Claimed['certified'],
  refused: Err<Failure<HeaderCode>>,
): Promise<Err<Failure<HeaderCode>>> {
  const sealed = await certified;
  return sealed.ok ? refused : sealed;
}

/** LC4, LC5: what a certificate that verifies says of this header. */
function checkHeader(
  block: Block,
  { finality, group, signers }: { readonly finality: Finality; readonly group: Cid; readonly signers: Epoch },
): Result<void, Failure<HeaderCode>> {
  if (finality.certificate.kind !== 'finalize') {
    return fail('bad_certificate', 'The certificate does not make a block final.');
  }
  if (!checkFinality(block, finality).ok) {
    return fail('bad_header', 'The header is not one that the validators made final.');
  }
  const { header } = block;
  if (header.group !== group) return fail('wrong_group', 'The answer is about another group.');
  if (header.epoch !== signers.epoch || header.validators !== signers.set.id || header.height <= signers.height) {
    return fail('bad_header', 'The header is not of the validators that signed it.');
  }
  return ok(undefined);
}
