// A member with software of its own, one who was removed, and a stranger, against whole nodes of a group: no harm is done.

import { beforeAll, describe, expect, test } from 'vitest';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { decodeHeader } from '../../shared/chain/block.ts';
import { parseEntry } from '../../shared/feeds/entry.ts';
import { memberRemove, memberRole } from '../../shared/ledger/families/membership.ts';
import { FEED } from '../../shared/ledger/records.ts';
import { readRecord } from '../../shared/ledger/state.ts';
import type { HostileMember } from '../adversaries/hostile-member.ts';
import { edit, foundGroup, page, textOf, WAIT, type Stand } from './group-stand.ts';

function heightsOf({ heard }: HostileMember): number[] {
  return heard.flatMap(({ message }) => {
    const block = message.t === 'block' ? decodeHeader(message.header) : null;
    return block?.ok ? [block.value.header.height] : [];
  });
}

describe('a group under attack', () => {
  beforeAll(startAutomerge);

  test('SY3: a member who tells two members two stories does not part them', async () => {
    const { clock, members, hostile } = await foundGroup('members', ['alice', 'bob', 'mallory']);
    const [alice, bob, mallory] = members as [Stand['members'][0], Stand['members'][0], Stand['members'][0]];
    const { seq, head, feed } = mallory.node.outbox.head!;
    mallory.member.kill();
    await clock.advance(1_000);
    const evil = await hostile('mallory');
    const last = { feed, seq, head };
    const left = await evil.write(last, [memberRole.create({ identity: bob.member.identity, role: 'admin' })]);
    const right = await evil.write(last, [memberRemove.create({ identity: bob.member.identity })]);
    evil.say(bob.member.device, { t: 'entries', entries: [right.bytes] });
    evil.say(alice.member.device, { t: 'entries', entries: [left.bytes] });
    await clock.advance(3_000);
    await edit(bob.node, 'after');
    await clock.advance(10_000);
    expect(bob.node.chain.tip).toEqual(alice.node.chain.tip);
    expect(await textOf(alice.node)).toEqual(['after']);
    expect([alice.node.chain.pool.size, bob.node.chain.pool.size]).toEqual([0, 0]);
    evil.close();
  });

  test('SY5: a removed member who stays connected gets nothing new', async () => {
    const { clock, members, hostile } = await foundGroup('members', ['alice', 'bob', 'mallory']);
    const [alice, bob, mallory] = members as [Stand['members'][0], Stand['members'][0], Stand['members'][0]];
    mallory.member.kill();
    const evil = await hostile('mallory');
    await alice.node.submit([memberRemove.create({ identity: mallory.member.identity })]);
    await clock.advanceUntil(() => bob.node.roleOf(mallory.member.identity) === 'removed', WAIT);
    const removal = bob.node.chain.tip.height;
    const before = evil.heard.length;
    for (const { device } of [alice.member, bob.member]) evil.say(device, { t: 'state', height: 0, feeds: [] });
    for (const { device } of [alice.member, bob.member]) evil.say(device, { t: 'getBlocks', from: 1 });
    await edit(alice.node, 'secret of alice');
    await edit(bob.node, 'secret of bob');
    alice.node.signal('document/pages/plan', new Uint8Array([110, 117, 108, 108]), 1_000);
    await clock.advance(10_000);
    const kinds = evil.heard.slice(before).map(({ message }) => message.t);
    expect(kinds.filter((kind) => !['state', 'blockEntries', 'block'].includes(kind))).toEqual([]);
    expect(heightsOf(evil).every((height) => height <= removal)).toBe(true);
    expect(heightsOf(evil)).toContain(removal);
    evil.close();
    // And nothing when it comes again: it knows the room's secret.
    const again = await hostile('mallory');
    await edit(bob.node, 'another');
    await clock.advance(5_000);
    for (const { message } of again.heard) expect(message).toEqual({ t: 'state', height: removal, feeds: [] });
    again.close();
  });

  test('SY5: who has only the link of a private group hears nothing of what its members write', async () => {
    const { clock, members, hostile } = await foundGroup('members', ['alice', 'bob']);
    const evil = await hostile('eve');
    for (const { member } of members) evil.say(member.device, { t: 'state', height: 0, feeds: [] });
    for (const { member } of members) evil.say(member.device, { t: 'getBlocks', from: 1 });
    for (const { node } of members) {
      await edit(node, 'secret');
      node.signal('document/pages/plan', new Uint8Array([110, 117, 108, 108]), 1_000);
    }
    await clock.advance(5_000);
    // One for each session: whether one side dials or both hangs on the numbers that the relay draws.
    expect(new Set(evil.heard.map(({ message }) => message.t))).toEqual(new Set(['state']));
    evil.close();
  });

  test('SY10: what waits for a member who does not read is bounded, and it gets all of it when it reads', async () => {
    const { clock, members, hostile } = await foundGroup('public', ['alice']);
    const [alice] = members as [Stand['members'][0]];
    const evil = await hostile('eve');
    evil.say(alice.member.device, { t: 'state', height: 0, feeds: [] });
    evil.setReading(false);
    const big = 'x'.repeat(100_000);
    for (let at = 0; at < 80; at++) {
      await alice.node.documents.load(page);
      alice.node.documents.change(page, [{ action: 'put', path: [`k${at}`], value: big }]);
      await alice.node.flush();
      await clock.advance(300);
    }
    const [peer] = alice.node.peers;
    expect(peer).toMatchObject({ waiting: expect.any(Number) });
    expect(peer!.waiting).toBeGreaterThan(3 * 1024 * 1024);
    expect(peer!.waiting).toBeLessThan(6 * 1024 * 1024);
    evil.setReading(true);
    await clock.advance(30_000);
    expect(Math.max(...heightsOf(evil))).toBe(alice.node.chain.tip.height);
    evil.close();
  });

  test('SY1: what a member lacks is sent once, and again when it says again that it lacks it', async () => {
    const { clock, members, hostile } = await foundGroup('members', ['alice', 'bob', 'carol']);
    const [alice, bob, carol] = members as [Stand['members'][0], Stand['members'][0], Stand['members'][0]];
    carol.member.kill();
    // Nobody orders what bob writes.
    alice.member.setReachable(false);
    await clock.advance(1_000);
    for (const text of ['one', 'two', 'three']) await edit(bob.node, text);
    const owed = bob.node.outbox.pending.map(({ id }) => id);
    const evil = await hostile('carol');
    const given = () =>
      evil.heard.flatMap(({ message }) =>
        message.t === 'entries' ? message.entries.map((wire) => parseEntry(wire)) : [],
      );
    const idsOf = () => given().map((entry) => (entry.ok ? entry.value.id : null));
    evil.say(bob.member.device, { t: 'state', height: 100, feeds: [] });
    await clock.advance(1_000);
    expect(owed).toHaveLength(3);
    expect(idsOf()).toEqual(owed);
    evil.say(bob.member.device, { t: 'state', height: 100, feeds: [] });
    await clock.advance(1_000);
    expect(idsOf()).toEqual([...owed, ...owed]);
    evil.close();
  });

  test('SY11: whoever asks again and again is answered at a bounded rate', async () => {
    const { clock, members, hostile } = await foundGroup('public', ['alice', 'bob']);
    const [alice] = members as [Stand['members'][0]];
    const evil = await hostile('eve');
    const before = evil.heard.length;
    for (let at = 0; at < 2_000; at++) {
      evil.say(alice.member.device, { t: 'state', height: 0, feeds: [] });
      evil.say(alice.member.device, { t: 'getBlocks', from: 1 });
      if (at % 20 === 0) await clock.advance(10);
    }
    await clock.advance(1_000);
    const blocks = evil.heard.slice(before).filter(({ message }) => message.t === 'block').length;
    expect(blocks).toBeGreaterThan(0);
    expect(blocks).toBeLessThanOrEqual(110 * alice.node.chain.tip.height);
    evil.close();
  });

  test('a clone that writes into the feed of a member costs it the feed, and none of its edits', async () => {
    const { clock, members, hostile } = await foundGroup('members', ['alice', 'bob', 'carol']);
    const [alice, bob, carol] = members as [Stand['members'][0], Stand['members'][0], Stand['members'][0]];
    const { seq, head, feed } = bob.node.outbox.head!;
    const evil = await hostile('bob');
    const forged = await evil.write({ feed, seq, head }, [memberRemove.create({ identity: carol.member.identity })]);
    bob.member.setReachable(false);
    evil.say(alice.member.device, { t: 'entries', entries: [forged.bytes] });
    for (const text of ['one', 'two', 'three']) {
      await edit(bob.node, text);
      await clock.advance(200);
    }
    const ids = [...bob.node.outbox.pending];
    expect(ids.length).toBeGreaterThan(1);
    bob.member.setReachable(true);
    await clock.advance(20_000);
    for (const { node } of members) {
      expect(node.chain.tip).toEqual(alice.node.chain.tip);
      expect(node.chain.pool.size).toBe(0);
      expect(await textOf(node)).toEqual(['one', 'three', 'two']);
    }
    expect(bob.node.outbox.pending).toEqual([]);
    expect(bob.node.outbox.head!.feed).not.toBe(feed);
    evil.close();
  });

  test('what a clone got ordered first costs a member who is here none of its edits', async () => {
    const { clock, members, hostile } = await foundGroup('members', ['alice', 'bob']);
    const [alice, bob] = members as [Stand['members'][0], Stand['members'][0]];
    await edit(bob.node, 'zero');
    await clock.advance(5_000);
    const { seq, head, feed } = bob.node.outbox.head!;
    const evil = await hostile('bob');
    const forged = await evil.write({ feed, seq, head }, [memberRemove.create({ identity: alice.member.identity })]);
    evil.say(alice.member.device, { t: 'entries', entries: [forged.bytes] });
    await clock.advance(5_000);
    evil.close();
    await edit(alice.node, 'block');
    await clock.advance(5_000);
    expect(readRecord(bob.node.chain.state, FEED, feed)?.head).toBe(forged.id);
    for (const text of ['one', 'two', 'three']) await edit(bob.node, text);
    await clock.advance(20_000);
    for (const { node } of members) {
      expect(node.chain.pool.size).toBe(0);
      expect(await textOf(node)).toEqual(['block', 'one', 'three', 'two', 'zero']);
    }
    expect(bob.node.outbox.pending).toEqual([]);
  });
});
