// The vector run as one script for runtimes that cannot read our sources.

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** `entry` is the text of a module beside this file; answers with the text of the bundle, an ES module. */
export async function bundleVectorRun(entry: string): Promise<string> {
  const bundled = await build({
    stdin: { contents: entry, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
    bundle: true,
    format: 'esm',
    target: 'es2024',
    write: false,
    logLevel: 'error',
  });
  return bundled.outputFiles[0]!.text;
}
