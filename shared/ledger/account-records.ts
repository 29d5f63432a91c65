// Records of money: accounts, the treasury, the supply of each asset, and the policy of tokens (LG52–LG55). Light readers prove balances with them.

import { tokenPolicySchema, type TokenPolicy } from '../chain/token-policy.ts';
import { amount, list, optional, struct, uint, words, type Infer } from '../codec/schema.ts';
import type { Millis } from '../core/brand.ts';
import type { Identity } from '../crypto/ids.ts';
import type { RecordType } from './records.ts';

/** Locks of one account: what it got with a term, beside what it had before. */
export const LOCKS_MAX = 4;

export const ASSETS = ['consumer', 'industrial'] as const;
export type Asset = (typeof ASSETS)[number];
export const assetSchema = words(...ASSETS);

/** Of `balance`, `amount` becomes free evenly from `from` to `until` (ms, block time). */
const lockSchema = struct({ amount: amount(), from: uint(), until: uint({ min: 1 }) });
export type Lock = Infer<typeof lockSchema>;

/** `balance`: all of it, in thousandths, what is locked included. An empty account has no record. */
const accountSchema = struct({ balance: amount(), vesting: optional(list(lockSchema, { min: 1, max: LOCKS_MAX })) });
export type Account = Infer<typeof accountSchema>;
export type AccountId = { readonly asset: Asset; readonly identity: Identity };

const treasurySchema = struct({ balance: amount() });
export type Treasury = Infer<typeof treasurySchema>;

/** Ever minted and burned, in escrow now; emission is credited up to `emittedUntil` (ms). */
const supplySchema = struct({ minted: amount(), burned: amount(), escrow: amount(), emittedUntil: uint() });
export type Supply = Infer<typeof supplySchema>;

/** In force from the first block whose time is after `from` (ms). */
const nextTokenPolicySchema = struct({ policy: tokenPolicySchema, from: uint() });
export type NextTokenPolicy = Infer<typeof nextTokenPolicySchema>;

export const ACCOUNT: RecordType<AccountId, Account> = {
  key: ({ asset, identity }) => `accounts/${asset}/${identity}`,
  schema: accountSchema,
};
export const TREASURY: RecordType<Asset, Treasury> = { key: (asset) => `treasury/${asset}`, schema: treasurySchema };
export const SUPPLY: RecordType<Asset, Supply> = { key: (asset) => `supply/${asset}`, schema: supplySchema };
/** In groups with tokens, and in no others. */
export const TOKEN_POLICY: RecordType<'tokens', TokenPolicy> = {
  key: (which) => `policy/${which}`,
  schema: tokenPolicySchema,
};
export const NEXT_TOKEN_POLICY: RecordType<'next', NextTokenPolicy> = {
  key: (which) => `policy/${which}`,
  schema: nextTokenPolicySchema,
};

/** What an account may spend now, and what of it becomes free later; a proven record is enough to tell. */
export type Balance = { readonly free: bigint; readonly vesting: bigint };

export function splitBalance(account: Account | undefined, time: Millis): Balance {
  if (account === undefined) return { free: 0n, vesting: 0n };
  const vesting = (account.vesting ?? []).reduce((sum, lock) => sum + lockedOf(lock, time), 0n);
  return { free: account.balance - vesting, vesting };
}

/** Rounded up, so that nothing is free before its time. */
function lockedOf({ amount: whole, from, until }: Lock, time: Millis): bigint {
  if (time >= until) return 0n;
  if (time <= from) return whole;
  const span = BigInt(until - from);
  return (whole * BigInt(until - time) + span - 1n) / span;
}
