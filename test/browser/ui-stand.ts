// Builds the app's page over a node in memory and serves it under the policy of the real app.

import { build } from 'esbuild';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { FakeOptions } from './fake-node.ts';

const PAGE = fileURLToPath(new URL('./ui-page.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What the edge sends with the app (docs/protocol/edge.md); relays and sites are not needed here. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types weft',
].join('; ');

const TYPES: Readonly<Record<string, string>> = { js: 'text/javascript', css: 'text/css', html: 'text/html' };

export type UiStand = {
  /** The address of a view, over a node with these options. */
  address(options?: FakeOptions, hash?: string): string;
  close(): Promise<void>;
};

export async function startUiStand(): Promise<UiStand> {
  const files = await buildPage();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const name = path === '/' ? 'index.html' : path.slice(1);
    const body = files.get(name);
    if (body === undefined) return void response.writeHead(404).end();
    const type = `${TYPES[name.split('.').at(-1)!]}; charset=utf-8`;
    response.writeHead(200, { 'content-type': type, 'content-security-policy': POLICY }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: (options = {}, hash = '') =>
      `http://localhost:${port}/?options=${encodeURIComponent(JSON.stringify(options))}${hash}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function buildPage(): Promise<ReadonlyMap<string, string>> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [{ in: PAGE, out: 'page' }],
    outdir: 'out',
    bundle: true,
    splitting: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'error',
  });
  const html = await readFile(`${ROOT}browser-node/app/index.html`, 'utf8');
  const page = html.replace('./main.tsx', '/page.js').replace('./styles/app.css', '/page.css');
  return new Map([
    ['index.html', page],
    ...outputFiles.map(({ path, text }) => [path.split('/').at(-1)!, text] as const),
  ]);
}
