// What one of four validators signs, message by message: proposals, notarize, nullify, finalize.

import { describe, expect, test } from 'vitest';
import { claimOf, createTestGroup, INTERVAL, stubVote, testBlock, testCid } from './chain.test-kit.ts';
import type { FeedId } from '../crypto/ids.ts';
import { Bench, NOW, nullify, sent, signs } from './simplex-bench.test-kit.ts';
import { DELTA } from './simplex.test-kit.ts';
import { leaderOf } from './validator-set.ts';
import type { LogRecord } from './vote-log.ts';

const MINUTE = 60_000;

const group = createTestGroup(4, 1);
// Follower of view 1, so that it neither leads it nor the next.
const self = leaderOf(group.rules.set, 3);
const leader = leaderOf(group.rules.set, 1);
const others = [0, 1, 2, 3].filter((at) => at !== self);
const block = testBlock(group, group.tip, { time: NOW - 5_000 });
const cut = [{ feed: '00000000000000aa' as FeedId, from: 1, to: 1, head: testCid('an entry') }];

describe('votes of one of four', () => {
  test('CH21: a proposal is notarized once it was executed, and only the first of its view', () => {
    const bench = new Bench(group, self);
    expect(signs(bench.propose(block))).toEqual([]);
    expect(bench.effects.filter((effect) => effect.kind === 'execute').length).toBe(1);
    expect(signs(bench.execute(block))).toEqual(['notarize 1']);
    const second = testBlock(group, group.tip, { time: NOW - 4_000 });
    const effects = bench.propose(second);
    expect(signs(effects)).toEqual([]);
    expect(effects.map((effect) => effect.kind)).toContain('evidence');
    expect(signs(bench.execute(second))).toEqual([]);
  });

  test('CH37: a proposal of the epoch before, heard late, takes the place of none', () => {
    const bench = new Bench({ ...group, rules: { ...group.rules, epoch: 1 } }, self);
    bench.propose(block);
    const own = testBlock(bench.group, group.tip, { time: NOW - 5_000 });
    const vote = stubVote(leader, claimOf(own, 'notarize'));
    bench.hear({ kind: 'propose', block: own, vote });
    expect(signs(bench.execute(own))).toEqual(['notarize 1']);
  });

  test('CH21: entries that are missing make a proposal wait; it is not rejected', () => {
    const bench = new Bench(group, self);
    bench.propose(block);
    expect(signs(bench.give({ kind: 'timer' }))).toEqual([]);
    expect(bench.state.blocks.get(block.id)!.verdict).toBe('asked');
  });

  test('CH28: an invalid proposal loses its view at once', () => {
    const bench = new Bench(group, self);
    bench.propose(block);
    expect(signs(bench.execute(block, false))).toEqual(['nullify 1']);
  });

  test('CH9, CH10: what cannot follow its parent is never executed', () => {
    const wrong = [
      testBlock(group, group.tip, { height: 2 }),
      testBlock(group, group.tip, { time: group.tip.time }),
      testBlock(group, group.tip, { epoch: 1 }),
      testBlock(group, group.tip, { group: testCid('another group') }),
      testBlock(group, group.tip, { validators: testCid('others') }),
      testBlock(group, group.tip, { proposer: group.rules.set.keys[self]! }),
    ];
    for (const block of wrong) {
      const bench = new Bench(group, self);
      // What is signed for another epoch is not heard here: this leader signs for this one.
      const vote = stubVote(leader, { ...claimOf(block, 'notarize'), epoch: 0 });
      const effects = bench.hear({ kind: 'propose', block, vote });
      expect(effects.some((effect) => effect.kind === 'execute')).toBe(false);
      expect(signs(effects)).toEqual(['nullify 1']);
    }
  });

  test('CH10, A11: a block sooner than the interval is invalid; one from a clock far ahead only waits', () => {
    const soon = new Bench(group, self);
    const time = group.tip.time + 999;
    expect(signs(soon.propose(testBlock(group, group.tip, { time, cut })))).toEqual(['nullify 1']);
    const carrying = new Bench(group, self);
    const empty = testBlock(group, group.tip, { time });
    expect(signs([...carrying.propose(empty), ...carrying.execute(empty)])).toEqual(['notarize 1']);
    const bench = new Bench(group, self);
    const ahead = testBlock(group, group.tip, { time: NOW + 6 * MINUTE });
    bench.propose(ahead);
    expect(signs(bench.execute(ahead))).toEqual([]);
    expect(signs(bench.give({ kind: 'timer' }, NOW + MINUTE))).toEqual(['notarize 1']);
  });

  test('CH21: without the nullifications of the views between, no vote; the proposer is asked for them', () => {
    const bench = new Bench(group, self);
    const gap = testBlock(group, group.tip, { view: 2, time: NOW });
    bench.hearCertificate({ ...claimOf(block, 'notarize') }, block);
    bench.propose(gap);
    expect(signs(bench.execute(gap))).not.toContain('notarize 2');
    const asked = [...bench.effects];
    expect(bench.state.asked.size + asked.length).toBeGreaterThan(0);
    expect(signs(bench.hearVotes(nullify(1), others))).toContain('notarize 2');
  });

  test('CH21: a parent that was executed but never notarized is no parent', () => {
    const bench = new Bench(group, self);
    bench.propose(block);
    bench.execute(block);
    bench.hearVotes(nullify(1), others);
    const child = testBlock(group, { ...block.header, id: block.id }, { time: NOW });
    bench.propose(child);
    expect(signs(bench.execute(child))).toEqual([]);
    expect(signs(bench.hearCertificate(claimOf(block, 'notarize')))).toContain('notarize 2');
  });

  test('CH10: the policy in the state after a block says how soon the next one may come', () => {
    const third = leaderOf(group.rules.set, 2);
    for (const [interval, votes] of [
      [INTERVAL, ['notarize 2']],
      [2 * INTERVAL, ['nullify 2']],
    ] as const) {
      const bench = new Bench(
        group,
        others.find((at) => at !== third && at !== leader)!,
      );
      bench.propose(block);
      bench.execute(block, true, interval);
      bench.hearCertificate(claimOf(block, 'notarize'));
      const child = testBlock(group, { ...block.header, id: block.id }, { view: 2, cut });
      const signed = [...bench.propose(child), ...bench.execute(child)];
      expect(signs(signed)).toEqual(votes);
    }
  });

  test('CH20: one proposal a view: a second answer is dropped, and after a restart it is not asked for', () => {
    const log: LogRecord[] = [];
    const bench = new Bench(group, leader);
    bench.give({ kind: 'work', pending: true });
    const first = bench.give({ kind: 'proposed', view: 1, block, interval: INTERVAL });
    for (const effect of first) if (effect.kind === 'persist') log.push(...effect.records);
    expect(signs(first)).toEqual(['notarize 1']);
    const second = testBlock(group, group.tip, { time: NOW });
    expect(signs(bench.give({ kind: 'proposed', view: 1, block: second, interval: INTERVAL }))).toEqual([]);
    const after = new Bench(group, leader, log);
    expect(after.give({ kind: 'work', pending: true }).some((effect) => effect.kind === 'propose')).toBe(false);
  });

  test('CH28: on a new tip nothing waits until the host says so again', () => {
    const bench = new Bench(group, self);
    bench.give({ kind: 'work', pending: true });
    bench.hearCertificate(claimOf(block, 'notarize'), block);
    expect(bench.state.work).toBe(true);
    bench.execute(block);
    expect(bench.effects.map((effect) => effect.kind)).toContain('tip');
    expect(bench.state.work).toBe(false);
    expect(bench.state.armedAt).toBeNull();
  });

  test('CH19: a leader proposes on the notarized parent, across nullified views only', () => {
    const proposer = leaderOf(group.rules.set, 3);
    const bench = new Bench(group, proposer);
    bench.hearCertificate(claimOf(block, 'notarize'), block);
    bench.execute(block);
    bench.give({ kind: 'work', pending: true });
    expect(bench.effects.some((effect) => effect.kind === 'propose')).toBe(false);
    bench.hearCertificate(nullify(2));
    const propose = bench.effects.find((effect) => effect.kind === 'propose');
    expect(propose).toMatchObject({ view: 3, parent: { id: block.id, view: 1 }, empty: false });
  });

  test('CH24: one vote below the quorum changes nothing; the last one does, and counts once', () => {
    const bench = new Bench(group, self);
    bench.propose(block);
    bench.execute(block);
    bench.hearVotes(claimOf(block, 'notarize'), [leader, leader, leader]);
    expect(bench.state.view).toBe(1);
    const [third] = others.filter((at) => at !== leader);
    bench.hearVotes(claimOf(block, 'notarize'), [third!]);
    expect(bench.state.view).toBe(1);
    bench.give({ kind: 'signed', vote: stubVote(self, claimOf(block, 'notarize')) });
    expect(bench.state.view).toBe(2);
    expect(signs(bench.effects)).toEqual(['finalize 1']);
    const certificate = sent(bench.effects).find((message) => message.kind === 'certificate');
    expect(certificate?.certificate.sigs.length).toBe(3);
  });

  test('CH27 (ava-labs/Simplex#290): no finalize from a notarization of a view it nullified', () => {
    const bench = new Bench(group, self);
    bench.give({ kind: 'work', pending: true });
    expect(signs(bench.give({ kind: 'timer' }, NOW + 2 * DELTA))).toEqual(['nullify 1']);
    bench.hearVotes(nullify(1), others);
    expect(bench.state.view).toBe(2);
    expect(signs(bench.hearCertificate(claimOf(block, 'notarize'), block))).toEqual([]);
    expect(signs(bench.execute(block))).toEqual([]);
  });

  test('CH27: the same after a restart: the flag is on disk', () => {
    const log: LogRecord[] = [{ sort: 'vote', claim: nullify(1) }];
    const bench = new Bench(group, self, log);
    expect(signs(bench.hearCertificate(claimOf(block, 'notarize'), block))).toEqual([]);
  });

  test('CH27 (ava-labs/Simplex#280): nothing is signed for a view at or below the floor, pruned or not', () => {
    const bench = new Bench(group, self);
    bench.give({ kind: 'work', pending: true });
    bench.give({ kind: 'timer' }, NOW + 2 * DELTA);
    const later = testBlock(group, group.tip, { view: 2, time: NOW });
    bench.hearVotes(nullify(1), others);
    bench.propose(later);
    bench.execute(later);
    bench.hearCertificate(claimOf(later, 'finalize'));
    expect(bench.state.final.id).toBe(later.id);
    expect(bench.state.rounds.size).toBe(0);
    const effects = [
      ...bench.hearCertificate(claimOf(block, 'notarize'), block),
      ...bench.propose(block),
      ...bench.hearVotes(claimOf(block, 'notarize'), others),
      ...bench.hearVotes(nullify(1), others),
    ];
    expect(signs(effects)).toEqual([]);
    expect(effects.filter((effect) => effect.kind !== 'send')).toEqual([]);
  });

  test('CH28: a finalize voter never nullifies that view, whatever the timers say', () => {
    const bench = new Bench(group, self, [{ sort: 'vote', claim: claimOf(block, 'finalize') }]);
    expect(bench.state.view).toBe(1);
    bench.give({ kind: 'work', pending: true });
    const effects = [
      ...bench.give({ kind: 'timer' }, NOW + 2 * DELTA),
      ...bench.give({ kind: 'timer' }, NOW + 3 * DELTA),
      ...bench.hearVotes(nullify(1), [leader]),
    ];
    expect(signs(effects)).toEqual([]);
  });

  test('CH20: an empty block is asked for only when finality is late, and never at once', () => {
    const proposer = leaderOf(group.rules.set, 2);
    const bench = new Bench(group, proposer);
    bench.hearCertificate(claimOf(block, 'notarize'), block);
    bench.execute(block);
    expect(bench.effects.some((effect) => effect.kind === 'propose')).toBe(false);
    expect(bench.effects).toContainEqual({ kind: 'setTimer', at: NOW + 4 * DELTA });
    expect(bench.give({ kind: 'timer' }, NOW + 4 * DELTA - 1).some((effect) => effect.kind === 'propose')).toBe(false);
    bench.give({ kind: 'timer' }, NOW + 4 * DELTA);
    expect(bench.effects).toContainEqual(expect.objectContaining({ kind: 'propose', view: 2, empty: true }));
  });

  test('CH20: what carries finality does not wait for the interval, and then holds no entries', () => {
    const long = 60 * MINUTE;
    const bench = new Bench(group, leaderOf(group.rules.set, 2));
    bench.hearCertificate(claimOf(block, 'notarize'), block);
    bench.execute(block, true, long);
    bench.give({ kind: 'work', pending: true });
    const propose = { kind: 'propose', view: 2, entries: false, empty: true, time: NOW + 4 * DELTA };
    expect(bench.give({ kind: 'timer' }, NOW + 4 * DELTA)).toContainEqual(expect.objectContaining(propose));
    expect(bench.give({ kind: 'timer' }, NOW + 4 * DELTA + 1).some((effect) => effect.kind === 'propose')).toBe(false);
  });

  test('CH20, CH28: nobody blames a leader that waits for the interval: nothing is sent until it is over', () => {
    const long = 60 * MINUTE;
    const bench = new Bench(group, self);
    bench.propose(block);
    bench.execute(block, true, long);
    bench.hearCertificate(claimOf(block, 'finalize'));
    const due = NOW + long;
    expect(bench.give({ kind: 'work', pending: true })).toEqual([{ kind: 'setTimer', at: due }]);
    expect(bench.give({ kind: 'presence', epoch: 0, validator: leaderOf(group.rules.set, 2), online: false })).toEqual(
      [],
    );
    bench.give({ kind: 'presence', epoch: 0, validator: leaderOf(group.rules.set, 2), online: true });
    expect(signs(bench.give({ kind: 'timer' }, due))).toEqual([]);
    expect(signs(bench.give({ kind: 'timer' }, due + 2 * DELTA))).toEqual(['nullify 2']);
  });

  test('CN11, CH28: who is away is said of the validators of one epoch: what waited across a seal says nothing of the next', () => {
    const bench = new Bench(group, self);
    bench.give({ kind: 'work', pending: true });
    const away = { kind: 'presence', validator: leader, online: false } as const;
    expect(signs(bench.give({ ...away, epoch: 1 }))).toEqual([]);
    expect(signs(bench.give({ ...away, epoch: 0 }))).toEqual(['nullify 1']);
  });

  test('CH28: the leader giving up is reason enough, even without work', () => {
    const bench = new Bench(group, self);
    expect(signs(bench.hearVotes(nullify(1), [leader]))).toEqual(['nullify 1']);
    const idle = new Bench(group, self);
    expect(signs(idle.give({ kind: 'presence', epoch: 0, validator: leader, online: false }))).toEqual([]);
    expect(idle.effects).toEqual([]);
  });

  test('CH28: whoever knows of no work gives a view up with others, but not for the word of f of them', () => {
    const bench = new Bench(group, self);
    const [first, second] = others.filter((at) => at !== leader);
    expect(signs(bench.hearVotes(nullify(1), [first!]))).toEqual([]);
    expect(signs(bench.hearVotes(nullify(1), [second!]))).toEqual(['nullify 1']);
    const own = new Bench(group, leader);
    expect(signs(own.hearVotes(nullify(1), [first!, second!]))).toEqual(['nullify 1']);
  });
});
