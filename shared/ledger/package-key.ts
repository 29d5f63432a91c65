// The key of a package that is sold: committed to in the offer, and sealed to the buyer in the grant (LG88; G03, G07).

import { encodeCanonical } from '../codec/canonical.ts';
import type { Cid } from '../codec/cid.ts';
import { link, literal, struct, uint } from '../codec/schema.ts';
import { equalBytes } from '../core/bytes.ts';
import { openSealed, sealTo } from '../crypto/hpke.ts';
import { identitySchema } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';
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

/** What an offer says of its key of 32 bytes. */
export function commitToPackage(key: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(key);
}

/** Undefined when the buyer gave a key that nobody has the secret of: close the purchase then. */
export function sealPackageKey(
  key: Uint8Array,
  given: { readonly place: GrantPlace; readonly sealingKey: Uint8Array; readonly random: Random },
): Uint8Array | undefined {
  const { place, sealingKey, random } = given;
  return sealTo(sealingKey, { info: infoOf(place), aad: place.commit, plaintext: key, random });
}

/** `seed`: of the purchase's sealing key. Null when the box does not open, or holds another key than the one promised. */
export function openPackageKey(
  box: Uint8Array,
  { place, seed }: { readonly place: GrantPlace; readonly seed: Uint8Array },
): Uint8Array | null {
  const opened = openSealed(seed, { info: infoOf(place), aad: place.commit, sealed: box });
  return opened.ok && equalBytes(commitToPackage(opened.value), place.commit) ? opened.value : null;
}

function infoOf({ group, buyer, nonce }: GrantPlace): Uint8Array {
  return encodeCanonical(infoSchema, { domain: DOMAIN, group, buyer, nonce });
}
