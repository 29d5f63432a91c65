// Brotli bytes of a first visit: the loader, a site's service worker, and the app, against what each may be.

import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildProject, measureSizes } from '../cli/build.ts';
import type { BenchLine } from './bench-line.ts';

export const APP = fileURLToPath(new URL('../dist/app', import.meta.url));
/** Decimal, the stricter reading. */
const KB = 1_000;
/** Bytes; a loader and a worker are in the way of the first byte of a site, the app of the first minute. */
export const LIMITS = { loader: 6 * KB, worker: 40 * KB, app: 120 * KB } as const;
/** What a built file loads with itself: scripts and styles of a page, and modules, but not those that it imports when it needs them. */
const LOADED_WITH = /(?:(?:src|href)=|\bfrom ?|\bimport ?)["'](?:\.?\/)?([\w.-]+\.(?:js|css))["']/g;
/** Late parts that a first minute needs: the site that one publishes who has none at hand. */
const NEEDED_PARTS = /^example-site-/;

export async function run(): Promise<BenchLine[]> {
  await buildProject({});
  const sizes = await measureSizes();
  const sizeOf = (path: string): number => {
    const size = sizes[path];
    if (size === undefined) throw new Error(`the build made no ${path}`);
    return size;
  };
  const app = await listFirstMinute(APP);
  return [
    lineFor('loader', sizeOf('site/loader.html'), LIMITS.loader),
    lineFor('site service worker', sizeOf('site/sw.js'), LIMITS.worker),
    lineFor(
      'app, the first minute',
      app.reduce((sum, file) => sum + sizeOf(`app/${file}`), 0),
      LIMITS.app,
    ),
  ];
}

/** Bytes are exact, so they are not rounded as measurements are: one byte too many is a miss. */
function lineFor(metric: string, bytes: number, limit: number): BenchLine {
  const ratio = Math.floor((limit / bytes) * 1_000) / 1_000;
  const common = { bench: 'size', metric, unit: 'B', peerName: 'limit', target: 1 };
  return { ...common, ours: bytes, peer: limit, ratio, ok: bytes <= limit };
}

/**
 * What making a wallet, registering a handle and publishing a folder loads: the page, its engine, its service worker, and all
 * that comes with these; `folder` is the built app. test/browser/first-minute.test.ts looks whether a browser loads anything else.
 */
export async function listFirstMinute(folder: string): Promise<string[]> {
  const built = new Set(await readdir(folder));
  const found = new Set(['index.html', 'engine.js', 'sw.js', 'files.json']);
  for (const file of built) if (NEEDED_PARTS.test(file)) found.add(file);
  for (const file of found) {
    if (!built.has(file)) throw new Error(`the build made no app/${file}`);
    const text = await readFile(join(folder, file), 'utf8');
    for (const [, named] of text.matchAll(LOADED_WITH)) if (built.has(named!)) found.add(named!);
  }
  return [...found].toSorted();
}
