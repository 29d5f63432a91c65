// Accounts: members send tokens to each other, and the treasury takes its part (LG56, LG57; F04, F09).

import { amount, optional, struct, text } from '../../codec/schema.ts';
import type { Millis } from '../../core/brand.ts';
import { MEMO_BYTES_MAX } from '../../core/limits.ts';
import { identitySchema, type Identity } from '../../crypto/ids.ts';
import { assetSchema, TOKEN_POLICY, type Asset } from '../account-records.ts';
import type { Code } from '../codes.ts';
import { credit, debit, releaseEscrow } from '../funds.ts';
import { defineOperation } from '../operation.ts';
import { MEMBER } from '../records.ts';
import { readRecord, type Draft } from '../state.ts';

const BPS = 10_000n;

/** `amount` leaves the sender's account, in thousandths; the receiver gets it without the group's part. */
export const accountTransfer = defineOperation({
  kind: 'account.transfer',
  schema: struct({
    asset: assetSchema,
    to: identitySchema,
    amount: amount(),
    memo: optional(text({ max: MEMO_BYTES_MAX })),
  }),
  apply({ draft, entry, blockTime }, { asset, to, amount: sent }) {
    return transferTokens(draft, { asset, from: entry.identity, to, amount: sent, blockTime });
  },
});

type Sum = { readonly asset: Asset; readonly to: Identity; readonly amount: bigint };

/** LG56, by whatever entry: void when it answers with a code. */
export function transferTokens(
  draft: Draft,
  { asset, from, to, amount: sent, blockTime }: Sum & { readonly from: Identity; readonly blockTime: Millis },
): Code | undefined {
  const policy = readRecord(draft, TOKEN_POLICY, 'tokens');
  if (policy === undefined) return 'no_tokens';
  if (!policy.transferable) return 'not_permitted';
  const wrong = checkReceiver(draft, to) ?? debit(draft, { asset, from, amount: sent, blockTime });
  if (wrong !== undefined) return wrong;
  const kept = transferFee(sent, policy.transferFeeBps);
  const unpaid = kept > 0n ? credit(draft, { asset, to: 'treasury', amount: kept }) : undefined;
  return unpaid ?? credit(draft, { asset, to, amount: sent - kept });
}

/** F04: what the treasury gets of a transfer, rounded down. */
export function transferFee(sent: bigint, bps: number): bigint {
  return (sent * BigInt(bps)) / BPS;
}

/** LG84: what one member pays another out of escrow; the group has its part of it as of a transfer. */
export function payOut(draft: Draft, { asset, to, amount: paid }: Sum): Code | undefined {
  const kept = transferFee(paid, readRecord(draft, TOKEN_POLICY, 'tokens')?.transferFeeBps ?? 0);
  const unpaid = kept > 0n ? releaseEscrow(draft, { asset, to: 'treasury', amount: kept }) : undefined;
  return unpaid ?? checkReceiver(draft, to) ?? releaseEscrow(draft, { asset, to, amount: paid - kept });
}

/** Only members have accounts: state does not grow by accounts of nobody, and a mistyped address takes nothing. */
export function checkReceiver(draft: Draft, identity: Identity): Code | undefined {
  const member = readRecord(draft, MEMBER, identity);
  return member === undefined || member.role === 'removed' ? 'no_such_member' : undefined;
}
