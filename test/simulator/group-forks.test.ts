// Devices that sign two entries with one number: whoever sees both proves it, the feed is frozen for all, and nobody honest loses.

import { beforeAll, describe, expect, test } from 'vitest';
import type { FeedId } from '../../shared/crypto/ids.ts';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import type { Operation } from '../../shared/feeds/entry.ts';
import { feedFork } from '../../shared/ledger/families/forks.ts';
import { memberRemove, memberRole } from '../../shared/ledger/families/membership.ts';
import { FEED } from '../../shared/ledger/records.ts';
import { readRecord } from '../../shared/ledger/state.ts';
import { FORKS_SENT_A_DAY } from '../../shared/node/fork-proofs.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import type { HostileMember } from '../adversaries/hostile-member.ts';
import { edit, foundGroup, textOf, WAIT, type Stand } from './group-stand.ts';

type Three = [Stand['members'][0], Stand['members'][0], Stand['members'][0]];
const DAY = 86_400_000;
/** The longest that a follower leaves a proof to others, and a block. */
const PROVEN = 40_000;

function frozenAt({ chain }: GroupNode, feed: FeedId): number | undefined {
  return readRecord(chain.state, FEED, feed)?.frozenAt;
}

/** The devices whose proofs are ordered from now on. */
function collectProofs({ chain }: GroupNode): string[] {
  const proofs: string[] = [];
  chain.subscribe({
    final: ({ verified }) => {
      for (const { body } of verified) {
        proofs.push(...body.ops.filter(({ kind }) => kind === feedFork.kind).map(() => body.device));
      }
    },
  });
  return proofs;
}

/** Two entries with the number that comes next, of which alice's node gets the first, and bob's the second once that is final. */
async function fork(
  { clock, members }: Stand,
  given: { evil: HostileMember; head: Parameters<HostileMember['write']>[0]; operations: readonly Operation[] },
): Promise<void> {
  const [alice, bob] = members as Three;
  const { evil, head, operations } = given;
  const left = await evil.write(head, operations.slice(0, 1));
  const right = await evil.write(head, operations.slice(1));
  evil.say(alice.member.device, { t: 'entries', entries: [left.bytes] });
  await clock.advanceUntil(() => readRecord(bob.node.chain.state, FEED, head.feed)?.head === left.id, WAIT);
  evil.say(bob.member.device, { t: 'entries', entries: [right.bytes] });
}

describe('SY12: a forked feed', () => {
  beforeAll(startAutomerge);

  test('is frozen everywhere by one proof of one who saw both entries; what honest members write goes on', async () => {
    const stand = await foundGroup('members', ['alice', 'bob', 'mallory']);
    const { clock, members } = stand;
    const [alice, bob, mallory] = members as Three;
    const proofs = collectProofs(alice.node);
    const { feed, seq, head } = mallory.node.outbox.head!;
    mallory.member.kill();
    await clock.advance(1_000);
    const evil = await stand.hostile('mallory');
    const promote = memberRole.create({ identity: bob.member.identity, role: 'admin' });
    const remove = memberRemove.create({ identity: bob.member.identity });
    await fork(stand, { evil, head: { feed, seq, head }, operations: [promote, remove] });
    await edit(bob.node, 'before');
    await clock.advance(PROVEN);
    await edit(alice.node, 'after');
    await clock.advance(5_000);
    for (const { node } of [alice, bob]) {
      expect(frozenAt(node, feed)).toBe(seq + 1);
      expect(node.chain.tip).toEqual(alice.node.chain.tip);
      expect(await textOf(node)).toEqual(['after', 'before']);
      expect(node.chain.pool.size).toBe(0);
    }
    expect(proofs).toEqual([bob.member.device]);
    const { device, identity } = mallory.member;
    const told = { kind: 'feed', feed, device, identity, seq: seq + 1 };
    expect(await alice.node.order.misbehaviour()).toEqual([told]);
    const ordered = readRecord(alice.node.chain.state, FEED, feed)!;
    const late = await evil.write({ feed, seq: ordered.seq, head: ordered.head }, [promote]);
    evil.say(alice.member.device, { t: 'entries', entries: [late.bytes] });
    await clock.advance(5_000);
    expect(readRecord(alice.node.chain.state, FEED, feed)).toEqual(ordered);
    const answers = evil.heard.flatMap(({ message }) => (message.t === 'refused' ? [message.code] : []));
    expect(answers).toContain('feed_frozen');
    evil.close();
  });

  test('is proven a few times a day at most by one node, however many a member makes', async () => {
    const stand = await foundGroup('members', ['alice', 'bob', 'mallory']);
    const { clock, members } = stand;
    const [alice, bob, mallory] = members as Three;
    const proofs = collectProofs(alice.node);
    mallory.member.kill();
    await clock.advance(1_000);
    const evil = await stand.hostile('mallory');
    const promote = memberRole.create({ identity: bob.member.identity, role: 'admin' });
    const remove = memberRemove.create({ identity: bob.member.identity });
    let last = mallory.node.outbox.head!.feed;
    const feeds: FeedId[] = [];
    for (let at = 1; at <= FORKS_SENT_A_DAY + 2; at++) {
      const after = { feed: last, seq: readRecord(alice.node.chain.state, FEED, last)!.seq };
      last = `${String(at).padStart(16, '0')}` as FeedId;
      feeds.push(last);
      await fork(stand, { evil, head: { feed: last, seq: 0, head: null, after }, operations: [promote, remove] });
      await clock.advance(PROVEN);
    }
    const frozen = (): number => feeds.filter((feed) => frozenAt(alice.node, feed) === 1).length;
    expect(frozen()).toBe(FORKS_SENT_A_DAY);
    await clock.advance(DAY);
    await edit(bob.node, 'tomorrow');
    await clock.advance(PROVEN);
    // The feed before is closed by the last one: nothing more is ordered of it anyway.
    expect(frozen()).toBe(FORKS_SENT_A_DAY + 1);
    expect(frozenAt(bob.node, last)).toBe(1);
    expect(proofs).toEqual(Array.from({ length: FORKS_SENT_A_DAY + 1 }, () => bob.member.device));
    evil.close();
  });

  test('LG47: is left by its owner, who signs again what the branch that lost held; the lost entry says forked', async () => {
    const stand = await foundGroup('members', ['alice', 'bob', 'carol']);
    const { clock, members } = stand;
    const [alice, bob, carol] = members as Three;
    await alice.node.submit([memberRole.create({ identity: bob.member.identity, role: 'admin' })]);
    await clock.advanceUntil(() => bob.node.roleOf(bob.member.identity) === 'admin', WAIT);
    const { feed, seq, head } = bob.node.outbox.head!;
    const evil = await stand.hostile('bob');
    const forged = await evil.write({ feed, seq, head }, [
      memberRole.create({ identity: carol.member.identity, role: 'member' }),
    ]);
    bob.member.setReachable(false);
    evil.say(alice.member.device, { t: 'entries', entries: [forged.bytes] });
    await clock.advance(3_000);
    const lost = await bob.node.submit([memberRole.create({ identity: carol.member.identity, role: 'admin' })]);
    const behind = await bob.node.submit([memberRole.create({ identity: alice.member.identity, role: 'admin' })]);
    await edit(bob.node, 'an edit');
    evil.close();
    bob.member.setReachable(true);
    await clock.advance(PROVEN);
    for (const { node } of members) {
      // Its owner closed it before the proof was there: nothing more of it is ordered either way.
      expect(readRecord(node.chain.state, FEED, feed)).toMatchObject({ seq: seq + 1, head: forged.id, open: false });
      expect(node.roleOf(carol.member.identity)).toBe('admin');
      expect(node.chain.pool.size).toBe(0);
      expect(await textOf(node)).toEqual(['an edit']);
    }
    for (const id of [lost, behind]) {
      expect(await bob.node.outbox.state(id)).toMatchObject({ state: 'dropped', outcome: { code: 'forked' } });
    }
    expect(bob.node.outbox.pending).toEqual([]);
    expect(bob.node.outbox.head!.feed).not.toBe(feed);
  });

  test('is left also by an owner whose branch won', async () => {
    const stand = await foundGroup('members', ['alice', 'bob', 'carol']);
    const { clock, members } = stand;
    const [alice, bob] = members as Three;
    const { feed, seq, head } = bob.node.outbox.head!;
    const evil = await stand.hostile('bob');
    const forged = await evil.write({ feed, seq, head }, [memberRemove.create({ identity: alice.member.identity })]);
    await edit(bob.node, 'mine');
    await clock.advance(5_000);
    evil.say(alice.member.device, { t: 'entries', entries: [forged.bytes] });
    await clock.advance(2_000);
    evil.close();
    await clock.advance(PROVEN);
    for (const { node } of members) expect(frozenAt(node, feed)).toBe(seq + 1);
    await edit(bob.node, 'more');
    await clock.advance(5_000);
    for (const { node } of members) expect(await textOf(node)).toEqual(['mine', 'more']);
    expect(bob.node.outbox.head!.feed).not.toBe(feed);
  });
});
