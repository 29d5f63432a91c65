// What reading the chain costs the node that is asked: bounded by the answer, not by the question.

import { expect, test } from 'vitest';
import type { Store } from '../platform/ports.ts';
import { createPerson, createWorld, GROUP, makeBlock, write } from '../../test/simulator/ledger-world.ts';
import { createMemoryDisk } from '../../test/simulator/memory-store.ts';
import { createBlock, type Block } from '../chain/block.ts';
import { MESSAGE_BYTES_MAX } from '../core/limits.ts';
import { handleRegister } from '../ledger/families/handles.ts';
import { verifyProof } from '../ledger/tree-proof.ts';
import { ChainReads, type ChainReadsOptions } from './chain-reads.ts';
import { loadBlockBytes, writeFinal } from './chain-store.ts';

const BLOCKS = 'chain/block/';

/** Counts the bytes of blocks that are read. */
function countReads(store: Store) {
  const counted = { blocks: 0, bytes: 0 };
  const note = (key: string, value: Uint8Array | undefined): void => {
    if (!key.startsWith(BLOCKS) || !value) return;
    counted.blocks++;
    counted.bytes += value.length;
  };
  const counting: Store = {
    ...store,
    async get(key) {
      const value = await store.get(key);
      note(key, value);
      return value;
    },
    async range(bounds) {
      const found = await store.range(bounds);
      for (const { key, value } of found) note(key, value);
      return found;
    },
  };
  return { counting, counted };
}

function headerOf(executed: ReturnType<typeof makeBlock>, proposer: string): Block {
  return createBlock({
    v: 1,
    group: GROUP,
    epoch: 0,
    view: 1,
    height: 1,
    parent: GROUP,
    parentView: 0,
    time: 1,
    proposer: proposer as never,
    cut: executed.cut,
    receiptsRoot: executed.receiptsRoot,
    stateRoot: executed.stateRoot,
    validators: GROUP,
    nextValidators: GROUP,
  });
}

test('PR7: a question for many large blocks is not answered by reading all of them', async () => {
  const store = createMemoryDisk().openStore();
  const large = new Uint8Array(MESSAGE_BYTES_MAX / 2);
  const put = Array.from({ length: 50 }, (_, at) => ({ key: BLOCKS + String(at + 1).padStart(16, '0'), value: large }));
  await store.write({ put }, 'strict');
  const { counting, counted } = countReads(store);
  expect(await loadBlockBytes(counting, { from: 1, max: 256 })).toHaveLength(2);
  expect(counted.bytes).toBeLessThan(2 * MESSAGE_BYTES_MAX);
  expect(await loadBlockBytes(counting, { from: 50, max: 256 })).toHaveLength(1);
  expect(await loadBlockBytes(counting, { from: 51, max: 256 })).toHaveLength(0);
});

test('LG21: outcomes of one block are proven from one reading of it, however often they are asked for', async () => {
  const alice = await createPerson('alice');
  const world = createWorld([alice]);
  const entries = [];
  for (const handle of ['one', 'two', 'three']) entries.push(await write(alice, [handleRegister.create({ handle })]));
  const executed = makeBlock(world, entries);
  const block = headerOf(executed, alice.signer.key);
  const certificate = {
    kind: 'finalize',
    epoch: 0,
    view: 1,
    hash: block.id,
    signers: Uint8Array.of(1),
    sigs: [new Uint8Array(64)],
  } as const;
  const store = createMemoryDisk().openStore();
  const final = {
    certified: { block, certificate, entries: entries.map(({ bytes }) => bytes) },
    entryIds: entries.map(({ id }) => id),
    receipts: executed.receipts,
    accepted: executed.accepted,
    writes: executed.writes,
  };
  await writeFinal(store, [final], { genesisState: null });
  const { counting, counted } = countReads(store);
  const reads = new ChainReads({ store: counting } as ChainReadsOptions);
  for (const { id } of [...entries, ...entries]) {
    const outcome = await reads.outcome(id);
    const { receipt, proof } = outcome!;
    expect(verifyProof({ root: executed.receiptsRoot, key: id, value: receipt, proof })).toBe(true);
  }
  expect(counted.blocks).toBe(1);
});
