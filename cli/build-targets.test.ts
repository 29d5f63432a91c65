// What the build makes of small sources: names that agree, pages without further requests, errors that name the file.

import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { BUILDERS } from './build-targets.ts';

async function createPlace(files: Record<string, string>): Promise<{ root: string; out: string; minify: boolean }> {
  const root = await mkdtemp(join(tmpdir(), 'weft-build-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return { root, out: join(root, 'out'), minify: true };
}

const SITE = {
  'browser-node/service-worker/site-worker.ts': 'addEventListener("fetch", () => import("./later.ts"));',
  'browser-node/service-worker/later.ts': 'export const later = 1;',
  'browser-node/service-worker/pure.ts': 'Object.assign(globalThis, { pure: 1 });',
  'browser-node/service-worker/loader.html':
    '<!doctype html>\n  <title>x</title>\n  <style>\n    p { color: red }\n  </style>\n  <script src="./loader.ts"></script>',
  'browser-node/service-worker/loader.ts':
    'const name: string = "$&"; Object.assign(globalThis, { said: `</script>${name}` });',
};

const APP = {
  'browser-node/app/index.html':
    '<!doctype html><head><link rel="stylesheet" href="./styles/app.css" /><script type="module" src="./main.tsx"></script></head>',
  'browser-node/app/main.tsx': 'import { shared } from "../shared.ts"; console.log(shared);',
  'browser-node/app/styles/app.css': 'p { color: red }',
  'browser-node/shared.ts': 'export const shared = "shared by both";',
  'browser-node/engine/engine.ts': 'import { shared } from "../shared.ts"; postMessage(shared);',
  'browser-node/service-worker/app-worker.ts': 'addEventListener("install", () => 0);',
};

test('the loader is one page: styles minified, script in place and not ended early', async () => {
  const place = await createPlace(SITE);
  await BUILDERS.site(place);
  const page = await readFile(join(place.out, 'loader.html'), 'utf8');
  expect(page).toContain('<style>p{color:red}</style>');
  const [, script] = /<script>([^]*)<\/script>$/.exec(page)!;
  expect(script).not.toMatch(/<\/script/i);
  const context = { said: '' };
  runInNewContext(script!, context);
  expect(context.said).toBe('</script>$&');
});

test('a service worker is one classic script: nothing to import later, when browsers refuse it', async () => {
  const place = await createPlace(SITE);
  await BUILDERS.site(place);
  expect(await readdir(place.out)).toEqual(['loader.html', 'pure.js', 'sw.js']);
  for (const name of ['sw.js', 'pure.js']) {
    expect(await readFile(join(place.out, name), 'utf8')).not.toMatch(/\b(import|export)\b/);
  }
});

test('every name that the app page, the engine and files.json mention is a built file', async () => {
  const place = await createPlace(APP);
  await BUILDERS.app(place);
  const files = new Set((await readdir(place.out)).map((name) => `/${name}`));
  const page = await readFile(join(place.out, 'index.html'), 'utf8');
  const linked = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url!);
  expect(linked.filter((url) => url.endsWith('.css'))).toHaveLength(1);
  expect(linked.filter((url) => url.startsWith('/chunk-'))).toHaveLength(1);
  const engine = await readFile(join(place.out, 'engine.js'), 'utf8');
  const scripts = [...engine.matchAll(/'\.(\/[^']+)'/g)].map(([, url]) => url!);
  expect(scripts.map((url) => url.slice(0, 7)).toSorted()).toEqual(['/chunk-', '/engine']);
  const listed = (JSON.parse(await readFile(join(place.out, 'files.json'), 'utf8')) as { files: string[] }).files;
  expect(listed).toEqual(expect.arrayContaining([...linked, ...scripts, '/', '/engine.js']));
  for (const url of listed) expect(url === '/' || files.has(url), url).toBe(true);
});

test('a start is one file, however many late parts use its code; a late part brings only what is its own', async () => {
  const place = await createPlace({
    ...APP,
    'browser-node/engine/engine.ts': `
      import { one } from "./one.ts"; import { two } from "./two.ts";
      postMessage([one, two, () => import("./first.ts"), () => import("./second.ts")]);`,
    'browser-node/engine/one.ts': 'export const one = "used by the first part too";',
    'browser-node/engine/two.ts': 'export const two = "used by the second part too";',
    'browser-node/engine/first.ts': 'import { one } from "./one.ts"; export const first = `${one} first`;',
    'browser-node/engine/second.ts': 'import { two } from "./two.ts"; export const second = `${two} second`;',
  });
  await BUILDERS.app(place);
  const files = (await readdir(place.out)).filter((name) => name.endsWith('.js'));
  const texts = await Promise.all(files.map((name) => readFile(join(place.out, name), 'utf8')));
  const start = texts.findIndex((text) => text.includes('used by the first part too'));
  expect(texts[start]).toContain('used by the second part too');
  expect(files.filter((name) => /^(first|second)-/.test(name))).toHaveLength(2);
  expect(texts.filter((text) => text.includes('too'))).toHaveLength(1);
  // The late part finds the start that runs already, not a second one.
  expect(texts[files.findIndex((name) => name.startsWith('first-'))]).toContain(files[start]);
});

test('what the curve uses of a package does not come with a start that uses little of the same file', async () => {
  const place = await createPlace({
    ...APP,
    'node_modules/numbers/package.json': '{ "name": "numbers", "main": "numbers.js", "sideEffects": false }',
    'node_modules/numbers/numbers.js': 'export const few = "a few"; export const many = "a great many";',
    'browser-node/engine/engine.ts':
      'import { few } from "numbers"; postMessage([few, () => import("../../shared/crypto/ed25519.ts")]);',
    'shared/crypto/ed25519.ts': 'import { few, many } from "numbers"; export const curve = [few, many];',
  });
  await BUILDERS.app(place);
  const files = (await readdir(place.out)).filter((name) => name.endsWith('.js'));
  const texts = await Promise.all(files.map((name) => readFile(join(place.out, name), 'utf8')));
  const [withMany, ...others] = texts.filter((text) => text.includes('a great many'));
  expect(others).toEqual([]);
  expect(withMany).toContain('a few');
  expect(texts.filter((text) => text !== withMany && text.includes('a few'))).toHaveLength(1);
});

test('another source makes another name', async () => {
  const first = await createPlace(APP);
  const second = await createPlace({ ...APP, 'browser-node/app/styles/app.css': 'p { color: blue }' });
  await BUILDERS.app(first);
  await BUILDERS.app(second);
  const names = async (folder: string): Promise<string[]> =>
    (await readdir(folder)).filter((name) => name.endsWith('.css'));
  expect(await names(first.out)).not.toEqual(await names(second.out));
});

test('the widget is one module at two addresses, and widget.json tells the integrity of both', async () => {
  const place = await createPlace({ 'browser-node/widget/widget.ts': 'console.log(import.meta.url);' });
  await BUILDERS.widget(place);
  const about = await readFile(join(place.out, 'widget.json'), 'utf8');
  const { script, integrity } = JSON.parse(about) as { script: string; integrity: string };
  expect(script).toMatch(/^\/widget-[A-Z0-9]{8}\.js$/);
  const code = await readFile(join(place.out, script.slice(1)));
  expect(await readFile(join(place.out, 'widget.js'))).toEqual(code);
  expect(integrity).toBe(`sha384-${createHash('sha384').update(code).digest('base64')}`);
});

test.each(['app', 'site', 'widget', 'worker'] as const)('a missing source of %s is named', async (target) => {
  const place = await createPlace({});
  await expect(BUILDERS[target](place)).rejects.toThrow(/\.(tsx?|html) does not exist/);
});
