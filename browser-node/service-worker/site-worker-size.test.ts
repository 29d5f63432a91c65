// What the first visit of a site downloads before its first byte: bundled as the build does, and measured.

import { brotliCompressSync } from 'node:zlib';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { BUILDERS } from '../../cli/build-targets.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** DESIGN §7, brotli bytes. */
const WORKER_BYTES_MAX = 40_000;
const LOADER_BYTES_MAX = 6_000;

test('VS15: the service worker and the loader stay small, and the worker has no curve of its own', async () => {
  const out = await mkdtemp(join(tmpdir(), 'weft-site-'));
  onTestFinished(() => rm(out, { recursive: true, force: true }));
  await BUILDERS.site({ root: ROOT, out, minify: true });
  const read = (name: string): Promise<string> => readFile(join(out, name), 'utf8');
  const worker = await read('sw.js');
  expect(brotliCompressSync(worker).length).toBeLessThanOrEqual(WORKER_BYTES_MAX);
  expect(brotliCompressSync(await read('loader.html')).length).toBeLessThanOrEqual(LOADER_BYTES_MAX);
  // The base point of RFC 8032, which only an implementation of the curve needs.
  const basePoint = '216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51a';
  expect((await read('pure.js')).includes(basePoint)).toBe(true);
  expect(worker.includes(basePoint)).toBe(false);
});
