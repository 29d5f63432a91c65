// One validator: works alone, keeps quiet, and never signs a second block, whatever the restart.

import { describe, expect, test } from 'vitest';
import { createTestGroup, INTERVAL, stubCertificate, stubVote, testBlock } from './chain.test-kit.ts';
import { stepSimplex } from './simplex.ts';
import { TestNetwork, type TestNode } from './simplex.test-kit.ts';
import type { SimplexEffect } from './simplex-state.ts';

const MINUTE = 60_000;

function startSolo(): { network: TestNetwork; node: TestNode } {
  const network = new TestNetwork(createTestGroup(1));
  network.start();
  network.run(network.now);
  return { network, node: network.nodes[0]! };
}

/** No two blocks were signed for one view, and none for one height. */
function expectNoFork(network: TestNetwork, node: TestNode): void {
  const votes = node.signed.filter((claim) => claim.kind === 'notarize');
  const hashesByView = new Map<number, Set<string | null>>();
  for (const { view, hash } of votes) hashesByView.set(view, (hashesByView.get(view) ?? new Set()).add(hash));
  for (const hashes of hashesByView.values()) expect(hashes.size).toBe(1);
  expect(new Set(node.chain.map(({ block }) => block.header.height)).size).toBe(node.chain.length);
  for (const [at, { block }] of node.chain.entries()) {
    expect(block.header.parent).toBe(at === 0 ? network.group.tip.id : node.chain[at - 1]!.block.id);
  }
}

describe('one validator', () => {
  test('CH20: with work it finalises a block at once, without successors', () => {
    const { network, node } = startSolo();
    network.submit();
    network.run(network.now);
    expect(node.chain.map(({ block }) => block.header.height)).toEqual([1]);
    expect(node.chain[0]!.certificate.kind).toBe('finalize');
    expect(node.machine.final.id).toBe(node.chain[0]!.block.id);
  });

  test('CH28: idle means quiet: no timer, no effect, no block, for as long as it lasts', () => {
    const { network, node } = startSolo();
    network.submit();
    network.run(network.now);
    const before = node.effects.length;
    expect(node.timer).toBeNull();
    network.run(network.now + 60 * MINUTE);
    expect(node.effects.length).toBe(before);
    expect(node.chain.length).toBe(1);
    const idle = stepSimplex(node.machine, { kind: 'timer' }, network.now);
    expect(idle.effects).toEqual([]);
    expect(stepSimplex(node.machine, { kind: 'work', pending: false }, network.now).effects).toEqual([]);
  });

  test('CH20: blocks keep the interval, and one timer waits for it', () => {
    const { network, node } = startSolo();
    network.submit();
    network.run(network.now);
    network.submit();
    network.run(network.now);
    expect(node.chain.length).toBe(1);
    expect(node.timer).toBe(node.chain[0]!.block.header.time + INTERVAL);
    network.run(network.now + INTERVAL);
    expect(node.chain.length).toBe(2);
    expect(node.timer).toBeNull();
    const [first, second] = node.chain.map(({ block }) => block.header.time);
    expect(second! - first!).toBeGreaterThanOrEqual(INTERVAL);
  });

  test('CH20: asked for a block and nothing to put in: no block, and no asking in a loop', () => {
    const { network, node } = startSolo();
    network.give(0, { kind: 'work', pending: true });
    network.run(network.now + MINUTE);
    expect(node.chain).toEqual([]);
    expect(node.effects.filter((effect) => effect.kind === 'propose').length).toBe(1);
  });

  test('CH20: work that arrives while a proposal is being made is not forgotten when that one is empty', () => {
    const { network, node } = startSolo();
    network.give(0, { kind: 'work', pending: true });
    network.run(network.now, (at, effect) => {
      if (effect.kind === 'propose' && at.pending === 0) {
        at.pending = 1;
        network.give(0, { kind: 'work', pending: true });
        network.give(0, { kind: 'proposed', view: effect.view, block: null });
        return false;
      }
      return true;
    });
    expect(node.chain.length).toBe(1);
  });

  test('CH18: every vote is on disk before it is signed, and signed before it is sent', () => {
    const { network, node } = startSolo();
    network.submit();
    network.run(network.now);
    const durable = new Set<string>();
    const signed = new Set<string>();
    for (const effect of node.effects) {
      if (effect.kind === 'persist') {
        for (const record of effect.records) if (record.sort === 'vote') durable.add(JSON.stringify(record.claim));
      } else if (effect.kind === 'sign') {
        expect(durable).toContain(JSON.stringify(effect.claim));
        signed.add(`${effect.claim.kind} ${effect.claim.view} ${effect.claim.hash}`);
      } else if (effect.kind === 'send' && (effect.message.kind === 'vote' || effect.message.kind === 'propose')) {
        const { kind, view, hash } = effect.message.vote;
        expect(signed).toContain(`${kind} ${view} ${hash}`);
      }
    }
    expect(signed.size).toBe(2);
  });

  test('CH18: a step that persists does so before anything else', () => {
    const { network, node } = startSolo();
    const firsts: string[] = [];
    const input = { kind: 'work', pending: true } as const;
    node.pending = 1;
    const effects = stepSimplex(node.machine, input, network.now).effects;
    expect(effects.map((effect) => effect.kind)).toEqual(['propose']);
    network.submit(0);
    network.run(network.now, (_, effect) => {
      firsts.push(effect.kind);
      return true;
    });
    for (const [at, kind] of firsts.entries()) if (kind === 'sign') expect(firsts.slice(0, at)).toContain('persist');
  });

  test('CH26: the log is empty again once everything is final', () => {
    const { network, node } = startSolo();
    network.submit();
    network.run(network.now);
    expect(node.disk.size).toBe(0);
    expect(node.machine.rounds.size).toBe(0);
    expect(node.machine.blocks.size).toBe(0);
  });

  // Where the effects of a block may be cut off by a crash: each leaves another disk behind.
  test.for([...Array(40).keys()])(
    'CH23: a crash after effect %i: the same votes are signed again, no other, and it goes on',
    (cut) => {
      const { network, node } = startSolo();
      const start = node.effects.length;
      network.submit();
      network.run(network.now, (at, effect: SimplexEffect) => {
        // Lost: the effect was asked for, and the power went.
        if (at.effects.length - start > cut) return false;
        return effect.kind !== 'setTimer';
      });
      network.restart(0);
      network.run(network.now + MINUTE);
      // A submitted entry is on disk: the pool tells of it again.
      network.submit(0);
      network.run(network.now + MINUTE);
      expect(node.chain.length).toBe(1);
      expectNoFork(network, node);
    },
  );

  test('CH23: asked to make another block for a view it voted in, a restarted leader signs nothing new', () => {
    const { network, node } = startSolo();
    network.submit();
    // The crash comes when the vote is on disk and nothing is signed yet.
    network.run(network.now, (_, effect) => effect.kind !== 'sign');
    const claimed = [...node.disk.keys()].filter((key) => key.includes('vote-notarize'));
    expect(claimed.length).toBe(1);
    network.restart(0);
    network.submit();
    network.give(0, {
      kind: 'proposed',
      view: 1,
      block: testBlock(network.group, network.group.tip, { time: network.now + 5 }),
      interval: INTERVAL,
    });
    network.run(network.now + MINUTE);
    expectNoFork(network, node);
    expect(node.signed.filter((claim) => claim.kind === 'notarize' && claim.view === 1).length).toBe(1);
  });

  test('CH27: a restart between notarization and finality re-delivers the finalize (own votes count again)', () => {
    const { network, node } = startSolo();
    network.submit();
    network.run(network.now, (_, effect) => !(effect.kind === 'sign' && effect.claim.kind === 'finalize'));
    expect(node.chain.length).toBe(0);
    network.restart(0);
    network.run(network.now);
    expect(node.chain.length).toBe(1);
    expectNoFork(network, node);
  });

  test('CH22: an old log beside a newer chain binds nothing and signs nothing (folder put back)', () => {
    const { network, node } = startSolo();
    network.submit();
    network.run(network.now, (_, effect) => !(effect.kind === 'sign' && effect.claim.kind === 'finalize'));
    const oldDisk = new Map(node.disk);
    network.restart(0);
    network.run(network.now);
    network.submit();
    network.run(network.now + MINUTE);
    expect(node.chain.length).toBe(2);
    node.disk = oldDisk;
    node.signed.length = 0;
    network.restart(0);
    network.run(network.now);
    expect(node.signed).toEqual([]);
    network.submit();
    network.run(network.now + MINUTE);
    expect(node.chain.map(({ block }) => block.header.height)).toEqual([1, 2, 3]);
    expect(Math.min(...node.signed.map((claim) => claim.view))).toBeGreaterThan(node.chain[1]!.block.header.view);
    expectNoFork(network, node);
  });

  test('CH22: blocks it missed are taken before it signs, and it goes on from there', () => {
    const group = createTestGroup(1);
    const network = new TestNetwork(group);
    const [node] = network.nodes;
    const first = testBlock(group, group.tip);
    const tip = { ...first.header, id: first.id };
    const certificate = stubCertificate(group, { kind: 'finalize', epoch: 0, view: 1, hash: first.id });
    network.start();
    network.give(0, { kind: 'caughtUp', tip, certificate, interval: INTERVAL });
    node!.chain.push({ block: first, certificate });
    network.submit();
    network.run(network.now + MINUTE);
    expect(node!.chain.map(({ block }) => block.header.height)).toEqual([1, 2]);
    expect(node!.chain[1]!.block.header.parent).toBe(first.id);
    expectNoFork(network, node!);
  });

  test('CH10: a clock set back by a day neither stops the chain nor makes a block earlier than its parent', () => {
    const { network, node } = startSolo();
    network.submit();
    network.run(network.now);
    network.now -= 24 * 60 * MINUTE;
    network.submit();
    network.run(network.now + 2 * INTERVAL);
    expect(node.chain.length).toBe(2);
    const [first, second] = node.chain.map(({ block }) => block.header.time);
    expect(second! - first!).toBe(INTERVAL);
    network.restart(0);
    network.submit();
    network.run(network.now + 2 * INTERVAL);
    expect(node.chain.length).toBe(3);
  });

  test('CH28: a sole validator never nullifies, however long a block takes to make', () => {
    const { network, node } = startSolo();
    network.submit();
    network.run(network.now + MINUTE, (_, effect) => effect.kind !== 'propose');
    expect(node.signed).toEqual([]);
    expect(node.timer).toBeNull();
  });

  test('CH22: a vote that is signed too late for its view is dropped', () => {
    const { network, node } = startSolo();
    network.submit();
    network.run(network.now);
    const before = node.machine;
    const late = stubVote(0, { kind: 'finalize', epoch: 0, view: 1, hash: node.chain[0]!.block.id });
    expect(stepSimplex(before, { kind: 'signed', vote: late }, network.now).effects).toEqual([]);
  });
});
