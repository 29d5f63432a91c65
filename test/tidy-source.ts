// Reads the project's own files for the tidy test: what exists, what each file imports, and what its code says.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json. */
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'coverage', 'test-results']);
const CODE_FOLDERS = ['shared', 'site-host', 'browser-node', 'worker', 'cli', 'test', 'bench'];
const CODE_EXTENSIONS = new Set(['.ts', '.tsx', '.mjs', '.js', '.jsx']);
const TEXT_EXTENSIONS = new Set([
  ...CODE_EXTENSIONS,
  '.json',
  '.md',
  '.toml',
  '.html',
  '.css',
  '.yml',
  '.yaml',
  '.txt',
  '',
]);

export interface SourceFile {
  /** From the project root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments blanked out; line numbers stay. */
  readonly code: string;
  /** Specifiers as written: packages, `node:` modules and relative paths, dynamic and type imports included. */
  readonly imports: readonly string[];
  /** Those that are there at run time: without `import type`. */
  readonly runtimeImports: readonly string[];
}

/** The code with those strings emptied that hold programs, which are not this file's own: templates and imports in quotes. */
export function withoutPrograms(code: string): string {
  const isProgram = (text: string) => text.startsWith('`') || text.includes('import(');
  return code.replace(STRING_OR_COMMENT, (match) => (isProgram(match) ? match.replace(/[^\n`'"]/g, ' ') : match));
}

export function createSourceFile(path: string, text: string): SourceFile {
  const code = blankComments(text);
  const runtime = code.replace(/^\s*(?:import|export)\s+type\s[^'";]*['"][^'"]+['"]/gm, '');
  return { path, text, code, imports: findImports(code), runtimeImports: findImports(runtime) };
}

/** Every code file of the project's own folders. */
export function readCode(): SourceFile[] {
  return listFiles(ROOT)
    .filter((path) => CODE_FOLDERS.includes(path.split('/')[0]!) && CODE_EXTENSIONS.has(extname(path)))
    .map((path) => createSourceFile(path, readProjectFile(path)));
}

/** The HTML pages, for the scripts that they start. */
export function readPages(): SourceFile[] {
  return readTexts()
    .filter(({ path }) => path.endsWith('.html'))
    .map(({ path, text }) => createPage(path, text));
}

export function createPage(path: string, text: string): SourceFile {
  const imports = [...text.matchAll(PAGE_SCRIPT)].map((match) => match[1]!);
  return { path, text, code: text, imports, runtimeImports: imports };
}

/** Every text file of the project, configuration and documents included; not the lockfiles. */
export function readTexts(): { path: string; text: string }[] {
  return listFiles(ROOT)
    .filter((path) => TEXT_EXTENSIONS.has(extname(path)) && !path.endsWith('package-lock.json'))
    .map((path) => ({ path, text: readProjectFile(path) }));
}

export function readProjectFile(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** What a relative specifier names, from the project root; undefined for packages. */
export function resolveImport(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return posix.join(posix.dirname(from), specifier);
}

/** `@scope/name/deep` → `@scope/name`; undefined for relative, `node:` and `cloudflare:` specifiers. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.includes(':')) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

export function isTest(path: string): boolean {
  return path.startsWith('test/') || path.startsWith('bench/') || /\.test(-kit)?\.tsx?$/.test(path);
}

/** Whether the project has this file. */
export function hasFile(path: string): boolean {
  return existsSync(join(ROOT, path));
}

function listFiles(folder: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const hidden = entry.name.startsWith('.') && entry.name !== '.ci';
      if (!hidden && !SKIPPED_FOLDERS.has(entry.name)) found.push(...listFiles(path));
    } else if (entry.isFile()) {
      found.push(relative(ROOT, path).split(sep).join('/'));
    }
  }
  return found.sort((a, b) => (a < b ? -1 : 1));
}

/** Strings are matched first, so that a `//` inside one is not taken for a comment. */
const STRING_OR_COMMENT = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

function blankComments(text: string): string {
  return text.replace(STRING_OR_COMMENT, (match) => (match.startsWith('/') ? match.replace(/[^\n]/g, ' ') : match));
}

const PAGE_SCRIPT = /<script\b[^>]*\bsrc=["'](\.[^"'\n]+)["']/g;
const IMPORT_FORMS = [
  /^\s*(?:import|export)\s(?:[^'"`;=]*?\sfrom\s*)?['"]([^'"\n]+)['"]/gm,
  /\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g,
  /\bnew URL\(\s*['"](\.[^'"\n]+)['"],\s*import\.meta\.url\s*\)/g,
];

function findImports(full: string): string[] {
  const code = withoutPrograms(full);
  const found = new Set<string>();
  for (const form of IMPORT_FORMS) for (const match of code.matchAll(form)) found.add(match[1]!);
  return [...found];
}
