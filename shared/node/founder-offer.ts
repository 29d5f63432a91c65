// What a device says to whoever founds a group that it is to order as well, as a text to hand on.

import type { Cofounder } from '../chain/group-genesis.ts';
import { fromBase64url, toBase64url } from '../codec/base.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, literal, struct } from '../codec/schema.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { identitySchema, publicKeySchema } from '../crypto/ids.ts';

/** A name, two keys and what frames them. */
const OFFER_BYTES_MAX = 256;
const SEALING_KEY_BYTES = 32;

const offerSchema = struct({
  v: literal(1),
  identity: identitySchema,
  sealingKey: bytes({ length: SEALING_KEY_BYTES }),
  validator: publicKeySchema,
});

export function formatOffer(offer: Cofounder): string {
  return toBase64url(encodeCanonical(offerSchema, { v: 1, ...offer }));
}

export function parseOffer(text: string): Result<Cofounder, Failure<'offer_invalid'>> {
  const encoded = fromBase64url(text.trim());
  const decoded = encoded.ok ? decodeCanonical(offerSchema, encoded.value, { max: OFFER_BYTES_MAX }) : null;
  if (!decoded?.ok) return fail('offer_invalid', 'This is no offer to order a group: ask for it again.');
  const { identity, sealingKey, validator } = decoded.value;
  return ok({ identity, sealingKey, validator });
}
