// What open deals hold: every amount in escrow stands in one record, and every record is counted where its maker's limit is.

import type { Identity } from '../../shared/crypto/ids.ts';
import { ASSETS, type Asset } from '../../shared/ledger/account-records.ts';
import { CREDITS } from '../../shared/ledger/credit-records.ts';
import { ESCROW } from '../../shared/ledger/escrow-records.ts';
import { OFFER, PURCHASE } from '../../shared/ledger/offer-records.ts';
import { OPEN_ITEMS } from '../../shared/ledger/open-items.ts';
import { decodeRecord, type RecordType } from '../../shared/ledger/records.ts';
import { stateEntries, type State } from '../../shared/ledger/state.ts';
import { TASK } from '../../shared/ledger/task-records.ts';

export type Locked = Readonly<Record<Asset, bigint>>;

/** Thousandths that this record says are in escrow. */
export function lockedBy(key: string, value: Uint8Array | null | undefined): Locked {
  if (value === null || value === undefined) return locked('consumer', 0n);
  switch (key.split('/')[0]) {
    case 'tasks': {
      const { reward } = read(TASK, value);
      return reward?.from === 'escrow' ? locked(reward.asset, reward.amount) : locked('consumer', 0n);
    }
    case 'purchases': {
      const { asset, price, box } = read(PURCHASE, value);
      return locked(asset, box === undefined ? price : 0n);
    }
    case 'escrows': {
      const { asset, amount } = read(ESCROW, value);
      return locked(asset, amount);
    }
    default:
      return locked('consumer', 0n);
  }
}

export function lockedIn(state: State): Locked {
  const sum = { consumer: 0n, industrial: 0n };
  for (const [key, value] of stateEntries(state)) {
    for (const asset of ASSETS) sum[asset] += lockedBy(key, value)[asset];
  }
  return sum;
}

/** LG78: by identity and sort, what there is and what is counted: the same. */
export function countOpenItems(state: State): { found: Map<string, number>; counted: Map<string, number> } {
  const [found, counted] = [new Map<string, number>(), new Map<string, number>()];
  const add = (identity: Identity, sort: string): void => {
    found.set(`${identity} ${sort}`, (found.get(`${identity} ${sort}`) ?? 0) + 1);
  };
  for (const [key, value] of stateEntries(state)) {
    const [family, maker] = key.split('/') as [string, Identity];
    if (family === 'tasks') add(read(TASK, value).creator, family);
    if (family === 'offers') add(read(OFFER, value).seller, family);
    if (family === 'escrows') add(read(ESCROW, value).requester, family);
    if (family === 'purchases') add(maker, family);
    if (family === 'credits' && read(CREDITS, value).units > 0n) add(maker, family);
    if (family !== 'open') continue;
    const { purchased: _, ...counts } = read(OPEN_ITEMS, value);
    for (const [sort, count] of Object.entries(counts)) counted.set(`${maker} ${sort}`, count);
  }
  return { found, counted };
}

function locked(asset: Asset, amount: bigint): Locked {
  return { consumer: 0n, industrial: 0n, [asset]: amount };
}

function read<T>(type: RecordType<never, T>, value: Uint8Array): T {
  const decoded = decodeRecord(type, value);
  if (!decoded.ok) throw new Error(decoded.error.because);
  return decoded.value;
}
