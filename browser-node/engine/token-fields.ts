// Fields of tokens in calls of the API: which, and how many.

import type { TokenAsset } from '../group-api.ts';
import { AMOUNT_MAX } from '../../shared/core/limits.ts';
import { reject } from '../transport/failure-transfer.ts';

export function readAsset(asset: TokenAsset): TokenAsset {
  if (asset === 'consumer' || asset === 'industrial') return asset;
  return reject('bad_encoding', 'There are consumer and industrial tokens: choose one of them.');
}

export function readAmount(text: string): bigint {
  const amount = /^[1-9]\d{0,18}$/.test(text) ? BigInt(text) : 0n;
  if (amount >= 1n && amount <= AMOUNT_MAX) return amount;
  return reject(
    'amount_invalid',
    'An amount is a whole number of thousandths of a token, as text: 4 tokens are "4000".',
  );
}

export function byAsset<T>(describe: (asset: TokenAsset) => T): Readonly<Record<TokenAsset, T>> {
  return { consumer: describe('consumer'), industrial: describe('industrial') };
}
