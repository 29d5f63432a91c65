// Several validators over their disks and links in memory: they order together, and go on or wait as their quorum allows.

import { describe, expect, test } from 'vitest';
import { leaderOf } from '../chain/validator-set.ts';
import { logRange } from '../chain/vote-log.ts';
import { createMemoryDisk } from '../../test/simulator/memory-store.ts';
import { silentLog as log } from '../../test/simulator/silent-log.ts';
import { pureVerifier as verifier } from '../../test/simulator/pure-verifier.ts';
import { ok } from '../core/result.ts';
import { StoreError, type Signer, type Store } from '../platform/ports.ts';
import { loadBlock, loadBlockBytes } from './chain-store.ts';
import { ValidatorNetwork } from './consensus.test-kit.ts';
import { Ordering } from './ordering.ts';

const SECOND = 1_000;

function tipsOf(network: ValidatorNetwork): Set<string> {
  return new Set(network.running.map(({ tip }) => tip.id));
}

/** One that has nothing, with the heights that it is told of. */
async function openFollower(
  { clock, founding }: ValidatorNetwork,
  store: Store,
  signer: Signer | null = null,
): Promise<{ ordering: Ordering; told: number[] }> {
  const ordering = await Ordering.open({ store, clock, founding, signer, verifier, log });
  const told: number[] = [];
  ordering.subscribe({ final: ({ block }) => void told.push(block.header.height) });
  return { ordering, told };
}

describe('validators that order together', () => {
  test.each([
    [1, 0],
    [2, 0],
    [3, 0],
    [4, 1],
  ])('CN2: %i validators (f = %i) make entries final, agree, and are quiet then', async (n, f) => {
    const network = new ValidatorNetwork(n, f);
    await network.start();
    for (let height = 1; height <= 3; height++) {
      await network.submit();
      await network.untilHeight(height, 5 * SECOND);
    }
    await network.clock.advance(30 * SECOND);
    expect(tipsOf(network).size).toBe(1);
    expect(network.running.map(({ pool }) => pool.size)).toEqual(network.running.map(() => 0));
    const { length } = network.sent;
    await network.clock.advance(600 * SECOND);
    expect(network.sent.length).toBe(length);
    expect(network.clock.pending()).toBe(0);
  });

  test('CN2: one of four is killed for good, whoever it is, and finality goes on', async () => {
    for (const gone of [0, 1, 2, 3]) {
      const network = new ValidatorNetwork(4, 1);
      await network.start();
      await network.submit();
      await network.untilHeight(1);
      network.kill(gone);
      for (let more = 0; more < 6; more++) {
        const id = await network.submit();
        const final = (): boolean => network.running.every(({ pool }) => !pool.has(id));
        await network.clock.advanceUntil(final, 10 * SECOND);
      }
      expect(network.at((gone + 1) % 4).tip.height).toBe(7);
      await network.clock.advance(5 * SECOND);
      expect(tipsOf(network).size).toBe(1);
    }
  });

  test('CN5: a leader that says nothing, as a frozen page, costs one wait and not one in each of its views', async () => {
    const network = new ValidatorNetwork(4, 1);
    await network.start();
    const frozen = leaderOf(network.founding.set, 2);
    network.carries = ({ from }) => from !== frozen;
    const waits: number[] = [];
    for (let entry = 0; entry < 8; entry++) {
      const before = network.clock.now();
      const id = await network.submit();
      const others = network.running.filter((_, index) => index !== frozen);
      await network.clock.advanceUntil(() => others.every(({ pool }) => !pool.has(id)), 20 * SECOND);
      waits.push(network.clock.now() - before);
    }
    expect(waits.filter((wait) => wait >= 2 * SECOND).length).toBe(1);
  });

  test('CN6: entries that only the proposer has are fetched from it, and from others when it does not answer', async () => {
    const network = new ValidatorNetwork(4, 1);
    await network.start();
    const proposer = leaderOf(network.founding.set, 1);
    await network.submit([proposer]);
    await network.untilHeight(1, 10 * SECOND);
    const asked = network.sent.filter(({ envelope }) => envelope.message.kind === 'getEntries');
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.every(({ to }) => to === proposer)).toBe(true);
    const next = leaderOf(network.founding.set, network.at(0).tip.view + 1);
    const other = (next + 1) % 4;
    network.carries = ({ from, envelope }) => !(from === next && envelope.message.kind === 'entries');
    await network.submit([next, other]);
    await network.untilHeight(2, 20 * SECOND);
    expect(tipsOf(network).size).toBe(1);
  });

  test('CN6: more entries than one answer holds are asked for again, until all are here', async () => {
    const network = new ValidatorNetwork(2);
    await network.start();
    const proposer = leaderOf(network.founding.set, 1);
    let answers = 0;
    // Half of what is asked for is lost on the way, as an answer that is cut short.
    network.carries = ({ envelope: { message } }) => message.kind !== 'entries' || answers++ % 2 === 1;
    for (let entry = 0; entry < 40; entry++) await network.submit([proposer]);
    const final = (): boolean => network.at(proposer).pool.size === 0 && tipsOf(network).size === 1;
    await network.clock.advanceUntil(final, 60 * SECOND);
    expect(network.at(0).tip.height).toBeGreaterThan(0);
    expect(answers).toBeGreaterThan(1);
  });

  test('CN7: two parts of two and two finalise nothing; once they meet, both go on as one', async () => {
    const network = new ValidatorNetwork(4, 1);
    await network.start();
    await network.submit();
    await network.untilHeight(1);
    network.split([0, 1], [2, 3]);
    await network.submit();
    await network.clock.advance(120 * SECOND);
    expect(network.running.map(({ tip }) => tip.height)).toEqual([1, 1, 1, 1]);
    expect(network.running.every(({ pool }) => pool.size === 1)).toBe(true);
    network.split([0, 1, 2, 3]);
    await network.untilHeight(2, 60 * SECOND);
    expect(tipsOf(network).size).toBe(1);
  });

  test('CN7: two of four are gone: nothing is final, and what waits finishes when one returns, also after restarts', async () => {
    const network = new ValidatorNetwork(4, 1);
    await network.start([0, 1]);
    const id = await network.submit([0, 1]);
    await network.clock.advance(60 * SECOND);
    expect(network.running.map(({ tip }) => tip.height)).toEqual([0, 0]);
    network.kill(0);
    network.kill(1);
    await network.start([0, 1]);
    expect(network.running.every(({ pool }) => pool.has(id))).toBe(true);
    await network.clock.advance(60 * SECOND);
    await network.open(3);
    await network.untilHeight(1, 60 * SECOND);
    expect(network.at(3).tip.id).toBe(network.at(0).tip.id);
  });

  test('CN4: one that was away catches up with blocks and takes part again', async () => {
    const network = new ValidatorNetwork(3);
    await network.start();
    network.kill(2);
    for (let height = 1; height <= 4; height++) {
      const id = await network.submit();
      await network.clock.advanceUntil(() => network.running.every(({ pool }) => !pool.has(id)), 20 * SECOND);
    }
    await network.open(2);
    await network.untilHeight(4);
    network.kill(0);
    const id = await network.submit([1, 2]);
    await network.clock.advanceUntil(() => network.running.every(({ pool }) => !pool.has(id)), 60 * SECOND);
    expect(tipsOf(network).size).toBe(1);
    expect(network.at(2).tip.height).toBeGreaterThanOrEqual(5);
  });

  test('CH23: killed at any moment and opened again, none ever votes against what is on its disk', async () => {
    const network = new ValidatorNetwork(4, 1);
    await network.start();
    const claims = new Map<string, string>();
    const check = async (): Promise<void> => {
      for (const { index, disk } of network.nodes) {
        for (const { key, value } of await disk.openStore().range(logRange(0))) {
          if (!key.includes('vote-')) continue;
          const place = `${index} ${key}`;
          const bytes = String(value);
          expect(claims.get(place) ?? bytes).toBe(bytes);
          claims.set(place, bytes);
        }
      }
    };
    for (let round = 0; round < 12; round++) {
      await network.submit();
      const index = round % 4;
      await network.clock.advance(15 + ((round * 37) % 90));
      await check();
      network.kill(index);
      await network.clock.advance(round % 3 === 0 ? 3 * SECOND : 40);
      await network.open(index);
      await check();
    }
    await network.clock.advanceUntil(() => network.running.every(({ pool }) => pool.size === 0), 120 * SECOND);
    await network.clock.advance(20 * SECOND);
    expect(tipsOf(network).size).toBe(1);
    const both = [...claims.keys()].filter(
      (key) => key.endsWith('vote-finalize') && claims.has(key.replace('finalize', 'nullify')),
    );
    expect(both).toEqual([]);
  });

  test('WS8, CH21: a block is final after all were killed, also when its entry had left the working set of each', async () => {
    const network = new ValidatorNetwork(4, 1);
    await network.start();
    network.carries = ({ envelope: { message } }) => !(message.kind === 'vote' && message.vote.kind === 'finalize');
    const id = await network.submit();
    await network.clock.advance(SECOND);
    expect(tipsOf(network)).toEqual(new Set([network.founding.group]));
    for (const node of network.running) await node.drop([id]);
    expect(network.running.map(({ pool }) => pool.size)).toEqual([0, 0, 0, 0]);
    for (const { index } of network.nodes) network.kill(index);
    network.carries = () => true;
    await network.start();
    await network.untilHeight(1, 60 * SECOND);
    expect(await network.at(0).heightOf(id)).toBe(1);
    // Settled, nothing of it is kept.
    await network.clock.advance(60 * SECOND);
    const kept = await network.nodes[0]!.disk.openStore().range({ from: 'proposed/', to: 'proposed0' });
    expect(kept).toEqual([]);
  });

  test('CH33: a disk that fails while blocks are caught up: what is on it is told, the others come again', async () => {
    const network = new ValidatorNetwork(1);
    await network.start();
    for (let height = 1; height <= 3; height++) {
      await network.submit();
      await network.untilHeight(height);
    }
    const blocks = await loadBlockBytes(network.nodes[0]!.disk.openStore(), { from: 1, max: 3 });
    const disk = createMemoryDisk();
    const follower = await openFollower(network, disk.openStore());
    disk.setFull('chain/block/0000000000000002');
    expect(await follower.ordering.takeBlocks(blocks.slice(0, 1))).toEqual(ok(1));
    expect(follower.told).toEqual([1]);
    await expect(follower.ordering.takeBlocks(blocks)).rejects.toMatchObject({ code: 'quota_exceeded' });
    disk.setFull(false);
    expect(await follower.ordering.takeBlocks(blocks)).toEqual(ok(2));
    expect(follower.told).toEqual([1, 2, 3]);
  });

  test('CH33: a block on disk is told also when the machine cannot be opened after it, which then takes part all the same', async () => {
    const network = new ValidatorNetwork(1);
    await network.start();
    await network.submit();
    await network.untilHeight(1);
    network.kill(0);
    const blocks = await loadBlockBytes(network.nodes[0]!.disk.openStore(), { from: 1, max: 1 });
    const store = createMemoryDisk().openStore();
    let isBroken = false;
    const range: Store['range'] = async (bounds) => {
      if (isBroken && bounds.from.startsWith('votes/')) throw new StoreError('store_failed', 'the disk is gone');
      return await store.range(bounds);
    };
    const { ordering, told } = await openFollower(network, { ...store, range }, network.nodes[0]!.signer);
    isBroken = true;
    await expect(ordering.takeBlocks(blocks)).rejects.toMatchObject({ code: 'store_failed' });
    expect([told, ordering.tip.height]).toEqual([[1], 1]);
    isBroken = false;
    ordering.start();
    const wire = await network.write();
    expect(await ordering.submit(wire)).toMatchObject({ ok: true });
    await network.clock.advanceUntil(() => ordering.tip.height === 2, 10 * SECOND);
    await ordering.close();
  });

  test('CH26: a block without a finalization of its own is final by the one above it, and proven by itself', async () => {
    const network = new ValidatorNetwork(4, 1);
    await network.start();
    network.carries = ({ envelope: { message } }) =>
      !(message.kind === 'vote' && message.vote.kind === 'finalize' && message.vote.view === 1);
    await network.submit();
    await network.clock.advanceUntil(() => network.running.every(({ tip }) => tip.height >= 2), 60 * SECOND);
    const first = await loadBlock(network.nodes[0]!.disk.openStore(), 1);
    expect(first?.after?.length).toBeGreaterThan(0);
    expect(first?.certificate).toMatchObject({ kind: 'finalize', hash: first?.after?.at(-1)?.id });
  });

  test('CN8: what cannot be read, or does not verify, changes nothing', async () => {
    const network = new ValidatorNetwork(4, 1);
    await network.start();
    const [node] = network.nodes;
    const { events } = node!;
    expect(await events?.message('1', new Uint8Array([1, 2, 3]))).toBe(false);
    expect(await events?.message('1', new Uint8Array(2_000_000))).toBe(false);
    await network.submit();
    await network.untilHeight(1, 10 * SECOND);
  });
});
