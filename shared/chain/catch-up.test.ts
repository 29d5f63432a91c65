// Catching up: only what links, is certified and executes to the same roots is taken, and answers may be cut anywhere.

import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../codec/base.ts';
import { fail, ok } from '../core/result.ts';
import { sha256 } from '../crypto/sha256.ts';
import { tipOf, type CertifiedBlock, type Tip } from './block.ts';
import { applyCertifiedBlocks, type CatchUpPorts } from './catch-up.ts';
import { certifyBlock, createTestGroup, pureVerifier, testBlock, testCid, type TestGroup } from './chain.test-kit.ts';
import { createSimplex, stepSimplex } from './simplex.ts';

const group = createTestGroup(1);

function rootOf(height: number): Uint8Array {
  return sha256(encodeUtf8(`state ${height}`));
}

async function buildChain(
  group: TestGroup,
  kinds: readonly ('notarize' | 'finalize')[],
  from: Tip = group.tip,
): Promise<CertifiedBlock[]> {
  const chain: CertifiedBlock[] = [];
  let parent = from;
  for (const kind of kinds) {
    const block = testBlock(group, parent, { stateRoot: rootOf(parent.height + 1) });
    chain.push({ block, certificate: await certifyBlock(group, block, kind), entries: [] });
    parent = tipOf(block);
  }
  return chain;
}

function createPorts(change: Partial<CatchUpPorts> = {}): CatchUpPorts & { committed: number[]; discarded: number } {
  const ports = {
    committed: [] as number[],
    discarded: 0,
    verifier: pureVerifier,
    execute: async ({ block }: CertifiedBlock) =>
      ok({ stateRoot: rootOf(block.header.height), receiptsRoot: new Uint8Array(32) }),
    commit: async ({ block }: CertifiedBlock) => {
      ports.committed.push(block.header.height);
    },
    discard: () => {
      ports.discarded++;
    },
    ...change,
  };
  return ports;
}

const FOUR = ['finalize', 'finalize', 'finalize', 'finalize'] as const;
const chain = await buildChain(group, FOUR);

function catchUp(blocks: readonly CertifiedBlock[], ports: CatchUpPorts, tip: Tip = group.tip) {
  return applyCertifiedBlocks({ tip, blocks, rules: group.rules, ports });
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
    expect(ports.discarded).toBe(1);
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
      execute: async () => ok({ stateRoot: rootOf(99), receiptsRoot: new Uint8Array(32) }),
    });
    expect(await catchUp(chain, wrong)).toMatchObject({ applied: 0, stopped: { code: 'bad_execution' } });
    const receipts = createPorts({
      execute: async ({ block }) => ok({ stateRoot: rootOf(block.header.height), receiptsRoot: rootOf(0) }),
    });
    expect(await catchUp(chain, receipts)).toMatchObject({ applied: 0, stopped: { code: 'bad_execution' } });
    const refused = createPorts({ execute: async () => fail('bad_signature', 'An entry is not signed.') });
    expect(await catchUp(chain, refused)).toMatchObject({
      stopped: { code: 'bad_execution', because: 'An entry is not signed.' },
    });
  });

  test('CH32: a notarized block becomes final with the finalized one after it, and not before', async () => {
    const run = await buildChain(group, ['notarize', 'notarize', 'finalize', 'notarize']);
    const ports = createPorts();
    expect(await catchUp(run.slice(0, 2), ports)).toMatchObject({ applied: 0, tip: group.tip, stopped: null });
    expect(ports.discarded).toBe(1);
    expect(await catchUp(run, ports)).toMatchObject({ applied: 3, tip: { height: 3 } });
    expect(ports.committed).toEqual([1, 2, 3]);
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
    const blocks = await buildChain(stranger, ['finalize']);
    const ports = createPorts();
    expect((await catchUp(blocks, ports)).stopped?.code).toBe('bad_certificate');
    const moved = testBlock(group, group.tip, { nextValidators: testCid('others') });
    const certified = { block: moved, certificate: await certifyBlock(group, moved), entries: [] };
    expect((await catchUp([certified], ports)).stopped?.code).toBe('bad_link');
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
