// What a validator hears: checked before the machine sees it, no more often than needed, and bounded for each peer.

import { describe, expect, test } from 'vitest';
import { certifyBlock, claimOf, createTestGroup, INTERVAL, signVote, testBlock } from '../chain/chain.test-kit.ts';
import { createBlock } from '../chain/block.ts';
import { createSimplex, stepSimplex } from '../chain/simplex.ts';
import type { Simplex, SimplexInput } from '../chain/simplex-state.ts';
import { leaderOf } from '../chain/validator-set.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog as log } from '../../test/simulator/silent-log.ts';
import { pureVerifier } from '../../test/simulator/pure-verifier.ts';
import { ConsensusInbox } from './consensus-inbox.ts';
import { encodeConsensus, type ConsensusMessage } from './consensus-wire.ts';

const group = createTestGroup(4, 1);
const { epoch, set } = group.rules;
const block = testBlock(group, group.tip);
const vote = await signVote(group, 2, claimOf(block, 'notarize'));
const forged = { ...vote, sig: vote.sig.map((byte) => byte ^ 1) };

function createStand() {
  const clock = createSimulatedClock();
  const seen: SimplexInput[] = [];
  let checks = 0;
  let machine: Simplex = createSimplex({
    config: { ...group.rules, self: 0, delta: 1_000 },
    final: group.tip,
    interval: INTERVAL,
    certificate: null,
    log: [],
    now: clock.now(),
  });
  const inbox = new ConsensusInbox({
    clock,
    log,
    group: group.rules.group,
    verifier: {
      verify(claim) {
        checks++;
        return pureVerifier.verify(claim);
      },
    },
    machine: () => machine,
    onInput(input) {
      seen.push(input);
      machine = stepSimplex(machine, input, clock.now()).state;
    },
    onOtherEpoch() {},
    onGetEntries: (from) => seen.push({ kind: 'message', from, finalView: 0, message: { kind: 'status' } }),
    onEntries: () => undefined,
  });
  const say = (message: ConsensusMessage, from = 'bob', of = epoch): Promise<boolean> =>
    inbox.take(from, encodeConsensus({ epoch: of, finalView: 0, message }));
  const kinds = (): string[] => seen.flatMap((input) => (input.kind === 'message' ? [input.message.kind] : []));
  return { clock, inbox, say, seen, kinds, checks: () => checks };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('what a validator hears', () => {
  test('CN2: votes, proposals and certificates reach the machine verified', async () => {
    const stand = createStand();
    const leader = leaderOf(set, block.header.view);
    await stand.say({ kind: 'propose', block, vote: await signVote(group, leader, claimOf(block, 'notarize')) });
    await stand.say({ kind: 'vote', vote });
    await stand.say({ kind: 'certificate', certificate: await certifyBlock(group, block) });
    await settle();
    expect(stand.kinds().sort()).toEqual(['certificate', 'propose', 'vote']);
  });

  test('CN2: what does not verify never reaches it, whoever is named as its signer', async () => {
    const stand = createStand();
    const certificate = await certifyBlock(group, block);
    await stand.say({ kind: 'vote', vote: forged });
    await stand.say({ kind: 'vote', vote: { ...vote, signer: 3 } });
    await stand.say({ kind: 'vote', vote: { ...vote, signer: 99 } });
    await stand.say({ kind: 'vote', vote: { ...vote, kind: 'finalize' } });
    await stand.say({ kind: 'propose', block, vote: { ...forged, signer: leaderOf(set, 1) } });
    await stand.say({ kind: 'certificate', certificate: { ...certificate, sigs: certificate.sigs.toReversed() } });
    await stand.say({ kind: 'certificate', certificate: { ...certificate, kind: 'notarize' } });
    await settle();
    expect(stand.seen).toEqual([]);
  });

  test('CN2: what it holds, and what is settled or far ahead, is not checked, and still says how far its sender is', async () => {
    const stand = createStand();
    await stand.say({ kind: 'vote', vote });
    await settle();
    const before = stand.checks();
    for (let again = 0; again < 5; again++) await stand.say({ kind: 'vote', vote });
    await stand.say({ kind: 'vote', vote: { ...forged, view: 100_000 } });
    await settle();
    expect(stand.checks()).toBe(before);
    expect(stand.kinds()).toEqual(['vote', ...Array.from({ length: 6 }, () => 'status')]);
    await stand.say({ kind: 'vote', vote }, 'bob', epoch + 1);
    await settle();
    expect(stand.kinds().length).toBe(7);
  });

  test('CN2: a certificate that it holds is not checked again for a block that it is not of', async () => {
    const stand = createStand();
    const certificate = await certifyBlock(group, block, 'notarize');
    await stand.say({ kind: 'certificate', certificate, block });
    await settle();
    const before = stand.checks();
    for (let time = 1; time <= 5; time++) {
      const other = createBlock({ ...block.header, time: block.header.time + time });
      await stand.say({ kind: 'certificate', certificate, block: other });
    }
    await settle();
    expect(stand.checks()).toBe(before);
  });

  test('CN8: a peer that says too much is read more slowly, and nobody else is; what it said is not lost', async () => {
    const stand = createStand();
    const told: Promise<boolean>[] = [];
    for (let at = 0; at < 1_200; at++) told.push(stand.say({ kind: 'status' }));
    await settle();
    const taken = stand.kinds().length;
    expect(taken).toBeGreaterThan(900);
    expect(taken).toBeLessThan(1_200);
    await stand.say({ kind: 'vote', vote }, 'carol');
    await settle();
    expect(stand.kinds()).toContain('vote');
    await stand.clock.advance(10_000);
    await Promise.all(told);
    expect(stand.kinds().length).toBe(1_201);
  });

  test('CN8: forged votes cost their sender, and questions have a rate of their own', async () => {
    const stand = createStand();
    const told: Promise<boolean>[] = [];
    for (let at = 0; at < 100; at++) told.push(stand.say({ kind: 'vote', vote: { ...forged, view: 1 + (at % 8) } }));
    await settle();
    expect(stand.checks()).toBeLessThanOrEqual(100);
    const late = stand.say({ kind: 'status' });
    await settle();
    expect(stand.kinds()).toEqual([]);
    for (let at = 0; at < 150; at++) told.push(stand.say({ kind: 'getCerts', above: 0 }, 'carol'));
    await settle();
    expect(stand.kinds().length).toBe(100);
    await stand.clock.advance(120_000);
    await Promise.all([...told, late]);
    expect(stand.kinds().length).toBe(151);
  });

  test('CN8: whoever goes on forging pays for what was refused before it is heard again', async () => {
    const stand = createStand();
    const seconds = 20;
    let isOver = false;
    const forging = (async () => {
      while (!isOver) await stand.say({ kind: 'vote', vote: forged });
    })();
    for (let step = 0; step < seconds * 10; step++) {
      await settle();
      await stand.clock.advance(100);
    }
    isOver = true;
    // A burst of ten seconds and what came since, at 51 for each; and those whose check was under way.
    expect(stand.checks()).toBeLessThanOrEqual(((10 + seconds) * 100) / 51 + 16);
    await stand.clock.advance(60_000);
    await forging;
  });

  test('CN8: bytes that cannot be read are no message, and after the end nothing is', async () => {
    const stand = createStand();
    expect(await stand.inbox.take('bob', new Uint8Array([1, 2, 3]))).toBe(false);
    stand.inbox.close();
    expect(await stand.say({ kind: 'status' })).toBe(true);
    expect(stand.seen).toEqual([]);
  });
});
