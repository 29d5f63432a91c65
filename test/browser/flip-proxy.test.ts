// The flipping proxy itself: what it leaves alone, what it flips, and that a seed repeats it.

import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, expect, test } from 'vitest';

import { flipAtRandom, flipByte, startFlipProxy, type FlipProxy, type FlipProxyOptions } from './flip-proxy.ts';

const BODY = Buffer.from(Array.from({ length: 1_000 }, (_, at) => at % 251));
const WEBSOCKET_SALT = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

async function startBoth(options: Omit<FlipProxyOptions, 'targetPort'>): Promise<FlipProxy> {
  const sockets: Duplex[] = [];
  const server = createServer((incoming, outgoing) => {
    outgoing.setHeader('x-path', incoming.url ?? '');
    outgoing.setHeader('x-host', incoming.headers.host ?? '');
    outgoing.end(BODY);
  });
  server.on('upgrade', (incoming, socket) => {
    sockets.push(socket);
    const accept = createHash('sha1')
      .update(`${incoming.headers['sec-websocket-key']}${WEBSOCKET_SALT}`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    // What the browser sends comes back without its mask, split over two writes.
    socket.on('data', (chunk: Buffer) => {
      const long = (chunk[1]! & 0x7f) === 126;
      const from = long ? 8 : 6;
      const payload = chunk.subarray(from).map((byte, at) => byte ^ chunk[from - 4 + (at % 4)]!);
      const header = long
        ? Buffer.from([0x82, 126, payload.length >> 8, payload.length & 255])
        : Buffer.from([0x82, payload.length]);
      socket.write(header);
      socket.write(payload);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => closeServer(server, sockets));
  const proxy = await startFlipProxy({ ...options, targetPort: (server.address() as AddressInfo).port });
  closers.push(() => proxy.close());
  return proxy;
}

function closeServer(server: Server, sockets: readonly Duplex[]): Promise<void> {
  for (const socket of sockets) socket.destroy();
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function get(proxy: FlipProxy, path: string): Promise<{ body: Buffer; headers: Headers }> {
  const response = await fetch(`http://127.0.0.1:${proxy.port}${path}`);
  return { body: Buffer.from(await response.arrayBuffer()), headers: response.headers };
}

function echo(proxy: FlipProxy, message: Uint8Array<ArrayBuffer>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}/relay/room`);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => socket.send(message));
    socket.addEventListener('error', () => reject(new Error('the socket failed')));
    socket.addEventListener('message', (event) => {
      resolve(Buffer.from(event.data as ArrayBuffer));
      socket.close();
    });
  });
}

const differences = (a: Uint8Array, b: Uint8Array) => [...a].flatMap((byte, at) => (byte === b[at] ? [] : [at]));

test('without a choice everything passes as it is', async () => {
  const proxy = await startBoth({ seed: 1 });
  const { body, headers } = await get(proxy, '/a?b=1');
  expect(body.equals(BODY)).toBe(true);
  expect(headers.get('x-path')).toBe('/a?b=1');
  expect(headers.get('x-host')).toBe(`127.0.0.1:${proxy.port}`);
  expect((await echo(proxy, BODY.subarray(0, 100) as Uint8Array<ArrayBuffer>)).equals(BODY.subarray(0, 100))).toBe(
    true,
  );
  expect(proxy.flips).toEqual([]);
});

test('flips one bit of the chosen byte of the chosen bodies, and counts it', async () => {
  const proxy = await startBoth({ seed: 1, choose: flipByte(7, ({ kind, path }) => kind === 'body' && path === '/x') });
  expect((await get(proxy, '/y')).body.equals(BODY)).toBe(true);
  const { body } = await get(proxy, '/x');
  expect(differences(body, BODY)).toEqual([7]);
  expect(Math.log2(body[7]! ^ BODY[7]!) % 1).toBe(0);
  expect(proxy.flips).toMatchObject([{ kind: 'body', path: '/x', at: 7, of: BODY.length }]);
  proxy.choose(undefined);
  expect((await get(proxy, '/x')).body.equals(BODY)).toBe(true);
});

test.each([['up'], ['down']] as const)('flips frames on their way %s, short and long', async (direction) => {
  const choose = flipByte(3, (passing) => passing.kind === 'frame' && passing.direction === direction);
  const proxy = await startBoth({ seed: 1, choose });
  for (const length of [10, 900]) {
    const sent = BODY.subarray(0, length) as Uint8Array<ArrayBuffer>;
    expect(differences(await echo(proxy, sent), sent)).toEqual([3]);
  }
  expect(proxy.flips.map((flip) => flip.of)).toEqual([10, 900]);
});

test('flips header values and keeps them headers', async () => {
  const proxy = await startBoth({ seed: 5, choose: flipAtRandom(1, ({ kind }) => kind === 'headers') });
  for (let round = 0; round < 20; round++) expect((await get(proxy, '/path')).body.equals(BODY)).toBe(true);
  expect(proxy.flips).toHaveLength(20);
});

test('the same seed flips the same places', async () => {
  const places = async (seed: number) => {
    const proxy = await startBoth({ seed, choose: flipAtRandom(5, ({ kind }) => kind === 'body') });
    await get(proxy, '/');
    return proxy.flips.map((flip) => flip.at);
  };
  expect(await places(3)).toEqual(await places(3));
  expect(await places(3)).not.toEqual(await places(4));
});

test('rewrites a body as a whole', async () => {
  const rewrite: FlipProxyOptions['rewrite'] = ({ path, bytes }) =>
    path === '/engine.js' ? Buffer.concat([Buffer.from('first;'), bytes]) : undefined;
  const proxy = await startBoth({ seed: 1, rewrite });
  expect((await get(proxy, '/engine.js')).body.toString('latin1', 0, 6)).toBe('first;');
  expect((await get(proxy, '/other.js')).body.equals(BODY)).toBe(true);
});
