// The text of an invite as it is handed on: everything a newcomer needs to find the group, read it and ask to be let in.

import type { Founding } from '../chain/genesis.ts';
import type { Checkpoint } from '../light-client/checkpoint.ts';
import type { Failure, Result } from '../core/result.ts';
import { decodeGenesis } from '../chain/genesis.ts';
import { fromBase64url, toBase64url } from '../codec/base.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, link as cidLink, literal, optional, struct, uint } from '../codec/schema.ts';
import { GENESIS_BYTES_MAX } from '../core/limits.ts';
import { fail, ok } from '../core/result.ts';
import { keyFields } from './key-fields.ts';

const KEY_BYTES = 32;
/** A signed capability is a few hundred bytes. */
const INVITE_BYTES_MAX = 2_048;
const LINK_BYTES_MAX: number = GENESIS_BYTES_MAX + INVITE_BYTES_MAX + 320;
/** base64url takes four characters for three bytes. */
const LINK_CHARS_MAX: number = Math.ceil((LINK_BYTES_MAX * 4) / 3);
const FRAGMENT = 'join=';

/** A change of validators that the inviter knows of (LC19). */
export const checkpointSchema = struct({ height: uint({ min: 1 }), seal: cidLink() });

const linkSchema = struct({
  v: literal(1),
  genesis: bytes({ max: GENESIS_BYTES_MAX }),
  /** The capability, signed by an admin's device. */
  invite: bytes({ max: INVITE_BYTES_MAX }),
  /** Seed of the one-time key that the capability names: who has the link can prove it. */
  oneTimeSeed: bytes({ length: KEY_BYTES }),
  /** Sealing key of a private group; its rooms follow from it. The first key epoch's has no number. */
  sealingKey: optional(bytes({ length: KEY_BYTES })),
  keyEpoch: optional(uint({ min: 1 })),
  checkpoint: optional(checkpointSchema),
});

export type InviteLink = {
  readonly founding: Founding;
  readonly genesis: Uint8Array;
  readonly invite: Uint8Array;
  readonly oneTimeSeed: Uint8Array;
  readonly sealingKey: Uint8Array | null;
  /** 0 if none is named. */
  readonly keyEpoch?: number;
  /** Absent before the first change of validators. */
  readonly checkpoint?: Checkpoint;
};

/** What stands behind the `#` of the app's address: a fragment, so that no server sees it. */
export function formatInviteLink(link: Omit<InviteLink, 'founding'>): string {
  const { genesis, invite, oneTimeSeed, checkpoint } = link;
  const encoded = encodeCanonical(linkSchema, {
    v: 1,
    genesis,
    invite,
    oneTimeSeed,
    ...keyFields(link),
    ...(checkpoint && { checkpoint }),
  });
  return FRAGMENT + toBase64url(encoded);
}

/** Accepts an address with the fragment, the fragment, or what follows `join=`. */
export function parseInviteLink(text: string): Result<InviteLink, Failure<'invite_invalid'>> {
  const payload = text
    .trim()
    .slice(text.trim().lastIndexOf(FRAGMENT) + (text.includes(FRAGMENT) ? FRAGMENT.length : 1));
  if (payload.length > LINK_CHARS_MAX) return refuse();
  const decoded = fromBase64url(payload);
  if (!decoded.ok) return refuse();
  const link = decodeCanonical(linkSchema, decoded.value, { max: LINK_BYTES_MAX });
  if (!link.ok) return refuse();
  const founding = decodeGenesis(link.value.genesis);
  if (!founding.ok) return refuse();
  return ok({ ...link.value, founding: founding.value, sealingKey: link.value.sealingKey ?? null });
}

function refuse(): Result<never, Failure<'invite_invalid'>> {
  return fail(
    'invite_invalid',
    'This is not a whole invite link: copy it again, from its first to its last character.',
  );
}
