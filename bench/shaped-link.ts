// A slow link in this process: so many bits a second and so long a way, both ways alike, and what passes is counted.

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Link } from '../shared/platform/ports.ts';

/** Bits a second, and ms from one end to the other; null: as fast as this machine is. */
export type Shape = { readonly rate: number; readonly delay: number } | null;

/** What has passed so far, in bytes. */
export type Passed = { bytes: number };

type Deliver = () => void;

/** One direction: what is sent waits for its turn on the wire, then for the way. */
function createWire(
  shape: Shape,
  passed: Passed,
): { send(bytes: number, deliver: Deliver): void; readonly waiting: number } {
  let freeAt = 0;
  let waiting = 0;
  return {
    get waiting() {
      return waiting;
    },
    send(bytes, deliver) {
      passed.bytes += bytes;
      if (shape === null) return deliver();
      const now = performance.now();
      freeAt = Math.max(now, freeAt) + (bytes * 8 * 1_000) / shape.rate;
      waiting += bytes;
      setTimeout(() => (waiting -= bytes), Math.max(0, freeAt - now));
      setTimeout(deliver, freeAt + shape.delay - now);
    },
  };
}

/** A member's link to its relay. */
export function shapeLink(shape: Shape, passed: Passed): (link: Link) => Link {
  return (link) => {
    const [up, down] = [createWire(shape, passed), createWire(shape, passed)];
    return {
      ...link,
      send(frame) {
        const copy = frame.slice();
        up.send(copy.length, () => link.send(copy));
      },
      buffered: () => up.waiting,
      listen: (events) =>
        link.listen({ ...events, frame: (frame) => down.send(frame.length, () => events.frame(frame)) }),
    };
  };
}

/** A port in front of a server on this machine. */
export async function shapePort(port: number, { shape, passed }: { readonly shape: Shape; readonly passed: Passed }) {
  const sockets = new Set<Socket>();
  const pass = (from: Socket, to: Socket): void => {
    const wire = createWire(shape, passed);
    from.on('data', (data) => wire.send(data.length, () => to.destroyed || to.write(data)));
    from.on('close', () => to.destroy());
    from.on('error', () => to.destroy());
    sockets.add(from);
  };
  const server = createServer((client) => {
    const inner = connect(port, '127.0.0.1');
    for (const socket of [client, inner]) socket.setNoDelay(true);
    pass(client, inner);
    pass(inner, client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close(): void {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
