// Records of offers, and of purchases that wait for the key or for the buyer to take it (LG85–LG89).

import { amount, bytes, link, optional, struct, uint, type Infer } from '../codec/schema.ts';
import { identitySchema, type Identity } from '../crypto/ids.ts';
import { assetSchema } from './account-records.ts';
import { KEY_BOX_BYTES, KEY_COMMIT_BYTES } from './group-records.ts';
import { characters, itemIdSchema, type ItemId } from './item-fields.ts';
import type { RecordType } from './records.ts';

/** Characters of what an offer is called. */
const OFFER_TITLE_MAX = 256;
/** X25519. */
const SEALING_KEY_BYTES = 32;

/**
 * `package`: encrypted blobs that anyone may keep; `commit`: SHA-256 of their key; `price` in thousandths; `expires`: ms,
 * block time.
 */
export const OFFER_FIELDS = {
  title: characters({ min: 1, max: OFFER_TITLE_MAX }),
  asset: assetSchema,
  price: amount(),
  package: link(),
  commit: bytes({ length: KEY_COMMIT_BYTES }),
  expires: uint(),
};

/** `entry`: the one that made it, in which its text stands. */
const offerSchema = struct({ ...OFFER_FIELDS, seller: identitySchema, entry: link() });
export type Offer = Infer<typeof offerSchema>;

/** What the buyer wants the key sealed to, and the key sealed to it. */
export const PURCHASE_FIELDS = {
  sealingKey: bytes({ length: SEALING_KEY_BYTES }),
  box: bytes({ length: KEY_BOX_BYTES }),
};

/** All that was agreed: the offer may be gone by now. `until`: without a box, when the price goes back; with it, how long it is kept. */
const purchaseSchema = struct({
  offer: itemIdSchema,
  seller: identitySchema,
  asset: OFFER_FIELDS.asset,
  price: OFFER_FIELDS.price,
  package: OFFER_FIELDS.package,
  commit: OFFER_FIELDS.commit,
  sealingKey: PURCHASE_FIELDS.sealingKey,
  until: uint(),
  box: optional(PURCHASE_FIELDS.box),
});
export type Purchase = Infer<typeof purchaseSchema>;
/** `nonce`: the buyer's own number, higher than all before. */
export type PurchaseId = { readonly buyer: Identity; readonly nonce: number };

export const OFFER: RecordType<ItemId, Offer> = { key: (id) => `offers/${id}`, schema: offerSchema };
export const PURCHASE: RecordType<PurchaseId, Purchase> = {
  key: ({ buyer, nonce }) => `purchases/${buyer}/${nonce}`,
  schema: purchaseSchema,
};
