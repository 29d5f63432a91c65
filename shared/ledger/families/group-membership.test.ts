import { describe, expect, test } from 'vitest';
import {
  cidOf,
  createUnsignedPerson,
  createWorld,
  feedIdOf,
  GROUP,
  join,
  makeBlock,
  nextBlock,
  outcomeOf,
  START,
  write,
  type Person,
  type World,
} from '../../../test/simulator/ledger-world.ts';
import type { Operation, VerifiedEntry } from '../../feeds/entry.ts';
import { followFeed } from '../../feeds/feed.ts';
import { createSeedSigner } from '../../platform/web/seed-signer.ts';
import { createPrecheck, previewEntry } from '../admission.ts';
import { GROUP_RECORD, INVITE } from '../group-records.ts';
import { createInvite, type InviteRole } from '../invite.ts';
import { MEMBER } from '../records.ts';
import { readRecord } from '../state.ts';
import { deviceRevoke } from './devices.ts';
import { handleRegister } from './handles.ts';
import { memberAccept, memberRemove, memberRole } from './membership.ts';
import { policyUpdate } from './policy.ts';

const DAY = 86_400_000;
const sealingKey = new Uint8Array(32).fill(3);
const oneTime = createSeedSigner(new Uint8Array(32).fill(5)).key;

async function people(...names: string[]): Promise<Person[]> {
  return Promise.all(names.map((name) => createUnsignedPerson(name)));
}

function found(...founders: Person[]): World {
  return createWorld(founders, { join: 'invite', policy: { read: 'members' } });
}

type Terms = { role?: InviteRole; uses?: number; expires?: number; group?: typeof GROUP; key?: typeof oneTime };

async function accept(by: Person, terms: Terms = {}, name?: string): Promise<Operation> {
  const invite = await createInvite({
    ...{ signer: by.signer, certificate: by.writer.certificate },
    ...{ group: GROUP, role: 'member', uses: 1, expires: START + DAY, key: oneTime, ...terms },
  });
  const proof = new Uint8Array(64);
  return memberAccept.create({ invite, proof, sealingKey, ...(name !== undefined && { name }) });
}

const nothing = (word: string) => handleRegister.create({ handle: word });

function preview(world: World, entry: VerifiedEntry): string {
  const admission = previewEntry(nextBlock(world), entry);
  return admission.outcome === 'apply' ? 'ok' : admission.code;
}

async function act(world: World, person: Person, ...ops: Operation[]): Promise<string | undefined> {
  const entry = await write(person, ops);
  return outcomeOf(makeBlock(world, [entry]), entry);
}

describe('LG39, LG40: joining by an invite', () => {
  test('makes a member of the role it says, with the name it gives itself', async () => {
    const [admin, guest, deputy] = await people('admin', 'guest', 'deputy');
    const world = found(admin!);
    expect(await act(world, guest!, await accept(admin!, {}, 'Gwen'))).toBe('ok');
    const member = { role: 'member', since: 1, sealingKey, name: 'Gwen' };
    expect(readRecord(world.state, MEMBER, guest!.identity)).toEqual(member);
    const key = createSeedSigner(new Uint8Array(32).fill(6)).key;
    expect(await act(world, deputy!, await accept(admin!, { role: 'admin', key }))).toBe('ok');
    expect(readRecord(world.state, MEMBER, deputy!.identity)).toEqual({ role: 'admin', since: 2, sealingKey });
    expect(readRecord(world.state, GROUP_RECORD, 'current')).toEqual({ read: 'members', admins: 2 });
    expect(await act(world, guest!, await accept(admin!))).toBe('already_known');
  });

  test('the inviter may be away: its device need not have written anything yet', async () => {
    const [admin, guest] = await people('admin', 'guest');
    const world = found(admin!);
    expect(preview(world, await write(guest!, [await accept(admin!)]))).toBe('ok');
  });

  test.each<[string, Terms, string]>([
    ['expired by a millisecond of block time', { expires: START + 999 }, 'invite_expired'],
    ['at its last millisecond', { expires: START + 1_000 }, 'ok'],
    ['for another group', { group: cidOf('another') }, 'invite_invalid'],
  ])('%s: %s', async (_, terms, code) => {
    const [admin, guest] = await people('admin', 'guest');
    expect(preview(found(admin!), await write(guest!, [await accept(admin!, terms)]))).toBe(code);
  });

  test('an invite lets in as many as it says, by the order of the blocks', async () => {
    const [admin, a, b, c] = await people('admin', 'a', 'b', 'c');
    const world = found(admin!);
    const entries = await Promise.all([a!, b!, c!].map(async (who) => write(who, [await accept(admin!, { uses: 2 })])));
    makeBlock(world, entries.slice(0, 2));
    expect(readRecord(world.state, INVITE, oneTime)).toEqual({ used: 2 });
    expect(preview(world, entries[2]!)).toBe('invite_used');
  });

  test('an invite ends with the role or the device of whoever made it', async () => {
    const [admin, other, guest] = await people('admin', 'other', 'guest');
    const laptop = await createUnsignedPerson('admin', 'laptop');
    const world = found(admin!, other!);
    const entry = await write({ ...guest! }, [await accept(laptop)]);
    const byMember = await write({ ...guest! }, [await accept(other!)]);
    expect(preview(world, byMember)).toBe('invite_invalid');
    await act(world, laptop, nothing('one'));
    expect(preview(world, entry)).toBe('ok');
    const revoked = { ...world };
    await act(revoked, { ...admin! }, deviceRevoke.create({ device: laptop.signer.key }));
    expect(preview(revoked, entry)).toBe('invite_invalid');
    await act(world, admin!, memberRole.create({ identity: other!.identity, role: 'admin' }));
    await act(world, other!, memberRole.create({ identity: admin!.identity, role: 'member' }));
    expect(preview(world, entry)).toBe('invite_invalid');
  });

  test('fails closed where nobody checked its signatures, and is judged by state before any is', async () => {
    const [admin, guest] = await people('admin', 'guest');
    const world = found(admin!);
    const entry = await write(guest!, [await accept(admin!)]);
    expect(preview(world, { ...entry, authorised: false })).toBe('invite_invalid');
    const precheck = createPrecheck(nextBlock(world));
    const parsed = { ...entry, bodyBytes: entry.bytes, sig: entry.bytes };
    expect(precheck(parsed, guest!.identity)).toBeUndefined();
    expect(createPrecheck(nextBlock({ ...world, time: START + DAY }))(parsed, guest!.identity)?.code).toBe(
      'invite_expired',
    );
  });

  test('a pending join counts: what its member writes next can follow it in the same block', async () => {
    const [admin, guest] = await people('admin', 'guest');
    const world = found(admin!);
    const entries = [await write(guest!, [await accept(admin!)]), await write(guest!, [nothing('guest')])];
    expect(makeBlock(world, entries).receipts.map(({ code }) => code)).toEqual(['ok', 'ok']);
  });

  test('is not for the commons, where these operations are as unknown as before', async () => {
    const [admin, guest, member] = await people('admin', 'guest', 'member');
    const world = createWorld([admin!, member!]);
    expect(preview(world, await write({ ...guest! }, [await accept(admin!)]))).toBe('unknown_author');
    const { identity } = member!;
    expect(await act(world, admin!, memberRemove.create({ identity }))).toBe('bad_encoding');
    expect(await act(world, admin!, memberRole.create({ identity, role: 'admin' }))).toBe('bad_encoding');
    expect(await act(world, admin!, await accept(admin!))).toBe('bad_encoding');
    expect(preview(world, await write(guest!, [join(world, guest!)]))).toBe('ok');
  });

  test('a group that no longer takes invites says so', async () => {
    const [admin, guest] = await people('admin', 'guest');
    const world = found(admin!);
    await act(world, admin!, policyUpdate.create({ join: 'admin' }));
    expect(preview(world, await write(guest!, [await accept(admin!)]))).toBe('not_permitted');
  });
});

describe('LG42: roles', () => {
  test('are given by admins, and the last admin stays', async () => {
    const [admin, bob, mallory] = await people('admin', 'bob', 'mallory');
    const world = found(admin!, bob!);
    const make = (who: Person, role: 'admin' | 'member') => memberRole.create({ identity: who.identity, role });
    expect(await act(world, bob!, make(bob!, 'admin'))).toBe('not_permitted');
    expect(await act(world, admin!, make(mallory!, 'admin'))).toBe('wrong_state');
    expect(await act(world, admin!, make(bob!, 'member'))).toBe('already_known');
    expect(await act(world, admin!, make(admin!, 'member'))).toBe('last_admin');
    expect(await act(world, admin!, memberRemove.create({ identity: admin!.identity }))).toBe('last_admin');
    expect(await act(world, admin!, make(bob!, 'admin'))).toBe('ok');
    expect(readRecord(world.state, MEMBER, bob!.identity)).toEqual({ role: 'admin', since: 0 });
    expect(await act(world, bob!, memberRemove.create({ identity: admin!.identity }))).toBe('ok');
    expect(readRecord(world.state, GROUP_RECORD, 'current')?.admins).toBe(1);
    expect(await act(world, bob!, make(bob!, 'member'))).toBe('last_admin');
  });
});

describe('LG43: a removed member', () => {
  test('counts up to and including the block that removes, wherever in it its entries stand, and no further', async () => {
    const seen = new Set<string>();
    for (let at = 0; at < 12; at++) {
      const [admin, bob] = await people(`admin ${at}`, 'bob');
      const world = found(admin!, bob!);
      makeBlock(world, [await write(bob!, [nothing('one')])]);
      const removal = await write(admin!, [memberRemove.create({ identity: bob!.identity })]);
      const last = await write(bob!, [nothing('two')]);
      const executed = makeBlock(world, [removal, last]);
      expect(executed.receipts.map(({ code }) => code)).toEqual(['ok', 'ok']);
      seen.add(executed.receipts[0]!.entry === last.id ? 'before' : 'after');
      expect(readRecord(world.state, MEMBER, bob!.identity)).toEqual({ role: 'removed', since: 0, removed: 2 });
      expect(preview(world, await write(bob!, [nothing('three')]))).toBe('member_removed');
    }
    expect([...seen].sort()).toEqual(['after', 'before']);
  });

  test('cannot come back by a new device, a new feed or an invite of before, only by an admin', async () => {
    const [admin, bob] = await people('admin', 'bob');
    const phone = await createUnsignedPerson('bob', 'phone');
    const world = found(admin!, bob!);
    makeBlock(world, [await write(bob!, [nothing('one')])]);
    await act(world, admin!, memberRemove.create({ identity: bob!.identity }));
    expect(preview(world, await write({ ...phone }, [await accept(admin!, { uses: 5 })]))).toBe('member_removed');
    const moved = { ...bob!, writer: followFeed(bob!.writer, feedIdOf('another')) };
    expect(preview(world, await write(moved, [nothing('two')]))).toBe('member_removed');
    expect(await act(world, admin!, memberRemove.create({ identity: bob!.identity }))).toBe('already_known');
    expect(await act(world, admin!, memberRole.create({ identity: bob!.identity, role: 'member' }))).toBe('ok');
    expect(readRecord(world.state, MEMBER, bob!.identity)).toEqual({ role: 'member', since: 4 });
    expect(await act(world, phone, nothing('three'))).toBe('ok');
  });

  test('has no say as an admin after its removal in the same block', async () => {
    const codes = new Set<string>();
    for (let at = 0; at < 12; at++) {
      const [a, b] = await people(`first ${at}`, 'second');
      const world = found(a!, b!);
      await act(world, a!, memberRole.create({ identity: b!.identity, role: 'admin' }));
      const entries = await Promise.all([
        write(a!, [memberRemove.create({ identity: b!.identity })]),
        write(b!, [memberRemove.create({ identity: a!.identity })]),
      ]);
      codes.add(JSON.stringify(makeBlock(world, entries).receipts.map(({ code }) => code)));
      expect(readRecord(world.state, GROUP_RECORD, 'current')?.admins).toBe(1);
    }
    expect([...codes]).toEqual(['["ok","not_permitted"]']);
  });
});
