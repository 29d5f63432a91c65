// Four validators: the happy path, one leader away, and the mistakes that others made with this family of protocols.

import { describe, expect, test } from 'vitest';
import type { Block } from './block.ts';
import {
  claimOf,
  createTestGroup,
  stubCertificate,
  stubVote,
  testBlock,
  testCid,
  type TestGroup,
} from './chain.test-kit.ts';
import { createSimplex, stepSimplex, VIEW_WINDOW } from './simplex.ts';
import { CERTIFIED_VIEWS_MAX } from './simplex-answers.ts';
import type { Simplex, SimplexEffect, SimplexInput, SimplexMessage } from './simplex-state.ts';
import { DELTA, TestNetwork, type TestNode } from './simplex.test-kit.ts';
import { leaderOf } from './validator-set.ts';
import type { VoteClaim } from './vote.ts';
import type { LogRecord } from './vote-log.ts';

const MINUTE = 60_000;
const NOW = 1_700_000_100_000;

/** One machine among four, fed by hand. */
class Bench {
  readonly group: TestGroup;
  state: Simplex;
  now = NOW;
  effects: readonly SimplexEffect[] = [];

  constructor(group: TestGroup, self: number, log: readonly LogRecord[] = []) {
    this.group = group;
    const config = { ...group.rules, self, delta: DELTA, blockInterval: 1_000 };
    this.state = createSimplex({ config, final: group.tip, certificate: null, log, now: NOW });
    this.give({ kind: 'start' });
  }

  give(input: SimplexInput, now = this.now): readonly SimplexEffect[] {
    this.now = now;
    const step = stepSimplex(this.state, input, now);
    this.state = step.state;
    this.effects = step.effects;
    return step.effects;
  }

  hear(message: SimplexMessage, finalView = 0): readonly SimplexEffect[] {
    return this.give({ kind: 'message', from: 'peer', finalView, message });
  }

  hearVotes(claim: VoteClaim, signers: readonly number[]): readonly SimplexEffect[] {
    const all: SimplexEffect[] = [];
    for (const signer of signers) all.push(...this.hear({ kind: 'vote', vote: stubVote(signer, claim) }));
    return all;
  }

  hearCertificate(claim: VoteClaim, block?: Block): readonly SimplexEffect[] {
    const certificate = stubCertificate(this.group, claim);
    return this.hear({ kind: 'certificate', certificate, ...(block !== undefined && { block }) });
  }

  propose(block: Block): readonly SimplexEffect[] {
    const signer = leaderOf(this.group.rules.set, block.header.view);
    return this.hear({ kind: 'propose', block, vote: stubVote(signer, claimOf(block, 'notarize')) });
  }

  execute(block: Block, valid = true): readonly SimplexEffect[] {
    return this.give({ kind: 'executed', id: block.id, valid });
  }
}

function signs(effects: readonly SimplexEffect[]): string[] {
  return effects.flatMap((effect) => (effect.kind === 'sign' ? [`${effect.claim.kind} ${effect.claim.view}`] : []));
}

function sent(effects: readonly SimplexEffect[]): SimplexMessage[] {
  return effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));
}

function nullify(view: number): VoteClaim {
  return { kind: 'nullify', epoch: 0, view, hash: null };
}

function expectOneChain(nodes: readonly TestNode[]): void {
  const longest = nodes.map((node) => node.chain.map(({ block }) => block.id)).sort((a, b) => b.length - a.length)[0]!;
  for (const node of nodes) {
    expect(node.chain.map(({ block }) => block.id)).toEqual(longest.slice(0, node.chain.length));
  }
}

/** CH31's two rules for honest validators, over everything a node ever signed. */
function expectHonest(node: TestNode): void {
  const notarized = new Map<number, string | null>();
  const finalized = new Set<number>();
  for (const { kind, view, hash } of node.signed) {
    if (kind === 'notarize') {
      expect(notarized.get(view) ?? hash).toBe(hash);
      notarized.set(view, hash);
    }
    if (kind === 'finalize') finalized.add(view);
  }
  for (const { kind, view } of node.signed) if (kind === 'nullify') expect(finalized.has(view)).toBe(false);
}

describe('four validators together', () => {
  test('CH24, CH26: work is ordered once, all agree, and then it is quiet', () => {
    const network = new TestNetwork(createTestGroup(4, 1));
    network.start();
    network.submit();
    network.run(network.now);
    for (const node of network.nodes) {
      expect(node.chain.map(({ block }) => block.header.height)).toEqual([1]);
      expect(node.timer).toBeNull();
      expectHonest(node);
    }
    const before = network.nodes.map((node) => node.effects.length);
    network.run(network.now + 10 * MINUTE);
    expect(network.nodes.map((node) => node.effects.length)).toEqual(before);
    expectOneChain(network.nodes);
  });

  test('CH28: a leader that is away is passed over by its timer, or at once when it is known to be', () => {
    for (const known of [false, true]) {
      const network = new TestNetwork(createTestGroup(4, 1));
      const away = leaderOf(network.group.rules.set, 1);
      network.nodes[away]!.online = false;
      network.start();
      const others = network.nodes.filter((node) => node.online);
      if (known) {
        for (const node of others) network.give(node.self, { kind: 'presence', validator: away, online: false });
      }
      const began = network.now;
      network.submit();
      network.run(network.now + (known ? 0 : 2 * DELTA));
      for (const node of others) {
        expect(node.chain.length).toBe(1);
        expect(node.chain[0]!.block.header.view).toBe(2);
        expectHonest(node);
      }
      network.run(network.now + MINUTE);
      expect(others.every((node) => node.timer === null)).toBe(true);
      expect(network.now - began).toBeGreaterThan(0);
      expectOneChain(network.nodes);
    }
  });

  test('CH29: a validator that was away hears of the end from whoever it greets, idle or not, and takes the blocks', () => {
    const network = new TestNetwork(createTestGroup(4, 1));
    const late = network.nodes[leaderOf(network.group.rules.set, 3)]!;
    late.online = false;
    network.start();
    for (let block = 0; block < 3; block++) {
      network.submit();
      network.run(network.now + MINUTE);
    }
    late.online = true;
    network.restart(late.self);
    for (const { self } of network.nodes) {
      if (self === late.self) continue;
      network.give(self, { kind: 'message', from: String(late.self), finalView: 0, message: { kind: 'status' } });
    }
    network.run(network.now + MINUTE);
    expect(late.chain.length).toBe(3);
    late.pending = 3;
    network.submit();
    network.run(network.now + MINUTE);
    expect(late.chain.length).toBe(4);
    expectOneChain(network.nodes);
    network.nodes.forEach(expectHonest);
  });

  test('CH2: two of four are no quorum: nothing is final, and it goes on when a third is back', () => {
    const network = new TestNetwork(createTestGroup(4, 1));
    network.nodes[2]!.online = false;
    network.nodes[3]!.online = false;
    network.start();
    network.submit();
    network.run(network.now + MINUTE);
    expect(network.nodes.every((node) => node.chain.length === 0)).toBe(true);
    const back = network.nodes[3]!;
    back.online = true;
    back.pending = 1;
    network.restart(back.self);
    network.give(back.self, { kind: 'work', pending: true });
    network.run(network.now + MINUTE);
    expect(back.chain.length).toBeGreaterThan(0);
    expectOneChain(network.nodes);
    network.nodes.forEach(expectHonest);
  });
});

describe('one of four, message by message', () => {
  const group = createTestGroup(4, 1);
  // Follower of view 1, so that it neither leads it nor the next.
  const self = leaderOf(group.rules.set, 3);
  const block = testBlock(group, group.tip, { time: NOW - 5_000 });
  const others = [0, 1, 2, 3].filter((at) => at !== self);
  const leader = leaderOf(group.rules.set, 1);

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
      testBlock(group, group.tip, { nextValidators: testCid('others') }),
      testBlock(group, group.tip, { proposer: group.rules.set.keys[self]! }),
    ];
    for (const block of wrong) {
      const bench = new Bench(group, self);
      const effects = bench.propose(block);
      expect(effects.some((effect) => effect.kind === 'execute')).toBe(false);
      expect(signs(effects)).toEqual(['nullify 1']);
    }
  });

  test('CH10: a block sooner than the interval is invalid; one from a clock far ahead only waits', () => {
    const soon = new Bench(group, self);
    expect(signs(soon.propose(testBlock(group, group.tip, { time: group.tip.time + 999 })))).toEqual(['nullify 1']);
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

  test('CH20: one proposal a view: a second answer is dropped, and after a restart it is not asked for', () => {
    const log: LogRecord[] = [];
    const bench = new Bench(group, leader);
    bench.give({ kind: 'work', pending: true });
    const first = bench.give({ kind: 'proposed', view: 1, block });
    for (const effect of first) if (effect.kind === 'persist') log.push(...effect.records);
    expect(signs(first)).toEqual(['notarize 1']);
    const second = testBlock(group, group.tip, { time: NOW });
    expect(signs(bench.give({ kind: 'proposed', view: 1, block: second }))).toEqual([]);
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

  test('CH26: ancestors become final with their descendant, each under its own certificate', () => {
    const bench = new Bench(group, self);
    bench.hearCertificate(claimOf(block, 'notarize'), block);
    bench.execute(block);
    const child = testBlock(group, { ...block.header, id: block.id }, { time: NOW });
    bench.hearCertificate(claimOf(child, 'notarize'), child);
    bench.execute(child);
    const final = bench.hearCertificate(claimOf(child, 'finalize')).filter((effect) => effect.kind === 'finalised');
    expect(final.map((effect) => [effect.block.id, effect.certificate.kind])).toEqual([
      [block.id, 'notarize'],
      [child.id, 'finalize'],
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

  test('CH28: after a long sleep nobody is blamed; others are asked first', () => {
    const bench = new Bench(group, self);
    bench.give({ kind: 'work', pending: true });
    const effects = bench.give({ kind: 'timer' }, NOW + 60 * MINUTE);
    expect(signs(effects)).toEqual([]);
    expect(sent(effects)).toContainEqual({ kind: 'getCerts', above: 0 });
    expect(signs(bench.give({ kind: 'timer' }, NOW + 60 * MINUTE + 2 * DELTA))).toEqual(['nullify 1']);
  });

  test('CH28: the leader giving up is reason enough, even without work', () => {
    const bench = new Bench(group, self);
    expect(signs(bench.hearVotes(nullify(1), [leader]))).toEqual(['nullify 1']);
    const idle = new Bench(group, self);
    expect(signs(idle.give({ kind: 'presence', validator: leader, online: false }))).toEqual([]);
    expect(idle.effects).toEqual([]);
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
