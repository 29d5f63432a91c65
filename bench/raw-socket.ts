// A WebSocket client thin enough not to be what is measured: frames are made once, written in batches, and counted on arrival.

import { createConnection, type Socket } from 'node:net';

const BINARY = 0x82;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

export type RawSocket = {
  write(bytes: Uint8Array): void;
  /** Set before anything is awaited; `payload` is a view that lives as long as the call. */
  onFrame: (payload: Uint8Array) => void;
  close(): void;
};

/** One masked binary frame. The mask is zero, which the protocol allows, so that the payload can be changed in place. */
export function clientFrame(payload: Uint8Array): Buffer {
  const long = payload.length >= LENGTH_16;
  const header = long ? 8 : 6;
  const frame = Buffer.alloc(header + payload.length);
  frame[0] = BINARY;
  frame[1] = 0x80 | (long ? LENGTH_16 : payload.length);
  if (long) frame.writeUInt16BE(payload.length, 2);
  frame.set(payload, header);
  return frame;
}

/** Frames of up to 64 KiB, unfragmented, as workerd sends them. */
export function openRawSocket({ port, path }: { port: number; path: string }): Promise<RawSocket> {
  return new Promise((resolve, reject) => {
    const tcp = createConnection({ host: '127.0.0.1', port });
    tcp.setNoDelay(true);
    tcp.once('error', reject);
    tcp.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16, 7).toString('base64')}\r\n\r\n`,
    );
    const raw: RawSocket = {
      write: (bytes) => tcp.write(bytes),
      onFrame: () => undefined,
      close: () => tcp.destroy(),
    };
    let head = Buffer.alloc(0);
    const onHead = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      tcp.off('data', onHead);
      if (!head.toString('latin1').startsWith('HTTP/1.1 101')) return reject(new Error('the upgrade was refused'));
      const rest = head.subarray(end + 4);
      resolve(raw);
      // After the caller's first turn, in which it sets onFrame.
      queueMicrotask(() => queueMicrotask(() => readFrames(tcp, raw, rest)));
    };
    tcp.on('data', onHead);
  });
}

function readFrames(tcp: Socket, raw: RawSocket, first: Buffer): void {
  let rest = first;
  const take = (chunk: Buffer): void => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (;;) {
      if (bytes.length - at < 2) break;
      const short = bytes[at + 1]! & 0x7f;
      if (short === LENGTH_64) throw new Error('a frame larger than the benchmark sends');
      if (short === LENGTH_16 && bytes.length - at < 4) break;
      const length = short === LENGTH_16 ? bytes.readUInt16BE(at + 2) : short;
      const start = at + (short === LENGTH_16 ? 4 : 2);
      if (bytes.length < start + length) break;
      if (bytes[at] === BINARY) raw.onFrame(bytes.subarray(start, start + length));
      at = start + length;
    }
    rest = bytes.subarray(at);
  };
  tcp.on('data', take);
  take(Buffer.alloc(0));
}
