// Signatures of a proof that leads over seals: checked beside each other, and how many of a forger's.

import { expect, test } from 'vitest';
import { encodeHeader, type Block } from '../chain/block.ts';
import { encodeCertificate, type Certificate } from '../chain/certificate.ts';
import { certifyBlock, createTestGroup, testBlock, type TestGroup } from '../chain/chain.test-kit.ts';
import { encodeValidatorSet, type ValidatorSet } from '../chain/validator-set.ts';
import type { Verifier } from '../platform/ports.ts';
import { createNativeVerifier } from '../platform/web/web-crypto.ts';
import { claimFinalHeader, verifyFinalHeader } from './final-header.ts';
import { encodeSeal } from './seals.ts';

const native = createNativeVerifier();
const first = createTestGroup(1);
/** Quorums of two and of three. */
const sides = [createTestGroup(2), createTestGroup(3)] as const;
const pin = { group: first.rules.group, genesis: first.genesis };

type Claim = Parameters<Verifier['verify']>[0];

/** The group in an epoch, with the validators of another. */
function inEpoch(epoch: number): TestGroup {
  if (epoch === 0) return first;
  const side = sides[(epoch - 1) % 2]!;
  return { ...side, rules: { ...first.rules, epoch, set: side.rules.set } };
}

/** Blocks that hand over, one an epoch, and one after them. */
function createBlocks(epochs: number): Block[] {
  const blocks: Block[] = [];
  for (let epoch = 0; epoch <= epochs; epoch++) {
    const before = blocks.at(-1);
    const parent = before ? { ...before.header, id: before.id } : first.tip;
    const change = epoch < epochs ? { nextValidators: inEpoch(epoch + 1).rules.set.id } : {};
    blocks.push(testBlock(inEpoch(epoch), parent, change));
  }
  return blocks;
}

function sealOf(block: Block, certificate: Certificate, next: ValidatorSet): Uint8Array {
  const header = encodeHeader(block.header);
  return encodeSeal({ header, certificate: encodeCertificate(certificate), validators: encodeValidatorSet(next) });
}

test('LC15: the header is checked beside the last seal', async () => {
  const [sealing, block] = createBlocks(1);
  const waiting: (() => void)[] = [];
  const patient = {
    async verify(claim: Claim) {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return native.verify(claim);
    },
  };
  const proof = {
    seals: [sealOf(sealing!, await certifyBlock(first, sealing!), inEpoch(1).rules.set)],
    header: encodeHeader(block!.header),
    certificate: encodeCertificate(await certifyBlock(inEpoch(1), block!)),
  };
  const claimed = await claimFinalHeader({ ...pin, verifier: patient }, proof);
  if (!claimed.ok) throw new Error(claimed.error.because);
  // Of the one old validator, and of both new ones.
  expect(waiting).toHaveLength(3);
  for (const go of waiting) go();
  expect(await claimed.value.proven).toMatchObject({ ok: true });
});

test('LC15: a forger makes the reader check one certificate in vain, however many seals it sends', async () => {
  const blocks = createBlocks(5);
  const seals: Uint8Array[] = [];
  for (const [epoch, block] of blocks.slice(0, -1).entries()) {
    const genuine = await certifyBlock(inEpoch(epoch), block);
    const changed = { ...genuine, sigs: genuine.sigs.map((sig) => Uint8Array.from(sig, (byte) => byte ^ 1)) };
    seals.push(sealOf(block, epoch === 0 ? changed : genuine, inEpoch(epoch + 1).rules.set));
  }
  const last = blocks.at(-1)!;
  let checks = 0;
  const counting = {
    verify(claim: Claim) {
      checks++;
      return native.verify(claim);
    },
  };
  const proof = {
    seals,
    header: encodeHeader(last.header),
    certificate: encodeCertificate(await certifyBlock(inEpoch(5), last)),
  };
  const judged = await verifyFinalHeader({ ...pin, verifier: counting }, proof);
  expect(judged).toMatchObject({ ok: false, error: { code: 'bad_seal' } });
  // One signature of the seal that was changed, and a quorum of the next: not those of the three after it.
  expect(checks).toBe(1 + 2);
});
