// A page of http://localhost for tests of browser code: its scripts are bundled from our sources when the test starts.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { closeAtEnd } from './harness.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** `entry` from the project root; answers with the text of one ES module. */
export async function bundleForPage(entry: string): Promise<string> {
  const bundled = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    target: 'es2024',
    write: false,
    logLevel: 'error',
  });
  return bundled.outputFiles[0]!.text;
}

/** Serves `script` as /page.js of an empty page; answers with the page's address. */
export async function servePage(script: string): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url === '/page.js') return response.setHeader('content-type', 'text/javascript').end(script);
    response
      .setHeader('content-type', 'text/html')
      .end('<!doctype html><title>weft</title><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeAtEnd(async () => {
    server.closeAllConnections();
    server.close();
  });
  return `http://localhost:${(server.address() as AddressInfo).port}/`;
}
