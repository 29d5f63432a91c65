import { expect, test } from 'vitest';
import { encodeUtf8 } from '../codec/base.ts';
import { parseCid, type Cid } from '../codec/cid.ts';
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
