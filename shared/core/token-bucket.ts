// A token bucket: a steady rate with a burst, counted in whatever unit the caller spends.

import type { Millis } from './brand.ts';

export type TokenBucket = {
  readonly capacity: number;
  readonly perMillisecond: number;
  tokens: number;
  filledAt: Millis;
};

type Rate = { readonly perSecond: number; readonly burstSeconds: number };

/** So much in any minute, all of it at once if need be. */
export function perMinute(amount: number): Rate {
  return { perSecond: amount / 60, burstSeconds: 60 };
}

export function createTokenBucket(rate: Rate, now: Millis): TokenBucket {
  const capacity = rate.perSecond * rate.burstSeconds;
  return { capacity, perMillisecond: rate.perSecond / 1_000, tokens: capacity, filledAt: now };
}

/** Takes `amount` if the bucket holds it. A clock that goes back adds nothing. */
export function spendTokens(bucket: TokenBucket, amount: number, now: Millis): boolean {
  if (now > bucket.filledAt) {
    bucket.tokens = Math.min(bucket.capacity, bucket.tokens + (now - bucket.filledAt) * bucket.perMillisecond);
    bucket.filledAt = now;
  }
  if (bucket.tokens < amount) return false;
  bucket.tokens -= amount;
  return true;
}
