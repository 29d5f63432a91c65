// Records of groups with members and documents of their own; light clients of the commons never read them (ST2, ST3).

import { struct, uint, words, type Infer } from '../codec/schema.ts';
import type { PublicKey } from '../crypto/ids.ts';
import type { RecordType } from './records.ts';

/** There is one in a group whose genesis says who reads. `admins`: how many there are now. */
const groupSchema = struct({ read: words('members', 'public'), admins: uint() });
export type Group = Infer<typeof groupSchema>;

/** How many have joined by an invite. */
const inviteSchema = struct({ used: uint({ min: 1 }) });
export type InviteUse = Infer<typeof inviteSchema>;

export const GROUP_RECORD: RecordType<'current', Group> = { key: (which) => `group/${which}`, schema: groupSchema };
/** By the one-time key of the invite. */
export const INVITE: RecordType<PublicKey, InviteUse> = { key: (key) => `invites/${key}`, schema: inviteSchema };
