// Fees of entries: what the group asks at least, which asset pays, and what a void entry pays all the same (LG58–LG60; T03).

import type { TokenPolicy } from '../chain/token-policy.ts';
import { assert } from '../core/assert.ts';
import type { Millis } from '../core/brand.ts';
import type { Identity } from '../crypto/ids.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { ASSETS, type Asset } from './account-records.ts';
import type { Code } from './codes.ts';
import { balanceOf, move } from './funds.ts';
import { MEMBER } from './records.ts';
import { readRecord, type Draft, type State } from './state.ts';

/** A fee floor is in millionths of a token per KiB, a fee in thousandths. */
const FLOOR_UNITS = 1_024n * 1_000n;

/** What `feeSelector` says: who leaves it out pays in consumer tokens. */
const FEE_SELECTORS = { consumer: 0, industrial: 1, split: 2 } as const;

/** Thousandths, by asset. */
export type FeeParts = Readonly<Record<Asset, bigint>>;

/** What was paid; absent where nothing was. */
export type PaidFee = { readonly consumer?: bigint; readonly industrial?: bigint };

/** Which of the bodies' fields matter: a preview has no more than these. */
type Priced = Pick<VerifiedEntry['body'], 'fee' | 'feeSelector' | 'sort'>;

/** T03: half of a split fee each, the odd thousandth to consumer; undefined for an asset that does not exist. */
export function splitFee({ fee = 0n, feeSelector = FEE_SELECTORS.consumer }: Priced): FeeParts | undefined {
  switch (feeSelector) {
    case FEE_SELECTORS.consumer:
      return { consumer: fee, industrial: 0n };
    case FEE_SELECTORS.industrial:
      return { consumer: 0n, industrial: fee };
    case FEE_SELECTORS.split:
      return { consumer: fee - fee / 2n, industrial: fee / 2n };
    default:
      return undefined;
  }
}

/** LG59: the least fee of an entry of this many bytes, in thousandths, rounded up. */
export function leastFee(policy: TokenPolicy | undefined, bytes: number): bigint {
  if (policy === undefined || policy.feeFloor === 0) return 0n;
  return (BigInt(bytes) * BigInt(policy.feeFloor) + FLOOR_UNITS - 1n) / FLOOR_UNITS;
}

/** What of an entry says what it owes; nothing of it needs a signature. */
export type FeeTerms = {
  readonly body: Priced;
  readonly identity: Identity;
  /** Bytes of the entry. */
  readonly size: number;
  readonly blockTime: Millis;
  readonly policy: TokenPolicy | undefined;
  /** Operations that nobody is kept from for want of money. */
  readonly unpaid: boolean;
};

/** Moves the fee to the treasury, or what there is of it; with a code the entry is void and stays so. */
export function chargeFee(draft: Draft, terms: FeeTerms): { readonly code: Code | undefined; readonly paid: PaidFee } {
  const { body, identity, blockTime, policy } = terms;
  const code = checkFee(draft, terms);
  const paid: { consumer?: bigint; industrial?: bigint } = {};
  if (policy === undefined) return { code, paid };
  const owed = splitFee(body) ?? splitFee({ ...body, feeSelector: FEE_SELECTORS.consumer });
  for (const asset of ASSETS) {
    const due = owed?.[asset] ?? 0n;
    if (due === 0n) continue;
    const { free } = balanceOf(draft, { asset, identity, blockTime });
    const amount = free < due ? free : due;
    if (amount === 0n) continue;
    const failed = move(draft, { asset, from: identity, to: 'treasury', amount, blockTime });
    assert(failed === undefined, 'the treasury takes what is there');
    paid[asset] = amount;
  }
  return { code, paid };
}

/** The quick look-up: whether an entry pays what it owes, from balances alone. */
export function checkFee(from: State | Draft, terms: FeeTerms): Code | undefined {
  const { body, identity, size, blockTime, policy, unpaid } = terms;
  if (body.sort === 'document') return undefined;
  const parts = splitFee(body);
  if (parts === undefined) return 'invalid_fee_selector';
  if (policy === undefined) return (body.fee ?? 0n) > 0n ? 'insufficient_funds' : undefined;
  if (!unpaid && (body.fee ?? 0n) < leastFee(policy, size) && !isExempt(from, identity)) return 'fee_below_floor';
  const short = ASSETS.some(
    (asset) => parts[asset] > 0n && balanceOf(from, { asset, identity, blockTime }).free < parts[asset],
  );
  return short ? 'insufficient_funds' : undefined;
}

/** Admins can always act, or a group whose admins have nothing could not be mended; strangers have no account yet. */
function isExempt(from: State | Draft, identity: Identity): boolean {
  const member = readRecord(from, MEMBER, identity);
  return member === undefined || member.role === 'admin';
}
