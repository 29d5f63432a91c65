// What a service worker takes along to read and verify: the curve is loaded only where the platform has none.

import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** A third of the 40 KiB that the site's whole service worker may take. */
const BROTLI_BYTES_MAX = 13 * 1_024;

const ENTRY = `
  export { decodeCanonical, encodeCanonical } from '../../shared/codec/canonical.ts';
  export * from '../../shared/codec/schema.ts';
  export * from '../../shared/codec/cid.ts';
  export * from '../../shared/crypto/ids.ts';
  export * from '../../shared/crypto/signed-bytes.ts';
  export * from '../../shared/platform/web/web-crypto.ts';
`;

test('SG3: codec, ids and the native verifier fit a service worker and leave the curve to a later import', async () => {
  const { outputFiles, metafile } = await build({
    stdin: { contents: ENTRY, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    outdir: 'out',
    metafile: true,
    write: false,
    logLevel: 'error',
  });
  const outputs = Object.entries(metafile.outputs);
  const curve = outputs.filter(([, output]) =>
    Object.keys(output.inputs).some((path) => path.includes('@noble/curves')),
  );
  expect(curve.length).toBe(1);
  expect(curve[0]![1].entryPoint).toBe('shared/crypto/ed25519.ts');

  const [curveName] = curve[0]!;
  const first = outputFiles.filter((file) => !file.path.endsWith(curveName));
  const bytes = first.reduce((total, file) => total + brotliCompressSync(file.contents).length, 0);
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(BROTLI_BYTES_MAX);
});
