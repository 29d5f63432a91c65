// From the pinned group to a header that its validators made final; every failure names the part that did not hold (LC2–LC5).

import { decodeHeader, type Block } from '../chain/block.ts';
import { checkFinality, decodeFinality, type FinalityBytes } from '../chain/certified-block.ts';
import { verifyCertificate } from '../chain/certificate.ts';
import { decodeGenesis } from '../chain/genesis.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import type { Cid } from '../codec/cid.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import type { Verifier } from '../platform/ports.ts';
import { followSeals } from './seals.ts';

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

/** `set`: whoever orders after it, as far as the proof says. */
export type FinalHeader = { readonly block: Block; readonly set: ValidatorSet };

export async function verifyFinalHeader(
  pin: Pin,
  proof: HeaderProof,
): Promise<Result<FinalHeader, Failure<HeaderCode>>> {
  const { group, verifier } = pin;
  const founding = decodeGenesis(pin.genesis);
  if (!founding.ok) return founding;
  if (founding.value.group !== group) return fail('bad_genesis', 'The genesis is not the one that was pinned.');
  const now = await followSeals(founding.value, proof.seals, pin);
  if (!now.ok) return now;
  const block = decodeHeader(proof.header);
  if (!block.ok) return block;
  // The last seal may be the header itself: the old validators signed it, and the next ones say how fresh it is.
  const { seal } = now.value;
  const { set, epoch, height } = seal?.id === block.value.id ? seal.ended : now.value;
  const finality = decodeFinality(proof);
  if (!finality.ok) return finality;
  const { certificate } = finality.value;
  // The certificate is judged for what it says itself: so a changed header is told from a changed certificate.
  const signed = await verifyCertificate({ certificate, group, set, verifier });
  if (!signed.ok) {
    if (block.value.header.group !== group) return fail('wrong_group', 'The answer is about another group.');
    return signed;
  }
  if (certificate.kind !== 'finalize') return fail('bad_certificate', 'The certificate does not make a block final.');
  if (!checkFinality(block.value, finality.value).ok) {
    return fail('bad_header', 'The header is not one that the validators made final.');
  }
  const { header } = block.value;
  if (header.group !== group) return fail('wrong_group', 'The answer is about another group.');
  if (header.epoch !== epoch || header.validators !== set.id || header.height <= height) {
    return fail('bad_header', 'The header is not of the validators that signed it.');
  }
  return ok({ block: block.value, set: now.value.set });
}
