import { expect, test } from 'vitest';
import { FRAME_BYTES_MAX } from '../../core/limits.ts';
import type { Link } from '../ports.ts';
import { connectWebSocketLink } from './web-socket-link.ts';

/** A socket whose other end is the test. */
class TestSocket {
  static last: TestSocket;
  readonly OPEN = 1;
  readyState = 0;
  binaryType = 'blob';
  bufferedAmount = 42;
  readonly sent: Uint8Array[] = [];
  readonly closedWith: (number | undefined)[] = [];
  readonly #events = new EventTarget();
  constructor() {
    TestSocket.last = this;
  }
  addEventListener(type: string, listener: (event: Event) => void): void {
    this.#events.addEventListener(type, listener);
  }
  send(frame: Uint8Array): void {
    this.sent.push(frame);
  }
  close(code?: number): void {
    this.closedWith.push(code);
    this.readyState = 3;
  }
  open(): void {
    this.readyState = 1;
    this.#events.dispatchEvent(new Event('open'));
  }
  receive(data: unknown): void {
    this.#events.dispatchEvent(new MessageEvent('message', { data }));
  }
  end(code: number, reason = ''): void {
    this.readyState = 3;
    this.#events.dispatchEvent(new CloseEvent('close', { code, reason }));
  }
}

test('frames go both ways as bytes', async () => {
  const { link, socket, seen } = await connect();
  link.send(new Uint8Array([1, 2]));
  socket.receive(new Uint8Array([3]).buffer);
  expect(socket.binaryType).toBe('arraybuffer');
  expect(socket.sent).toEqual([new Uint8Array([1, 2])]);
  expect(seen).toEqual([new Uint8Array([3])]);
  expect(link.buffered()).toBe(42);
});

test('frames that arrive before somebody listens are kept in order', async () => {
  const opening = connectWebSocketLink('ws://test', options());
  const socket = TestSocket.last;
  socket.open();
  const link = await opening;
  socket.receive(new Uint8Array([1]).buffer);
  socket.receive(new Uint8Array([2]).buffer);
  const seen = listen(link);
  expect(seen).toEqual([new Uint8Array([1]), new Uint8Array([2])]);
});

test('text frames are ignored', async () => {
  const { socket, seen } = await connect();
  socket.receive('pong');
  expect(seen).toEqual([]);
});

test('a frame beyond the limit ends the link and is not delivered', async () => {
  const { socket, seen } = await connect();
  socket.receive(new ArrayBuffer(FRAME_BYTES_MAX));
  socket.receive(new ArrayBuffer(FRAME_BYTES_MAX + 1));
  socket.receive(new ArrayBuffer(1));
  expect(seen).toEqual([new Uint8Array(FRAME_BYTES_MAX), 'closed: a frame was too large']);
  expect(socket.closedWith.length).toBe(1);
});

test('a flood before anybody listens ends the link', async () => {
  const opening = connectWebSocketLink('ws://test', options());
  const socket = TestSocket.last;
  socket.open();
  const link = await opening;
  for (let i = 0; i < 1_000; i++) socket.receive(new ArrayBuffer(1));
  expect(listen(link).at(-1)).toBe('closed: nobody listens');
});

test('an end is said once, with its reason, and later frames go nowhere', async () => {
  const { link, socket, seen } = await connect();
  socket.end(1001, 'going away');
  link.close();
  link.send(new Uint8Array([1]));
  expect(seen).toEqual(['closed: going away']);
  expect(socket.sent).toEqual([]);
});

test('an end without a reason names its code; closing here is said as well', async () => {
  const first = await connect();
  first.socket.end(1006);
  expect(first.seen).toEqual(['closed: closed with code 1006']);
  const second = await connect();
  second.link.close();
  expect(second.seen).toEqual(['closed: closed here']);
});

test('a connection that cannot be opened rejects', async () => {
  const opening = connectWebSocketLink('ws://test', options());
  TestSocket.last.end(1006);
  await expect(opening).rejects.toThrow('ws://test');
});

async function connect(): Promise<{ link: Link; socket: TestSocket; seen: unknown[] }> {
  const opening = connectWebSocketLink('ws://test', options());
  const socket = TestSocket.last;
  socket.open();
  const link = await opening;
  return { link, socket, seen: listen(link) };
}

function listen(link: Link): unknown[] {
  const seen: unknown[] = [];
  link.listen({ frame: (bytes) => seen.push(bytes), closed: (because) => seen.push(`closed: ${because}`) });
  return seen;
}

function options(): { WebSocket: typeof WebSocket } {
  return { WebSocket: TestSocket as unknown as typeof WebSocket };
}
