// Records of groups with members and documents of their own; light clients of the commons never read them (ST2, ST3).

import { bytes, hexBytes, list, optional, struct, uint, words, type Infer } from '../codec/schema.ts';
import { DOCUMENT_HEADS_MAX } from '../core/limits.ts';
import { identitySchema, type Identity, type PublicKey } from '../crypto/ids.ts';
import type { ChangeHash } from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { RecordType } from './records.ts';

const CHANGE_HASH_BYTES = 32;
/** SHA-256 of a sealing key. */
export const KEY_COMMIT_BYTES = 32;
/** A key of 32 bytes, sealed by HPKE: an ephemeral key before it, a tag behind. */
export const KEY_BOX_BYTES = 80;
/** The hash under which the members of an epoch stand in what their boxes are bound to. */
const MEMBERS_HASH_BYTES = 32;
/** A key of 32 bytes under XChaCha20-Poly1305: a nonce before it, a tag behind. */
export const KEY_BEFORE_BYTES = 72;
/** Key epochs whose rooms are listened to: as far back as boxes stand in state. */
export const KEY_EPOCHS_KEPT = 4;

/** There is one in a group whose genesis says who reads. `admins`: how many there are now. */
const groupSchema = struct({ read: words('members', 'public'), admins: uint() });
export type Group = Infer<typeof groupSchema>;

/** How many have joined by an invite. */
const inviteSchema = struct({ used: uint({ min: 1 }) });
export type InviteUse = Infer<typeof inviteSchema>;

/** What every accepted change is an ancestor of, sorted, and the author of each. */
const documentSchema = struct({
  heads: list(hexBytes<ChangeHash>(CHANGE_HASH_BYTES), { min: 1, max: DOCUMENT_HEADS_MAX }),
  authors: list(identitySchema, { min: 1, max: DOCUMENT_HEADS_MAX }),
});
export type DocumentHeads = Infer<typeof documentSchema>;

/**
 * `commit` and `since` (a height) are absent in epoch 0, whose key is drawn with the group and goes with its invites. Whoever
 * was removed since then still knows the key.
 */
const keySchema = struct({
  epoch: uint(),
  commit: optional(bytes({ length: KEY_COMMIT_BYTES })),
  since: optional(uint()),
});
export type KeyEpoch = Infer<typeof keySchema>;

/** Of each epoch from 1 on: what its boxes are bound to, and the key before it, sealed under its own for those who join later. */
const keyHistorySchema = struct({
  commit: bytes({ length: KEY_COMMIT_BYTES }),
  members: bytes({ length: MEMBERS_HASH_BYTES }),
  before: bytes({ length: KEY_BEFORE_BYTES }),
});
export type KeyHistory = Infer<typeof keyHistorySchema>;

/** The key of this epoch, sealed to one member; a later epoch takes its place. */
const keyBoxSchema = struct({ epoch: uint({ min: 1 }), box: bytes({ length: KEY_BOX_BYTES }) });
export type KeyBox = Infer<typeof keyBoxSchema>;
export type KeyBoxId = { readonly slot: number; readonly identity: Identity };

export const GROUP_RECORD: RecordType<'current', Group> = { key: (which) => `group/${which}`, schema: groupSchema };
/** By the one-time key of the invite. */
export const INVITE: RecordType<PublicKey, InviteUse> = { key: (key) => `invites/${key}`, schema: inviteSchema };
export const DOCUMENT: RecordType<DocumentName, DocumentHeads> = {
  key: (name) => `documents/${name}`,
  schema: documentSchema,
};
export const KEY: RecordType<'current', KeyEpoch> = { key: (which) => `keys/${which}`, schema: keySchema };
export const KEY_HISTORY: RecordType<number, KeyHistory> = {
  key: (epoch) => `keys/epochs/${epoch}`,
  schema: keyHistorySchema,
};
export const KEY_BOX: RecordType<KeyBoxId, KeyBox> = {
  key: ({ slot, identity }) => `keys/${slot}/${identity}`,
  schema: keyBoxSchema,
};
