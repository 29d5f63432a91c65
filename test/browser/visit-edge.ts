// A small edge for tests of visitors: serves the built loader and service worker, records and blocks, and lies when told to.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { BUILDERS } from '../../cli/build-targets.ts';
import type { SiteWorld } from '../../site-host/site-source.test-kit.ts';
import { closeAtEnd, makeTempFolder } from './harness.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Put in front of a worker's script: WebCrypto as browsers had it before Ed25519. */
export const WITHOUT_ED25519 = `{
  const real = SubtleCrypto.prototype.importKey;
  SubtleCrypto.prototype.importKey = function (format, key, algorithm, ...rest) {
    if ((algorithm.name ?? algorithm) === 'Ed25519') return Promise.reject(new DOMException('', 'NotSupportedError'));
    return real.call(this, format, key, algorithm, ...rest);
  };
}`;

export type BuiltSite = Readonly<Record<'sw.js' | 'pure.js' | 'loader.html', string>>;

/** What the build makes for site origins. */
export async function buildSiteFiles(): Promise<BuiltSite> {
  const out = await makeTempFolder('site-build');
  await BUILDERS.site({ root: ROOT, out, minify: true });
  const read = (name: string): Promise<string> => readFile(join(out, name), 'utf8');
  return { 'sw.js': await read('sw.js'), 'pure.js': await read('pure.js'), 'loader.html': await read('loader.html') };
}

export type VisitEdge = {
  readonly port: number;
  /** Paths asked for so far, with their queries. */
  readonly requests: string[];
  /** Replaces what is served: return bytes, null for a 404, undefined for the truth. */
  lie(answer: ((path: string) => Uint8Array | null | undefined) | null): void;
  stop(): Promise<void>;
  /** Again on the same port. */
  start(): Promise<void>;
};

/** `before`: put in front of the service worker's script, as a browser without some feature would behave. */
export async function startVisitEdge(options: {
  world: SiteWorld;
  built: BuiltSite;
  before?: string;
}): Promise<VisitEdge> {
  const { world, built, before = '' } = options;
  const requests: string[] = [];
  let lies: ((path: string) => Uint8Array | null | undefined) | null = null;
  const constants = JSON.stringify({ commons: world.group, genesis: Buffer.from(world.genesis).toString('base64') });

  const find = async (url: URL, incoming: IncomingMessage): Promise<[string, Uint8Array | string] | null> => {
    const { pathname } = url;
    if (pathname === '/.weft/sw.js')
      return ['text/javascript', `const WEFT = ${constants};\n${before}\n${built['sw.js']}`];
    if (pathname === '/.weft/pure.js') return ['text/javascript', built['pure.js']];
    if (pathname === '/.weft/resolve') return ['application/cbor', await world.resolution(Date.now())];
    if (pathname === '/.well-known/weft.json') {
      return ['application/json', JSON.stringify({ relays: [], commons: world.group })];
    }
    const cid = /^\/\.weft\/block\/(\w+)$/.exec(pathname)?.[1];
    if (cid !== undefined) {
      const block = world.blocks.get(cid as never);
      return block ? ['application/octet-stream', block] : null;
    }
    if (incoming.headers['sec-fetch-mode'] === 'navigate' && !url.searchParams.has('weft-direct')) {
      return ['text/html; charset=utf-8', built['loader.html']];
    }
    return ['text/html; charset=utf-8', '<!doctype html><title>direct</title><p>as the server sends it</p>'];
  };

  const respond = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const url = new URL(incoming.url ?? '/', 'http://alice.localhost');
    requests.push(url.pathname + url.search);
    const lie = lies?.(url.pathname);
    const found = lie === null ? null : await find(url, incoming);
    if (!found) return void outgoing.writeHead(404).end();
    outgoing.writeHead(200, { 'content-type': found[0], 'service-worker-allowed': '/', 'cache-control': 'no-cache' });
    outgoing.end(lie ?? found[1]);
  };

  let server = createServer();
  const listen = async (port: number): Promise<void> => {
    server = createServer((incoming, outgoing) => void respond(incoming, outgoing).catch(() => outgoing.destroy()));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  };
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  };
  await listen(0);
  closeAtEnd(stop);
  const { port } = server.address() as AddressInfo;
  return { port, requests, lie: (answer) => (lies = answer), stop, start: () => listen(port) };
}
