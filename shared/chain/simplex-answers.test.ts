// What one of four validators keeps and answers: restarts, certificates, finality, questions, contradictions.

import { describe, expect, test } from 'vitest';
import { claimOf, createTestGroup, INTERVAL, stubCertificate, stubVote, testBlock, testCid } from './chain.test-kit.ts';
import { CERTIFIED_VIEWS_MAX } from './simplex-answers.ts';
import { VIEW_WINDOW } from './simplex.ts';
import { Bench, NOW, nullify, sent, signs } from './simplex-bench.test-kit.ts';
import { DELTA } from './simplex.test-kit.ts';
import { leaderOf } from './validator-set.ts';

const MINUTE = 60_000;

const group = createTestGroup(4, 1);
// Follower of view 1, so that it neither leads it nor the next.
const self = leaderOf(group.rules.set, 3);
const leader = leaderOf(group.rules.set, 1);
const others = [0, 1, 2, 3].filter((at) => at !== self);
const block = testBlock(group, group.tip, { time: NOW - 5_000 });

describe('certificates and answers of one of four', () => {
  test('CH23 (commonware #4275): a nullify from before a restart is signed again and counts', () => {
    const bench = new Bench(group, self, [{ sort: 'vote', claim: nullify(1) }]);
    expect(signs(bench.effects)).toEqual(['nullify 1']);
    bench.give({ kind: 'signed', vote: stubVote(self, nullify(1)) });
    bench.hearVotes(nullify(1), others.slice(0, 1));
    expect(bench.state.view).toBe(1);
    bench.hearVotes(nullify(1), others.slice(1, 2));
    expect(bench.state.view).toBe(2);
  });

  test('CH23 (commonware #2045): after a restart it does not notarize another block in that view', () => {
    const bench = new Bench(group, self, [
      { sort: 'block', block },
      { sort: 'vote', claim: claimOf(block, 'notarize') },
    ]);
    expect(signs(bench.effects)).toEqual(['notarize 1']);
    const second = testBlock(group, group.tip, { time: NOW - 4_000 });
    expect(signs(bench.propose(second))).toEqual([]);
    expect(signs(bench.execute(second))).toEqual([]);
  });

  test('CH25: certificates above the floor survive a restart, and the view with them', () => {
    const before = new Bench(group, self);
    const persisted = before
      .hearVotes(nullify(1), others)
      .flatMap((effect) => (effect.kind === 'persist' ? effect.records : []));
    expect(persisted.some((record) => record.sort === 'certificate')).toBe(true);
    const after = new Bench(group, self, persisted);
    expect(after.state.view).toBe(2);
    expect(sent(after.hear({ kind: 'getCerts', above: 0 }))).toMatchObject([{ kind: 'certificate' }]);
  });

  test('CH29 (ava-labs/Simplex#306, #599): an idle node answers a stale vote with its highest finalization', () => {
    const bench = new Bench(group, self);
    bench.propose(block);
    bench.execute(block);
    bench.hearCertificate(claimOf(block, 'finalize'));
    expect(bench.state.timerAt).toBeNull();
    const stale = bench.hear({ kind: 'vote', vote: stubVote(leader, nullify(1)) });
    expect(sent(stale)).toMatchObject([{ kind: 'certificate', certificate: { kind: 'finalize', view: 1 } }]);
    expect(sent(bench.hear({ kind: 'status' }, 1))).toEqual([]);
  });

  test('CH30: questions are never met with silence, answers are bounded, and the next question starts after them', () => {
    const bench = new Bench(group, self);
    expect(sent(bench.hear({ kind: 'getCerts', above: 0 }))).toEqual([{ kind: 'status' }]);
    const views = 2 * CERTIFIED_VIEWS_MAX + 3;
    for (let view = 1; view <= views; view++) bench.hearCertificate(nullify(view));
    const got: number[] = [];
    for (let above = 0; ; above = got.at(-1)!) {
      const answer = sent(bench.hear({ kind: 'getCerts', above }));
      const certificates = answer.flatMap((message) =>
        message.kind === 'certificate' ? [message.certificate.view] : [],
      );
      expect(certificates.length).toBeLessThanOrEqual(CERTIFIED_VIEWS_MAX);
      if (certificates.length === 0) break;
      got.push(...certificates);
    }
    expect(got).toEqual(Array.from({ length: views }, (_, at) => at + 1));
    bench.hear({ kind: 'getBlocks', from: 1 });
    expect(bench.effects).toContainEqual({ kind: 'answerBlocks', to: { peer: 'peer' }, from: 1 });
  });

  test('CH30: a validator that missed more views than an answer holds asks on from the last it received, and votes', () => {
    const view = CERTIFIED_VIEWS_MAX + 21;
    const behind = new Bench(group, self);
    const ahead = new Bench(group, leader);
    for (let missed = 1; missed < view; missed++) ahead.hearCertificate(nullify(missed));
    behind.hearCertificate(nullify(view - 1));
    const late = testBlock(group, group.tip, { view, time: NOW - 5_000 });
    const asked: number[] = [];
    const signed: string[] = [];
    let effects = [...behind.propose(late), ...behind.execute(late)];
    for (let turn = 0; turn < 6; turn++) {
      const questions = sent(effects).flatMap((message) => (message.kind === 'getCerts' ? [message.above] : []));
      signed.push(...signs(effects));
      effects = [];
      for (const above of questions) {
        asked.push(above);
        for (const answer of sent(ahead.hear({ kind: 'getCerts', above }))) effects.push(...behind.hear(answer));
      }
    }
    expect(asked.slice(0, 2)).toEqual([0, CERTIFIED_VIEWS_MAX]);
    expect(signed).toContain(`notarize ${view}`);
  });

  test('CH21: a parent whose certificate came without its block is asked for', () => {
    const bench = new Bench(group, self);
    const parent = testBlock(group, group.tip, { time: NOW - 9_000 });
    bench.hearCertificate(claimOf(parent, 'notarize'));
    const child = testBlock(group, { ...parent.header, id: parent.id }, { time: NOW - 5_000 });
    expect(sent(bench.propose(child))).toContainEqual({ kind: 'getCerts', above: 0 });
  });

  test('CH26: ancestors become final with their descendant, by its finalization and the headers up to it', () => {
    const bench = new Bench(group, self);
    bench.hearCertificate(claimOf(block, 'notarize'), block);
    bench.execute(block);
    const child = testBlock(group, { ...block.header, id: block.id }, { time: NOW });
    bench.hearCertificate(claimOf(child, 'notarize'), child);
    bench.execute(child);
    const final = bench.hearCertificate(claimOf(child, 'finalize')).filter((effect) => effect.kind === 'finalised');
    expect(final.map(({ block, certificate, after }) => [block.id, certificate.hash, after])).toEqual([
      [block.id, child.id, [child]],
      [child.id, child.id, []],
    ]);
  });

  test('CH26: a finalization without its block asks for blocks, once, and signs nothing below it', () => {
    const bench = new Bench(group, self);
    const far = testBlock(group, group.tip, { view: 9, height: 4, parentView: 7, parent: testCid('unknown') });
    const effects = bench.hearCertificate(claimOf(far, 'finalize'));
    expect(sent(effects)).toContainEqual({ kind: 'getBlocks', from: 1 });
    expect(effects[0]!.kind).toBe('persist');
    expect(bench.state.view).toBe(10);
    expect(sent(bench.hear({ kind: 'status' }, 9))).toEqual([]);
    expect(signs(bench.hearCertificate(claimOf(block, 'notarize'), block))).toEqual([]);
    expect(signs(bench.execute(block))).toEqual([]);
  });

  test('CH33: an answer cut short ends at a block whose finality stands in one above: the rest is asked for', () => {
    const bench = new Bench(group, self);
    const child = testBlock(group, { ...block.header, id: block.id }, { time: NOW });
    const certificate = stubCertificate(group, claimOf(child, 'finalize'));
    const tip = { ...block.header, id: block.id };
    const effects = bench.give({ kind: 'caughtUp', tip, certificate, interval: INTERVAL });
    expect(bench.state.final.id).toBe(block.id);
    expect(sent(effects)).toContainEqual({ kind: 'getBlocks', from: 2 });
    expect(bench.state.view).toBe(3);
  });

  test('CH26: final blocks that are missing are asked for until they are here, also by an idle node', () => {
    const bench = new Bench(group, self);
    const far = testBlock(group, group.tip, { view: 9, height: 4, parentView: 7, parent: testCid('unknown') });
    const question = { kind: 'getBlocks', from: 1 } as const;
    expect(bench.hearCertificate(claimOf(far, 'finalize'))).toContainEqual({ kind: 'setTimer', at: NOW + 5 * DELTA });
    expect(sent(bench.give({ kind: 'timer' }, NOW + 5 * DELTA))).toContainEqual(question);
    expect(bench.effects).toContainEqual({ kind: 'setTimer', at: NOW + 10 * DELTA });
    const certificate = stubCertificate(group, claimOf(far, 'finalize'));
    bench.give({ kind: 'caughtUp', tip: { ...far.header, id: far.id }, certificate, interval: INTERVAL });
    expect(bench.effects).toContainEqual({ kind: 'setTimer', at: null });
  });

  test('CH28: after a long sleep nobody is blamed; others are asked first', () => {
    const bench = new Bench(group, self);
    bench.give({ kind: 'work', pending: true });
    const effects = bench.give({ kind: 'timer' }, NOW + 60 * MINUTE);
    expect(signs(effects)).toEqual([]);
    expect(sent(effects)).toContainEqual({ kind: 'getCerts', above: 0 });
    expect(signs(bench.give({ kind: 'timer' }, NOW + 60 * MINUTE + 2 * DELTA))).toEqual(['nullify 1']);
  });

  test('CH31: contradictions are reported once, with both votes', () => {
    const bench = new Bench(group, self);
    const two = testBlock(group, group.tip, { time: NOW });
    bench.hearVotes(claimOf(block, 'notarize'), [leader]);
    expect(bench.hearVotes(claimOf(two, 'notarize'), [leader])).toMatchObject([
      { kind: 'evidence', first: { hash: block.id }, second: { hash: two.id } },
    ]);
    expect(bench.hearVotes(claimOf(two, 'notarize'), [leader])).toEqual([]);
    bench.hearVotes(claimOf(block, 'finalize'), [others[2]!]);
    expect(bench.hearVotes(nullify(1), [others[2]!]).map((effect) => effect.kind)).toContain('evidence');
  });

  test('CH24: votes far ahead take no memory', () => {
    const bench = new Bench(group, self);
    bench.hearVotes(nullify(VIEW_WINDOW + 2), others);
    bench.hearVotes({ ...nullify(2), epoch: 1 }, others);
    expect(bench.state.rounds.size).toBe(0);
    expect(bench.state.view).toBe(1);
  });

  test('CH30: what stays unanswered is sent again after 5Δ, while there is work', () => {
    const bench = new Bench(group, self);
    bench.propose(block);
    bench.execute(block);
    bench.give({ kind: 'signed', vote: stubVote(self, claimOf(block, 'notarize')) });
    bench.give({ kind: 'work', pending: true });
    bench.give({ kind: 'timer' }, NOW + 3 * DELTA);
    const again = sent(bench.give({ kind: 'timer' }, NOW + 5 * DELTA));
    expect(again).toContainEqual({ kind: 'vote', vote: stubVote(self, claimOf(block, 'notarize')) });
  });
});
