// Payments signed elsewhere: anyone brings one into the ledger, where it counts once (LG92–LG94; offline transfers, cheques).

import { bytes, struct, uint } from '../../codec/schema.ts';
import { decodeCanonical } from '../../codec/canonical.ts';
import { publicKeySchema, type Identity, type PublicKey } from '../../crypto/ids.ts';
import type { Code } from '../codes.ts';
import { defineOperation, OPERATION_BODY_BYTES_MAX } from '../operation.ts';
import { dropNonces, PAYMENT_BYTES_MAX, signedPayment, SPENT_NONCES, spendNonceOf } from '../payment.ts';
import { DEVICE, MEMBER } from '../records.ts';
import { readRecord, writeRecord, type Draft } from '../state.ts';
import { transferTokens } from './accounts.ts';

/** As `signedPayment` makes it. */
const redeemSchema = struct({ payment: bytes({ max: PAYMENT_BYTES_MAX }) });

/** By anyone, who pays the fee of the entry; its signature was checked before (EN10). */
export const accountRedeem = defineOperation({
  kind: 'account.redeem',
  schema: redeemSchema,
  apply({ draft, entry, blockTime }, { payment: wire }) {
    const payment = signedPayment.decode(wire);
    if (payment === null) return 'bad_encoding';
    if (payment.group !== entry.body.group) return 'wrong_group';
    if (!entry.authorised) return 'bad_signature';
    const { device, from, to, asset, amount, nonce, notAfter } = payment;
    const wrong = checkSigner(draft, { device, identity: from });
    if (wrong !== undefined) return wrong;
    if (notAfter < blockTime) return 'expired';
    const spent = spendNonceOf(readRecord(draft, SPENT_NONCES, device), nonce);
    if (spent === 'spent') return 'already_known';
    if (spent === 'ahead') return 'wrong_state';
    writeRecord(draft, { type: SPENT_NONCES, id: device, value: spent });
    return transferTokens(draft, { asset, from, to, amount, blockTime });
  },
});

/** By a device of the same identity: payments of `device` with a nonce below this are worth nothing from now on. */
export const accountCancel = defineOperation({
  kind: 'account.cancel',
  schema: struct({ device: publicKeySchema, below: uint({ min: 2 }) }),
  apply({ draft, entry }, { device, below }) {
    const known = readRecord(draft, DEVICE, device);
    if (known === undefined) return 'wrong_state';
    if (known.identity !== entry.identity) return 'not_owner';
    const value = dropNonces(readRecord(draft, SPENT_NONCES, device), below);
    if (value === undefined) return 'already_known';
    writeRecord(draft, { type: SPENT_NONCES, id: device, value });
    return undefined;
  },
});

/** For the loop to check; null when the body is no redemption, which its rule says. */
export function readRedeemed(body: Uint8Array): Uint8Array | null {
  const redeem = decodeCanonical(redeemSchema, body, { max: OPERATION_BODY_BYTES_MAX });
  return redeem.ok && signedPayment.decode(redeem.value.payment) !== null ? redeem.value.payment : null;
}

/** LG92: whoever signs outside of entries is a device that state knows, of a member. */
export function checkSigner(
  draft: Draft,
  { device, identity }: { readonly device: PublicKey; readonly identity: Identity },
): Code | undefined {
  const known = readRecord(draft, DEVICE, device);
  if (known === undefined) return 'unknown_author';
  if (known.identity !== identity) return 'not_owner';
  if (known.revoked !== undefined) return 'device_revoked';
  return readRecord(draft, MEMBER, identity)?.role === 'removed' ? 'member_removed' : undefined;
}
