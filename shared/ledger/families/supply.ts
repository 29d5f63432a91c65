// Supply: admins mint, spend what the treasury holds, and burn of it; anyone burns what is theirs, and settles what fell due (LG63–LG65; F11).

import { amount, list, optional, struct, text, words } from '../../codec/schema.ts';
import { MEMO_BYTES_MAX } from '../../core/limits.ts';
import { identitySchema } from '../../crypto/ids.ts';
import { ACCOUNT, assetSchema, ASSETS, TOKEN_POLICY } from '../account-records.ts';
import type { Code } from '../codes.ts';
import { emissionDue } from '../emission.ts';
import { burnFrom, mintTo, move, runningLocks, writeAccount } from '../funds.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import { MEMBER } from '../records.ts';
import { readRecord } from '../state.ts';
import { checkReceiver } from './accounts.ts';

/** Accounts settled at once: with both assets, as many keys as one operation may write. */
const SETTLED_MAX = 32;

const memoField = optional(text({ max: MEMO_BYTES_MAX }));

/** Without `to`, to the treasury. */
export const tokenMint = defineOperation({
  kind: 'token.mint',
  schema: struct({ asset: assetSchema, to: optional(identitySchema), amount: amount(), memo: memoField }),
  apply(context, { asset, to, amount: minted }) {
    const { draft } = context;
    const wrong = checkAdmin(context) ?? (to && checkReceiver(draft, to));
    return wrong ?? mintTo(draft, { asset, to: to ?? 'treasury', amount: minted });
  },
});

/** `of`: one's own, or the treasury's, which is for admins. */
export const tokenBurn = defineOperation({
  kind: 'token.burn',
  schema: struct({ asset: assetSchema, of: words('own', 'treasury'), amount: amount(), memo: memoField }),
  apply(context, { asset, of, amount: burned }) {
    const { draft, entry, blockTime } = context;
    const wrong = of === 'treasury' ? checkAdmin(context) : undefined;
    const from = of === 'treasury' ? of : entry.identity;
    return wrong ?? burnFrom(draft, { asset, from, amount: burned, blockTime });
  },
});

export const treasurySpend = defineOperation({
  kind: 'treasury.spend',
  schema: struct({ asset: assetSchema, to: identitySchema, amount: amount(), memo: memoField }),
  apply(context, { asset, to, amount: spent }) {
    const { draft, blockTime } = context;
    const wrong = checkAdmin(context) ?? checkReceiver(draft, to);
    return wrong ?? move(draft, { asset, from: 'treasury', to, amount: spent, blockTime });
  },
});

/**
 * Balances are right without it, since reads and rules apply what fell due. It drops locks that have ended from the
 * records of these accounts, and the block it is in credits emission; with neither to do it is void.
 */
export const accountSettle = defineOperation({
  kind: 'account.settle',
  schema: struct({ identities: list(identitySchema, { max: SETTLED_MAX }) }),
  apply({ draft, blockTime }, { identities }) {
    const tokens = readRecord(draft, TOKEN_POLICY, 'tokens');
    if (tokens === undefined) return 'no_tokens';
    let due = ASSETS.some((asset) => emissionDue(draft, { asset, blockTime, tokens }) > 0n);
    for (const identity of identities) {
      for (const asset of ASSETS) {
        const account = readRecord(draft, ACCOUNT, { asset, identity });
        const locks = account && runningLocks(account, blockTime);
        if (account?.vesting === undefined || locks?.length === account.vesting.length) continue;
        writeAccount(draft, { asset, identity, balance: account.balance, locks: locks ?? [] });
        due = true;
      }
    }
    return due ? undefined : 'already_known';
  },
});

function checkAdmin({ draft, entry }: OperationContext): Code | undefined {
  if (readRecord(draft, TOKEN_POLICY, 'tokens') === undefined) return 'no_tokens';
  return readRecord(draft, MEMBER, entry.identity)?.role === 'admin' ? undefined : 'not_permitted';
}
