// Four validators together: the happy path, some away, and messages lost, late and out of order.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { createTestGroup } from './chain.test-kit.ts';
import { DELTA, TestNetwork, type TestNode } from './simplex.test-kit.ts';
import { leaderOf } from './validator-set.ts';

const MINUTE = 60_000;
/** A simulated run is some hundred steps: fewer of them than of parser inputs. */
const RUNS = Math.ceil(FUZZ_CASES / 10);

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

/** Xorshift (Marsaglia 2003): the same seed draws the same run. */
function createDraw(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 8;
  };
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
        for (const node of others)
          network.give(node.self, { kind: 'presence', epoch: 0, validator: away, online: false });
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

describe('four validators under faults', () => {
  test('CH18–CH31: whatever is lost, late or restarted, nobody forks or contradicts itself, and all finish after', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.integer({ min: 1, max: 6 }), (seed, batches) => {
        const network = new TestNetwork(createTestGroup(4, 1));
        network.start();
        network.chaos = createDraw(seed);
        for (let batch = 0; batch < batches; batch++) {
          network.submit();
          network.run(network.now + 20 * DELTA);
          expectOneChain(network.nodes);
        }
        network.chaos = null;
        network.submit();
        network.run(network.now + 2 * MINUTE);
        for (const node of network.nodes) {
          expectHonest(node);
          expect(node.chain.flatMap(({ block }) => block.header.cut).at(-1)?.to).toBe(batches + 1);
          expect(node.timer).toBeNull();
        }
        expectOneChain(network.nodes);
        expect(new Set(network.nodes.map((node) => node.chain.length)).size).toBe(1);
      }),
      { numRuns: RUNS },
    );
  });
});
