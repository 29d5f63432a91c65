// What a page pays for checking a record: bundled as a widget or service worker would, without documents and without the curve.

import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

/** Brotli bytes: the service worker as a whole may have 40 KiB (DESIGN §7), and most of that is for other things. */
const LIGHT_CLIENT_BROTLI_MAX = 20 * 1024;

const ENTRY = `
export { verifyResolution } from './verify-resolution.ts';
export { verifyOutcome } from './verify-outcome.ts';
export { resolveSite, siteKeys, judgeFreshness } from './site-record.ts';
`;

test('LC13: neither Automerge nor the curve gets into the light client, and it stays small', async () => {
  const result = await build({
    stdin: { contents: ENTRY, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    write: false,
    minify: true,
    metafile: true,
    format: 'esm',
    target: 'es2024',
    platform: 'browser',
    logLevel: 'silent',
  });
  const inputs = Object.keys(result.metafile.inputs);
  expect(inputs.some((path) => path.endsWith('shared/light-client/verify-resolution.ts'))).toBe(true);
  expect(inputs.some((path) => path.includes('@noble/hashes'))).toBe(true);
  expect(inputs.filter((path) => /automerge|@noble\/curves|@noble\/ciphers|bip39/u.test(path))).toEqual([]);
  const code = result.outputFiles[0]!.contents;
  const size = brotliCompressSync(code).length;
  console.log(`light client: ${code.length} bytes minified, ${size} bytes brotli`);
  expect(size).toBeLessThan(LIGHT_CLIENT_BROTLI_MAX);
});
