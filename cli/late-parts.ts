// What the page and the engine load at their start, in one file each, and small: code that late parts use as well is not cut into
// files of its own, and what only they need of a package does not come along.

import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild, ResolveResult } from 'esbuild';

const LATE = 'late-part';
const COPY = 'own-copy';
const SCRIPT = /\.tsx?$/;
/** Keeps our own look at an import from coming back to us. */
const LOOKED_AT = 'late-parts has looked at it';

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
      build.onLoad({ filter: SCRIPT, namespace: LATE }, ({ path, pluginData: importer }) => ({
        contents: `export * from ${JSON.stringify(path)};\nimport ${JSON.stringify(startOf(importer as string))};\n`,
        resolveDir: dirname(path),
        loader: 'ts',
      }));
    },
  };
}

/**
 * What `module` imports from packages becomes a copy for it alone. esbuild puts a file in one place, with all that anybody uses
 * of it: a start that needs little of a file would carry what `module`, in a late part, needs of it.
 */
export function keepApart(module: string): Plugin {
  return {
    name: 'keep apart',
    setup(build) {
      build.onResolve({ filter: /./ }, async (args) => {
        const isOurs = args.importer === module || args.namespace === COPY;
        if (!isOurs || args.pluginData === LOOKED_AT) return null;
        const found = await resolveAsIs(build, args);
        if (!found?.path.includes('node_modules')) return null;
        return { path: found.path, namespace: COPY, sideEffects: found.sideEffects };
      });
      build.onLoad({ filter: /./, namespace: COPY }, async ({ path }) => ({
        contents: await readFile(path),
        resolveDir: dirname(path),
      }));
    },
  };
}

async function resolvePart(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | null> {
  if (args.kind !== 'dynamic-import' || args.pluginData === LOOKED_AT) return null;
  const found = await resolveAsIs(build, args);
  if (!found || !SCRIPT.test(found.path)) return null;
  return { path: found.path, namespace: LATE, pluginData: args.importer };
}

async function resolveAsIs(build: PluginBuild, args: OnResolveArgs): Promise<ResolveResult | null> {
  const { path, kind, importer, resolveDir } = args;
  const found = await build.resolve(path, { kind, importer, resolveDir, pluginData: LOOKED_AT });
  return found.errors.length > 0 || found.external ? null : found;
}
