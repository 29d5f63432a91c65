// What a member is told of recoveries: those that were, and who could make the next one, from when on (CH38, CH39).

import type { Header } from '../chain/block.ts';
import type { Founding } from '../chain/genesis.ts';
import type { Millis } from '../core/brand.ts';
import type { Identity } from '../crypto/ids.ts';
import type { Store } from '../platform/ports.ts';
import type { Ordering } from './ordering.ts';
import { GENESIS_EPOCH } from '../chain/genesis.ts';
import { RECOVERY_WAIT } from '../chain/recovery.ts';
import { isRecovery, readRecovery } from '../chain/recovery-set.ts';
import { loadEnd } from './chain-store.ts';

/** Seals up to `epoch` that identities of the founding made, the oldest first. */
export async function listRecoveries(store: Store, founding: Founding, epoch: number): Promise<Header[]> {
  const recovery = readRecovery(founding.genesis);
  const found: Header[] = [];
  for (let at = GENESIS_EPOCH; at < epoch && recovery; at++) {
    const { seal, set } = await loadEnd(store, founding, at);
    if (isRecovery(seal.header, set, recovery)) found.push(seal.header);
  }
  return found;
}

/** `from`: not before this time, if nothing becomes final until then. Null: the founding names nobody. */
export function readRecoverers(
  { genesis }: Founding,
  { tip }: Pick<Ordering, 'tip'>,
): { readonly identities: readonly Identity[]; readonly threshold: number; readonly from: Millis } | null {
  const { identities, threshold } = genesis.recovery;
  return threshold === 0 ? null : { identities, threshold, from: tip.time + RECOVERY_WAIT };
}
