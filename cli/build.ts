// npm run build: dist/app, dist/site, dist/widget and dist/worker from the sources, only when these changed.
//   --only=app,site,widget,worker   a part of it --force   even if nothing changed
//   --sizes                  brotli bytes as JSON --dev     unminified, again at every change

import { createHash } from 'node:crypto';
import { existsSync, watch } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import { BUILD_INPUTS, BUILDERS, TARGET_NAMES, type TargetName } from './build-targets.ts';
import { messageOf } from '../shared/core/message-of.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DIST = join(ROOT, 'dist');
/** Beside node_modules, on one file system with dist/, so that finished folders can be moved into place. */
const WORKSHOP = join(ROOT, 'node_modules', '.cache', 'weft-build');
/** A burst of saves becomes one build. */
const CHANGE_PAUSE = 80;

type BuildRequest = { readonly only?: readonly TargetName[]; readonly minify?: boolean; readonly force?: boolean };
type Stamp = { readonly sources: string; readonly minify: boolean };

/** Builds what is out of date; returns the names of what was built. Throws with a sentence when a source is missing or wrong. */
export async function buildProject({
  only = TARGET_NAMES,
  minify = true,
  force = false,
}: BuildRequest): Promise<TargetName[]> {
  const stamp: Stamp = { sources: await hashSources(), minify };
  const built: TargetName[] = [];
  for (const name of only) {
    if (!force && (await isCurrent(name, stamp))) continue;
    await buildTarget(name, stamp);
    built.push(name);
  }
  return built;
}

/** Runs `build` after each change of a source, until the returned function is called. */
export function watchSources(build: () => Promise<void>): () => void {
  let pause: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  const changed = (): void => {
    clearTimeout(pause);
    pause = setTimeout(() => (running = running.then(build)), CHANGE_PAUSE);
  };
  const watchers = BUILD_INPUTS.filter((path) => existsSync(join(ROOT, path))).map((path) =>
    watch(join(ROOT, path), { recursive: true }, changed),
  );
  return () => {
    clearTimeout(pause);
    for (const watcher of watchers) watcher.close();
  };
}

/** Brotli bytes (quality 11) of every built file by its path below dist/. */
export async function measureSizes(): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const name of TARGET_NAMES) {
    for (const file of await listFiles(join(DIST, name))) {
      const bytes = await readFile(join(DIST, name, file));
      const options = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
      sizes[`${name}/${file}`] = brotliCompressSync(bytes, options).length;
    }
  }
  return sizes;
}

/** Built aside and moved into place whole, so that a running edge never serves half a build. */
async function buildTarget(name: TargetName, stamp: Stamp): Promise<void> {
  const fresh = join(WORKSHOP, `${name}-${process.pid}`);
  const old = `${fresh}-old`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  try {
    await BUILDERS[name]({ root: ROOT, out: fresh, minify: stamp.minify });
    await mkdir(DIST, { recursive: true });
    if (existsSync(join(DIST, name))) await rename(join(DIST, name), old);
    await rename(fresh, join(DIST, name));
    await writeFile(stampFile(name), JSON.stringify(stamp));
  } finally {
    await rm(fresh, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
}

async function isCurrent(name: TargetName, stamp: Stamp): Promise<boolean> {
  if (!existsSync(join(DIST, name)) || !existsSync(stampFile(name))) return false;
  return (await readFile(stampFile(name), 'utf8')) === JSON.stringify(stamp);
}

function stampFile(name: TargetName): string {
  return join(DIST, `.${name}.stamp`);
}

async function hashSources(): Promise<string> {
  const hash = createHash('sha256');
  for (const input of BUILD_INPUTS) {
    const path = join(ROOT, input);
    if (!existsSync(path)) continue;
    const files = (await stat(path)).isDirectory() ? (await listFiles(path)).map((file) => join(path, file)) : [path];
    for (const file of files.filter((name) => !/\.test\.tsx?$/.test(name))) {
      const bytes = await readFile(file);
      hash.update(`${file.slice(ROOT.length)}\n${bytes.length}\n`).update(bytes);
    }
  }
  return hash.digest('hex');
}

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).toSorted();
}

async function main(args: readonly string[]): Promise<number> {
  const request: { only?: TargetName[]; minify?: boolean; force?: boolean } = {};
  for (const arg of args) {
    const names = /^--only=(.+)$/.exec(arg)?.[1]?.split(',');
    if (names !== undefined) {
      request.only = TARGET_NAMES.filter((name) => names.includes(name));
      if (request.only.length !== names.length) return complain(`--only takes ${TARGET_NAMES.join(', ')}`);
    } else if (arg === '--force') request.force = true;
    else if (arg === '--dev') request.minify = false;
    else if (arg !== '--sizes') return complain(`unknown option ${arg}`);
  }
  if (request.minify === false) {
    watchSources(async () => void (await report(request)));
    await report(request);
    return 0;
  }
  const status = await report(request, args.includes('--sizes') ? console.error : console.log);
  if (status === 0 && args.includes('--sizes')) console.log(JSON.stringify(await measureSizes(), undefined, 2));
  return status;
}

async function report(request: BuildRequest, say: (line: string) => void = console.log): Promise<number> {
  const started = performance.now();
  try {
    const built = await buildProject(request);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    say(built.length === 0 ? 'Nothing changed since the last build.' : `Built ${built.join(', ')} in ${seconds} s.`);
    return 0;
  } catch (error) {
    console.error(`The build failed: ${messageOf(error)}`);
    return 1;
  }
}

function complain(because: string): number {
  console.error(`${because}. Usage: npm run build [-- [--only=app,site,widget,worker] [--force] [--sizes] [--dev]]`);
  return 2;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const status = await main(process.argv.slice(2));
  if (status !== 0) process.exitCode = status;
}
