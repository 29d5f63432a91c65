// Figures of a group's tokens for people and scripts (F08).

import type { TokenPolicy } from '../chain/token-policy.ts';
import type { Millis } from '../core/brand.ts';
import { ASSETS, NEXT_TOKEN_POLICY, TREASURY, type Asset, type NextTokenPolicy } from './account-records.ts';
import { readTokenPolicy } from './announced-policy.ts';
import { emissionRate } from './emission.ts';
import { readSupply } from './funds.ts';
import { readRecord, type Draft, type State } from './state.ts';

/** Thousandths of a token. `held` is in accounts; it, `treasury` and `escrow` are `total`, which is `minted` − `burned`. */
export type AssetStats = {
  readonly total: bigint;
  readonly minted: bigint;
  readonly burned: bigint;
  readonly held: bigint;
  readonly treasury: bigint;
  readonly escrow: bigint;
  /** How much more can be made. */
  readonly mintable: bigint;
  /** At the present rate. */
  readonly emittedPerDay: bigint;
};

export type TokenStats = {
  readonly policy: TokenPolicy;
  /** What is announced and not in force yet. */
  readonly next: NextTokenPolicy | undefined;
  readonly byAsset: Readonly<Record<Asset, AssetStats>>;
};

/** Undefined in a group without tokens. `time`: the reader's clock, in ms. */
export function readTokenStats(from: State | Draft, time: Millis): TokenStats | undefined {
  const policy = readTokenPolicy(from, time);
  if (policy === undefined) return undefined;
  const announced = readRecord(from, NEXT_TOKEN_POLICY, 'next');
  const next = announced !== undefined && announced.from >= time ? announced : undefined;
  const [consumer, industrial] = ASSETS.map((asset) => readAsset(from, { asset, policy, time }));
  return { policy, next, byAsset: { consumer: consumer!, industrial: industrial! } };
}

function readAsset(
  from: State | Draft,
  { asset, policy, time }: { asset: Asset; policy: TokenPolicy; time: Millis },
): AssetStats {
  const { minted, burned, escrow } = readSupply(from, asset);
  const treasury = readRecord(from, TREASURY, asset)?.balance ?? 0n;
  const total = minted - burned;
  const emittedPerDay = policy.emission === undefined ? 0n : emissionRate(policy.emission, asset, time);
  const held = total - treasury - escrow;
  const mintable = total < policy.maxTotalSupply ? policy.maxTotalSupply - total : 0n;
  return { total, minted, burned, held, treasury, escrow, mintable, emittedPerDay };
}
