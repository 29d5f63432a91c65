import { expect, test } from 'vitest';
import { createWebCompressor } from './web-compressor.ts';

const { deflate, inflate } = createWebCompressor();

test('what was deflated comes out again, and no more of it than was allowed', async () => {
  const bytes = new Uint8Array(500_000).map((_, at) => at % 251);
  const deflated = await deflate(bytes);
  expect(deflated.length).toBeLessThan(bytes.length / 10);
  expect(await inflate(deflated, bytes.length)).toEqual(bytes);
  expect(await inflate(deflated, bytes.length - 1)).toBeNull();
});

test('what is cut off, continued or no deflated stream is null', async () => {
  const deflated = await deflate(new Uint8Array(1_000).fill(7));
  expect(await inflate(deflated.subarray(0, -1), 10_000)).toBeNull();
  expect(await inflate(Uint8Array.from([...deflated, 1, 2, 3]), 10_000)).toBeNull();
  expect(await inflate(new Uint8Array(100).fill(0xff), 10_000)).toBeNull();
});
