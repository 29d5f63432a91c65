// A group's key as it travels: sealed to one member's sealing key, and the key before it sealed under it (docs/protocol/group-keys.md).

import type { Cid } from '../codec/cid.ts';
import type { Identity } from '../crypto/ids.ts';
import type { KeyHistory } from '../ledger/group-records.ts';
import type { Random } from '../platform/ports.ts';
import { encodeCanonical } from '../codec/canonical.ts';
import { bytes, link, literal, struct, uint } from '../codec/schema.ts';
import { openCommittedKey, sealCommittedKey, type CommittedKeyPlace } from '../crypto/committed-key.ts';
import { identitySchema } from '../crypto/ids.ts';
import { openSecret, sealSecret } from '../crypto/secret-box.ts';

const HASH_BYTES = 32;
const BOX_DOMAIN = 'weft/group-key/v1';
const BEFORE_DOMAIN = 'weft/group-key-before/v1';

const boxInfoSchema = struct({
  domain: literal(BOX_DOMAIN),
  group: link(),
  epoch: uint({ min: 1 }),
  members: bytes({ length: HASH_BYTES }),
  to: identitySchema,
});
const beforeInfoSchema = struct({ domain: literal(BEFORE_DOMAIN), group: link(), epoch: uint({ min: 1 }) });

/** What both sides know of an epoch. */
export type KeyPlace = { readonly group: Cid; readonly epoch: number };
export type BoxPlace = KeyPlace & Pick<KeyHistory, 'commit' | 'members'> & { readonly to: Identity };

/** Undefined for a member whose sealing key nobody has the secret of. */
export function sealKeyBox(
  key: Uint8Array,
  { place, ...to }: { readonly place: BoxPlace; readonly sealingKey: Uint8Array; readonly random: Random },
): Uint8Array | undefined {
  return sealCommittedKey(key, { ...boxOf(place), ...to });
}

/** Null when it is not this member's box of that epoch, or holds another key than the one committed to. */
export function openKeyBox(
  box: Uint8Array,
  { place, seed }: { readonly place: BoxPlace; readonly seed: Uint8Array },
): Uint8Array | null {
  return openCommittedKey(box, { ...boxOf(place), seed });
}

/** `key` is that of `place`, `before` the one of the epoch before. */
export function sealKeyBefore(given: {
  readonly place: KeyPlace;
  readonly key: Uint8Array;
  readonly before: Uint8Array;
  readonly random: Random;
}): Uint8Array {
  const { place, key, before, random } = given;
  return sealSecret(before, { key, aad: beforeInfo(place), random });
}

export function openKeyBefore(
  sealed: Uint8Array,
  { place, key }: { readonly place: KeyPlace; readonly key: Uint8Array },
): Uint8Array | null {
  return openSecret(sealed, { key, aad: beforeInfo(place) });
}

function boxOf({ group, epoch, members, to, commit }: BoxPlace): CommittedKeyPlace {
  return { info: encodeCanonical(boxInfoSchema, { domain: BOX_DOMAIN, group, epoch, members, to }), commit };
}

function beforeInfo({ group, epoch }: KeyPlace): Uint8Array {
  return encodeCanonical(beforeInfoSchema, { domain: BEFORE_DOMAIN, group, epoch });
}
