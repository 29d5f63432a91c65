// What a page pays for the widgets: one module with all it needs, the signature check for old browsers included.

import { brotliCompressSync } from 'node:zlib';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { BUILDERS } from '../../cli/build-targets.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Brotli bytes. */
const WIDGET_BYTES_MAX = 30_000;

test('WG12: the widget is one small module without wallet, documents, engine or anything that a strict policy forbids', async () => {
  const out = await mkdtemp(join(tmpdir(), 'weft-widget-'));
  onTestFinished(() => rm(out, { recursive: true, force: true }));
  await BUILDERS.widget({ root: ROOT, out, minify: true });
  const code = await readFile(join(out, 'widget.js'), 'utf8');
  const size = brotliCompressSync(code).length;
  console.log(`widget: ${code.length} bytes minified, ${size} bytes brotli`);
  expect(size).toBeLessThanOrEqual(WIDGET_BYTES_MAX);
  expect(code).not.toMatch(/\bimport\(|\bimport"|\beval\(|innerHTML|insertAdjacentHTML|document\.write|new Function/);
  expect(code).not.toMatch(/automerge|comlink|indexedDB|localStorage/i);
  // The order of the base point, which only a signature check needs: it is in here, not loaded later.
  expect(code).toContain('27742317777372353535851937790883648493n');
});
