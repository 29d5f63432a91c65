// One script of a benchmark's own page, bundled and minified as the app's are.

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** `entry` from this folder. */
export async function bundleForBench(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    logLevel: 'error',
  });
  return outputFiles[0]!.text;
}
