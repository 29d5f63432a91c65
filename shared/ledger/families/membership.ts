// Membership: strangers join with a puzzle or an invite, admins say who stays and as what (LG6, LG7, LG38–LG44).

import { decodeCanonical } from '../../codec/canonical.ts';
import type { Cid } from '../../codec/cid.ts';
import { bytes, optional, struct, text, words, type Infer } from '../../codec/schema.ts';
import type { Millis } from '../../core/brand.ts';
import { identitySchema, signatureSchema, type Identity } from '../../crypto/ids.ts';
import type { EntryBody } from '../../feeds/entry.ts';
import type { Code } from '../codes.ts';
import { memberJoinBody, SEALING_KEY_BYTES } from '../commons-bodies.ts';
import { GROUP_RECORD, INVITE } from '../group-records.ts';
import { decodeInvite, INVITE_BYTES_MAX, type Invite } from '../invite.ts';
import { bitsAsked, isDoorShut } from '../door-records.ts';
import { countJoin, readDoor } from '../door.ts';
import { defineOperation, OPERATION_BODY_BYTES_MAX, type OperationContext } from '../operation.ts';
import { checkPuzzle } from '../puzzle.ts';
import { DEVICE, FEED, MEMBER, MEMBER_NAME_BYTES_MAX, POLICY, RECENT, type Member } from '../records.ts';
import { readRecord, writeRecord, type Draft, type State } from '../state.ts';
import { grantFaucet } from './faucet.ts';

/** `proof`: of the invite's one-time key, for this identity; `name`: what the member calls itself. */
const acceptSchema = struct({
  invite: bytes({ max: INVITE_BYTES_MAX }),
  proof: signatureSchema,
  sealingKey: bytes({ length: SEALING_KEY_BYTES }),
  name: optional(text({ max: MEMBER_NAME_BYTES_MAX })),
});

export const memberJoin = defineOperation({
  ...memberJoinBody,
  apply(context, join) {
    const { draft, entry, height, blockTime } = context;
    const { identity, body } = entry;
    if (readRecord(draft, MEMBER, identity) !== undefined) return 'already_known';
    const wrong = checkJoin(draft, { group: body.group, identity, join, blockTime, height });
    if (wrong !== undefined) return wrong;
    writeRecord(draft, {
      type: MEMBER,
      id: identity,
      value: { role: 'member', since: height, sealingKey: join.sealingKey },
    });
    countJoin(draft, blockTime);
    grantFaucet(context);
    return undefined;
  },
});

/** Its signatures were checked before the entry came here (EN10). */
export const memberAccept = defineOperation({
  kind: 'member.accept',
  schema: acceptSchema,
  apply(context, accept) {
    const { draft, entry, height, blockTime } = context;
    const { identity, body } = entry;
    if (readRecord(draft, GROUP_RECORD, 'current') === undefined) return 'bad_encoding';
    if (readRecord(draft, MEMBER, identity) !== undefined) return 'already_known';
    if (!entry.authorised) return 'invite_invalid';
    const invite = decodeInvite(accept.invite);
    if (!invite.ok) return invite.error.code;
    const { role, key } = invite.value;
    const wrong = checkInvite(draft, { invite: invite.value, group: body.group, blockTime });
    if (wrong !== undefined) return wrong;
    const used = readRecord(draft, INVITE, key)?.used ?? 0;
    writeRecord(draft, { type: INVITE, id: key, value: { used: used + 1 } });
    const { sealingKey, name } = accept;
    writeMember(draft, identity, { role, since: height, sealingKey, ...(name !== undefined && { name }) });
    grantFaucet(context);
    return undefined;
  },
});

/** What it wrote up to and including this block counts, wherever in the block it stands (LG43). */
export const memberRemove = defineOperation({
  kind: 'member.remove',
  schema: struct({ identity: identitySchema }),
  apply(context, { identity }) {
    const { draft, height } = context;
    const member = findMember(context, identity);
    if (typeof member === 'string') return member;
    if (member.role === 'removed') return 'already_known';
    if (isLastAdmin(draft, member)) return 'last_admin';
    writeMember(draft, identity, { ...member, role: 'removed', removed: height });
    return undefined;
  },
});

/** Also lets a removed member in again: the same admin could hand it an invite, but no invite of before may. */
export const memberRole = defineOperation({
  kind: 'member.role',
  schema: struct({ identity: identitySchema, role: words('member', 'admin') }),
  apply(context, { identity, role }) {
    const { draft, height } = context;
    const member = findMember(context, identity);
    if (typeof member === 'string') return member;
    if (member.role === role) return 'already_known';
    if (isLastAdmin(draft, member)) return 'last_admin';
    const { removed, ...kept } = member;
    const since = removed === undefined ? kept.since : height;
    writeMember(draft, identity, { ...kept, role, since });
    return undefined;
  },
});

/**
 * What must be right about an entry of an identity that is no member before any signature of it is checked (EN6). `from`
 * is a draft opened by openBlock, so that the newest block counts. Undefined: go on.
 */
export function checkStranger(
  from: State | Draft,
  claim: { body: EntryBody; identity: Identity; blockTime: Millis; height: number },
): Code | undefined {
  const { body, identity, blockTime, height } = claim;
  const member = readRecord(from, MEMBER, identity);
  if (member !== undefined) {
    return member.role === 'removed' && member.removed !== height ? 'member_removed' : undefined;
  }
  const [operation] = body.ops;
  if (body.seq !== 1 && readRecord(from, FEED, body.feed) === undefined) return 'seq_gap';
  if (body.seq !== 1 || body.sort !== 'ledger' || operation === undefined) return 'unknown_author';
  const { group } = body;
  const bounds = { max: OPERATION_BODY_BYTES_MAX };
  if (operation.kind === memberJoin.kind) {
    const join = decodeCanonical(memberJoinBody.schema, operation.body, bounds);
    return join.ok ? checkJoin(from, { ...claim, group, join: join.value }) : join.error.code;
  }
  if (operation.kind === memberAccept.kind && readRecord(from, GROUP_RECORD, 'current') !== undefined) {
    const accept = decodeCanonical(acceptSchema, operation.body, bounds);
    if (!accept.ok) return accept.error.code;
    const invite = decodeInvite(accept.value.invite);
    return invite.ok ? checkInvite(from, { invite: invite.value, group, blockTime }) : invite.error.code;
  }
  return 'unknown_author';
}

/** The parts of a `member.accept` whose signatures the loop checks; null when it is none, which its rule says. */
export function readAccept(body: Uint8Array): Infer<typeof acceptSchema> | null {
  const accept = decodeCanonical(acceptSchema, body, { max: OPERATION_BODY_BYTES_MAX });
  return accept.ok ? accept.value : null;
}

function checkJoin(
  from: State | Draft,
  claim: {
    group: Cid;
    identity: Identity;
    join: Infer<typeof memberJoinBody.schema>;
    blockTime: Millis;
    height: number;
  },
): Code | undefined {
  const { group, identity, join, blockTime, height } = claim;
  const door = readDoor(from, blockTime);
  if (door === undefined || readRecord(from, POLICY, 'current')?.join !== 'open+puzzle') return 'not_permitted';
  const recent = readRecord(from, RECENT, 'recent') ?? [];
  const at = recent.indexOf(join.block);
  if (at < 0) return 'puzzle_invalid';
  // The last one is the parent.
  const bits = bitsAsked(door, height - recent.length + at);
  if (!checkPuzzle({ group, identity, block: join.block, bits }, join.nonce)) return 'puzzle_invalid';
  return isDoorShut(door) ? 'door_shut' : undefined;
}

/** LG39: it counts while whoever signed it is an admin by a device that is not revoked. */
function checkInvite(from: State | Draft, claim: { invite: Invite; group: Cid; blockTime: Millis }): Code | undefined {
  const { invite, group, blockTime } = claim;
  if (readRecord(from, POLICY, 'current')?.join !== 'invite') return 'not_permitted';
  const device = readRecord(from, DEVICE, invite.device);
  const known = device === undefined || (device.identity === invite.inviter && device.revoked === undefined);
  const admin = readRecord(from, MEMBER, invite.inviter)?.role === 'admin';
  if (invite.group !== group || !known || !admin) return 'invite_invalid';
  if (invite.expires < blockTime) return 'invite_expired';
  return (readRecord(from, INVITE, invite.key)?.used ?? 0) < invite.uses ? undefined : 'invite_used';
}

/** For what only admins of a group may do to one of its members. */
function findMember({ draft, entry }: OperationContext, identity: Identity): Member | Code {
  if (readRecord(draft, GROUP_RECORD, 'current') === undefined) return 'bad_encoding';
  if (readRecord(draft, MEMBER, entry.identity)?.role !== 'admin') return 'not_permitted';
  return readRecord(draft, MEMBER, identity) ?? 'wrong_state';
}

function isLastAdmin(draft: Draft, member: Member): boolean {
  return member.role === 'admin' && readRecord(draft, GROUP_RECORD, 'current')?.admins === 1;
}

/** Keeps count of the admins. */
function writeMember(draft: Draft, identity: Identity, value: Member): void {
  const group = readRecord(draft, GROUP_RECORD, 'current');
  const change = Number(value.role === 'admin') - Number(readRecord(draft, MEMBER, identity)?.role === 'admin');
  if (group !== undefined && change !== 0) {
    writeRecord(draft, { type: GROUP_RECORD, id: 'current', value: { ...group, admins: group.admins + change } });
  }
  writeRecord(draft, { type: MEMBER, id: identity, value });
}
