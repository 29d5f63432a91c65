// A token bucket: a steady rate with a burst, counted in whatever unit the caller spends.

import type { Millis } from '../../shared/core/brand.ts';

export type TokenBucket = {
  readonly capacity: number;
  readonly perMillisecond: number;
  tokens: number;
  filledAt: Millis;
};

export function createTokenBucket(rate: { perSecond: number; burstSeconds: number }, now: Millis): TokenBucket {
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
