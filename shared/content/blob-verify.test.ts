import { expect, test } from 'vitest';
import { encodeUtf8 } from '../codec/base.ts';
import { cidFromDigest, parseCid, type Cid } from '../codec/cid.ts';
import { BLOB_LEAF_BYTES, DAG_NODE_BYTES_MAX, MANIFEST_BYTES_MAX } from '../core/limits.ts';
import { createWebHasher } from '../platform/web/web-crypto.ts';
import { verifyBlock } from './blob-verify.ts';

/** As `multiformats` computes it of `hello world`, without a line end. */
const HELLO = 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e';

function cid(text: string): Cid {
  const parsed = parseCid(text);
  if (!parsed.ok) throw new Error(parsed.error.because);
  return parsed.value;
}

test('CT1: a block is what its CID names, or it is not taken', async () => {
  const hasher = createWebHasher();
  expect(await verifyBlock(cid(HELLO), encodeUtf8('hello world'), hasher)).toBe(true);
  for (const other of ['hello world\n', 'hello worle', '', 'hello worl']) {
    expect(await verifyBlock(cid(HELLO), encodeUtf8(other), hasher)).toBe(false);
  }
});

test.each([
  ['raw', BLOB_LEAF_BYTES],
  ['dag-pb', DAG_NODE_BYTES_MAX],
  ['dag-cbor', MANIFEST_BYTES_MAX],
] as const)('CT1: a %s block larger than such blocks are is not taken, however it hashes', async (codec, most) => {
  const hasher = createWebHasher();
  for (const [length, taken] of [
    [most, true],
    [most + 1, false],
  ] as const) {
    const bytes = new Uint8Array(length);
    expect(await verifyBlock(cidFromDigest(codec, await hasher.sha256(bytes)), bytes, hasher)).toBe(taken);
  }
});
