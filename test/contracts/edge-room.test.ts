// The relay's room in real workerd: joining, forwarding, who serves, what it refuses, and what survives its sleep.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cidFromDigest, type Cid } from '../../shared/codec/cid.ts';
import { FRAME_BYTES_MAX } from '../../shared/core/limits.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebRandom } from '../../shared/platform/web/web-crypto.ts';
import { connectWebSocketLink } from '../../shared/platform/web/web-socket-link.ts';
import { MailClient } from '../../shared/session/mail-client.ts';
import { mailAddressOf } from '../../shared/session/mail-wire.ts';
import { RelayRoom } from '../../shared/session/relay-room.ts';
import {
  encodeFind,
  encodeHave,
  encodeSend,
  encodeServices,
  parseRelayFrame,
  PAYLOAD_BYTES_MAX,
  ROOM_FULL,
  SERVICE_READ,
  SERVICE_SEED,
  type PeerId,
  type RelayToClientFrame,
} from '../../shared/session/relay-wire.ts';
import { createTestCommons, startTestEdge, type TestEdge } from './edge.test-kit.ts';
import { silentLog as log } from '../simulator/silent-log.ts';

const LONG = process.env['WEFT_LONG'] === '1';
/** workerd lets an object without events sleep after about ten seconds. */
const SLEEP_AFTER = 14_000;

const SOCKETS_PER_ROOM = 8;

let edge: TestEdge;
let rooms = 0;
const open: WebSocket[] = [];

beforeAll(async () => {
  edge = await startTestEdge({
    commons: await createTestCommons(),
    policy: {
      remote: { connectionsPerAddress: 2, framesPerSecond: 2, bytesToSocketPerSecond: 32_768, readsPerMinute: 3 },
      loopback: { socketsPerRoom: SOCKETS_PER_ROOM, mailBytesPerRoom: 10_000 },
    },
    relays: 'wss://other.example/relay  wss://third.example',
  });
});

afterAll(async () => {
  for (const socket of open) socket.close();
  await edge?.stop();
});

describe('joining', () => {
  test('ED1: a room is named by 32 hex digits and reached by an upgrade', async () => {
    expect((await edge.ask('/relay/not-a-room', { headers: UPGRADE })).status).toBe(400);
    expect((await edge.ask(`/relay/${roomName()}`)).status).toBe(426);
  });

  test('ED2: everybody gets a number of their own, and the list of those who serve', async () => {
    const room = roomName();
    const server = await enter(room);
    server.send(encodeServices(SERVICE_READ | SERVICE_SEED));
    const client = await enter(room, (welcome) => welcome.peers.length > 0);
    expect(client.welcome.peers).toEqual([{ id: server.you, services: SERVICE_READ | SERVICE_SEED }]);
    expect(client.you).not.toBe(server.you);
  });

  test('ED2: rooms do not hear each other', async () => {
    const [one, other] = [await enter(roomName()), await enter(roomName())];
    one.send(encodeSend(other.you, Uint8Array.of(1)));
    expect(await one.next()).toEqual({ type: 'gone', peer: other.you });
  });
});

describe('forwarding', () => {
  test('ED3: a SEND arrives as a FROM with the sender’s number, byte for byte, up to a whole frame', async () => {
    const room = roomName();
    const [a, b] = [await enter(room), await enter(room)];
    const payloads = [Uint8Array.of(7), new Uint8Array(PAYLOAD_BYTES_MAX).map((_, i) => i * 31)];
    for (const payload of payloads) {
      a.send(encodeSend(b.you, payload));
      expect(await b.next()).toEqual({ type: 'from', from: a.you, payload });
    }
  });

  test('ED3: frames of one sender stay in order', async () => {
    const room = roomName();
    const [a, b] = [await enter(room), await enter(room)];
    for (let i = 0; i < 200; i++) a.send(encodeSend(b.you, Uint8Array.of(i)));
    for (let i = 0; i < 200; i++) expect(await b.next()).toMatchObject({ payload: Uint8Array.of(i) });
  });

  test('ED4: a SEND to nobody is answered GONE, and a number is not used again', async () => {
    const room = roomName();
    const [a, b] = [await enter(room), await enter(room)];
    b.socket.close();
    await closed(b.socket);
    const c = await enter(room);
    expect(c.you).not.toBe(b.you);
    a.send(encodeSend(b.you, Uint8Array.of(1)));
    expect(await a.next()).toEqual({ type: 'gone', peer: b.you });
  });

  test('ED5: bytes that are no frame, and frames that are too large, end the socket with a code', async () => {
    for (const [bytes, code] of [
      [Uint8Array.of(0x77), 'bad_frame'],
      [Uint8Array.of(0x03, 0xff), 'bad_frame'],
      [encodeSend(1 as PeerId, Uint8Array.of(1)).fill(0, 1, 5), 'bad_frame'],
      [new Uint8Array(FRAME_BYTES_MAX + 1).fill(1), 'frame_too_large'],
    ] as const) {
      const peer = await enter(roomName());
      peer.send(bytes);
      expect(await peer.next()).toEqual({ type: 'error', code });
      await closed(peer.socket);
    }
  });

  test('ED5: text is refused, except the keep-alive that does not wake the room', async () => {
    const peer = await enter(roomName());
    peer.socket.send('ping');
    expect(await peer.nextText()).toBe('pong');
    peer.socket.send('hello');
    await closed(peer.socket);
  });
});

describe('who serves what', () => {
  test('ED6: services are announced to the others, and their end too', async () => {
    const room = roomName();
    const [watcher, server] = [await enter(room), await enter(room)];
    server.send(encodeServices(SERVICE_SEED));
    expect(await watcher.next()).toEqual({ type: 'peer', peer: { id: server.you, services: SERVICE_SEED } });
    server.send(encodeServices(0));
    expect(await watcher.next()).toEqual({ type: 'left', peer: server.you });
    server.send(encodeServices(SERVICE_READ));
    expect(await watcher.next()).toEqual({ type: 'peer', peer: { id: server.you, services: SERVICE_READ } });
    server.socket.close();
    expect(await watcher.next()).toEqual({ type: 'left', peer: server.you });
  });

  test('ED7: FIND names those who said HAVE; a later HAVE replaces the one before; who leaves is not named', async () => {
    const room = roomName();
    const [seeker, seeder] = [await enter(room), await enter(room)];
    seeder.send(encodeHave([manifest(1), manifest(2)]));
    await seeder.settled();
    expect(await seeker.find(manifest(2))).toEqual([seeder.you]);
    expect(await seeker.find(manifest(3))).toEqual([]);
    seeder.send(encodeHave([manifest(3)]));
    await seeder.settled();
    expect(await seeker.find(manifest(2))).toEqual([]);
    expect(await seeker.find(manifest(3))).toEqual([seeder.you]);
    seeder.socket.close();
    await closed(seeder.socket);
    expect(await seeker.find(manifest(3))).toEqual([]);
  });

  test('ED7: a full HAVE of 1,024 manifests is remembered', async () => {
    const room = roomName();
    const [seeker, seeder] = [await enter(room), await enter(room)];
    seeder.send(encodeHave(Array.from({ length: 1_024 }, (_, i) => manifest(i))));
    await seeder.settled();
    for (const i of [0, 511, 1_023]) expect(await seeker.find(manifest(i))).toEqual([seeder.you]);
  });
});

describe('limits of a public edge', () => {
  const away = { 'cf-connecting-ip': '203.0.113.7' };

  test('ED9: an address may open so many sockets of one room', async () => {
    const room = roomName();
    const other = { 'cf-connecting-ip': '203.0.113.8' };
    expect(await upgradeStatus(room, away)).toBe(101);
    expect(await upgradeStatus(room, away)).toBe(101);
    expect(await upgradeStatus(room, away)).toBe(429);
    expect(await upgradeStatus(room, other)).toBe(101);
    expect(await upgradeStatus(roomName(), away)).toBe(101);
  });
});

describe('HTTP', () => {
  test('ED42: an address may ask the gateway so often in a minute; the app and other addresses go on', async () => {
    const ask = (path: string, address: string, host = 'localhost') =>
      edge.ask(path, { host, headers: { 'cf-connecting-ip': address } });
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await ask('/.weft/genesis', '203.0.113.9')).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const refused = await ask('/', '203.0.113.9', 'alice.localhost');
    expect([refused.status, refused.headers['retry-after'], JSON.parse(refused.body.toString()).code]).toEqual([
      429,
      '60',
      'rate_limited',
    ]);
    expect((await ask('/', '203.0.113.9')).status).toBe(200);
    expect((await ask('/.weft/genesis', '203.0.113.10')).status).toBe(200);
    expect((await edge.ask('/.weft/genesis')).status).toBe(200);
  });

  test('ED11: other relays that it is configured with are named after its own', async () => {
    const { body } = await edge.ask('/.well-known/weft.json');
    expect(JSON.parse(body.toString()).relays).toEqual([
      `ws://localhost:${edge.port}/relay`,
      'wss://other.example/relay',
      'wss://third.example',
    ]);
  });
});

test('ED40, RL13: above so many sockets newcomers and full nodes are told of the next shard', async () => {
  const room = roomName();
  const server = await enter(room);
  server.send(encodeServices(SERVICE_READ));
  await server.settled();
  for (let i = 1; i < SOCKETS_PER_ROOM; i++) await enter(room);
  const late = await enter(room);
  expect(await late.next()).toEqual({ type: 'error', code: ROOM_FULL });
  expect(await server.next()).toEqual({ type: 'error', code: ROOM_FULL });
});

describe('ED41: mail', () => {
  const address = mailAddressOf(new Uint8Array(32).fill(4));
  const letter = (number: number): Uint8Array => new Uint8Array(2_000).fill(number);

  /** A member with a mailbox; what it does is answered before it closes. */
  async function visit<T>(room: string, act: (mail: MailClient) => Promise<T>): Promise<T> {
    const clock = createWebClock();
    const random = createWebRandom();
    const connect = () => connectWebSocketLink(edge.socketUrl(room));
    const relayRoom = new RelayRoom({ connect, clock, random, services: 0, log });
    expect(await relayRoom.whenOnline(5_000)).toBe(true);
    const result = await act(new MailClient({ room: relayRoom, clock }));
    relayRoom.close();
    return result;
  }

  test('waits for somebody who is away, when everybody has left the room', async () => {
    const room = roomName();
    expect(await visit(room, (mail) => mail.post(address, letter(1)))).toBe(true);
    expect(await visit(room, (mail) => mail.post(address, letter(2)))).toBe(true);
    expect(await visit(room, (mail) => mail.take(address))).toEqual([letter(1), letter(2)]);
    expect(await visit(roomName(), (mail) => mail.take(address))).toEqual([]);
    await visit(room, (mail) => mail.drop(address, [letter(1)]));
    expect(await visit(room, (mail) => mail.take(address))).toEqual([letter(2)]);
  });

  test('is refused when the room holds as much as it may', async () => {
    const posted = await visit(roomName(), async (mail) => {
      const taken: boolean[] = [];
      for (let i = 0; i < 6; i++) taken.push(await mail.post(mailAddressOf(new Uint8Array(32).fill(i)), letter(i)));
      return taken;
    });
    expect(posted).toEqual([true, true, true, true, false, false]);
  });
});

(LONG ? test : test.skip)(
  'ED2: a room that slept keeps numbers, services and HAVE, and forwards at once (runs with WEFT_LONG=1)',
  async () => {
    const room = roomName();
    const [a, b] = [await enter(room), await enter(room)];
    b.send(encodeServices(SERVICE_SEED));
    expect(await a.next()).toMatchObject({ type: 'peer' });
    b.send(encodeHave([manifest(9)]));
    await new Promise((resolve) => setTimeout(resolve, SLEEP_AFTER));
    a.send(encodeSend(b.you, Uint8Array.of(5)));
    expect(await b.next()).toEqual({ type: 'from', from: a.you, payload: Uint8Array.of(5) });
    expect(await a.find(manifest(9))).toEqual([b.you]);
    const late = await enter(room);
    expect(late.welcome.peers).toEqual([{ id: b.you, services: SERVICE_SEED }]);
  },
  60_000,
);

const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};

type Welcome = RelayToClientFrame & { type: 'welcome' };
type Peer = Awaited<ReturnType<typeof enterOnce>>;

function roomName(): string {
  rooms += 1;
  return rooms.toString(16).padStart(32, '0');
}

function manifest(number: number): Cid {
  const digest = new Uint8Array(32);
  new DataView(digest.buffer).setUint32(0, number);
  return cidFromDigest('dag-cbor', digest);
}

/** Enters again until `wanted` holds: what another socket sent may still be on its way. */
async function enter(room: string, wanted: (welcome: Welcome) => boolean = () => true): Promise<Peer> {
  for (let tries = 0; ; tries++) {
    const peer = await enterOnce(room);
    if (wanted(peer.welcome) || tries === 50) return peer;
    peer.socket.close();
    await closed(peer.socket);
  }
}

async function enterOnce(room: string) {
  const socket = new WebSocket(edge.socketUrl(room));
  socket.binaryType = 'arraybuffer';
  open.push(socket);
  const frames = createQueue<RelayToClientFrame>();
  const texts = createQueue<string>();
  socket.addEventListener('message', (event) => {
    const data: unknown = event.data;
    if (typeof data === 'string') return texts.push(data);
    const frame = parseRelayFrame(new Uint8Array(data as ArrayBuffer));
    if (!frame.ok) throw new Error(frame.error.because);
    frames.push(frame.value);
  });
  const welcome = await frames.next();
  if (welcome.type !== 'welcome') throw new Error('the room did not say welcome');
  let request = 0;
  return {
    socket,
    you: welcome.you,
    welcome,
    send: (frame: Uint8Array<ArrayBuffer>) => socket.send(frame),
    next: frames.next,
    nextText: texts.next,
    async find(cid: Cid): Promise<readonly PeerId[]> {
      request += 1;
      socket.send(encodeFind(request, cid));
      const found = await frames.next();
      if (found.type !== 'found' || found.request !== request) throw new Error(`expected FOUND, got ${found.type}`);
      return found.peers;
    },
    /** Everything sent before has been taken: one socket's frames are handled in order. */
    async settled(): Promise<void> {
      await this.find(manifest(0xffff_ffff));
    },
  };
}

function createQueue<T>() {
  const items: T[] = [];
  const waiting: ((item: T) => void)[] = [];
  return {
    push(item: T): void {
      const wake = waiting.shift();
      if (wake) wake(item);
      else items.push(item);
    },
    next: (): Promise<T> =>
      items.length > 0 ? Promise.resolve(items.shift()!) : new Promise((wake) => waiting.push(wake)),
  };
}

function closed(socket: WebSocket): Promise<void> {
  if (socket.readyState === WebSocket.CLOSED) return Promise.resolve();
  return new Promise((resolve) => socket.addEventListener('close', () => resolve()));
}

/** The status line of an upgrade that stays open until the edge ends. */
function upgradeStatus(room: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return edge.upgrade(`/relay/${room}`, { ...UPGRADE, ...headers });
}
