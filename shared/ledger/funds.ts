// Money moves through here and nowhere else: whatever an operation does, accounts, treasury and escrow together are what was minted and not burned (LG53).

import { assert } from '../core/assert.ts';
import type { Millis } from '../core/brand.ts';
import { AMOUNT_MAX } from '../core/limits.ts';
import type { Identity } from '../crypto/ids.ts';
import {
  ACCOUNT,
  LOCKS_MAX,
  splitBalance,
  SUPPLY,
  TOKEN_POLICY,
  TREASURY,
  type Account,
  type Asset,
  type Balance,
  type Lock,
  type Supply,
} from './account-records.ts';
import type { Code } from './codes.ts';
import { mergeDraft, openDraft, readRecord, removeRecord, writeRecord, type Draft, type State } from './state.ts';

/** Who holds tokens: the treasury has no owner and no limit. */
export type Holder = Identity | 'treasury';

/** Thousandths of a token, more than 0. */
type Sum = { readonly asset: Asset; readonly amount: bigint };
type Receiving = Sum & { readonly to: Holder };
/** `blockTime` says what of the account is free. */
type Spending = Sum & { readonly from: Holder; readonly blockTime: Millis };

/** All of these answer with a code when it cannot be done, and have written nothing then. */
export function move(draft: Draft, sum: Receiving & Spending): Code | undefined {
  return writeWhole(draft, (frame) => debit(frame, sum) ?? credit(frame, sum));
}

/** Half of something: whoever calls it debits as much, or counts it in the supply. `limited: false` gives back what was somebody's own. */
export function credit(draft: Draft, { asset, to, amount }: Receiving, { limited = true } = {}): Code | undefined {
  const wrong = checkSum(draft, amount);
  if (wrong !== undefined) return wrong;
  if (to === 'treasury') {
    const balance = (readRecord(draft, TREASURY, asset)?.balance ?? 0n) + amount;
    if (balance > AMOUNT_MAX) return 'amount_overflow';
    writeRecord(draft, { type: TREASURY, id: asset, value: { balance } });
    return undefined;
  }
  const account = readAccount(draft, asset, to);
  const balance = account.balance + amount;
  if (balance > AMOUNT_MAX) return 'amount_overflow';
  if (limited && balance > maxAccountBalance(draft)) return 'account_limit';
  writeRecord(draft, { type: ACCOUNT, id: { asset, identity: to }, value: { ...account, balance } });
  return undefined;
}

/** The other half. */
export function debit(draft: Draft, { asset, from, amount, blockTime }: Spending): Code | undefined {
  const wrong = checkSum(draft, amount);
  if (wrong !== undefined) return wrong;
  if (from === 'treasury') {
    const present = readRecord(draft, TREASURY, asset)?.balance ?? 0n;
    if (present < amount) return 'insufficient_funds';
    writeRecord(draft, { type: TREASURY, id: asset, value: { balance: present - amount } });
    return undefined;
  }
  const account = readAccount(draft, asset, from);
  if (splitBalance(account, blockTime).free < amount) return 'insufficient_funds';
  writeAccount(draft, {
    asset,
    identity: from,
    balance: account.balance - amount,
    locks: runningLocks(account, blockTime),
  });
  return undefined;
}

/** Whose it is stands in the record of the family that locks it. */
export function lockEscrow(draft: Draft, sum: Spending): Code | undefined {
  const wrong = debit(draft, sum);
  if (wrong !== undefined) return wrong;
  const supply = readSupply(draft, sum.asset);
  writeRecord(draft, { type: SUPPLY, id: sum.asset, value: { ...supply, escrow: supply.escrow + sum.amount } });
  return undefined;
}

/** Pays out of escrow. */
export function releaseEscrow(draft: Draft, sum: Receiving): Code | undefined {
  return credit(draft, sum) ?? leaveEscrow(draft, sum);
}

/** Gives back to whom it was taken from, who may have more than the policy allows by now. */
export function returnEscrow(draft: Draft, sum: Receiving): Code | undefined {
  return credit(draft, sum, { limited: false }) ?? leaveEscrow(draft, sum);
}

export function mintTo(draft: Draft, sum: Receiving): Code | undefined {
  const { asset, amount } = sum;
  const supply = readSupply(draft, asset);
  if (supply.minted + amount > AMOUNT_MAX) return 'amount_overflow';
  if (amount > mintable(draft, asset)) return checkSum(draft, amount) ?? 'supply_cap';
  const wrong = credit(draft, sum);
  if (wrong !== undefined) return wrong;
  writeRecord(draft, { type: SUPPLY, id: asset, value: { ...supply, minted: supply.minted + amount } });
  return undefined;
}

/** Mints what becomes free evenly until a time; `blockTime` is now. */
export function mintLocked(
  draft: Draft,
  sum: Sum & { readonly to: Identity; readonly blockTime: Millis; readonly until: Millis },
): Code | undefined {
  const { asset, to, amount, blockTime, until } = sum;
  const running = runningLocks(readAccount(draft, asset, to), blockTime);
  if (running.length >= LOCKS_MAX) return 'account_limit';
  const wrong = mintTo(draft, sum);
  if (wrong !== undefined || until <= blockTime) return wrong;
  const { balance } = readAccount(draft, asset, to);
  writeAccount(draft, { asset, identity: to, balance, locks: [...running, { amount, from: blockTime, until }] });
  return undefined;
}

export function burnFrom(draft: Draft, sum: Spending): Code | undefined {
  const wrong = debit(draft, sum);
  if (wrong !== undefined) return wrong;
  const supply = readSupply(draft, sum.asset);
  // Never more than was minted, which is in range.
  writeRecord(draft, { type: SUPPLY, id: sum.asset, value: { ...supply, burned: supply.burned + sum.amount } });
  return undefined;
}

/** Free and still vesting at this time: block time in rules, the reader's clock outside. */
export function balanceOf(
  from: State | Draft,
  account: { readonly asset: Asset; readonly identity: Identity; readonly blockTime: Millis },
): Balance {
  return splitBalance(readRecord(from, ACCOUNT, account), account.blockTime);
}

/** How much more of an asset can be made: nothing when an admin has lowered the cap below what there is. */
export function mintable(from: State | Draft, asset: Asset): bigint {
  const cap = readRecord(from, TOKEN_POLICY, 'tokens')?.maxTotalSupply ?? 0n;
  const { minted, burned } = readSupply(from, asset);
  const supply = minted - burned;
  return supply < cap ? cap - supply : 0n;
}

export function readSupply(from: State | Draft, asset: Asset): Supply {
  return readRecord(from, SUPPLY, asset) ?? { minted: 0n, burned: 0n, escrow: 0n, emittedUntil: 0 };
}

/** The part of an account's locks that has not ended. */
export function runningLocks(account: Account, time: Millis): readonly Lock[] {
  return (account.vesting ?? []).filter(({ until }) => until > time);
}

export function writeAccount(
  draft: Draft,
  account: {
    readonly asset: Asset;
    readonly identity: Identity;
    readonly balance: bigint;
    readonly locks: readonly Lock[];
  },
): void {
  const { balance, locks } = account;
  if (balance === 0n) return removeRecord(draft, ACCOUNT, account);
  const value: Account = locks.length > 0 ? { balance, vesting: locks } : { balance };
  writeRecord(draft, { type: ACCOUNT, id: account, value });
}

function leaveEscrow(draft: Draft, { asset, amount }: Receiving): undefined {
  const supply = readSupply(draft, asset);
  assert(supply.escrow >= amount, 'a family releases no more than it locked');
  writeRecord(draft, { type: SUPPLY, id: asset, value: { ...supply, escrow: supply.escrow - amount } });
  return undefined;
}

function readAccount(draft: Draft, asset: Asset, identity: Identity): Account {
  return readRecord(draft, ACCOUNT, { asset, identity }) ?? { balance: 0n };
}

function checkSum(draft: Draft, amount: bigint): Code | undefined {
  if (readRecord(draft, TOKEN_POLICY, 'tokens') === undefined) return 'no_tokens';
  return amount > 0n && amount <= AMOUNT_MAX ? undefined : 'amount_overflow';
}

function maxAccountBalance(draft: Draft): bigint {
  return readRecord(draft, TOKEN_POLICY, 'tokens')?.maxAccountBalance ?? 0n;
}

function writeWhole(draft: Draft, write: (frame: Draft) => Code | undefined): Code | undefined {
  const frame = openDraft(draft);
  const wrong = write(frame);
  if (wrong === undefined) mergeDraft(frame);
  return wrong;
}
