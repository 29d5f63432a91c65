// What is built, from which files, and how: the app, what a site origin gets, the widget for other pages, and the edge for workerd
// and for Deno.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { build, transform, type BuildOptions, type Metafile } from 'esbuild';
import { keepApart, keepStartsWhole } from './late-parts.ts';

/** `root` is the project, `out` the folder that becomes dist/<target>. */
export type BuildPlace = { readonly root: string; readonly out: string; readonly minify: boolean };

export const TARGET_NAMES = ['app', 'site', 'widget', 'worker', 'deno'] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

export const BUILDERS: Readonly<Record<TargetName, (place: BuildPlace) => Promise<void>>> = {
  app: buildApp,
  site: buildSite,
  widget: buildWidget,
  worker: buildWorker,
  deno: buildDenoEdge,
};

const APP_PAGE = 'browser-node/app/index.html';
const APP_FOLDER = 'browser-node/app/';
const APP = 'browser-node/app/main.tsx';
const APP_STYLE = 'browser-node/app/styles/app.css';
const ENGINE = 'browser-node/engine/engine.ts';
/** Needed for groups, and where a browser has no Ed25519; sessions need a tenth of what it does of the same packages. */
const CURVE = 'shared/crypto/ed25519.ts';
const APP_SERVICE_WORKER = 'browser-node/service-worker/app-worker.ts';
const SITE_SERVICE_WORKER = 'browser-node/service-worker/site-worker.ts';
const PURE_VERIFIER = 'browser-node/service-worker/pure.ts';
const LOADER_PAGE = 'browser-node/service-worker/loader.html';
const WIDGET = 'browser-node/widget/widget.ts';
const WORKER = 'worker/worker.ts';
const DENO_EDGE = 'worker/deno.ts';

/** Folders and files, from the root, whose change asks for a new build. */
export const BUILD_INPUTS: readonly string[] =
  'shared site-host browser-node worker cli/build.ts cli/build-targets.ts cli/late-parts.ts package-lock.json tsconfig.json'.split(
    ' ',
  );

/** The script of a page, as its author writes it: `<script type="module" src="./main.tsx"></script>`. */
const PAGE_SCRIPT = /<script\b[^>]*\bsrc="([^"]+\.tsx?)"[^>]*><\/script>/;
/** A style sheet of a page that becomes part of it: `<link rel="stylesheet" href="./loader.css">`. */
const PAGE_STYLE_LINK = /<link\b[^>]*\brel="stylesheet"[^>]*\bhref="([^"]+\.css)"[^>]*>/g;
const PAGE_STYLE = /<style>([^]*?)<\/style>/g;
/** HTML ends an inline script at this text, whatever the quotes around it. */
const SCRIPT_END = /<\/(script)/gi;

/** index.html, app and engine (they share chunks), sw.js, and files.json: the list that sw.js keeps for offline use. */
async function buildApp(place: BuildPlace): Promise<void> {
  const starts = { page: source(place, APP), engine: source(place, ENGINE) };
  const { metafile } = await build({
    ...baseOptions(place),
    metafile: true,
    entryPoints: [
      { in: starts.page, out: 'app' },
      { in: source(place, APP_STYLE), out: 'app' },
      { in: starts.engine, out: 'engine' },
    ],
    outdir: place.out,
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    format: 'esm',
    splitting: true,
    // Named by its content and fetched when the first group is opened.
    loader: { '.wasm': 'file' },
    plugins: [
      keepApart(join(place.root, CURVE)),
      keepStartsWhole((importer) => (importer.startsWith(join(place.root, APP_FOLDER)) ? starts.page : starts.engine)),
    ],
  });
  await build({
    ...baseOptions(place),
    entryPoints: [source(place, APP_SERVICE_WORKER)],
    outfile: join(place.out, 'sw.js'),
    format: 'iife',
  });
  const urls = Object.keys(metafile.outputs).map((path) => `/${basename(path)}`);
  // A group's first opening keeps the .wasm (engine/group-parts.ts): most people who come to publish need none.
  const files = ['/', '/engine.js', ...urls.filter((url) => !/\.(map|wasm)$/.test(url))];
  // The engine has one address, so that any page of this release finds it.
  const engine = outputOf(metafile, ENGINE);
  // All at once, instead of one after another.
  const scripts = [...engine.imports, engine.path].map((path) => `import './${basename(path)}';\n`);
  await writeFile(join(place.out, 'engine.js'), scripts.join(''));
  const page = await readFile(source(place, APP_PAGE), 'utf8');
  await writeFile(join(place.out, 'index.html'), linkApp(page, metafile));
  await writeFile(join(place.out, 'files.json'), `${JSON.stringify({ files: files.toSorted() })}\n`);
}

/**
 * What a site origin gets: the service worker (a classic script: the edge puts constants in front), the script that it
 * imports where the browser has no Ed25519, and the page that installs it.
 */
async function buildSite(place: BuildPlace): Promise<void> {
  await build({
    ...baseOptions(place),
    entryPoints: [
      { in: source(place, SITE_SERVICE_WORKER), out: 'sw' },
      { in: source(place, PURE_VERIFIER), out: 'pure' },
    ],
    outdir: place.out,
    format: 'iife',
    ...WITHOUT_CURVE,
  });
  await writeFile(join(place.out, 'loader.html'), await inlinePage(place, LOADER_PAGE));
}

/**
 * One module without a further import, so that one integrity value vouches for all of it: at an address that stays
 * (widget.js), at one that changes with its bytes, and widget.json that says which and what its integrity is.
 */
async function buildWidget(place: BuildPlace): Promise<void> {
  const { metafile } = await build({
    ...baseOptions(place),
    ...WITHOUT_CURVE,
    metafile: true,
    entryPoints: [{ in: source(place, WIDGET), out: 'widget' }],
    outdir: place.out,
    entryNames: '[name]-[hash]',
    format: 'esm',
  });
  const script = basename(outputOf(metafile, WIDGET).path);
  const code = await readFile(join(place.out, script));
  const integrity = `sha384-${createHash('sha384').update(code).digest('base64')}`;
  await writeFile(join(place.out, 'widget.js'), code);
  await writeFile(join(place.out, 'widget.json'), `${JSON.stringify({ script: `/${script}`, integrity })}\n`);
}

async function buildWorker(place: BuildPlace): Promise<void> {
  await build({
    ...baseOptions(place),
    entryPoints: [source(place, WORKER)],
    outfile: join(place.out, 'worker.js'),
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
  });
}

const WITHOUT_CURVE: BuildOptions = {
  // As web-crypto.ts names it for an import() that is never reached: taken in, it would have all that both need wrapped.
  external: ['../../crypto/ed25519.ts'],
  // Nothing here is Node: what packages have for its Buffer goes.
  define: { 'globalThis.process': 'undefined' },
};

/** One file, so that a machine that runs it needs Deno and dist/, and no packages. */
async function buildDenoEdge(place: BuildPlace): Promise<void> {
  await build({
    ...baseOptions(place),
    entryPoints: [source(place, DENO_EDGE)],
    outfile: join(place.out, 'edge.js'),
    format: 'esm',
    conditions: ['deno', 'worker', 'browser'],
    external: ['node:*'],
  });
}

function baseOptions({ root, minify }: BuildPlace): BuildOptions {
  return {
    absWorkingDir: root,
    bundle: true,
    minify,
    sourcemap: minify ? false : 'inline',
    target: 'es2024',
    platform: 'browser',
    charset: 'utf8',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'silent',
  };
}

function source({ root }: BuildPlace, path: string): string {
  const full = join(root, path);
  if (!existsSync(full)) throw new Error(`${path} does not exist: nothing to build from`);
  return full;
}

function outputOf(metafile: Metafile, entry: string): { path: string; imports: string[] } {
  for (const [path, output] of Object.entries(metafile.outputs)) {
    if (output.entryPoint !== entry) continue;
    const imports = output.imports.filter(({ kind }) => kind === 'import-statement').map((imported) => imported.path);
    return { path, imports };
  }
  throw new Error(`esbuild reported no output for ${entry}`);
}

/** Points the page at the built names, and has the browser fetch the app's chunks at once instead of one after another. */
function linkApp(page: string, metafile: Metafile): string {
  const app = outputOf(metafile, APP);
  if (!PAGE_SCRIPT.test(page)) throw new Error(`${APP_PAGE} has no <script type="module" src="./main.tsx">`);
  if (page.match(PAGE_STYLE_LINK)?.length !== 1) throw new Error(`${APP_PAGE} has not one <link rel="stylesheet">`);
  const preloads = app.imports.map((path) => `<link rel="modulepreload" href="/${basename(path)}">`);
  const style = `<link rel="stylesheet" href="/${basename(outputOf(metafile, APP_STYLE).path)}">`;
  const script = `<script type="module" src="/${basename(app.path)}"></script>`;
  return page.replace(PAGE_STYLE_LINK, () => style).replace(PAGE_SCRIPT, () => [...preloads, script].join(''));
}

/** One file without a further request: its script bundled, its styles minified, both in place. */
async function inlinePage(place: BuildPlace, path: string): Promise<string> {
  const folder = dirname(path);
  let page = await readFile(source(place, path), 'utf8');
  const entry = PAGE_SCRIPT.exec(page)?.[1];
  if (entry === undefined) throw new Error(`${path} has no <script src="./….ts"></script>`);
  const { outputFiles } = await build({
    ...baseOptions({ ...place, minify: true }),
    entryPoints: [source(place, join(folder, entry))],
    write: false,
    format: 'iife',
  });
  for (const [link, href] of page.matchAll(PAGE_STYLE_LINK)) {
    const style = await readFile(source(place, join(folder, href!)), 'utf8');
    page = page.replace(link, () => `<style>${style}</style>`);
  }
  for (const [element, style] of page.matchAll(PAGE_STYLE)) {
    const { code } = await transform(style!, { loader: 'css', minify: true });
    page = page.replace(element, () => `<style>${code.trim()}</style>`);
  }
  const script = outputFiles[0]!.text.trim().replace(SCRIPT_END, '<\\/$1');
  page = page.replaceAll(/\n\s*/g, '\n');
  return page.replace(PAGE_SCRIPT, () => `<script>${script}</script>`);
}
