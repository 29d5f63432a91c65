// Purchases: the price waits in escrow until the seller gives the key, sealed to the buyer, or goes back (LG87–LG89; C11, C12, G02, G03, G08).

import { amount, link, struct, uint } from '../../codec/schema.ts';
import { identitySchema } from '../../crypto/ids.ts';
import { lockEscrow, returnEscrow } from '../funds.ts';
import { itemIdSchema } from '../item-fields.ts';
import { OFFER, PURCHASE, PURCHASE_FIELDS, type PurchaseId } from '../offer-records.ts';
import { closeItem, openItem, spendNonce } from '../open-items.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import { readRecord, removeRecord, writeRecord } from '../state.ts';
import { payOut } from './accounts.ts';

const DAY = 24 * 60 * 60 * 1_000;
/** A seller's node that is away over a weekend does not lose a sale. */
const GRANT_TERM: number = 7 * DAY;
/** How long a key waits in state for a buyer who does not fetch it. */
const KEPT_TERM: number = 30 * DAY;

const { sealingKey, box } = PURCHASE_FIELDS;
const purchaseFields = { buyer: identitySchema, nonce: uint({ min: 1 }) };

/** `entry`: the one that made the offer, so that nothing else is bought under its id; `price`: the one it has; `nonce`: higher than of all purchases before, so that none is made twice. */
export const purchaseMake = defineOperation({
  kind: 'purchase.make',
  schema: struct({ offer: itemIdSchema, entry: link(), price: amount(), nonce: uint({ min: 1 }), sealingKey }),
  apply({ draft, entry, blockTime }, { offer: id, entry: made, price, nonce, sealingKey: key }) {
    const buyer = entry.identity;
    const offer = readRecord(draft, OFFER, id);
    if (offer?.entry !== made || offer.price !== price) return 'wrong_state';
    if (offer.expires <= blockTime) return 'expired';
    if (offer.seller === buyer) return 'not_permitted';
    const wrong =
      spendNonce(draft, { identity: buyer, nonce }) ?? openItem(draft, { identity: buyer, sort: 'purchases' });
    if (wrong !== undefined) return wrong;
    const { seller, asset, package: goods, commit } = offer;
    const unpaid = price > 0n ? lockEscrow(draft, { asset, from: buyer, amount: price, blockTime }) : undefined;
    if (unpaid !== undefined) return unpaid;
    const until = blockTime + GRANT_TERM;
    const value = { offer: id, seller, asset, price, package: goods, commit, sealingKey: key, until };
    writeRecord(draft, { type: PURCHASE, id: { buyer, nonce }, value });
    return undefined;
  },
});

/** By the seller. Whether the box holds the key that was committed to is for the buyer to see: nothing here can open it. */
export const purchaseGrant = defineOperation({
  kind: 'purchase.grant',
  schema: struct({ ...purchaseFields, box }),
  apply({ draft, entry, blockTime }, { buyer, nonce, box: sealed }) {
    const purchase = readRecord(draft, PURCHASE, { buyer, nonce });
    if (purchase === undefined) return 'wrong_state';
    const { seller, asset, price, until } = purchase;
    if (seller !== entry.identity) return 'not_owner';
    if (purchase.box !== undefined) return 'already_known';
    if (until <= blockTime) return 'expired';
    const value = { ...purchase, until: blockTime + KEPT_TERM, box: sealed };
    writeRecord(draft, { type: PURCHASE, id: { buyer, nonce }, value });
    return price > 0n ? payOut(draft, { asset, to: seller, amount: price }) : undefined;
  },
});

/** Without its key: by the seller, who does not sell, or by anyone after the deadline, and the price goes back. With it: by the buyer, or by anyone once it was kept long enough. */
export const purchaseClose = defineOperation({
  kind: 'purchase.close',
  schema: struct(purchaseFields),
  apply(context, id) {
    const { draft, entry, blockTime } = context;
    const purchase = readRecord(draft, PURCHASE, id);
    if (purchase === undefined) return 'wrong_state';
    const { seller, asset, price, until } = purchase;
    const whoseTurn = purchase.box === undefined ? seller : id.buyer;
    if (until > blockTime && entry.identity !== whoseTurn) return 'too_early';
    closePurchase(context, id);
    if (purchase.box !== undefined || price === 0n) return undefined;
    return returnEscrow(draft, { asset, to: id.buyer, amount: price });
  },
});

function closePurchase({ draft }: OperationContext, id: PurchaseId): void {
  removeRecord(draft, PURCHASE, id);
  closeItem(draft, { identity: id.buyer, sort: 'purchases' });
}
