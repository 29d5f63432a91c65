// The market as a member sees it: what is open in the group, and keys of packages, given and received.

import type { Founding } from '../chain/genesis.ts';
import type { Operation } from '../feeds/entry.ts';
import { listDeals, type Deals } from '../ledger/deal-lists.ts';
import { purchaseGrant } from '../ledger/families/purchases.ts';
import { PURCHASE, type Purchase, type PurchaseId } from '../ledger/offer-records.ts';
import { openPackageKey, sealPackageKey } from '../ledger/package-key.ts';
import { readRecord } from '../ledger/state.ts';
import type { Random } from '../platform/ports.ts';
import type { Ordering } from './ordering.ts';

type GroupMarketOptions = { readonly chain: Ordering; readonly founding: Founding; readonly random: Random };

export class GroupMarket {
  readonly #options: GroupMarketOptions;

  constructor(options: GroupMarketOptions) {
    this.#options = options;
  }

  /** As of the last final block. */
  deals(): Deals {
    return listDeals(this.#options.chain.state);
  }

  /** Gives a buyer the key (32 bytes); null when there is no such purchase, or nobody can open what is sealed to its key. */
  grant(id: PurchaseId, key: Uint8Array): Operation | null {
    const { founding, random } = this.#options;
    const purchase = this.#read(id);
    if (purchase === undefined) return null;
    const { commit, sealingKey } = purchase;
    const place = { group: founding.group, ...id, commit };
    const box = sealPackageKey(key, { place, sealingKey, random });
    return box === undefined ? null : purchaseGrant.create({ ...id, box });
  }

  /** The key that was bought; `seed`: of the purchase's sealing key. Null before it is granted, or when it is not the one promised. */
  openKey(id: PurchaseId, seed: Uint8Array): Uint8Array | null {
    const purchase = this.#read(id);
    if (purchase?.box === undefined) return null;
    const place = { group: this.#options.founding.group, ...id, commit: purchase.commit };
    return openPackageKey(purchase.box, { place, seed });
  }

  #read(id: PurchaseId): Purchase | undefined {
    return readRecord(this.#options.chain.state, PURCHASE, id);
  }
}
