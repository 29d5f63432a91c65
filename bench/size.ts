// Brotli bytes of a first visit: the loader, a site's service worker, and the app, against what each may be.

import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildProject, measureSizes } from '../cli/build.ts';
import type { BenchLine } from './bench-line.ts';

const APP = fileURLToPath(new URL('../dist/app', import.meta.url));
/** Decimal, the stricter reading. */
const KB = 1_000;
/** Bytes; a loader and a worker are in the way of the first byte of a site, the app of the first minute. */
const LIMITS = { loader: 6 * KB, worker: 40 * KB, app: 120 * KB } as const;
/** What a built file names of its neighbours: modules in quotes, styles and preloads of the page. */
const NAMED_FILE = /["'(](?:\.?\/)?([\w.-]+\.(?:js|css|svg|woff2|png|ico|json))["')]/g;

/** Named by their source file; what only they need has no name of its own and is reached through them alone. */
const LATER_PARTS = /^(?:group-parts|group-view|groups-view|join-view|page-view|site-view|site-export)-/;

export async function run(): Promise<BenchLine[]> {
  await buildProject({});
  const sizes = await measureSizes();
  const sizeOf = (path: string): number => {
    const size = sizes[path];
    if (size === undefined) throw new Error(`the build made no ${path}`);
    return size;
  };
  const app = await listAppFiles();
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
 * Whatever the first minute may load: the page, its worker, and all that these name in turn, also what comes late. Left
 * out is what is fetched when somebody opens a group, a page, an invite or the versions of a site.
 */
async function listAppFiles(): Promise<string[]> {
  const built = new Set(await readdir(APP));
  const found = new Set(['index.html', 'engine.js', 'sw.js']);
  for (const file of found) {
    if (!built.has(file)) throw new Error(`the build made no app/${file}`);
    const text = await readFile(join(APP, file), 'utf8');
    for (const [, named] of text.matchAll(NAMED_FILE)) {
      if (built.has(named!) && !LATER_PARTS.test(named!)) found.add(named!);
    }
  }
  // A list for the worker, which it fetches while it is installed.
  if (built.has('files.json')) found.add('files.json');
  return [...found].toSorted();
}
