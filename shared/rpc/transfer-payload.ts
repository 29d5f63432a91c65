// A payment of both assets as clients of The Block write it (T04, T05), and the entry that it is here.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { FeedId, Identity, PublicKey } from '../crypto/ids.ts';
import type { Signer, Verifier } from '../platform/ports.ts';
import { fromHex, toHex } from '../codec/base.ts';
import { decodeCanonical } from '../codec/canonical.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import {
  createEntry,
  decodeEntryBody,
  encodeEntryBody,
  parseEntry,
  verifySignature,
  type EntryBody,
} from '../feeds/entry.ts';
import { ASSETS, type Asset } from '../ledger/account-records.ts';
import { accountTransfer } from '../ledger/families/accounts.ts';
import { OPERATION_BODY_BYTES_MAX } from '../ledger/operation.ts';

/**
 * Amounts and `fee` in thousandths of a token; `nonce` is the entry's number in its feed. Who pays (TB's `from_`) is the
 * identity behind `device`, which state knows; the first entry of a feed brings the certificate that says so.
 */
export type TransferPayload = {
  readonly group: Cid;
  readonly device: PublicKey;
  readonly feed: FeedId;
  /** Null for the first entry of a feed, whose `nonce` is 1. */
  readonly prev: Cid | null;
  readonly certificate?: Uint8Array;
  readonly time: Millis;
  readonly to: Identity;
  readonly amountConsumer: bigint;
  readonly amountIndustrial: bigint;
  readonly fee: bigint;
  readonly feeSelector: number;
  readonly nonce: number;
  /** Empty for none. */
  readonly memo: string;
};

type Transfer = { readonly asset: Asset; readonly to: Identity; readonly amount: bigint; readonly memo?: string };

/** The bytes that are hashed to the transaction's id, and signed. At least one amount is above 0. */
export function canonicalPayload(payload: TransferPayload): Uint8Array<ArrayBuffer> {
  return encodeEntryBody(bodyOf(payload));
}

/** `bad_encoding` for what is no entry of one payment, or writes it in another way. */
export function decodePayload(bytes: Uint8Array): Result<TransferPayload, Failure> {
  const body = decodeEntryBody(bytes);
  return body.ok ? payloadOf(body.value) : body;
}

/** `tx`: the signed entry in hex, as `submit_tx` takes it. */
export async function signTx(payload: TransferPayload, signer: Signer): Promise<{ id: Cid; tx: string }> {
  const { id, bytes } = await createEntry({ body: bodyOf(payload), signer });
  return { id, tx: toHex(bytes) };
}

/** Whether the device signed it, and what it pays; not whose device that is, nor whether the group takes it. */
export async function verifySignedTx(
  tx: string,
  verifier: Verifier,
): Promise<Result<{ readonly id: Cid; readonly payload: TransferPayload }, Failure>> {
  const wire = fromHex(tx);
  const entry = wire.ok ? parseEntry(wire.value) : wire;
  if (!entry.ok) return entry;
  const payload = payloadOf(entry.value.body);
  if (!payload.ok) return payload;
  if (!(await verifySignature(entry.value, verifier)))
    return fail('bad_signature', 'The device in it did not sign this transaction.');
  return ok({ id: entry.value.id, payload: payload.value });
}

function bodyOf(payload: TransferPayload): EntryBody {
  const { group, device, feed, prev, certificate, time, fee, feeSelector, nonce: seq } = payload;
  return {
    ...{ v: 1, group, device, feed, seq, prev, time, sort: 'ledger' },
    ...(certificate && { certificate }),
    ...(fee > 0n && { fee }),
    ...(feeSelector > 0 && { feeSelector }),
    ops: transfersOf(payload).map((transfer) => accountTransfer.create(transfer)),
  };
}

/** Consumer first; what is 0 is not sent. */
function transfersOf({ to, amountConsumer, amountIndustrial, memo }: TransferPayload): Transfer[] {
  const amounts = { consumer: amountConsumer, industrial: amountIndustrial };
  return ASSETS.filter((asset) => amounts[asset] > 0n).map((asset) => ({
    ...{ asset, to, amount: amounts[asset] },
    ...(memo !== '' && { memo }),
  }));
}

function payloadOf(body: EntryBody): Result<TransferPayload, Failure> {
  const { group, device, feed, prev, certificate, time, fee = 0n, feeSelector = 0, seq: nonce, ops } = body;
  const transfers: Transfer[] = [];
  for (const { kind, body: bytes } of ops) {
    const transfer = decodeCanonical(accountTransfer.schema, bytes, { max: OPERATION_BODY_BYTES_MAX });
    if (kind !== accountTransfer.kind || !transfer.ok) return NO_PAYMENT;
    transfers.push(transfer.value);
  }
  const amountOf = (asset: Asset): bigint => transfers.find((transfer) => transfer.asset === asset)?.amount ?? 0n;
  const { to, memo = '' } = transfers[0]!;
  const payload: TransferPayload = {
    ...{ group, device, feed, prev, time, to, fee, feeSelector, nonce, memo },
    ...(certificate && { certificate }),
    amountConsumer: amountOf('consumer'),
    amountIndustrial: amountOf('industrial'),
  };
  // Every payment has one spelling: what the payload does not say is not in the entry.
  const isSame = toHex(encodeEntryBody(bodyOf(payload))) === toHex(encodeEntryBody(body));
  return isSame ? ok(payload) : NO_PAYMENT;
}

const NO_PAYMENT = fail('bad_encoding', 'This entry is something else than one payment to one receiver.');
