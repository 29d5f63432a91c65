// The outcome of an entry: its receipt, proven against a final header's receipts root (LC12).

import type { Header } from '../chain/block.ts';
import type { Cid } from '../codec/cid.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { decodeReceipt, type Receipt } from '../ledger/receipts.ts';
import { verifyProof } from '../ledger/tree-proof.ts';
import { verifyFinalHeader, type HeaderCode, type HeaderProof, type Pin } from './final-header.ts';

export type OutcomeCode = HeaderCode | 'bad_receipt' | 'bad_proof';

export type Outcome = { readonly receipt: Receipt; readonly header: Header; readonly block: Cid };

/** `entry` is the id that was submitted: a receipt of another one is refused. */
export async function verifyOutcome(
  given: Pin & {
    readonly entry: Cid;
    readonly outcome: HeaderProof & { readonly receipt: Uint8Array; readonly proof: Uint8Array };
  },
): Promise<Result<Outcome, Failure<OutcomeCode>>> {
  const { entry, outcome } = given;
  const final = await verifyFinalHeader(given, outcome);
  if (!final.ok) return final;
  const { id, header } = final.value.block;
  const claim = { root: header.receiptsRoot, key: entry, value: outcome.receipt, proof: outcome.proof };
  if (!verifyProof(claim)) return fail('bad_proof', 'The receipt or its proof was changed.');
  const receipt = decodeReceipt(outcome.receipt);
  if (!receipt.ok) return fail('bad_receipt', receipt.error.because);
  if (receipt.value.entry !== entry) return fail('bad_receipt', 'The receipt is of another entry.');
  return ok({ receipt: receipt.value, header, block: id });
}
