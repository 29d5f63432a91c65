// The faucet: what a new member gets to begin with, free little by little, so that one puzzle does not buy it (LG61; F01, Z17).

import { mintable, mintLocked } from '../funds.ts';
import { TOKEN_POLICY } from '../account-records.ts';
import type { OperationContext } from '../operation.ts';
import { readRecord } from '../state.ts';

/** As much as the caps leave room for: nobody is kept out because there is nothing left. */
export function grantFaucet({ draft, entry, blockTime }: OperationContext): void {
  const policy = readRecord(draft, TOKEN_POLICY, 'tokens');
  if (policy === undefined) return;
  const { faucetAmount, faucetVesting, maxAccountBalance } = policy;
  const asset = 'consumer';
  const amount = [faucetAmount, maxAccountBalance, mintable(draft, asset)].reduce((a, b) => (a < b ? a : b));
  if (amount === 0n) return;
  mintLocked(draft, { asset, to: entry.identity, amount, blockTime, until: blockTime + faucetVesting });
}
