// A reverse proxy for HTTP and WebSockets that flips single bits on the way, at places drawn from a seed, and counts them.

import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

import { createSeededRandom } from '../simulator/seeded-random.ts';
import { createFrameSplitter, type WebSocketFrame } from './websocket-frames.ts';

/** What passes: one response body, one block of response headers, or one WebSocket frame. */
export interface Passing {
  readonly kind: 'body' | 'headers' | 'frame';
  /** Bodies and headers only come down, to the browser. */
  readonly direction: 'down' | 'up';
  readonly host: string;
  readonly path: string;
  /** Of the response; 101 for frames. */
  readonly status: number;
  /** The body, the frame's payload (unmasked), or the values of the headers one after the other. */
  readonly bytes: Uint8Array;
}

export interface Flip extends Omit<Passing, 'bytes'> {
  readonly at: number;
  readonly of: number;
}

/** A byte, and which of its bits (0–7); without `bit` the proxy draws one, in the order in which bytes happen to pass. */
export type FlipPlace = { readonly at: number; readonly bit?: number };

/** Chosen anew for each passing; returns the places where one bit gets flipped. A number is a byte's position. */
export type ChoosePlaces = (passing: Passing, random: () => number) => readonly (number | FlipPlace)[];

export interface FlipProxy {
  readonly port: number;
  /** What was flipped so far, in order. */
  readonly flips: readonly Flip[];
  /** Undefined stops the flipping. */
  choose(places: ChoosePlaces | undefined): void;
  close(): Promise<void>;
}

export interface FlipProxyOptions {
  /** Of the edge, on 127.0.0.1. */
  readonly targetPort: number;
  readonly seed: number;
  readonly choose?: ChoosePlaces;
  /** Replaces a whole body before any flipping, such as a script with a line put before it; undefined keeps it. */
  readonly rewrite?: (passing: Passing) => Uint8Array | undefined;
}

/** `count` places anywhere in what matches. */
export function flipAtRandom(count: number, matches: (passing: Passing) => boolean): ChoosePlaces {
  return (passing, random) => {
    if (passing.bytes.length === 0 || !matches(passing)) return [];
    return Array.from({ length: count }, () => Math.floor(random() * passing.bytes.length));
  };
}

/** The n-th byte, counted from 0, of each passing that matches and has that many. */
export function flipByte(n: number, matches: (passing: Passing) => boolean): ChoosePlaces {
  return (passing) => (n < passing.bytes.length && matches(passing) ? [n] : []);
}

export async function startFlipProxy(options: FlipProxyOptions): Promise<FlipProxy> {
  const flips: Flip[] = [];
  const sockets = new Set<Duplex>();
  const state: ProxyState = {
    options,
    choose: options.choose,
    random: createSeededRandom(options.seed).fraction,
    record: (flip) => flips.push(flip),
  };
  const server = createServer((incoming, outgoing) => passRequest(state, incoming, outgoing));
  server.on('upgrade', (incoming, socket, head) => passUpgrade(state, { incoming, socket, head, sockets }));
  server.on('connection', (socket) => keep(sockets, socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    flips,
    choose: (places) => {
      state.choose = places;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

interface ProxyState {
  readonly options: FlipProxyOptions;
  choose: ChoosePlaces | undefined;
  readonly random: () => number;
  readonly record: (flip: Flip) => void;
}

/** Bytes with the chosen bits flipped, or the very same array if none was chosen. */
function flipBits(state: ProxyState, passing: Passing): Uint8Array {
  const places = state.choose?.(passing, state.random) ?? [];
  if (places.length === 0) return passing.bytes;
  const bytes = Uint8Array.from(passing.bytes);
  const { bytes: original, ...about } = passing;
  for (const place of places) {
    const { at, bit = Math.floor(state.random() * 8) } = typeof place === 'number' ? { at: place } : place;
    bytes[at] = bytes[at]! ^ (passing.kind === 'headers' ? printableBit(bytes[at]!) : 1 << bit);
    state.record({ ...about, at, of: original.length });
  }
  return bytes;
}

/** Other characters would not change a header but make it no header at all. */
function printableBit(byte: number): number {
  return [1, 2, 4, 8].find((bit) => (byte ^ bit) > 0x20 && (byte ^ bit) < 0x7f) ?? 0;
}

function passRequest(state: ProxyState, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const headers = { ...incoming.headers };
  // A flipped bit in compressed bytes would only test the decompressor.
  delete headers['accept-encoding'];
  const onward = request(
    { host: '127.0.0.1', port: state.options.targetPort, method: incoming.method, path: incoming.url, headers },
    (response) => void passResponse(state, { incoming, response, outgoing }).catch(() => outgoing.destroy()),
  );
  onward.on('error', () => outgoing.destroy());
  outgoing.on('close', () => onward.destroy());
  incoming.pipe(onward);
}

async function passResponse(
  state: ProxyState,
  { incoming, response, outgoing }: { incoming: IncomingMessage; response: IncomingMessage; outgoing: ServerResponse },
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const about = { direction: 'down', ...describe(incoming), status: response.statusCode ?? 502 } as const;
  const original: Passing = { ...about, kind: 'body', bytes: Buffer.concat(chunks) };
  const rewritten = state.options.rewrite?.(original);
  const bytes = rewritten ?? original.bytes;
  const body = flipBits(state, { ...original, bytes });
  const headers = flipHeaders(state, { ...about, kind: 'headers' }, response.rawHeaders);
  // The edge's ETag would make a browser take what it was told once for the edge's own bytes later.
  if (rewritten) headers.push('cache-control', 'no-store');
  const length = incoming.method === 'HEAD' ? response.headers['content-length'] : String(body.length);
  if (length !== undefined && about.status !== 204 && about.status !== 304) headers.push('content-length', length);
  outgoing.writeHead(about.status, headers);
  outgoing.end(body);
}

/** Names stay; lengths and hops are this proxy's own business. */
function flipHeaders(state: ProxyState, about: Omit<Passing, 'bytes'>, raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    if (!/^(?:content-length|transfer-encoding|connection|keep-alive)$/i.test(raw[at]!))
      kept.push(raw[at]!, raw[at + 1]!);
  }
  const values = kept.filter((_, index) => index % 2 === 1);
  const flipped = flipBits(state, { ...about, bytes: Buffer.from(values.join(''), 'latin1') });
  let from = 0;
  return kept.map((text, index) => {
    if (index % 2 === 0) return text;
    const value = Buffer.from(flipped.subarray(from, from + text.length)).toString('latin1');
    from += text.length;
    return value;
  });
}

function passUpgrade(
  state: ProxyState,
  {
    incoming,
    socket,
    head,
    sockets,
  }: { incoming: IncomingMessage; socket: Duplex; head: Buffer; sockets: Set<Duplex> },
): void {
  const onward = connect(state.options.targetPort, '127.0.0.1');
  keep(sockets, socket);
  keep(sockets, onward);
  const end = () => {
    socket.destroy();
    onward.destroy();
  };
  for (const side of [socket, onward]) side.on('error', end).on('close', end);
  const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    const name = incoming.rawHeaders[at]!;
    // Without extensions no frame is compressed.
    if (!/^sec-websocket-extensions$/i.test(name)) lines.push(`${name}: ${incoming.rawHeaders[at + 1]!}`);
  }
  onward.write(`${lines.join('\r\n')}\r\n\r\n`);
  const flip = (direction: 'up' | 'down') => (frame: WebSocketFrame) =>
    flipBits(state, { kind: 'frame', direction, ...describe(incoming), status: 101, bytes: frame.payload });
  const up = createFrameSplitter({ afterHeaders: false, change: flip('up') });
  const down = createFrameSplitter({ afterHeaders: true, change: flip('down') });
  const passUp = (chunk: Buffer) => onward.write(up(chunk));
  if (head.length > 0) passUp(head);
  socket.on('data', passUp);
  onward.on('data', (chunk) => socket.write(down(chunk)));
}

function describe(incoming: IncomingMessage): { host: string; path: string } {
  return { host: incoming.headers.host ?? '', path: incoming.url ?? '/' };
}

function keep(sockets: Set<Duplex>, socket: Duplex): void {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
}
