// What is open in a group: tasks, offers, purchases, escrows and service credits, for people to look at (E02, G05).

import type { Identity } from '../crypto/ids.ts';
import { CREDITS, type Credits } from './credit-records.ts';
import { ESCROW, type Escrow } from './escrow-records.ts';
import type { ItemId } from './item-fields.ts';
import { OFFER, PURCHASE, type Offer, type Purchase, type PurchaseId } from './offer-records.ts';
import { readValue, stateEntries, type State } from './state.ts';
import { decodeRecord, type RecordType } from './records.ts';
import { TASK, type Task } from './task-records.ts';

/** Each by the keys of state; what is out of date is here until somebody clears it away. */
export type Deals = {
  readonly tasks: readonly Task[];
  readonly offers: readonly (Offer & { readonly offer: ItemId })[];
  readonly purchases: readonly (Purchase & PurchaseId)[];
  readonly escrows: readonly (Escrow & { readonly escrow: ItemId })[];
  readonly credits: readonly (Credits & { readonly provider: Identity; readonly holder: Identity })[];
};

/** Walks all of state: for views, not for rules. */
export function listDeals(state: State): Deals {
  return {
    tasks: listFamily(state, 'tasks', (_, value) => read(TASK, value)),
    offers: listFamily(state, 'offers', ([id], value) => ({ ...read(OFFER, value), offer: id as ItemId })),
    purchases: listFamily(state, 'purchases', ([buyer, nonce], value) => {
      return { ...read(PURCHASE, value), buyer: buyer as Identity, nonce: Number(nonce) };
    }),
    escrows: listFamily(state, 'escrows', ([id], value) => ({ ...read(ESCROW, value), escrow: id as ItemId })),
    credits: listFamily(state, 'credits', ([provider, holder], value) => {
      return { ...read(CREDITS, value), provider: provider as Identity, holder: holder as Identity };
    }),
  };
}

function listFamily<T>(state: State, family: string, make: (id: readonly string[], value: Uint8Array) => T): T[] {
  const keys = [...stateEntries(state)].map(([key]) => key).filter((key) => key.startsWith(`${family}/`));
  return keys.sort().map((key) => make(key.split('/').slice(1), readValue(state, key)!));
}

function read<T>(type: RecordType<never, T>, value: Uint8Array): T {
  const decoded = decodeRecord(type, value);
  if (!decoded.ok) throw new Error(`state holds a record that cannot be read: ${decoded.error.because}`);
  return decoded.value;
}
