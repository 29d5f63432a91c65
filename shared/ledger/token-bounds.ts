// The bounds of a policy of tokens: what a genesis may say and an admin may set (LG52, J07, J08).

import type { TokenPolicy } from '../chain/token-policy.ts';
import { TOKEN_SUPPLY_MAX, TRANSFER_FEE_BPS_MAX } from '../core/limits.ts';

const DAY = 24 * 60 * 60 * 1_000;

/** A bound of one parameter, both ends allowed; amounts in thousandths, times in ms. */
export type Bound = { readonly min: bigint; readonly max: bigint };

/** `emission.…` for its fields. Apps show these next to what they let an admin choose. */
export const TOKEN_BOUNDS = {
  faucetAmount: { min: 0n, max: TOKEN_SUPPLY_MAX },
  faucetVesting: { min: 0n, max: BigInt(365 * DAY) },
  claimRewardAmount: { min: 0n, max: TOKEN_SUPPLY_MAX },
  claimRewardsPerDay: { min: 0n, max: 100n },
  transferFeeBps: { min: 0n, max: BigInt(TRANSFER_FEE_BPS_MAX) },
  maxTotalSupply: { min: 1n, max: TOKEN_SUPPLY_MAX },
  maxAccountBalance: { min: 1n, max: TOKEN_SUPPLY_MAX },
  /** A token per KiB: above it, the smallest entry would cost more than most accounts hold. */
  feeFloor: { min: 0n, max: 1_000_000n },
  /** Longer, and nobody remembers what was announced. */
  noticePeriod: { min: 0n, max: BigInt(30 * DAY) },
  'emission.consumer': { min: 0n, max: TOKEN_SUPPLY_MAX },
  'emission.industrial': { min: 0n, max: TOKEN_SUPPLY_MAX },
  'emission.halving': { min: BigInt(DAY), max: BigInt(100 * 365 * DAY) },
} as const satisfies Readonly<Record<string, Bound>>;

export type BoundedParameter = keyof typeof TOKEN_BOUNDS;

/** A phrase that names the first parameter out of its bounds. */
export function findBrokenBound(policy: TokenPolicy): string | undefined {
  for (const name of Object.keys(TOKEN_BOUNDS) as BoundedParameter[]) {
    const value = valueOf(policy, name);
    const { min, max } = TOKEN_BOUNDS[name];
    if (value !== undefined && (value < min || value > max)) return `${name} is from ${min} to ${max}`;
  }
  return undefined;
}

function valueOf(policy: TokenPolicy, name: BoundedParameter): bigint | undefined {
  switch (name) {
    case 'emission.consumer':
      return policy.emission?.consumer;
    case 'emission.industrial':
      return policy.emission?.industrial;
    case 'emission.halving':
      return policy.emission && BigInt(policy.emission.halving);
    case 'claimRewardsPerDay':
      return policy.claimRewardsPerDay === undefined ? undefined : BigInt(policy.claimRewardsPerDay);
    case 'faucetAmount':
    case 'faucetVesting':
    case 'claimRewardAmount':
    case 'transferFeeBps':
    case 'maxTotalSupply':
    case 'maxAccountBalance':
    case 'feeFloor':
    case 'noticePeriod':
      return BigInt(policy[name]);
  }
}
