// What a client takes from an edge: as much as is right, and no more memory than that.

import { expect, test } from 'vitest';
import { encodeCanonical } from '../../codec/canonical.ts';
import { bytes, list, struct, uint } from '../../codec/schema.ts';
import { BLOCK_BYTES_MAX, CERTIFIED_BLOCK_BYTES_MAX, MANIFEST_BYTES_MAX } from '../../core/limits.ts';
import { createEdgeHttp } from './edge-http.ts';

const listSchema = struct({ blocks: list(bytes({ max: CERTIFIED_BLOCK_BYTES_MAX }), { max: 1_024 }), height: uint() });

function edgeAnswering(body: BodyInit) {
  return createEdgeHttp({ origin: 'http://edge', fetch: () => Promise.resolve(new Response(body)) });
}

test('ED13, CH11: a block with 8 MiB of entries is read whole, or whoever is behind it could never catch up', async () => {
  const block = new Uint8Array(CERTIFIED_BLOCK_BYTES_MAX);
  const edge = edgeAnswering(encodeCanonical(listSchema, { blocks: [block], height: 1 }));
  const { blocks, height } = await edge.blocks({ from: 1, max: 64 });
  expect(height).toBe(1);
  expect(blocks[0]!.length).toBeGreaterThan(BLOCK_BYTES_MAX);
});

test('CT1: an edge that sends more than a block has is not read to the end', async () => {
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 1024 * 1024;
      controller.enqueue(new Uint8Array(1024 * 1024));
    },
  });
  await expect(edgeAnswering(endless).block('bafk')).rejects.toThrow('more bytes than allowed');
  expect(sent).toBeLessThan(2 * MANIFEST_BYTES_MAX);
});
