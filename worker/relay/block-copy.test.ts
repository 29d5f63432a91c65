// The edge's copy of the commons over changes of validators: what it hands to first visitors, and what its operator knows.

import { expect, test } from 'vitest';
import { tipOf, type Block } from '../../shared/chain/block.ts';
import { encodeCertifiedBlock } from '../../shared/chain/certified-block.ts';
import {
  certifyBlock,
  createTestGroup,
  testBlock,
  testCid,
  type TestGroup,
} from '../../shared/chain/chain.test-kit.ts';
import { readConfig, writeBase64 } from '../config.ts';
import { openFileSql } from '../deno/file-sql.ts';
import { BlockCopy } from './block-copy.ts';

const group = createTestGroup(1);
const sides = [createTestGroup(2), createTestGroup(3)] as const;

/** The group in an epoch, with the validators of another. */
function inEpoch(epoch: number): TestGroup {
  if (epoch === 0) return group;
  const { signers, rules } = sides[(epoch - 1) % 2]!;
  return { ...group, signers, rules: { ...group.rules, epoch, set: rules.set } };
}

/** Block, seal, block, seal. */
async function createBlocks(): Promise<{ block: Block; wire: Uint8Array }[]> {
  const made: { block: Block; wire: Uint8Array }[] = [];
  for (const [epoch, seals] of [
    [0, false],
    [0, true],
    [1, false],
    [1, true],
  ] as const) {
    const [now, next] = [inEpoch(epoch), inEpoch(epoch + 1)];
    const before = made.at(-1);
    const parent = before ? tipOf(before.block) : group.tip;
    const block = testBlock(now, parent, seals ? { nextValidators: next.rules.set.id } : {});
    const certificate = await certifyBlock(now, block);
    const wire = encodeCertifiedBlock({ block, certificate, entries: [], ...(seals && { nextSet: next.rules.set }) });
    made.push({ block, wire });
  }
  return made;
}

const blocks = await createBlocks();
const SETTINGS = {
  ...{ COMMONS: group.rules.group, GENESIS: writeBase64(group.genesis) },
  ...{ APP_HOST: 'localhost', SITES_SUFFIX: 'localhost' },
};

function openCopy(settings: { CHECKPOINT?: string } = {}): BlockCopy {
  return new BlockCopy({ sql: openFileSql(':memory:'), config: readConfig({ ...SETTINGS, ...settings }) });
}

async function fill(copy: BlockCopy, upTo: number): Promise<void> {
  for (const { wire } of blocks.slice(0, upTo)) expect(await copy.store(wire)).toMatchObject({ ok: true });
}

const at = (height: number) => ({ height, seal: blocks[height - 1]!.block.id });

test('ED25: the checkpoint is the last seal that the edge verified', async () => {
  const copy = openCopy();
  await fill(copy, 1);
  expect(copy.checkpoint()).toBeNull();
  await fill(copy, 3);
  expect(copy.checkpoint()).toEqual(at(2));
  await fill(copy, 4);
  expect(copy.checkpoint()).toEqual(at(4));
});

test('ED25: first visitors of a site get none that is later than the record that the edge can give them', async () => {
  const copy = openCopy();
  await fill(copy, 4);
  copy.keepResolution({ key: 'sites/alice/', height: 3, bytes: new Uint8Array(1) });
  copy.keepResolution({ key: 'sites/bob/', height: 1, bytes: new Uint8Array(1) });
  expect(copy.checkpoint('sites/alice/')).toEqual(at(2));
  expect(copy.checkpoint('sites/bob/')).toBeNull();
  expect(copy.checkpoint('sites/carol/')).toEqual(at(4));
});

test('ED26: a copy whose operator knows of a seal has it before the blocks come, and takes no other block of its height', async () => {
  const right = openCopy({ CHECKPOINT: `2:${at(2).seal}` });
  expect(right.checkpoint()).toEqual(at(2));
  await fill(right, 4);
  expect(right.checkpoint()).toEqual(at(4));
  const forged = openCopy({ CHECKPOINT: `2:${testCid('the true seal')}` });
  await fill(forged, 1);
  expect(await forged.store(blocks[1]!.wire)).toMatchObject({ error: { code: 'conflict' } });
  expect(() => openCopy({ CHECKPOINT: 'soon' })).toThrow('CHECKPOINT is no checkpoint');
});
