// Catching up: only what links, is certified and executes to the same roots is taken, and answers may be cut anywhere.

import { describe, expect, test } from 'vitest';
import { pureVerifier } from '../../test/simulator/pure-verifier.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { fail, ok } from '../core/result.ts';
import { sha256 } from '../crypto/sha256.ts';
import { tipOf, type Tip } from './block.ts';
import { type CertifiedBlock } from './certified-block.ts';
import { applyCertifiedBlocks, type CatchUpPorts } from './catch-up.ts';
import { certifyBlock, createTestGroup, testBlock, testCid, type TestGroup } from './chain.test-kit.ts';
import { createSimplex, stepSimplex } from './simplex.ts';

const group = createTestGroup(1);

function rootOf(height: number): Uint8Array {
  return sha256(encodeUtf8(`state ${height}`));
}

async function buildChain(group: TestGroup, length: number): Promise<CertifiedBlock[]> {
  const chain: CertifiedBlock[] = [];
  let parent = group.tip;
  while (chain.length < length) {
    const block = testBlock(group, parent, { stateRoot: rootOf(parent.height + 1) });
    chain.push({ block, certificate: await certifyBlock(group, block), entries: [] });
    parent = tipOf(block);
  }
  return chain;
}

function createPorts(change: Partial<CatchUpPorts> = {}): CatchUpPorts & { committed: number[] } {
  const ports = {
    committed: [] as number[],
    verifier: pureVerifier,
    execute: async ({ block }: CertifiedBlock) =>
      ok({ stateRoot: rootOf(block.header.height), receiptsRoot: new Uint8Array(32), nextSet: null }),
    commit: async ({ block }: CertifiedBlock) => {
      ports.committed.push(block.header.height);
    },
    endOf: () => Promise.reject(new Error('no epoch has ended')),
    ...change,
  };
  return ports;
}

const chain = await buildChain(group, 4);

function catchUp(blocks: readonly CertifiedBlock[], ports: CatchUpPorts, tip: Tip = group.tip) {
  return applyCertifiedBlocks({ tip, blocks, rules: group.rules, recovery: null, now: 0, ports });
}

describe('catching up', () => {
  test('CH32: applies what follows, in order, and names the new head', async () => {
    const ports = createPorts();
    const result = await catchUp(chain, ports);
    expect(result).toMatchObject({ applied: 4, tip: { height: 4, id: chain[3]!.block.id }, stopped: null });
    expect(result.certificate).toEqual(chain[3]!.certificate);
    expect(ports.committed).toEqual([1, 2, 3, 4]);
  });

  test('CH33: in answers cut at any length it gets to the end, without asking for anything twice or skipping one', async () => {
    for (const size of [1, 2, 3]) {
      const ports = createPorts();
      let tip = group.tip;
      for (let rounds = 0; tip.height < chain.length; rounds++) {
        expect(rounds).toBeLessThanOrEqual(chain.length);
        // `from` is the first height wanted, inclusive, on both sides.
        const from = tip.height + 1;
        const answer = chain.filter(({ block }) => block.header.height >= from).slice(0, size);
        tip = (await catchUp(answer, ports, tip)).tip;
      }
      expect(ports.committed).toEqual([1, 2, 3, 4]);
    }
  });

  test('CH33: what is known already is passed over', async () => {
    const ports = createPorts();
    const result = await catchUp(chain, ports, tipOf(chain[1]!.block));
    expect(result).toMatchObject({ applied: 2, stopped: null });
    expect((await catchUp([], ports)).tip).toEqual(group.tip);
  });

  test('CH32: a missing block stops it; what came before stays', async () => {
    const ports = createPorts();
    const result = await catchUp([chain[0]!, chain[2]!], ports);
    expect(result).toMatchObject({ applied: 1, stopped: { code: 'bad_link' } });
    expect(ports.committed).toEqual([1]);
  });

  test('CH32: a block without a valid certificate of its own changes nothing', async () => {
    const [first, second] = chain as [CertifiedBlock, CertifiedBlock];
    const forged = { ...first.certificate, sigs: second.certificate.sigs };
    for (const certificate of [forged, second.certificate]) {
      const ports = createPorts();
      const result = await catchUp([{ ...first, certificate }], ports);
      expect(result).toMatchObject({ applied: 0, certificate: null, stopped: { code: 'bad_certificate' } });
      expect(ports.committed).toEqual([]);
    }
  });

  test('CH34: execution has the last word', async () => {
    const wrong = createPorts({
      execute: async () => ok({ stateRoot: rootOf(99), receiptsRoot: new Uint8Array(32), nextSet: null }),
    });
    expect(await catchUp(chain, wrong)).toMatchObject({ applied: 0, stopped: { code: 'bad_execution' } });
    const receipts = createPorts({
      execute: async ({ block }) =>
        ok({ stateRoot: rootOf(block.header.height), receiptsRoot: rootOf(0), nextSet: null }),
    });
    expect(await catchUp(chain, receipts)).toMatchObject({ applied: 0, stopped: { code: 'bad_execution' } });
    const refused = createPorts({ execute: async () => fail('bad_signature', 'An entry is not signed.') });
    expect(await catchUp(chain, refused)).toMatchObject({
      stopped: { code: 'bad_execution', because: 'An entry is not signed.' },
    });
  });

  test('CH26: a block that only stands below a finalized one comes with the headers up to that', async () => {
    const [first, second, third] = chain as [CertifiedBlock, CertifiedBlock, CertifiedBlock];
    const { certificate } = third;
    const below = { ...first, certificate, after: [second.block, third.block] };
    const ports = createPorts();
    expect(await catchUp([below, { ...second, certificate, after: [third.block] }, third], ports)).toMatchObject({
      applied: 3,
      tip: { height: 3 },
    });
    expect(await catchUp([below], createPorts())).toMatchObject({ applied: 1, certificate, stopped: null });
    for (const after of [[], [second.block], [third.block], [second.block, chain[3]!.block]]) {
      const result = await catchUp([{ ...below, after }], createPorts());
      expect(result).toMatchObject({ applied: 0, stopped: { code: 'bad_certificate' } });
    }
    const notarized = { ...first, certificate: await certifyBlock(group, first.block, 'notarize') };
    expect(await catchUp([notarized], createPorts())).toMatchObject({
      applied: 0,
      stopped: { code: 'bad_certificate' },
    });
  });

  test('CH35: another final block at the height of the head is shown, not taken', async () => {
    const other = testBlock(group, group.tip, { time: group.tip.time + 5_000 });
    const conflicting = { block: other, certificate: await certifyBlock(group, other), entries: [] };
    const ports = createPorts();
    const result = await catchUp([conflicting], ports, tipOf(chain[0]!.block));
    expect(result).toMatchObject({ applied: 0, stopped: { code: 'conflicting_block' } });
  });

  test('CH9: the other group, epoch or validators: no link', async () => {
    const stranger = createTestGroup(2);
    const blocks = await buildChain(stranger, 1);
    const ports = createPorts();
    expect((await catchUp(blocks, ports)).stopped?.code).toBe('bad_certificate');
    const moved = testBlock(group, group.tip, { nextValidators: testCid('others') });
    const certified = { block: moved, certificate: await certifyBlock(group, moved), entries: [] };
    expect((await catchUp([certified], ports)).stopped?.code).toBe('bad_execution');
  });

  test('CH22: a sole validator with an old folder takes what it missed, then signs only above it', async () => {
    const log = [
      { sort: 'block', block: testBlock(group, tipOf(chain[0]!.block), { time: 1_700_000_050_000 }) },
    ] as const;
    const [{ block: forked }] = log;
    const claim = { kind: 'notarize', epoch: 0, view: 2, hash: forked.id } as const;
    const { tip, certificate } = await catchUp(chain, createPorts(), tipOf(chain[0]!.block));
    const now = tip.time + 60_000;
    const machine = createSimplex({
      config: { ...group.rules, self: 0, delta: 1_000 },
      final: tip,
      interval: 1_000,
      certificate,
      log: [...log, { sort: 'vote', claim }],
      now,
    });
    const started = stepSimplex(machine, { kind: 'start' }, now);
    expect(started.effects.filter((effect) => effect.kind === 'sign')).toEqual([]);
    const { effects } = stepSimplex(started.state, { kind: 'work', pending: true }, now);
    expect(effects).toMatchObject([{ kind: 'propose', view: 5, parent: { height: 4 } }]);
  });
});
