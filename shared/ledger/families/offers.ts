// Offers: a package of encrypted blobs and what its key costs, until the seller takes it back or it expires (LG85, LG86; C10, G01, G04, G05).

import { list, optional, struct, text } from '../../codec/schema.ts';
import { TOKEN_POLICY } from '../account-records.ts';
import { characters, itemIdSchema } from '../item-fields.ts';
import { OFFER, OFFER_FIELDS } from '../offer-records.ts';
import { closeItem, openItem } from '../open-items.ts';
import { defineOperation } from '../operation.ts';
import { MEMBER } from '../records.ts';
import { readRecord, removeRecord, writeRecord } from '../state.ts';

/** A text of 4 KiB, and a title and tags of as many bytes as their characters may take. */
const OFFER_BODY_BYTES_MAX = 8_192;
const OFFER_TEXT_BYTES_MAX = 4_096;
const OFFER_TAGS_MAX = 8;
const OFFER_TAG_MAX = 32;
/** What nobody renews within a year is not for sale any more. */
const OFFER_TERM_MAX: number = 366 * 24 * 60 * 60 * 1_000;

/** `text` and `tags` are for readers of the entry; state has what buyers agree to. */
export const offerCreate = defineOperation({
  kind: 'offer.create',
  max: OFFER_BODY_BYTES_MAX,
  schema: struct({
    offer: itemIdSchema,
    ...OFFER_FIELDS,
    text: optional(text({ max: OFFER_TEXT_BYTES_MAX })),
    tags: optional(list(characters({ min: 1, max: OFFER_TAG_MAX }), { max: OFFER_TAGS_MAX })),
  }),
  apply({ draft, entry, blockTime }, { offer: id, text: _, tags: __, ...terms }) {
    if (terms.expires <= blockTime) return 'expired';
    if (terms.expires > blockTime + OFFER_TERM_MAX) return 'policy_violation';
    if (terms.price > 0n && readRecord(draft, TOKEN_POLICY, 'tokens') === undefined) return 'no_tokens';
    if (readRecord(draft, OFFER, id) !== undefined) return 'wrong_state';
    const full = openItem(draft, { identity: entry.identity, sort: 'offers' });
    if (full !== undefined) return full;
    writeRecord(draft, { type: OFFER, id, value: { ...terms, seller: entry.identity, entry: entry.id } });
    return undefined;
  },
});

/** By its seller or an admin, and by anyone once it has expired. What was bought before stays bought. */
export const offerWithdraw = defineOperation({
  kind: 'offer.withdraw',
  schema: struct({ offer: itemIdSchema }),
  apply({ draft, entry, blockTime }, { offer: id }) {
    const offer = readRecord(draft, OFFER, id);
    if (offer === undefined) return 'wrong_state';
    const admin = readRecord(draft, MEMBER, entry.identity)?.role === 'admin';
    if (offer.seller !== entry.identity && !admin && offer.expires > blockTime) return 'not_owner';
    removeRecord(draft, OFFER, id);
    closeItem(draft, { identity: offer.seller, sort: 'offers' });
    return undefined;
  },
});
