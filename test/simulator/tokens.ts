// Groups with tokens for the tests: a policy to start from, and whether all of an asset is accounted for.

import type { TokenPolicy } from '../../shared/chain/token-policy.ts';
import { TOKEN_SUPPLY_MAX } from '../../shared/core/limits.ts';
import { ACCOUNT, SUPPLY, TREASURY, type Asset } from '../../shared/ledger/account-records.ts';
import { mintTo, type Holder } from '../../shared/ledger/funds.ts';
import { decodeRecord } from '../../shared/ledger/records.ts';
import { commitDraft, openDraft, stateEntries, type State } from '../../shared/ledger/state.ts';

const DAY = 86_400_000;

/** No fees, no faucet and no emission, unless a test asks for them. */
export const TOKENS: TokenPolicy = {
  faucetAmount: 0n,
  faucetVesting: 30 * DAY,
  claimRewardAmount: 0n,
  transferFeeBps: 0,
  maxTotalSupply: TOKEN_SUPPLY_MAX,
  maxAccountBalance: TOKEN_SUPPLY_MAX,
  feeFloor: 0,
  taskRewards: 'escrow',
  transferable: true,
  noticePeriod: 0,
};

/** As if they had been minted before; by no entry, so that the world stays at its block. */
export function giveTokens(
  world: { state: State },
  sum: { readonly asset: Asset; readonly to: Holder; readonly amount: bigint },
): void {
  const draft = openDraft(world.state);
  const wrong = mintTo(draft, sum);
  if (wrong !== undefined) throw new Error(`the test could not mint: ${wrong}`);
  world.state = commitDraft(draft);
}

/** Where every token of an asset is (LG53): `held` is accounts, treasury and escrow together. */
export function countTokens(state: State, asset: Asset): { held: bigint; issued: bigint } {
  let held = 0n;
  let issued = 0n;
  for (const [key, value] of stateEntries(state)) {
    if (key.startsWith(`accounts/${asset}/`)) held += read(decodeRecord(ACCOUNT, value)).balance;
    if (key === TREASURY.key(asset)) held += read(decodeRecord(TREASURY, value)).balance;
    if (key === SUPPLY.key(asset)) {
      const { minted, burned, escrow } = read(decodeRecord(SUPPLY, value));
      held += escrow;
      issued = minted - burned;
    }
  }
  return { held, issued };
}

function read<T>(decoded: { ok: true; value: T } | { ok: false }): T {
  if (!decoded.ok) throw new Error('a record of the test cannot be read');
  return decoded.value;
}
