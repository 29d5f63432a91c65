import { expect, test } from 'vitest';

import type { GroupDetails } from '../group-api.ts';
import { adviseOnInvite, describeInvite, explainWaiting, isRefusedJoin, nameMember } from './group-words.ts';

const GROUP: GroupDetails = {
  groupId: 'bafyreigroup',
  name: 'Garden',
  read: 'members',
  role: 'member',
  members: 2,
  height: 9,
  pending: 2,
  connected: 0,
  created: 0,
  validators: [{ key: 'z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK', you: false, online: false }],
  documents: [],
  invites: [],
};

test('an invite says who can do what with it, how often and until when', () => {
  const sentence = describeInvite({ name: 'Garden', role: 'admin', uses: 1, expires: Date.UTC(2026, 1, 3, 12) });
  expect(sentence).toContain('can join “Garden” as an admin, once, until Feb 3, 2026');
  expect(sentence).toContain('removes members');
  expect(describeInvite({ name: 'Garden', role: 'member', uses: 5, expires: 0 })).toContain('as a member, 5 times');
});

test('what waits names the device that orders; what the node says goes before', () => {
  expect(explainWaiting(GROUP)).toContain('2 entries wait for the device that orders (z6MkhaXgBZDv…ta2doK)');
  expect(explainWaiting({ ...GROUP, waiting: { code: 'no_validator', message: 'Ann is away.' } })).toBe('Ann is away.');
});

test('nothing is explained while nothing waits, or while somebody orders', () => {
  const [validator] = GROUP.validators;
  expect(explainWaiting({ ...GROUP, pending: 0 })).toBeUndefined();
  expect(explainWaiting({ ...GROUP, validators: [{ ...validator!, online: true }] })).toBeUndefined();
  expect(explainWaiting({ ...GROUP, validators: [{ ...validator!, you: true }] })).toBeUndefined();
});

test('a join that the group refused is told from one that waits', () => {
  const joining = { ...GROUP, role: 'joining' } as const;
  expect(isRefusedJoin({ ...joining, waiting: { code: 'invite_used', message: 'Used.' } })).toBe(true);
  expect(isRefusedJoin({ ...joining, waiting: { code: 'waiting_for_members', message: 'Away.' } })).toBe(false);
  expect(isRefusedJoin(joining)).toBe(false);
  expect(isRefusedJoin({ ...GROUP, waiting: { code: 'invite_used', message: 'Used.' } })).toBe(false);
});

test('a name that was not given, or that only looks so, is the end of the key', () => {
  const identity = 'did:key:z6Mkwxyz';
  for (const name of ['', '…abcd', 'Member …abcd']) {
    expect(nameMember({ name, identity, you: false })).toBe('Member …wxyz');
    expect(nameMember({ name, identity, you: true })).toBe('You');
  }
  expect(nameMember({ name: 'Members', identity, you: false })).toBe('Members');
});

test('a failed invite gets advice once', () => {
  expect(adviseOnInvite({ code: 'invite_used', message: 'It was used.' })).toContain('a new link');
  expect(adviseOnInvite({ code: 'invite_used', message: 'It was used: ask for a new link.' })).toBe('');
  expect(adviseOnInvite({ code: 'other', message: 'No.' })).toBe('');
});
