// What the page and the engine load at their start, in one file each: code that late parts use as well is not cut into files of its own.

import { dirname } from 'node:path';
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild';

const NAMESPACE = 'late-part';
const SCRIPT = /\.tsx?$/;

/**
 * esbuild makes a file of what the same entries reach. Here each late part, which is whatever `import()` names, reaches all of
 * the start it belongs to, which is there before it. Compressed together that code is a twentieth smaller.
 * `startOf`: the module of the start that `importer` belongs to.
 */
export function keepStartsWhole(startOf: (importer: string) => string): Plugin {
  return {
    name: 'keep starts whole',
    setup(build) {
      build.onResolve({ filter: /./ }, async (args) => await resolvePart(build, args));
      build.onLoad({ filter: SCRIPT, namespace: NAMESPACE }, ({ path, pluginData: importer }) => ({
        contents: `export * from ${JSON.stringify(path)};\nimport ${JSON.stringify(startOf(importer as string))};\n`,
        resolveDir: dirname(path),
        loader: 'ts',
      }));
    },
  };
}

async function resolvePart(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | null> {
  const { kind, path, importer, resolveDir, pluginData } = args;
  if (kind !== 'dynamic-import' || pluginData === NAMESPACE) return null;
  const found = await build.resolve(path, { kind, importer, resolveDir, pluginData: NAMESPACE });
  if (found.errors.length > 0 || found.external || !SCRIPT.test(found.path)) return null;
  return { path: found.path, namespace: NAMESPACE, pluginData: importer };
}
