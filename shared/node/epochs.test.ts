// Validators that change under load: seals, new epochs, evidence, and whoever was away meanwhile.

import { describe, expect, test } from 'vitest';
import { testCid } from '../chain/chain.test-kit.ts';
import { logRange } from '../chain/vote-log.ts';
import type { Operation } from '../feeds/entry.ts';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { silentLog as log } from '../../test/simulator/silent-log.ts';
import { pureVerifier } from '../../test/simulator/pure-verifier.ts';
import { readEpoch } from '../ledger/seals.ts';
import type { Cid } from '../codec/cid.ts';
import { encodeGenesis } from '../chain/genesis.ts';
import { verifyOutcome } from '../light-client/verify-outcome.ts';
import { verifyResolution } from '../light-client/verify-resolution.ts';
import { ChainReads } from './chain-reads.ts';
import { loadBlock } from './chain-store.ts';
import { ValidatorNetwork } from './consensus.test-kit.ts';
import { EvidenceWatch } from './evidence-watch.ts';
import { readMisbehaviour } from './misbehaviour.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;

/** Everything submitted is final with all that run, and they agree. */
async function settle(network: ValidatorNetwork, most = 120 * SECOND): Promise<void> {
  const done = (): boolean =>
    network.running.every(({ pool, tip }) => pool.size === 0 && tip.id === network.running[0]!.tip.id);
  await network.clock.advanceUntil(done, most);
}

function epochsOf(network: ValidatorNetwork): (number | undefined)[] {
  return network.running.map(({ state }) => readEpoch(state)?.epoch);
}

function membersOf(network: ValidatorNetwork): number[] {
  const { keys } = network.running[0]!.validators;
  return network.nodes.filter(({ signer }) => keys.includes(signer.key)).map(({ index }) => index);
}

/** Offers of all, then one change. */
async function handOver(
  network: ValidatorNetwork,
  change: { add: readonly number[]; remove: readonly number[]; f: number },
): Promise<void> {
  for (const index of change.add) await network.offer(index);
  await settle(network);
  await network.change(change.add, change.remove, change.f);
  await settle(network);
}

describe('CH36, CH37: seals', () => {
  test.each([
    [1, 0, { add: [1], remove: [0], f: 0 }],
    [1, 0, { add: [1, 2, 3], remove: [], f: 1 }],
    [3, 0, { add: [3], remove: [0], f: 1 - 1 }],
    [4, 1, { add: [4, 5], remove: [0, 1], f: 1 }],
  ])('%i validators (f = %i) hand over by %o, and the next ones order', async (n, f, change) => {
    const network = new ValidatorNetwork(n, f, 3);
    await network.start();
    await handOver(network, change);
    expect(epochsOf(network)).toEqual(network.running.map(() => 1));
    const expected = [...Array.from({ length: n }, (_, at) => at), ...change.add];
    expect(membersOf(network)).toEqual(expected.filter((index) => !change.remove.includes(index)));
    const { height } = network.running[0]!.tip;
    for (let more = 0; more < 3; more++) {
      await network.submit();
      await settle(network);
    }
    expect(network.running[0]!.tip.height).toBe(height + 3);
    const store = network.nodes[0]!.disk.openStore();
    const seal = await loadBlock(store, height);
    expect(seal?.nextSet?.id).toBe(seal?.block.header.nextValidators);
    expect(seal?.block.header).toMatchObject({ epoch: 0 });
    expect((await loadBlock(store, height + 1))?.block.header).toMatchObject({ epoch: 1, parent: seal?.block.id });
    expect(await store.range(logRange(0))).toEqual([]);
    await network.clock.advance(60 * SECOND);
    const { length } = network.sent;
    await network.clock.advance(600 * SECOND);
    expect(network.sent.length).toBe(length);
  });

  test('a seal whose own finalization is lost is final by the empty blocks on it, which are no part of the chain', async () => {
    const network = new ValidatorNetwork(4, 1, 1);
    await network.start();
    await network.offer(4);
    await settle(network);
    const view = network.at(0).tip.view + 1;
    network.carries = ({ envelope: { message } }) =>
      !(message.kind === 'vote' && message.vote.kind === 'finalize' && message.vote.view === view);
    await network.change([4], [0], 1);
    await settle(network);
    expect(new Set(epochsOf(network))).toEqual(new Set([1]));
    await network.submit();
    await settle(network);
    const store = network.nodes[1]!.disk.openStore();
    const seal = (await loadBlock(store, 2))!;
    expect(seal.block.header).toMatchObject({ view, epoch: 0 });
    const { stateRoot, nextValidators } = seal.block.header;
    expect(seal.after?.length).toBeGreaterThan(0);
    for (const { header } of seal.after ?? [])
      expect(header).toMatchObject({ cut: [], stateRoot, nextValidators, epoch: 0 });
    expect((await loadBlock(store, 3))?.block.header).toMatchObject({ epoch: 1, parent: seal.block.id });
  });

  test('sets change under load, with whoever goes killed and whoever comes started at each step', async () => {
    const network = new ValidatorNetwork(4, 1, 4);
    await network.start();
    for (let epoch = 1; epoch <= 4; epoch++) {
      const [gone, come] = [epoch - 1, epoch + 3];
      await network.offer(come);
      await network.submit();
      await settle(network);
      await network.change([come], [gone], 1);
      for (let more = 0; more < 3; more++) {
        await network.submit();
        await network.clock.advance(200);
        const crashed = epoch + more;
        network.kill(crashed);
        await network.clock.advance(100);
        await network.open(crashed);
      }
      await settle(network);
      expect(new Set(epochsOf(network))).toEqual(new Set([epoch]));
      await network.clock.advance(HOUR);
    }
    expect(membersOf(network)).toEqual([4, 5, 6, 7]);
  });

  test('CN9: a node that missed two epochs catches up, and votes when it is one of the set', async () => {
    const network = new ValidatorNetwork(4, 1, 2);
    await network.start();
    await network.submit();
    await settle(network);
    network.kill(3);
    await handOver(network, { add: [4], remove: [0], f: 1 });
    await network.clock.advance(HOUR);
    await handOver(network, { add: [5], remove: [1], f: 1 });
    expect(new Set(epochsOf(network))).toEqual(new Set([2]));
    await network.open(3);
    await network.clock.advanceUntil(() => epochsOf(network).every((epoch) => epoch === 2), 60 * SECOND);
    network.kill(2);
    await network.submit();
    await settle(network);
    expect(membersOf(network)).toEqual([2, 3, 4, 5]);
  });

  test('CN9: a validator that was cut off while the seal became final hears of it', async () => {
    const network = new ValidatorNetwork(4, 1, 1);
    await network.start();
    await network.offer(4);
    await settle(network);
    network.split([0, 1, 2, 4], [3]);
    await network.change([4], [0], 1);
    await network.clock.advanceUntil(() => readEpoch(network.at(1).state)?.epoch === 1, 60 * SECOND);
    network.split([0, 1, 2, 3, 4]);
    await network.submit();
    await settle(network);
    expect(new Set(epochsOf(network))).toEqual(new Set([1]));
  });
});

describe('LC3: a light client that knows the genesis alone', () => {
  async function lightClientOf(network: ValidatorNetwork, index: number) {
    const { signer, disk } = network.nodes[index]!;
    const { clock, founding } = network;
    const store = disk.openStore();
    const reads = new ChainReads({ ordering: network.at(index), store, founding, signer, clock });
    const pin = { group: founding.group, genesis: encodeGenesis(founding.genesis), verifier: pureVerifier };
    const resolve = async () => {
      const resolution = await reads.resolve('validators/current');
      if (!resolution.ok) return resolution.error.code;
      const judged = await verifyResolution({ ...pin, resolution: resolution.value, now: clock.now() });
      return judged.ok ? judged.value.height : judged.error.code;
    };
    const outcome = async (entry: Cid) => {
      const proof = await reads.outcome(entry);
      const judged = proof && (await verifyOutcome({ ...pin, entry, outcome: { seals: [], ...proof } }));
      return judged?.ok ? judged.value.receipt.code : judged?.error.code;
    };
    return { resolve, outcome };
  }

  test('verifies records and outcomes of every epoch, and of a seal before anything follows it', async () => {
    const network = new ValidatorNetwork(4, 1, 2);
    await network.start();
    const entries = [await network.submit()];
    await settle(network);
    for (const [come, gone] of [
      [4, 0],
      [5, 1],
    ] as const) {
      await handOver(network, { add: [come], remove: [gone], f: 1 });
      // The seal is the last block, and only validators of the next set say how fresh it is.
      const { resolve } = await lightClientOf(network, come);
      expect(await resolve()).toBe(network.at(come).tip.height);
      entries.push(await network.submit());
      await settle(network);
      await network.clock.advance(HOUR);
    }
    for (const index of [2, 5]) {
      const { resolve, outcome } = await lightClientOf(network, index);
      expect(await resolve()).toBe(network.at(index).tip.height);
      for (const entry of entries) expect(await outcome(entry)).toBe('ok');
    }
    const { resolve } = await lightClientOf(network, 0);
    expect(await resolve()).toBe('bad_status');
  });
});

describe('LG127: evidence', () => {
  test('a validator that signs two blocks of one view is out by an immediate seal, without anybody doing anything', async () => {
    const network = new ValidatorNetwork(4, 1);
    await network.start();
    await network.submit();
    await settle(network);
    const watches = [1, 2, 3].map((index) => {
      const chain = network.at(index);
      const submit = async (ops: readonly Operation[]) => await network.submit(undefined, ops);
      const random = createSeededRandom(index);
      return new EvidenceWatch({
        ...{ clock: network.clock, random, log, chain },
        outbox: { pending: [], submit },
        mayWrite: () => true,
      });
    });
    const { view } = network.at(1).tip;
    for (const name of ['one', 'other']) {
      const claim = { kind: 'notarize', epoch: 0, view: view + 1, hash: testCid(name) } as const;
      const vote = await network.signVote(0, claim);
      await network.inject(0, { kind: 'vote', vote });
    }
    await network.clock.advanceUntil(() => epochsOf(network).every((epoch) => epoch === 1), 60 * SECOND);
    expect(membersOf(network)).toEqual([1, 2, 3]);
    expect(network.at(1).validators.f).toBe(0);
    const key = network.nodes[0]!.signer.key;
    const told = await readMisbehaviour(network.at(1).state, network.nodes[1]!.disk.openStore());
    const evidence = { validator: key, epoch: 0, view: view + 1, first: { kind: 'notarize' } };
    expect(told).toMatchObject([{ kind: 'votes', key, height: 2, evidence }]);
    await network.submit();
    await settle(network);
    for (const watch of watches) watch.close();
    const proofs = await network.clock.advance(60 * SECOND).then(() => network.at(1).tip.height);
    expect(proofs).toBeLessThanOrEqual(5);
  });
});
