// The HTTP of sites from an edge's gateway (workerd here) and in Node (weft serve); the service worker runs it in test/browser.

import { execFile, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { assert } from '../../shared/core/assert.ts';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { ok } from '../../shared/core/result.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebRandom } from '../../shared/platform/web/web-crypto.ts';
import { connectWebSocketLink } from '../../shared/platform/web/web-socket-link.ts';
import { PublicReadServer } from '../../shared/session/public-read-server.ts';
import { RelayRoom } from '../../shared/session/relay-room.ts';
import { SERVICE_READ } from '../../shared/session/relay-wire.ts';
import { publicRoomId } from '../../shared/session/room.ts';
import { createTestCommons, startTestEdge } from './edge.test-kit.ts';
import {
  SITE_HTTP_FILES,
  siteHttpContract,
  type SiteAnswer,
  type SiteAsk,
  type SiteHost,
} from './site-http-contract.ts';
import { silentLog as silent } from '../simulator/silent-log.ts';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

type Started = { readonly host: SiteHost; stop(): Promise<void> };

/** A site in the room of a real edge, on the socket of a node that has it. */
async function startGateway(): Promise<Started> {
  const commons = await createTestCommons();
  const edge = await startTestEdge({ commons });
  const files = Object.entries(SITE_HTTP_FILES).map(([path, body]) => ({
    path,
    body: typeof body === 'string' ? encodeUtf8(body) : body,
  }));
  const { manifest } = await commons.publish('alice', files);
  const clock = createWebClock();
  const room = new RelayRoom({
    connect: () => connectWebSocketLink(edge.socketUrl(publicRoomId(commons.group))),
    clock,
    random: createWebRandom(),
    services: SERVICE_READ,
    log: silent,
  });
  const source = {
    getBlocks: async (cids: readonly string[]) => cids.map((cid) => commons.blocks.get(cid as never)),
    resolve: async (key: string) => ok(await commons.resolve(key)),
  };
  const server = new PublicReadServer({ room, clock, log: silent, source });
  assert(await room.whenOnline(10_000), 'the edge lets the node in');
  // FIND is answered after SERVICES was taken.
  await room.find(manifest, 5_000);
  return {
    host: createHttpHost(edge.port, 'alice.localhost'),
    async stop() {
      server.close();
      room.close();
      await edge.stop();
    },
  };
}

/** The command as a person runs it, on a folder. */
async function startServe(): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), 'site-http-'));
  for (const [path, body] of Object.entries(SITE_HTTP_FILES)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), body);
  }
  let child: ChildProcess | undefined;
  const line = await new Promise<string>((resolve, reject) => {
    const args = ['--disable-warning=ExperimentalWarning', MAIN, 'serve', folder, '--port', '0', '--json'];
    child = execFile(process.execPath, args, (error) => error && !child?.killed && reject(error));
    child.stdout!.once('data', (text: string) => resolve(text));
  });
  const { url } = JSON.parse(line) as { url: string };
  return {
    host: createHttpHost(Number(new URL(url).port), 'localhost'),
    async stop() {
      const ended = new Promise((resolve) => child!.once('exit', resolve));
      child!.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function createHttpHost(port: number, name: string): SiteHost {
  const ask = (path: string, { method = 'GET', headers }: SiteAsk = {}): Promise<SiteAnswer> =>
    new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port,
        path,
        method,
        headers: { ...headers, host: `${name}:${port}` },
        agent: false,
      };
      const request = httpRequest(options, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const answered = Object.entries(response.headers).map(([key, value]) => [key, String(value)]);
          const body = new Uint8Array(Buffer.concat(parts));
          resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(answered), body });
        });
      });
      request.on('error', reject);
      request.end();
    });
  // A frame, not a tab: that would be shown the loader first (ED33).
  const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' };
  return { ask, open: (path) => ask(path, { headers: navigation }), through: 'http' };
}

describe.each([
  ['the gateway of an edge', startGateway],
  ['weft serve in Node', startServe],
])('%s', (_name, start) => {
  let started: Started;
  beforeAll(async () => {
    started = await start();
  });
  afterAll(async () => {
    await started?.stop();
  });
  for (const { name, check } of siteHttpContract) test(name, () => check(started.host));
});
