// The limits of `npm run bench -- size`, at every test run: what one adds to a first visit is seen at once.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { BUILDERS } from '../cli/build-targets.ts';
import { LIMITS, listFirstMinute } from './size.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

test('what the app loads in the first minute stays within its limit, and brings neither documents nor the curve', async () => {
  const out = await mkdtemp(join(tmpdir(), 'weft-app-'));
  onTestFinished(() => rm(out, { recursive: true, force: true }));
  await BUILDERS.app({ root: ROOT, out, minify: true });
  const files = await listFirstMinute(out);
  const texts = await Promise.all(files.map((file) => readFile(join(out, file), 'utf8')));
  const sizes = texts.map((text) => brotliCompressSync(text).length);
  const size = sizes.reduce((sum, bytes) => sum + bytes, 0);
  console.log(`the app's first minute: ${size} bytes brotli of ${LIMITS.app}`);
  // Found at all: the page, its two scripts with what they share, and the site for those who have none at hand.
  expect(
    files.filter((file) => /^(index\.html|engine\.js|app-.+\.css|chunk-.+\.js|example-site-.+\.js)$/.test(file)).length,
  ).toBeGreaterThanOrEqual(6);
  expect(Math.max(...sizes)).toBeGreaterThan(50_000);
  expect(size).toBeLessThanOrEqual(LIMITS.app);
  // What only Automerge and only the curve have in them.
  expect(texts.some((text) => /automerge_wasm|27742317777372353535851937790883648493/.test(text))).toBe(false);
});
