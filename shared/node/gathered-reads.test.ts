import { expect, test } from 'vitest';
import { encodeUtf8 } from '../codec/base.ts';
import { cidFromDigest, type Cid } from '../codec/cid.ts';
import { gatherReads } from './gathered-reads.ts';

const cidOf = (byte: number): Cid => cidFromDigest('raw', new Uint8Array(32).fill(byte));
const blockOf = (cid: Cid): Uint8Array => encodeUtf8(cid);

test('what is asked during a read is read together, and each caller gets its own in order', async () => {
  const reads: number[] = [];
  const read = gatherReads(async (cids) => {
    reads.push(cids.length);
    await new Promise((resolve) => setTimeout(resolve, 1));
    return cids.map((cid) => (cid === cidOf(3) ? undefined : blockOf(cid)));
  }, 4);
  const asked = [[1], [2, 3], [4], [5, 6, 7, 8, 9, 10], [11]].map((bytes) => bytes.map(cidOf));
  const outcomes = await Promise.all(asked.map((cids) => read(cids)));
  expect(outcomes).toEqual(asked.map((cids) => cids.map((cid) => (cid === cidOf(3) ? undefined : blockOf(cid)))));
  // At most four together, and a larger request alone.
  expect(reads).toEqual([1, 3, 6, 1]);
  expect(await read([cidOf(1)])).toEqual([blockOf(cidOf(1))]);
});

test('a read that fails fails those who asked for it, and nobody else', async () => {
  let reads = 0;
  const read = gatherReads(async (cids) => {
    if (++reads === 2) throw new Error('the disk');
    return cids.map(blockOf);
  }, 4);
  const outcomes = await Promise.allSettled([read([cidOf(1)]), read([cidOf(2)]), read([cidOf(3)])]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  expect(await read([cidOf(4)])).toEqual([blockOf(cidOf(4))]);
});
