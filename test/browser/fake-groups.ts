// Groups in memory: a garden that one runs, a circle that waits for whoever orders it, and invites of every kind.

import type {
  GroupDetails,
  GroupMember,
  GroupsApi,
  GroupSummary,
  InvitePreview,
} from '../../browser-node/group-api.ts';
import { createFakeDocuments, type FakeDocuments } from './fake-documents.ts';
import { createFakeDeals } from './fake-deals.ts';
import { createFakeEntries } from './fake-entries.ts';
import { createFakeOrder } from './fake-order.ts';
import { createFakePolicy } from './fake-policy.ts';
import { createFakeTokens, type FakeTokens } from './fake-tokens.ts';

type FakeGroup = {
  summary: GroupSummary;
  members: GroupMember[];
  validators: GroupDetails['validators'];
  used: number;
};

export type FakeGroupsOptions = {
  readonly count: number;
  readonly now: number;
  /** Fails the call of that name, if the test asked for it. */
  readonly joinedLate: boolean;
  readonly enter: (call: string) => Promise<void>;
  readonly changed: (groups: readonly GroupSummary[]) => void;
};

export type FakeGroups = {
  readonly groups: GroupsApi;
  readonly documents: FakeDocuments;
  /** Of what was sent in a group. */
  readonly statusOf: FakeTokens['status'];
  /** What waits is ordered. */
  order(groupId: string): void;
};

export const GARDEN = 'bafyreigardenaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
export const CIRCLE = 'bafyreicircleaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
const OWN = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';
const KEY = 'z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH';
const WEEK = 7 * 86_400_000;

const REFUSALS: Readonly<Record<string, string>> = {
  expired: 'The invite has expired.',
  used: 'The invite was used as often as it may be.',
  invalid: 'This is not an invite, or a part of it is missing.',
};

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

export function createFakeGroups({ count, now, joinedLate, enter, changed }: FakeGroupsOptions): FakeGroups {
  const documents = createFakeDocuments(() => enter('documents'));
  const all = new Map<string, FakeGroup>();
  if (count > 0) all.set(GARDEN, createGarden());
  if (count > 1) all.set(CIRCLE, createCircle());
  if (count > 0) {
    Object.assign(documents.at(GARDEN, 'pages/plan'), { title: 'What grows where', text: 'Beans along the fence.\n' });
    Object.assign(documents.at(GARDEN, 'pages/watering'), { title: 'Watering', text: '' });
    Object.assign(documents.at(GARDEN, 'about'), { title: '' });
  }
  const tell = (): void => changed([...all.values()].map(({ summary }) => summary));
  const find = (groupId: string): FakeGroup => {
    const group = all.get(groupId);
    if (group === undefined) throw failure('group_unknown', 'This device is in no such group: join it with an invite.');
    return group;
  };
  const update = (groupId: string, change: Partial<GroupSummary>): void => {
    const group = find(groupId);
    group.summary = { ...group.summary, ...change };
    tell();
  };

  const { tokens, ...tokenState } = createFakeTokens({
    ...{ now, joinedLate, enter },
    hasTokens: (groupId) => groupId !== CIRCLE,
    nameOf: (groupId, identity) => find(groupId).members.find((one) => one.identity === identity)?.name ?? '',
    sent: (groupId) => sent(groupId),
  });

  const sent = (groupId: string): void => update(groupId, { pending: find(groupId).summary.pending + 1 });
  const entries = createFakeEntries(sent);
  const order = createFakeOrder({
    now,
    enter,
    membersOf: (groupId) => find(groupId).members,
    isCircle: (groupId) => groupId === CIRCLE,
    write: entries.write,
  });

  const groups: GroupsApi = {
    ...tokens,
    ...order,
    ...createFakeDeals({
      ...{ now, enter, write: entries.write },
      hasTokens: (groupId) => groupId !== CIRCLE,
      membersOf: (groupId) => find(groupId).members,
    }),
    ...createFakePolicy({ now, enter, hasTokens: (groupId) => groupId !== CIRCLE, write: entries.write }),
    async create({ name, read = 'members' }) {
      await enter('groups.create');
      const groupId = `bafyreinew${all.size}`;
      const summary: GroupSummary = {
        groupId,
        name,
        read,
        role: 'admin',
        members: 1,
        height: 0,
        pending: 0,
        connected: 0,
      };
      all.set(groupId, {
        summary,
        members: [you('admin')],
        validators: [{ key: KEY, you: true, online: true }],
        used: 0,
      });
      tell();
      return { groupId };
    },
    offer: () => enter('groups.offer').then(() => 'an-offer'),
    async invite(groupId) {
      await enter('groups.invite');
      return `https://weft.example/#join=good-${groupId}-pGF2AWVncm91cHg7YmFmeXJlaWdhcmRlbmFhYWFhYWFhYWFhYWFh`;
    },
    async previewInvite(url) {
      await enter('groups.previewInvite');
      return readInvite(url, now);
    },
    async join(url, { name = '' } = {}) {
      await enter('groups.join');
      const preview = readInvite(url, now);
      all.set(CIRCLE, createCircle({ role: 'joining', name }));
      tell();
      return { groupId: preview.groupId };
    },
    list: () => enter('groups.list').then(() => [...all.values()].map(({ summary }) => summary)),
    async get(groupId) {
      await enter('groups.get');
      const { summary, validators, used } = find(groupId);
      const invites = used > 0 ? [{ key: KEY, used }] : [];
      return { ...summary, created: now - WEEK, validators, documents: documents.list(groupId), invites };
    },
    members: (groupId) => enter('groups.members').then(() => find(groupId).members),
    async setRole(groupId, { identity, role }) {
      await enter('groups.setRole');
      const group = find(groupId);
      group.members = group.members.map((one) => (one.identity === identity ? { ...one, role } : one));
      tell();
    },
    async remove(groupId, identity) {
      await enter('groups.remove');
      const group = find(groupId);
      group.members = group.members.filter((one) => one.identity !== identity);
      update(groupId, { members: group.members.length });
    },
  };
  return {
    groups,
    documents,
    statusOf: (id, groupId) => tokenState.status(id, groupId) ?? entries.status(id),
    order(groupId) {
      tokenState.order(groupId);
      entries.order(groupId);
      const group = find(groupId);
      const { waiting: _, ...rest } = group.summary;
      group.summary = {
        ...rest,
        pending: 0,
        role: rest.role === 'joining' ? 'member' : rest.role,
        height: rest.height + 1,
      };
      group.members = group.members.map((one) => ({ ...one, pending: false }));
      tell();
    },
  };
}

function readInvite(url: string, now: number): InvitePreview {
  const kind = /#join=(\w+)/.exec(url)?.[1] ?? 'invalid';
  const refusal = REFUSALS[kind];
  if (refusal !== undefined) throw failure(`invite_${kind}`, refusal);
  return { groupId: CIRCLE, name: 'Reading circle', role: 'member', expires: now + WEEK, joined: kind === 'joined' };
}

function you(role: 'admin' | 'member', name = ''): GroupMember {
  return { identity: OWN, name, role, you: true, devices: 1, online: true, via: null, pending: false };
}

function createGarden(): FakeGroup {
  const other = { role: 'member', you: false, devices: 1, online: true, via: 'direct', pending: false } as const;
  return {
    summary: {
      groupId: GARDEN,
      name: 'Community garden on the hill',
      read: 'members',
      role: 'admin',
      members: 4,
      height: 128,
      pending: 0,
      connected: 2,
    },
    members: [
      you('admin', 'Rosa'),
      { ...other, identity: 'did:key:z6MkfrQ8bU6Zk3QpYQnR1dM5Yk2N7vG9hJ4cT6wL8eX3aB7D', name: 'Ann' },
      {
        ...other,
        identity: 'did:key:z6MknGc3ocHs3zdPiJbnaaqDi58NGb4pk1Sp9WxWufuXSdxf',
        name: 'Bartholomew of the long allotments',
        via: 'relay',
        devices: 2,
        pending: true,
      },
      {
        ...other,
        identity: 'did:key:z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG',
        name: '',
        online: false,
        via: null,
      },
    ],
    validators: [{ key: KEY, you: true, online: true }],
    used: 2,
  };
}

function createCircle({
  role = 'member',
  name = 'Rosa',
}: { role?: GroupSummary['role']; name?: string } = {}): FakeGroup {
  return {
    summary: {
      groupId: CIRCLE,
      name: 'Reading circle',
      read: 'public',
      role,
      members: 2,
      height: 41,
      pending: 2,
      connected: 0,
      ...(role === 'joining'
        ? {
            waiting: {
              code: 'waiting_for_validator',
              message: 'Nobody who orders is here: you are in as soon as Ann’s laptop comes back.',
            },
          }
        : {}),
    },
    members: [
      { ...you('member', name), pending: role === 'joining' },
      {
        identity: 'did:key:z6MkfrQ8bU6Zk3QpYQnR1dM5Yk2N7vG9hJ4cT6wL8eX3aB7D',
        name: 'Ann',
        role: 'admin',
        you: false,
        devices: 1,
        online: false,
        via: null,
        pending: false,
      },
    ],
    validators: [{ key: KEY, you: false, online: false }],
    used: 0,
  };
}
