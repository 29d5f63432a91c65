// The key of a package that is sold: committed to in the offer, and sealed to the buyer in the grant (LG88; G03, G07).

import { encodeCanonical } from '../codec/canonical.ts';
import type { Cid } from '../codec/cid.ts';
import { link, literal, struct, uint } from '../codec/schema.ts';
import { openCommittedKey, sealCommittedKey, type CommittedKeyPlace } from '../crypto/committed-key.ts';
import { identitySchema } from '../crypto/ids.ts';
import type { Random } from '../platform/ports.ts';
import type { Purchase, PurchaseId } from './offer-records.ts';

const DOMAIN = 'weft/package-key/v1';

const infoSchema = struct({
  domain: literal(DOMAIN),
  group: link(),
  buyer: identitySchema,
  nonce: uint({ min: 1 }),
});

/** Which purchase a box belongs to: it opens as no other one's. */
export type GrantPlace = { readonly group: Cid } & PurchaseId & Pick<Purchase, 'commit'>;

/** Undefined when the buyer gave a key that nobody has the secret of: close the purchase then. */
export function sealPackageKey(
  key: Uint8Array,
  { place, ...to }: { readonly place: GrantPlace; readonly sealingKey: Uint8Array; readonly random: Random },
): Uint8Array | undefined {
  return sealCommittedKey(key, { ...boxOf(place), ...to });
}

/** `seed`: of the purchase's sealing key. Null when the box does not open, or holds another key than the one promised. */
export function openPackageKey(
  box: Uint8Array,
  { place, seed }: { readonly place: GrantPlace; readonly seed: Uint8Array },
): Uint8Array | null {
  return openCommittedKey(box, { ...boxOf(place), seed });
}

function boxOf({ group, buyer, nonce, commit }: GrantPlace): CommittedKeyPlace {
  return { info: encodeCanonical(infoSchema, { domain: DOMAIN, group, buyer, nonce }), commit };
}
