// Records of groups with members and documents of their own; light clients of the commons never read them (ST2, ST3).

import { hexBytes, list, struct, uint, words, type Infer } from '../codec/schema.ts';
import { DOCUMENT_HEADS_MAX } from '../core/limits.ts';
import { identitySchema, type PublicKey } from '../crypto/ids.ts';
import type { ChangeHash } from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { RecordType } from './records.ts';

const CHANGE_HASH_BYTES = 32;

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

export const GROUP_RECORD: RecordType<'current', Group> = { key: (which) => `group/${which}`, schema: groupSchema };
/** By the one-time key of the invite. */
export const INVITE: RecordType<PublicKey, InviteUse> = { key: (key) => `invites/${key}`, schema: inviteSchema };
export const DOCUMENT: RecordType<DocumentName, DocumentHeads> = {
  key: (name) => `documents/${name}`,
  schema: documentSchema,
};
