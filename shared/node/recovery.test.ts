// Recovery of a group whose quorum is gone for good, and whoever tries it early, twice, or without enough others.

import { describe, expect, test } from 'vitest';
import { createPromptCompressor } from '../../test/simulator/prompt-compressor.ts';
import { pureVerifier } from '../../test/simulator/pure-verifier.ts';
import { encodeGenesis } from '../chain/genesis.ts';
import { decodeCertifiedBlock, encodeCertifiedBlock } from '../chain/certified-block.ts';
import { createBlock, type Header } from '../chain/block.ts';
import { assembleRecovery, RECOVERY_WAIT } from '../chain/recovery.ts';
import { leaderOf, quorumOf, validatorAt } from '../chain/validator-set.ts';
import { voteBytes } from '../chain/vote.ts';
import { readRecovery, recoveryBytes } from '../chain/recovery-set.ts';
import type { PublicKey, Signer } from '../platform/ports.ts';
import type { GroupDocuments } from '../documents/group-documents.ts';
import { EMPTY_INDEX } from '../ledger/document-index.ts';
import { readEpoch } from '../ledger/seals.ts';
import { verifyResolution } from '../light-client/verify-resolution.ts';
import { ChainReads } from './chain-reads.ts';
import { ValidatorNetwork } from './consensus.test-kit.ts';
import { finishRecovery, planRecovery, signRecovery, type RecoveryPlan } from './recovery.ts';
import { SnapshotCut } from './snapshot-cut.ts';
import { SnapshotIntake } from './snapshot-intake.ts';

const SECOND = 1_000;

/** Four validators of which two are gone, and three more nodes; two of three identities may recover it. */
async function standStill(recovery = 2): Promise<ValidatorNetwork> {
  const network = new ValidatorNetwork(4, 1, 3, recovery);
  await network.start();
  await network.submit();
  await network.untilHeight(1);
  network.kill(0);
  network.kill(1);
  await network.submit([2, 3]);
  await network.clock.advance(60 * SECOND);
  expect(network.at(2).tip.height).toBe(1);
  return network;
}

/** A week in which nobody runs: those who wait for a quorum would say so every few seconds. */
async function waitAWeek(network: ValidatorNetwork): Promise<void> {
  const running = network.nodes.filter(({ ordering }) => ordering).map(({ index }) => index);
  for (const index of running) network.kill(index);
  await network.clock.advance(RECOVERY_WAIT);
  await network.start(running);
}

function plan(network: ValidatorNetwork, indexes: readonly number[], time = network.clock.now()) {
  const keys = indexes.map((index) => network.nodes[index]!.signer.key);
  return planRecovery({ chain: network.at(2), founding: network.founding, keys, f: 0, time });
}

async function sign(network: ValidatorNetwork, made: RecoveryPlan, signers: readonly Signer[]) {
  const sigs = new Map<PublicKey, Uint8Array>();
  for (const signer of signers) sigs.set(signer.key, await signRecovery(network.founding, made, signer));
  return finishRecovery(network.founding, made, sigs);
}

/** As the identities could sign it who keep to no rule. */
async function forge(
  network: ValidatorNetwork,
  made: RecoveryPlan,
  change: Partial<Header>,
  signers = network.recoverers,
) {
  const block = createBlock({ ...made.block.header, ...change });
  const { epoch, view } = block.header;
  const { group, genesis } = network.founding;
  const bytes = recoveryBytes(group, { epoch, view, hash: block.id });
  const sigs = new Map<PublicKey, Uint8Array>();
  for (const signer of signers) sigs.set(signer.key, await signer.sign(bytes));
  const certificate = assembleRecovery(block, sigs, readRecovery(genesis)!)!;
  return encodeCertifiedBlock({ block, certificate, nextSet: made.next, entries: [] });
}

async function codeOf(network: ValidatorNetwork, index: number, bytes: Uint8Array): Promise<string> {
  const taken = await network.at(index).takeBlocks([bytes]);
  return taken.ok ? `taken ${taken.value}` : taken.error.code;
}

describe('CH38–CH40: a recovery', () => {
  test('after a week without a final block, the identities hand over, and what waited becomes final', async () => {
    const network = await standStill();
    await waitAWeek(network);
    const made = plan(network, [2, 4, 5]);
    if (!made.ok) throw new Error(made.error.because);
    const [x, y] = network.recoverers as [Signer, Signer];
    expect(await sign(network, made.value, [x])).toBeNull();
    const bytes = (await sign(network, made.value, [x, y]))!;
    expect(await codeOf(network, 2, bytes)).toBe('taken 1');
    await network.clock.advanceUntil(
      () => network.running.every(({ tip, pool }) => tip.height > 2 && pool.size === 0),
      60_000,
    );
    for (const { state } of network.running) expect(readEpoch(state)?.epoch).toBe(1);
    // Validators of before that come back follow.
    await network.open(0);
    await network.clock.advanceUntil(() => readEpoch(network.at(0).state)?.epoch === 1, 60_000);
    await network.submit();
    await network.clock.advanceUntil(() => network.running.every(({ pool }) => pool.size === 0), 60_000);
    expect(new Set(network.running.map(({ tip }) => tip.id)).size).toBe(1);
  });

  test('CH39: too early, of a time that has not come, or with a changed header it is refused', async () => {
    const network = await standStill();
    const early = plan(network, [2, 4, 5]);
    expect(early).toMatchObject({ error: { code: 'bad_link' } });
    const later = plan(network, [2, 4, 5], network.clock.now() + RECOVERY_WAIT);
    if (!later.ok) throw new Error(later.error.because);
    const bytes = (await sign(network, later.value, network.recoverers))!;
    // Its week is over by its own word alone.
    expect(await codeOf(network, 2, bytes)).toBe('bad_link');
    const { time } = network.at(2).tip;
    expect(await codeOf(network, 2, await forge(network, later.value, { time: time + RECOVERY_WAIT - 1 }))).toBe(
      'bad_link',
    );
    await waitAWeek(network);
    for (const change of [
      { height: 3 },
      { epoch: 1 },
      { parent: network.founding.group },
      { stateRoot: new Uint8Array(32) },
    ]) {
      expect(await codeOf(network, 3, await forge(network, later.value, change))).toMatch(/^bad_/u);
    }
    expect(await codeOf(network, 2, bytes)).toBe('taken 1');
  });

  test('CH38: fewer than it takes, one of them twice, strangers and validators recover nothing', async () => {
    const network = await standStill();
    await waitAWeek(network);
    const made = plan(network, [2, 4, 5]);
    if (!made.ok) throw new Error(made.error.because);
    const whole = decodeCertifiedBlock((await sign(network, made.value, network.recoverers))!);
    if (!whole.ok) throw new Error(whole.error.because);
    const { certificate } = whole.value;
    const [first, second] = certificate.sigs as [Uint8Array, Uint8Array];
    const { block } = made.value;
    const vote = await network.signVote(2, { kind: 'finalize', epoch: 0, view: block.header.view, hash: block.id });
    for (const wrong of [
      { signers: Uint8Array.of(1), sigs: [first] },
      { sigs: [first, first] },
      { sigs: [second, first] },
      { sigs: [first, vote.sig] },
      { signers: Uint8Array.of(7), sigs: [first, second, second] },
      { kind: 'notarize' as const },
    ]) {
      const bytes = encodeCertifiedBlock({ ...whole.value, certificate: { ...certificate, ...wrong } });
      expect(await codeOf(network, 2, bytes)).toMatch(/^bad_/u);
    }
    // A group that names nobody stands still for good.
    const lone = await standStill(0);
    await waitAWeek(lone);
    expect(plan(lone, [2])).toMatchObject({ error: { code: 'not_permitted' } });
    expect(await codeOf(lone, 2, encodeCertifiedBlock(whole.value))).toMatch(/^bad_/u);
  });

  test('CH35, CH40: of two recoveries of one epoch only the first is taken, and the other is shown as proof of fraud', async () => {
    const network = await standStill();
    await waitAWeek(network);
    const [one, other] = [plan(network, [2, 4, 5]), plan(network, [3, 4, 6])];
    if (!one.ok || !other.ok) throw new Error('both are planned');
    network.split([2, 4, 5], [3, 6]);
    const [taken, second] = [
      await sign(network, one.value, network.recoverers),
      await sign(network, other.value, network.recoverers),
    ];
    expect(await codeOf(network, 2, taken!)).toBe('taken 1');
    expect(await codeOf(network, 2, second!)).toBe('conflicting_seal');
    expect(await codeOf(network, 3, second!)).toBe('taken 1');
    expect(await codeOf(network, 3, taken!)).toBe('conflicting_seal');
  });

  test('CH35: behind a recovery, a block of its height that the validators made final is shown as proof of fraud', async () => {
    const network = await standStill();
    await waitAWeek(network);
    const made = plan(network, [2, 4, 5]);
    if (!made.ok) throw new Error(made.error.because);
    const { group, set } = network.founding;
    const { epoch, view, validators } = made.value.block.header;
    const proposer = validatorAt(set, leaderOf(set, view));
    const block = createBlock({ ...made.value.block.header, proposer, nextValidators: validators });
    const claim = { kind: 'finalize', epoch, view, hash: block.id } as const;
    const signers = set.keys.map((key) => network.nodes.find(({ signer }) => signer.key === key)!.signer);
    const quorum = signers.slice(0, quorumOf(set));
    const sigs = await Promise.all(quorum.map((signer) => signer.sign(voteBytes(group, claim))));
    const certificate = { ...claim, signers: new Uint8Array([2 ** quorum.length - 1]), sigs };
    const ordinary = encodeCertifiedBlock({ block, certificate, entries: [] });
    expect(await codeOf(network, 2, (await sign(network, made.value, network.recoverers))!)).toBe('taken 1');
    expect(await codeOf(network, 2, ordinary)).toBe('conflicting_block');
    const fewer = { ...certificate, sigs: sigs.toReversed() };
    expect(await codeOf(network, 2, encodeCertifiedBlock({ block, certificate: fewer, entries: [] }))).toBe(
      'bad_certificate',
    );
  });

  test('LC16: a light client follows it from the genesis, and says that it did', async () => {
    const network = await standStill();
    await waitAWeek(network);
    const made = plan(network, [2, 4, 5]);
    if (!made.ok) throw new Error(made.error.because);
    const judge = async () => {
      const { signer, disk } = network.nodes[2]!;
      const { clock, founding } = network;
      const reads = new ChainReads({ ordering: network.at(2), store: disk.openStore(), founding, signer, clock });
      const resolution = await reads.resolve('validators/current');
      if (!resolution.ok) throw new Error(resolution.error.because);
      const pin = { group: founding.group, genesis: encodeGenesis(founding.genesis), verifier: pureVerifier };
      return await verifyResolution({ ...pin, resolution: resolution.value, now: clock.now() });
    };
    expect(await judge()).toMatchObject({ ok: true, value: { recovered: false } });
    await network.at(2).takeBlocks([(await sign(network, made.value, network.recoverers))!]);
    // The recovery is the last block itself, and then one before the last.
    expect(await judge()).toMatchObject({ ok: true, value: { height: 2, recovered: true } });
    await network.clock.advanceUntil(
      () => network.running.every(({ pool, tip }) => pool.size === 0 && tip.height > 2),
      60_000,
    );
    expect(await judge()).toMatchObject({ ok: true, value: { recovered: true } });
  });

  test('SN3: a newcomer takes a snapshot whose block is the recovery, and one behind it', async () => {
    const network = await standStill();
    await waitAWeek(network);
    const made = plan(network, [2, 4, 5]);
    if (!made.ok) throw new Error(made.error.because);
    const compressor = createPromptCompressor();
    const join = async (change: { seals?: Uint8Array[] } = {}) => {
      const { state, last } = network.at(2);
      if (!last) throw new Error('there is a block');
      const store = network.nodes[2]!.disk.openStore();
      // No document is in state, so none is asked for.
      const documents = {} as GroupDocuments;
      const cut = await SnapshotCut.make({ store, compressor, state, last, documents, index: EMPTY_INDEX });
      if (!cut) throw new Error('there is a snapshot');
      const ports = { compressor, verifier: pureVerifier, readChanges: () => null, owed: () => [] };
      const intake = new SnapshotIntake({ ...ports, founding: network.founding });
      intake.begin({ ...cut.message, own: 0, ...change });
      for (let section = 0; ; section++) {
        const bytes = (await cut.section(section))!;
        const taken = await intake.take({ t: 'section', section, from: 0, bytes, last: true });
        if (!taken.ok || section === cut.sections - 1) return taken;
      }
    };
    await network.at(2).takeBlocks([(await sign(network, made.value, network.recoverers))!]);
    expect(await join()).toMatchObject({ ok: true, value: { certified: { block: { id: made.value.block.id } } } });
    // What says who orders from then on is kept, so that it is checked as well.
    expect(await join({ seals: [new Uint8Array(9)] })).toMatchObject({ ok: false, error: { code: 'bad_seal' } });
    await network.clock.advanceUntil(() => network.at(2).tip.height > 2, 60_000);
    expect(await join()).toMatchObject({ ok: true, value: { seals: { length: 1 } } });
  });
});
