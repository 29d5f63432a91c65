// Seals as links and in catching up: what may stand on one, and whose votes count after it.

import { describe, expect, test } from 'vitest';
import { pureVerifier } from '../../test/simulator/pure-verifier.ts';
import type { Cid } from '../codec/cid.ts';
import { ok } from '../core/result.ts';
import { checkLink, tipOf, type Header, type Tip } from './block.ts';
import { applyCertifiedBlocks } from './catch-up.ts';
import { decodeCertifiedBlock, encodeCertifiedBlock, type CertifiedBlock } from './certified-block.ts';
import { certifyBlock, createTestGroup, testBlock, testCid, type TestGroup } from './chain.test-kit.ts';
import { createValidatorSet } from './validator-set.ts';

const group = createTestGroup(3);
const made = createValidatorSet({ keys: group.rules.set.keys.slice(1), f: 0 });
if (!made.ok) throw new Error(made.error.because);
const next = made.value;
const successors: TestGroup = {
  ...group,
  rules: { ...group.rules, epoch: 1, set: next },
  signers: group.signers.slice(1),
};
const seal = testBlock(group, group.tip, { nextValidators: next.id });
const item = { feed: 'a'.repeat(16) as never, from: 1, to: 1, head: testCid('entry') };

function links(parent: Tip, header: Header, { rules }: TestGroup): boolean {
  return checkLink(parent, header, rules).ok;
}

describe('CH36: what may stand on a seal', () => {
  test('in its own epoch only what is empty and hands over to the same set', () => {
    const after = testBlock(group, tipOf(seal), { nextValidators: next.id });
    expect(links(tipOf(seal), after.header, group)).toBe(true);
    const again = testBlock(group, tipOf(after), { nextValidators: next.id });
    expect(links(tipOf(after), again.header, group)).toBe(true);
    const changes: Partial<Header>[] = [
      { nextValidators: group.rules.set.id },
      { nextValidators: testCid('others') },
      { nextValidators: next.id, cut: [item] },
    ];
    for (const change of changes) {
      expect(links(tipOf(seal), testBlock(group, tipOf(seal), change).header, group)).toBe(false);
    }
  });

  test('in the next epoch what its set proposes, in a later view', () => {
    const first = testBlock(successors, tipOf(seal), { cut: [item] });
    expect(links(tipOf(seal), first.header, successors)).toBe(true);
    expect(links(tipOf(seal), first.header, group)).toBe(false);
    const others = createTestGroup(1);
    const stranger = { ...others, rules: { ...others.rules, group: group.rules.group, epoch: 1 } };
    expect(links(tipOf(seal), testBlock(stranger, tipOf(seal)).header, stranger)).toBe(false);
    const late = { ...successors, rules: { ...successors.rules, epoch: 2 } };
    expect(links(tipOf(seal), testBlock(late, tipOf(seal)).header, late)).toBe(false);
  });
});

describe('CH32, CH37: catching up across a seal', () => {
  const first = testBlock(successors, tipOf(seal));

  async function certified(of: TestGroup, block: CertifiedBlock['block']): Promise<CertifiedBlock> {
    return { block, certificate: await certifyBlock(of, block), entries: [] };
  }

  function catchUp(blocks: readonly CertifiedBlock[], nextSet = next, checkpoint?: { height: number; seal: Cid }) {
    const execute = async ({ block: { header } }: CertifiedBlock) =>
      ok({
        stateRoot: header.stateRoot,
        receiptsRoot: header.receiptsRoot,
        nextSet: header.height === 1 ? nextSet : null,
      });
    const endOf = async () => ({ seal, set: group.rules.set });
    const ports = { verifier: pureVerifier, execute, endOf, commit: async () => undefined };
    const start = { tip: group.tip, rules: group.rules, recovery: null, now: 0 };
    return applyCertifiedBlocks({ ...start, blocks, ports, checkpoint });
  }

  test('the blocks after it are of the next set, and it is final by what stood on it too', async () => {
    const end = testBlock(group, tipOf(seal), { nextValidators: next.id });
    const late = { ...(await certified(group, seal)), certificate: await certifyBlock(group, end), after: [end] };
    for (const sealed of [await certified(group, seal), late]) {
      const result = await catchUp([sealed, await certified(successors, first)]);
      expect(result).toMatchObject({ applied: 2, stopped: null, tip: { id: first.id } });
    }
  });

  test('what the old set signed after it is refused', async () => {
    const old = testBlock(group, tipOf(seal), { nextValidators: next.id });
    const result = await catchUp([await certified(group, seal), await certified(group, old)]);
    expect(result).toMatchObject({ applied: 1, stopped: { code: 'bad_link' } });
    const forged = { block: first, certificate: await certifyBlock(group, first), entries: [] };
    const taken = await catchUp([await certified(group, seal), forged]);
    expect(taken).toMatchObject({ applied: 1, stopped: { code: 'bad_certificate' } });
  });

  test('CH40: another block that ends an epoch which has ended is proof of fraud; what stands on the seal is none', async () => {
    const final = await certified(group, seal);
    const other = testBlock(group, group.tip, { nextValidators: next.id, time: group.tip.time + 1 });
    const late = testBlock(group, tipOf(seal), { nextValidators: next.id });
    const unsigned = { ...(await certified(group, other)), certificate: final.certificate };
    const others = createTestGroup(3);
    const strange = {
      block: other,
      certificate: await certifyBlock({ ...others, rules: successors.rules, signers: group.signers.slice(1) }, other),
      entries: [],
    };
    const cases = [
      [await certified(group, other), 'conflicting_seal'],
      [await certified(group, late), 'bad_link'],
      [unsigned, 'bad_certificate'],
      [strange, 'bad_certificate'],
    ] as const;
    for (const [block, code] of cases) {
      const result = await catchUp([final, await certified(successors, first), block]);
      expect([result.applied, result.stopped?.code]).toEqual([2, code]);
    }
  });

  test('CH41: who knows of a seal takes no other block of its height, and whoever signed one is shown as a cheat', async () => {
    const blocks = [await certified(group, seal), await certified(successors, first)];
    const known = { height: seal.header.height, seal: seal.id };
    expect(await catchUp(blocks, next, known)).toMatchObject({ applied: 2, stopped: null });
    const other = { ...known, seal: testCid('the true seal') };
    expect(await catchUp(blocks, next, other)).toMatchObject({ applied: 0, stopped: { code: 'conflicting_seal' } });
    const unsigned = { ...blocks[0]!, certificate: blocks[1]!.certificate };
    expect(await catchUp([unsigned], next, other)).toMatchObject({ stopped: { code: 'bad_certificate' } });
  });

  test('CH36: a seal that execution does not say is refused, and one that it says and the header lacks', async () => {
    expect(await catchUp([await certified(group, seal)], group.rules.set)).toMatchObject({
      applied: 0,
      stopped: { code: 'bad_execution' },
    });
    const plain = testBlock(group, group.tip);
    expect(await catchUp([await certified(group, plain)])).toMatchObject({ stopped: { code: 'bad_execution' } });
  });

  test('CH11: it travels with the set it names, and with no other', async () => {
    const sealed = { ...(await certified(group, seal)), nextSet: next };
    expect(decodeCertifiedBlock(encodeCertifiedBlock(sealed))).toEqual(ok(sealed));
    const wrong = encodeCertifiedBlock({ ...sealed, nextSet: group.rules.set });
    expect(decodeCertifiedBlock(wrong)).toMatchObject({ error: { code: 'bad_block' } });
    const plain = await certified(group, testBlock(group, group.tip));
    const bringing = encodeCertifiedBlock({ ...plain, nextSet: group.rules.set });
    expect(decodeCertifiedBlock(bringing)).toMatchObject({ error: { code: 'bad_block' } });
  });
});
