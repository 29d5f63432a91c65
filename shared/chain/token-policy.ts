// What a group's policy says of its tokens: part of a genesis, and a record of state (LG52). The bounds are the ledger's.

import { amount, bool, optional, struct, uint, words, type Infer } from '../codec/schema.ts';
import { TOKEN_SUPPLY_MAX } from '../core/limits.ts';

/** More than people find out in a day: what a member can mint by claims has an end. */
export const CLAIM_REWARDS_PER_DAY = 10;

const emissionSchema = struct({
  /** Per day, before the first halving. */
  consumer: amount(),
  industrial: amount(),
  /** Ms since the epoch: nothing is emitted before, and halvings count from here. */
  since: uint(),
  /** Ms until the rate is half of what it was. */
  halving: uint(),
});
export type Emission = Infer<typeof emissionSchema>;

/** Amounts in thousandths of a token; a group whose genesis has none of this has no tokens. */
export const TOKEN_POLICY_FIELDS = {
  /** Consumer tokens for a new member, free over `faucetVesting` ms. */
  faucetAmount: amount(),
  faucetVesting: uint(),
  claimRewardAmount: amount(),
  /** Claims of one member that are paid in a UTC day of block time; absent: CLAIM_REWARDS_PER_DAY. */
  claimRewardsPerDay: optional(uint()),
  /** Of what is transferred, in hundredths of a percent. */
  transferFeeBps: uint(),
  /** Of each asset. */
  maxTotalSupply: amount(),
  /** Of each asset and identity. */
  maxAccountBalance: amount(),
  /** Least fee of a ledger entry: millionths of a token per KiB. */
  feeFloor: uint(),
  emission: optional(emissionSchema),
  /** Where rewards of tasks come from. */
  taskRewards: words('escrow', 'mint'),
  /** Whether members may send tokens to each other. */
  transferable: bool(),
  /** Ms that a change of this policy is announced ahead. */
  noticePeriod: uint(),
};

export const tokenPolicySchema = struct(TOKEN_POLICY_FIELDS);
export type TokenPolicy = Infer<typeof tokenPolicySchema>;

const DAY = 86_400_000;
const TOKEN = 1_000n;

/**
 * What a group begins with unless its founder says otherwise. Of 20 million, emission makes 14.6 in all (5,000 a day,
 * halved every four years); the rest is for newcomers and rewards.
 */
export function defaultTokens(created: number): TokenPolicy {
  const perDay = 5_000n * TOKEN;
  return {
    faucetAmount: 100n * TOKEN,
    faucetVesting: 30 * DAY,
    claimRewardAmount: 10n * TOKEN,
    transferFeeBps: 0,
    maxTotalSupply: TOKEN_SUPPLY_MAX,
    maxAccountBalance: TOKEN_SUPPLY_MAX,
    feeFloor: 0,
    emission: { consumer: perDay, industrial: perDay, since: created, halving: 4 * 365 * DAY },
    taskRewards: 'escrow',
    transferable: true,
    noticePeriod: 0,
  };
}
