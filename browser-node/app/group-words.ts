// What the app says of groups: roles, invites, who one waits for, and what to do when an invite does not work.

import type { ApiFailure } from '../api.ts';
import type { GroupDetails, GroupMember, GroupRole, GroupSummary, InvitePreview } from '../group-api.ts';
import { countOf, formatDate, shorten } from './format.ts';

const ROLE_NAMES: Readonly<Record<GroupSummary['role'], string>> = {
  admin: 'admin',
  member: 'member',
  joining: 'joining',
  removed: 'removed',
};

export function nameRole(role: GroupSummary['role']): string {
  return ROLE_NAMES[role];
}

/** `Ann`, `Member …1a2B`, `Rosa (you)`. */
export function nameMember({ name, you, identity }: Pick<GroupMember, 'name' | 'you' | 'identity'>): string {
  // The node stands in for a name that was not given with the end of the key.
  const isGiven = name !== '' && !/^(Member )?…/.test(name);
  if (you) return isGiven ? `${name} (you)` : 'You';
  return isGiven ? name : `Member …${identity.slice(-4)}`;
}

/** What somebody may do who has this role, as the end of a sentence. */
export function describeRole(role: GroupRole): string {
  return role === 'admin'
    ? 'reads and writes everything in the group, invites others, removes members, and changes its rules and who orders it'
    : 'reads everything in the group, writes its pages and uses its tokens';
}

/** `Whoever has this link can join “Garden” as a member, once, until 3 Feb 2026. …` */
export function describeInvite(invite: { name: string; role: GroupRole; uses: number; expires: number }): string {
  const { name, role, uses, expires } = invite;
  const times = uses === 1 ? 'once' : `${uses} times`;
  const article = role === 'admin' ? 'an admin' : 'a member';
  return (
    `Whoever has this link can join “${name}” as ${article}, ${times}, until ${formatDate(expires)}: ` +
    `${article} ${describeRole(role)}. Hand it on as you would hand on a key.`
  );
}

export function describePreview({ role, expires }: InvitePreview): string {
  const article = role === 'admin' ? 'an admin' : 'a member';
  return `You are invited as ${article}, who ${describeRole(role)}. The invite is good until ${formatDate(expires)}.`;
}

/** How a member is reached, for the eye and the ear alike. */
export function describePresence({ you, online, via }: GroupMember): string {
  if (you) return 'this device';
  if (!online) return 'away';
  if (via === 'direct') return 'here, browser to browser';
  return via === 'relay' ? 'here, through a relay' : 'here';
}

/**
 * Why nothing becomes final, or undefined when nothing waits: the node's own sentence, else whose devices order and are
 * away.
 */
export function explainWaiting(group: GroupDetails): string | undefined {
  if (group.waiting !== undefined) return group.waiting.message;
  if (group.pending === 0 || group.validators.some(({ you, online }) => you || online)) return undefined;
  const keys = group.validators.map(({ key }) => shorten(key)).join(', ');
  const who = group.validators.length === 1 ? 'the device that orders' : 'a device that orders';
  const entries = countOf(group.pending, 'entry waits', 'entries wait');
  return `${entries} for ${who} (${keys}), which is not here. Nothing is lost: it goes on when it comes back.`;
}

const ASK_AGAIN = 'Ask whoever invited you for a new link.';
const ADVICE: Readonly<Record<string, string>> = {
  invite_expired: ASK_AGAIN,
  invite_used: ASK_AGAIN,
  invite_invalid: 'If that changes nothing, ask whoever invited you for a new link.',
  member_removed: 'Only an admin of the group can take you back, with a new invite.',
};

/** Whether the group has refused the entry that joins: then nothing is to be waited for. */
export function isRefusedJoin({ role, waiting }: GroupSummary): boolean {
  return role === 'joining' && waiting !== undefined && isSpentInvite(waiting);
}

/** Whether trying once more with the same link can change nothing. */
export function isSpentInvite({ code }: ApiFailure): boolean {
  return Object.hasOwn(ADVICE, code);
}

/** What to do after a join failed, beside the failure's own sentence; '' when that says it already. */
export function adviseOnInvite({ code, message }: ApiFailure): string {
  const advice = ADVICE[code] ?? '';
  return /\bask\b/i.test(message) ? '' : advice;
}
