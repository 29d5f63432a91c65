// What a node of a group says of it in plain data: summaries, members, details; every number is counted when asked.

import type { ApiFailure, PeerInfo } from '../api.ts';
import type { GroupDetails, GroupMember, GroupSummary } from '../group-api.ts';
import type { Identity } from '../../shared/crypto/ids.ts';
import type { Failure } from '../../shared/core/result.ts';
import type { DocumentName } from '../../shared/feeds/document-name.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { quorumOf } from '../../shared/chain/validator-set.ts';
import { parseIdentity } from '../../shared/crypto/ids.ts';
import { INVITE } from '../../shared/ledger/group-records.ts';
import { decodeRecord, DEVICE, MEMBER, type Member } from '../../shared/ledger/records.ts';
import { readRecord, stateEntries } from '../../shared/ledger/state.ts';

/** Characters of an address that tell two people apart at a glance. */
const SHORT_NAME_CHARS = 4;
const PAGE_PREFIX = 'pages/';

const NOBODY: ApiFailure = {
  code: 'waiting_for_members',
  message:
    'Nobody of the group is connected. What you do is stored here and goes out by itself as soon as somebody is.',
};
/** An invite leads to the room of its time, which members leave after some more were taken out (GK6). */
const NOBODY_AT_INVITE: ApiFailure = {
  code: NOBODY.code,
  message:
    'Nobody of the group is connected where this invite leads. You are let in by itself as soon as somebody is. If others are there and this stays so, the invite is out of date, because members were taken out since it was made: ask for a new one.',
};
const UNORDERED: ApiFailure = {
  code: 'waiting_for_order',
  message:
    'The device that makes this group\u2019s entries final is not connected. Everybody here sees your changes already; they become final when it is back.',
};
/** The entry that joins was refused before this start. */
const NOT_LET_IN: ApiFailure = {
  code: 'invite_invalid',
  message:
    'The group has not taken the invite: it was used up, it had expired, or whoever made it is no admin now. Ask for a new one.',
};
/** Opened from the list of the own devices, and nobody has brought its blocks yet. */
const NOT_HERE_YET: ApiFailure = {
  code: 'waiting_for_copy',
  message:
    'Another device of yours is in this group. Its pages come to this one as soon as a member who has them is connected.',
};
const NO_RELAY: ApiFailure = {
  code: 'waiting_for_network',
  message: 'No relay is reached. What you do is stored here and goes out by itself as soon as one is.',
};

const TWO_HISTORIES =
  'Somebody signed two histories of this group. This device signs and believes nothing more of it. Ask the others, not through this group, which of them is right, and join that one again in another browser, by an invite from somebody you trust.';

export function describeGroup(node: GroupNode, self: Identity): GroupSummary {
  const { genesis } = node.founding;
  const members = readMembers(node);
  const waiting = explainWaiting(node, self);
  return {
    groupId: node.group,
    name: genesis.name,
    read: genesis.policy.read ?? 'public',
    role: node.roleOf(self) ?? 'joining',
    members: [...members.values()].filter(({ role }) => role !== 'removed').length,
    height: node.chain.tip.height,
    pending: node.chain.pool.size,
    connected: new Set(node.peers.map(({ identity }) => identity)).size,
    ...(waiting && { waiting }),
  };
}

export function describeMembers(node: GroupNode, self: Identity): GroupMember[] {
  const members = readMembers(node);
  const described = [...members].map(([identity, member]) => describeMember(node, { identity, member, self }));
  const joining = new Map(node.chain.pool.inOrder().map(({ identity }) => [identity, null]));
  for (const identity of joining.keys()) {
    if (!members.has(identity)) described.push(describeMember(node, { identity, member: null, self }));
  }
  return described.sort((a, b) => Number(b.you) - Number(a.you) || (a.name < b.name ? -1 : 1));
}

export async function describeDetails(node: GroupNode, self: Identity): Promise<GroupDetails> {
  const { genesis } = node.founding;
  const names = node.documents.names();
  const documents = await Promise.all(names.map(async (name) => ({ name, title: await readTitle(node, name) })));
  return {
    ...describeGroup(node, self),
    created: genesis.created,
    validators: node.validators.map(({ key, you, online }) => ({ key, you, online })),
    documents,
    invites: readFamily(node, 'invites/').flatMap(([key, value]) => {
      const invite = decodeRecord(INVITE, value);
      return invite.ok ? [{ key, used: invite.value.used }] : [];
    }),
  };
}

/** Devices of members that are connected now, each once, with all of the `ordinary` groups it is met in: own devices meet elsewhere too. */
export function describeMembersAsPeers(nodes: readonly GroupNode[], ordinary: readonly GroupNode[]): PeerInfo[] {
  const met = nodes.flatMap((node) => node.peers.map((peer) => ({ node, peer })));
  const byDevice = Map.groupBy(met, ({ peer }) => peer.device);
  return [...byDevice].map(([device, meetings]) => {
    const sessions = meetings.flatMap(({ peer }) => peer.sessions);
    const [{ node, peer }] = meetings as [(typeof meetings)[number]];
    return {
      id: device,
      services: [],
      via: sessions.find(({ via }) => via !== 'relay')?.via ?? 'relay',
      bytesFrom: sessions.reduce((sum, { bytesFrom }) => sum + bytesFrom, 0),
      bytesTo: sessions.reduce((sum, { bytesTo }) => sum + bytesTo, 0),
      member: {
        identity: peer.identity,
        name: nameOf(node, peer.identity),
        groups: meetings
          .filter((one) => ordinary.includes(one.node))
          .map((one) => ({ groupId: one.node.group, name: one.node.founding.genesis.name })),
      },
      gave: {
        entries: meetings.reduce((sum, one) => sum + one.peer.gave.entries, 0),
        blocks: meetings.reduce((sum, one) => sum + one.peer.gave.blocks, 0),
        blobs: meetings.reduce((sum, one) => sum + one.node.blocksFrom(device), 0),
      },
    };
  });
}

/** What the member calls itself, else `Member …` and the end of its address. */
export function nameOf(node: GroupNode, identity: Identity): string {
  const name = readRecord(node.chain.state, MEMBER, identity)?.name;
  return name !== undefined && name !== '' ? name : `Member \u2026${identity.slice(-SHORT_NAME_CHARS)}`;
}

function describeMember(
  node: GroupNode,
  given: { readonly identity: Identity; readonly member: Member | null; readonly self: Identity },
): GroupMember {
  const { identity, member, self } = given;
  const sessions = node.peers.filter((peer) => peer.identity === identity).map(({ session }) => session);
  const direct = sessions.some(({ via }) => via !== 'relay');
  return {
    identity,
    name: nameOf(node, identity),
    role: member?.role ?? 'member',
    you: identity === self,
    devices: readFamily(node, 'devices/').filter(([, value]) => {
      const device = decodeRecord(DEVICE, value);
      return device.ok && device.value.identity === identity && device.value.revoked === undefined;
    }).length,
    online: sessions.length > 0 || identity === self,
    via: sessions.length === 0 ? null : direct ? 'direct' : 'relay',
    pending: member === null,
  };
}

function explainWaiting(node: GroupNode, self: Identity): ApiFailure | null {
  const { outbox } = node;
  const stopped = node.failure ?? node.unstored ?? (node.roleOf(self) === 'removed' ? null : node.refusal);
  if (stopped) return { code: stopped.code, message: isConflict(stopped) ? TWO_HISTORIES : stopped.because };
  if (node.roleOf(self) === null && outbox.pending.length === 0) {
    // Nothing was ever written from here, so no invite was refused.
    if (outbox.head === null) return NOT_HERE_YET;
    const refused = outbox.lastRefused;
    return refused ? { code: refused.code, message: refused.because } : NOT_LET_IN;
  }
  if (node.outbox.pending.length === 0 && node.chain.pool.size === 0) return null;
  if (node.orders && node.isOrdered) return null;
  if (!node.online && node.peers.length === 0) return NO_RELAY;
  if (node.peers.length === 0) return node.roleOf(self) === 'joining' ? NOBODY_AT_INVITE : NOBODY;
  if (node.isOrdered) return null;
  return node.validators.length > 1 ? explainTooFew(node) : UNORDERED;
}

function isConflict({ code }: Failure): boolean {
  return code === 'conflicting_seal' || code === 'conflicting_block';
}

function explainTooFew({ validators, chain }: GroupNode): ApiFailure {
  const online = validators.filter((validator) => validator.online).length;
  const message = `${online} of the ${validators.length} devices that make this group\u2019s entries final are connected, and it takes ${quorumOf(chain.validators)}. What you do is stored and becomes final when enough of them are back.`;
  return { code: UNORDERED.code, message };
}

function readMembers(node: GroupNode): Map<Identity, Member> {
  const members = new Map<Identity, Member>();
  for (const [key, value] of readFamily(node, 'members/')) {
    const identity = parseIdentity(key);
    const member = decodeRecord(MEMBER, value);
    if (identity.ok && member.ok) members.set(identity.value, member.value);
  }
  return members;
}

/** Keys without their prefix. */
function readFamily(node: GroupNode, prefix: string): [string, Uint8Array][] {
  const found: [string, Uint8Array][] = [];
  for (const [key, value] of stateEntries(node.chain.state)) {
    if (key.startsWith(prefix)) found.push([key.slice(prefix.length), value]);
  }
  return found;
}

/** Pages have one; the document is in memory for this look, unless somebody has it open. */
async function readTitle(node: GroupNode, name: DocumentName): Promise<string> {
  if (!name.startsWith(PAGE_PREFIX)) return '';
  await node.documents.load(name);
  try {
    return titleOf(node.documents.value(name));
  } finally {
    node.documents.release(name);
  }
}

function titleOf(value: unknown): string {
  const title = (value as { title?: unknown } | null)?.title;
  return typeof title === 'string' ? title : '';
}
