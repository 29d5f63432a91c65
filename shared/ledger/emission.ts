// Emission: new tokens for whoever proposes blocks, by block time and not by height, less with every halving (LG62, T02).

import type { Emission, TokenPolicy } from '../chain/token-policy.ts';
import type { Millis } from '../core/brand.ts';
import type { PublicKey } from '../crypto/ids.ts';
import { ASSETS, SUPPLY, type Asset } from './account-records.ts';
import { mintable, mintTo, readSupply } from './funds.ts';
import { writeRecord, type Draft } from './state.ts';
import { memberBehind } from './validator-records.ts';

const DAY = 86_400_000n;
/** Credited in one block at most: a group that sleeps for a week does not pay whoever wakes it for the week. */
const EMISSION_SPAN_MAX = 600_000;
/** A rate of 2^63 thousandths a day would be nothing after as many halvings. */
const HALVINGS_MAX = 63;

/** What would be credited in a block of this time. */
export function emissionDue(
  draft: Draft,
  given: { readonly asset: Asset; readonly blockTime: Millis; readonly tokens: TokenPolicy },
): bigint {
  const { asset, blockTime, tokens } = given;
  if (tokens.emission === undefined) return 0n;
  const from = Math.max(readSupply(draft, asset).emittedUntil, blockTime - EMISSION_SPAN_MAX);
  const due = emittedBy(tokens.emission, asset, blockTime) - emittedBy(tokens.emission, asset, from);
  const room = mintable(draft, asset);
  if (due <= 0n) return 0n;
  return due < room ? due : room;
}

/**
 * At the end of a block, after all its entries, so that none of them depends on who proposes it. To the member behind
 * the proposer's key, or to the treasury when there is none or its account is full.
 */
export function creditEmission(
  draft: Draft,
  block: {
    readonly blockTime: Millis;
    readonly tokens: TokenPolicy | undefined;
    readonly proposer: PublicKey | undefined;
  },
): void {
  const { blockTime, tokens, proposer } = block;
  if (tokens?.emission === undefined) return;
  for (const asset of ASSETS) {
    const amount = emissionDue(draft, { asset, blockTime, tokens });
    if (amount === 0n) continue;
    const member = proposer && memberBehind(draft, proposer);
    if (member === undefined || mintTo(draft, { asset, to: member, amount }) !== undefined) {
      mintTo(draft, { asset, to: 'treasury', amount });
    }
    const supply = readSupply(draft, asset);
    writeRecord(draft, { type: SUPPLY, id: asset, value: { ...supply, emittedUntil: blockTime } });
  }
}

/** All that is emitted from the start until a time; differences of it lose nothing to rounding, however short a block is. */
export function emittedBy(emission: Emission, asset: Asset, time: Millis): bigint {
  const { since, halving } = emission;
  if (time <= since) return 0n;
  const elapsed = time - since;
  const whole = Math.floor(elapsed / halving);
  let doubled = 0n;
  for (let past = 0; past <= Math.min(whole, HALVINGS_MAX); past++) {
    const span = past === whole ? elapsed - whole * halving : halving;
    doubled += BigInt(span) << BigInt(HALVINGS_MAX - past);
  }
  return (emission[asset] * doubled) / (DAY << BigInt(HALVINGS_MAX));
}

/** Thousandths a day at this time. */
export function emissionRate(emission: Emission, asset: Asset, time: Millis): bigint {
  const { since, halving } = emission;
  return time < since ? 0n : emission[asset] >> BigInt(Math.floor((time - since) / halving));
}
