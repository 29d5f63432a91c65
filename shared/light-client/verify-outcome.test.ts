// Outcomes: a receipt is believed only under a final header, and only for the entry that was submitted.

import { expect, test } from 'vitest';
import { certifyBlock, createTestGroup, testBlock, testCid } from '../chain/chain.test-kit.ts';
import { encodeHeader } from '../chain/block.ts';
import { encodeCertificate } from '../chain/certificate.ts';
import { createReceiptTree } from '../ledger/receipt-tree.ts';
import { encodeReceipt, type Receipt } from '../ledger/receipts.ts';
import { EMPTY_TREE, proveKey, treeRoot, updateTree } from '../ledger/tree.ts';
import { createNativeVerifier } from '../platform/web/web-crypto.ts';
import { verifyOutcome } from './verify-outcome.ts';

const group = createTestGroup(1);
const verifier = createNativeVerifier();
const entry = testCid('entry');
const receipts: Receipt[] = [
  { v: 1, entry, code: 'ok', changes: ['handles/alice'] },
  { v: 1, entry: testCid('second'), code: 'handle_taken', changes: [] },
];

async function createOutcome(tree = createReceiptTree(receipts), receipt = encodeReceipt(receipts[0]!)) {
  const block = testBlock(group, group.tip, { receiptsRoot: treeRoot(tree) });
  const certificate = encodeCertificate(await certifyBlock(group, block));
  return { seals: [], header: encodeHeader(block.header), certificate, receipt, proof: proveKey(tree, entry) };
}

const genuine = await createOutcome();

async function judge(change: Partial<typeof genuine> = {}, id = entry) {
  const outcome = { ...genuine, ...change };
  return verifyOutcome({ group: group.rules.group, genesis: group.genesis, verifier, entry: id, outcome });
}

test('LC12: the receipt of the entry, under a final header', async () => {
  const result = await judge();
  expect(result).toMatchObject({ ok: true, value: { receipt: receipts[0], header: { height: 1 } } });
});

test('LC12: another receipt, entry, proof or header is refused by name', async () => {
  const forged = encodeReceipt({ ...receipts[0]!, changes: [] });
  expect(await judge({ receipt: forged })).toMatchObject({ error: { code: 'bad_proof' } });
  expect(await judge({}, receipts[1]!.entry)).toMatchObject({ error: { code: 'bad_proof' } });
  expect(await judge({ proof: new Uint8Array(3) })).toMatchObject({ error: { code: 'bad_proof' } });
  const other = testBlock(group, group.tip, { time: group.tip.time + 9 });
  expect(await judge({ header: encodeHeader(other.header) })).toMatchObject({ error: { code: 'bad_header' } });
  expect(await judge({ certificate: new Uint8Array(3) })).toMatchObject({ error: { code: 'bad_certificate' } });
  expect(await judge({ seals: [new Uint8Array(1)] as never })).toMatchObject({ error: { code: 'bad_seal' } });
});

test('LC12: a proven leaf that is no receipt of this entry is refused', async () => {
  for (const leaf of [new Uint8Array([1]), encodeReceipt(receipts[1]!)]) {
    const tree = updateTree(EMPTY_TREE, new Map([[entry, leaf]]));
    const outcome = await createOutcome(tree, new Uint8Array(leaf));
    expect(await judge(outcome)).toMatchObject({ error: { code: 'bad_receipt' } });
  }
});

test('CH26: the outcome of a block without a finalization of its own is proven by that of one above it', async () => {
  const tree = createReceiptTree(receipts);
  const block = testBlock(group, group.tip, { receiptsRoot: treeRoot(tree) });
  const next = testBlock(group, { ...block.header, id: block.id });
  const last = testBlock(group, { ...next.header, id: next.id });
  const header = encodeHeader(block.header);
  const certificate = encodeCertificate(await certifyBlock(group, last));
  const after = [next, last].map((one) => encodeHeader(one.header));
  expect(await judge({ header, certificate, after } as never)).toMatchObject({ ok: true, value: { block: block.id } });
  const others = [[], after.slice(0, 1), after.slice(1), after.toReversed()];
  for (const wrong of others) {
    const judged = await judge({ header, certificate, after: wrong } as never);
    expect(judged).toMatchObject({ error: { code: 'bad_header' } });
  }
});

test('LC9, LC12: each byte of each part, flipped, is noticed and blamed on that part', async () => {
  const outcome = genuine;
  const codes = {
    header: 'bad_header',
    certificate: 'bad_certificate',
    receipt: 'bad_proof',
    proof: 'bad_proof',
  } as const;
  for (const part of ['header', 'certificate', 'receipt', 'proof'] as const) {
    for (let at = 0; at < outcome[part].length; at++) {
      const flipped = new Uint8Array(outcome[part]);
      flipped[at]! ^= 0x10;
      expect(await judge({ ...outcome, [part]: flipped })).toMatchObject({ error: { code: codes[part] } });
    }
  }
});
