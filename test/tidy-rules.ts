// What the tidy test asks of the source: pure functions from files to sentences, one per violation.

import { isTest, packageOf, resolveImport, withoutPrograms, type SourceFile } from './tidy-source.ts';

/** DESIGN §3, lowest first: a folder of shared/ may import those before it. Hosts may import all of it. */
const SHARED_ORDER = [
  'core',
  'codec',
  'platform',
  'crypto',
  'content',
  'session',
  'feeds',
  'chain',
  'ledger',
  'light-client',
  'documents',
  'knowledge',
  'rpc',
  'node',
] as const;

/** Where a package may be imported outside tests; everything else may not be imported at all. */
const PACKAGE_HOMES: Readonly<Record<string, readonly string[]>> = {
  '@automerge/automerge': ['shared/documents/', 'browser-node/engine/group-parts.ts'],
  '@noble/ciphers': ['shared/crypto/'],
  '@noble/curves': ['shared/crypto/'],
  '@noble/hashes': ['shared/crypto/', 'shared/session/room.ts'],
  '@scure/bip39': ['shared/crypto/'],
  '@codemirror/commands': ['browser-node/app/views/page/'],
  '@codemirror/state': ['browser-node/app/views/page/'],
  '@codemirror/view': ['browser-node/app/views/page/'],
  '@preact/signals': ['browser-node/app/'],
  preact: ['browser-node/app/'],
  comlink: ['browser-node/'],
  'idb-keyval': ['browser-node/storage/'],
  hono: ['worker/'],
  '@cloudflare/workers-types': ['worker/'],
  esbuild: ['cli/'],
  marked: ['cli/'],
  miniflare: ['cli/'],
};

const HOSTS = ['worker', 'browser-node', 'cli'];
/** As a word of a name, or (those that can mean something beside another word) as the whole of it. */
const BANNED_WORDS = new Set(['util', 'utils', 'helper', 'helpers', 'manager', 'handle2', 'misc']);
const BANNED_NAMES = new Set(['common', 'data', 'lib', 'stuff']);

/** The classes a platform, the language or the editor makes us extend. */
const ALLOWED_PARENTS = new Set(['Error', 'DurableObject', 'HTMLElement', 'WidgetType']);

/** Hosts that insist on a default export. */
const DEFAULT_EXPORTS = new Set(['worker/worker.ts', 'bench/relay-bare.ts', 'vitest.config.ts']);

const LINES_MAX = 400;

/** Files that are longer, each with the reason why one file is still the better place. */
const LONG_FILES: Readonly<Record<string, string>> = {};

export function findLayerViolations(files: readonly SourceFile[]): string[] {
  const known = new Set(files.map((file) => file.path));
  const found: string[] = [];
  for (const file of files) {
    for (const specifier of file.imports) {
      const target = resolveImport(file.path, specifier);
      if (target === undefined) continue;
      if (/\.(ts|tsx|mjs|js)$/.test(target) && !known.has(target)) {
        found.push(`${file.path} imports ${target}, which does not exist`);
      } else if (!isTest(file.path) && !mayImport(file.path, target)) {
        found.push(`${file.path} (${layerOf(file.path)}) imports ${target} (${layerOf(target)}), against the arrows`);
      }
    }
  }
  return found;
}

/** `shared/platform/web` is a layer of its own: hosts use it, the pure part never does. */
function layerOf(path: string): string {
  const [top = '', folder = ''] = path.split('/');
  if (path.startsWith('shared/platform/web/')) return 'shared/platform/web';
  return top === 'shared' ? `shared/${folder}` : top;
}

function mayImport(from: string, to: string): boolean {
  const [source, target] = [layerOf(from), layerOf(to)];
  if (source === target) return true;
  if (target === 'test' || target === 'bench' || HOSTS.includes(target)) return false;
  if (HOSTS.includes(source)) return true;
  if (target === 'site-host' || target === 'shared/platform/web') return false;
  if (source === 'site-host' || source === 'shared/platform/web') return target.startsWith('shared/');
  const order: readonly string[] = SHARED_ORDER;
  const rank = (layer: string) => order.indexOf(layer.replace('shared/', ''));
  return rank(source) >= 0 && rank(target) >= 0 && rank(target) < rank(source);
}

/** Circles at run time, where a module could see another before it is there; types may refer to each other. */
export function findCycles(files: readonly SourceFile[]): string[] {
  const importsByPath = new Map(files.map((file) => [file.path, resolveAll(file, file.runtimeImports)]));
  const done = new Set<string>();
  const found: string[] = [];
  function visit(path: string, trail: readonly string[]): void {
    const at = trail.indexOf(path);
    if (at >= 0) found.push([...trail.slice(at), path].join(' → '));
    if (at >= 0 || done.has(path)) return;
    for (const next of importsByPath.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  }
  for (const path of importsByPath.keys()) visit(path, []);
  return found;
}

export function findPackageViolations(files: readonly SourceFile[]): string[] {
  const found: string[] = [];
  for (const file of files) {
    if (isTest(file.path)) continue;
    for (const specifier of file.imports) {
      const name = packageOf(specifier);
      if (name !== undefined && !(PACKAGE_HOMES[name] ?? []).some((home) => file.path.startsWith(home))) {
        found.push(`${file.path} imports the package ${name}, which has no place there (PACKAGE_HOMES)`);
      }
      const portable = !file.path.startsWith('cli/') && !file.path.startsWith('worker/');
      if (portable && specifier.startsWith('node:'))
        found.push(`${file.path} imports ${specifier}: only cli/ runs on Node`);
    }
  }
  return found;
}

export function findLongFiles(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const lines = file.text.split('\n').length - 1;
    if (lines <= LINES_MAX || LONG_FILES[file.path] !== undefined) return [];
    return [`${file.path} has ${lines} lines: split it by concept, or give the reason in LONG_FILES`];
  });
}

export function findStaleExceptions(files: readonly SourceFile[]): string[] {
  const sizes = new Map(files.map((file) => [file.path, file.text.split('\n').length - 1]));
  return Object.keys(LONG_FILES)
    .filter((path) => (sizes.get(path) ?? 0) <= LINES_MAX)
    .map((path) => `LONG_FILES names ${path}, which is not long (any more)`);
}

export function findBadNames(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const name = path.split('/').at(-1)!;
    const stem = name.replace(/(\.(test|test-kit|d))?\.[a-z]+$/, '');
    const found: string[] = [];
    if (!/^[a-z0-9]+([-.][a-z0-9]+)*$/.test(stem)) found.push(`${path}: file names are kebab-case`);
    const names = [...path.split('/').slice(0, -1), stem];
    const words = names.flatMap((part) => part.split('-'));
    const banned = names.find((part) => BANNED_NAMES.has(part)) ?? words.find((word) => BANNED_WORDS.has(word));
    if (banned !== undefined) found.push(`${path}: "${banned}" says nothing; name the file by its noun`);
    return found;
  });
}

/** Default exports, inheritance, files that only pass on exports, notes to self, and files without a header sentence. */
export function findStyleViolations(files: readonly SourceFile[]): string[] {
  const found: string[] = [];
  for (const { path, text, code: full } of files) {
    const code = withoutPrograms(full);
    if (/^\s*export\s+default\b/m.test(code) && !DEFAULT_EXPORTS.has(path)) found.push(`${path}: default export`);
    for (const [, child, parent] of code.matchAll(/\bclass\s+(\w*)[^{]*?\sextends\s+([\w.]+)/g)) {
      if (!isTest(path) && !ALLOWED_PARENTS.has(parent!))
        found.push(`${path}: class ${child} extends ${parent}; compose instead`);
    }
    const statements = code.replace(
      /export\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s+from\s*['"][^'"]+['"];?/g,
      '',
    );
    if (statements.trim() === '' && code.trim() !== '') found.push(`${path}: a barrel, which only passes on exports`);
    if (/\b(?:TODO|FIXME|XXX|HACK)\b/.test(text) && path !== 'test/tidy-rules.ts')
      found.push(`${path}: a note to self is left`);
    if (!isTest(path) && !/^(?:#!.*\n)?\s*(?:\/\/|\/\*)/.test(text))
      found.push(`${path}: starts without its header sentence`);
  }
  return found;
}

/**
 * Code files that nothing reaches from what is started, by import or as a path in a string of a file that is reached.
 * A test counts as a use for what is in test/ and bench/ only: code that only its own test uses is dead.
 */
export function findDeadFiles(files: readonly SourceFile[], started: readonly string[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const tests = files.filter((file) => /\.test\.tsx?$/.test(file.path)).map((file) => file.path);
  const used = reachFrom(started, byPath);
  const usedByTests = reachFrom([...started, ...tests], byPath);
  return files
    .filter((file) => !file.path.endsWith('.d.ts'))
    .filter((file) => !(isTest(file.path) ? usedByTests : used).has(file.path))
    .map((file) => `${file.path} is reached by nothing: delete it, or name it where it is used`);
}

function reachFrom(roots: readonly string[], byPath: ReadonlyMap<string, SourceFile>): Set<string> {
  const reached = new Set<string>();
  const waiting = [...roots];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const file = byPath.get(path);
    if (file === undefined || reached.has(path)) continue;
    reached.add(path);
    waiting.push(...resolveAll(file, file.imports), ...namedFiles(file));
  }
  return reached;
}

function resolveAll(file: SourceFile, specifiers: readonly string[]): string[] {
  return specifiers.flatMap((specifier) => resolveImport(file.path, specifier) ?? []);
}

/** Paths in strings, as the build script and the starter have them: from the root or from the file. */
function namedFiles(file: SourceFile): string[] {
  return [...file.code.matchAll(/['"`]([\w./-]+\.(?:ts|tsx|mjs|html))['"`]/g)].flatMap(([, path]) => [
    path!.replace(/^\.?\//, ''),
    resolveImport(file.path, `./${path!}`)!,
  ]);
}

/** Names of machines, accounts and package hosts, which would tie the project to where it was made. */
export function findForeignPlaces(texts: readonly { path: string; text: string }[]): string[] {
  const place = /(?:^|[\s'"`(=:])(\/(?:home|root|work|Users)\/[\w.-]+)|(registry\.[\w-]+\.\w+|\bnpmjs\.(?:org|com)\/)/m;
  return texts.flatMap(({ path, text }) => {
    const match = place.exec(text);
    return match ? [`${path} names ${match[1] ?? match[2]}`] : [];
  });
}

export interface Lockfile {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly version?: string;
        readonly resolved?: string;
        readonly dev?: boolean;
        readonly optional?: boolean;
        readonly hasInstallScript?: boolean;
        readonly dependencies?: Readonly<Record<string, string>>;
      }
    >
  >;
}

/** Packages a deployment needs, without those of the development tools and of other platforms. */
export function listRuntimePackages(lock: Lockfile): string[] {
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path !== '' && !entry.dev && !entry.optional)
    .map(([path]) => path.replace(/^.*node_modules\//, ''));
}

/** Packages that end up in a browser: what the portable parts import, and all that those depend on. */
export function listBrowserPackages(files: readonly SourceFile[], lock: Lockfile): string[] {
  const shipped = files.filter((file) => /^(?:shared|site-host|browser-node)\//.test(file.path) && !isTest(file.path));
  const waiting = shipped.flatMap((file) => file.imports.flatMap((specifier) => packageOf(specifier) ?? []));
  const found = new Set<string>();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    waiting.push(...Object.keys(lock.packages[`node_modules/${name}`]?.dependencies ?? {}));
  }
  return [...found].sort((a, b) => (a < b ? -1 : 1));
}
