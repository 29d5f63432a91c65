// Amounts as people read and write them: tokens with three decimals, never floats.

import { AMOUNT_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';

const UNITS = 1_000n;
const DECIMALS = 3;

/** `4.000` of 4000 thousandths. */
export function formatTokens(amount: bigint): string {
  return `${amount / UNITS}.${String(amount % UNITS).padStart(DECIMALS, '0')}`;
}

/** Thousandths; at most three decimals, after a point. */
export function parseTokens(text: string): Result<bigint, Failure<'amount_invalid'>> {
  const parts = /^(\d{1,16})(?:\.(\d{1,3}))?$/.exec(text.trim());
  const amount = parts && BigInt(parts[1]!) * UNITS + BigInt((parts[2] ?? '').padEnd(DECIMALS, '0'));
  if (amount === null || amount > AMOUNT_MAX) {
    return fail('amount_invalid', 'An amount is a number of tokens with at most three decimals: write it as 12.5.');
  }
  return ok(amount);
}
