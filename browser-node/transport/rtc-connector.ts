// The engine's side of direct links: asks its page for connections, and gets their channels (DL9).

import type { Link } from '../../shared/platform/ports.ts';
import type { DirectConnector, DirectPipe } from '../../shared/session/direct-pipe.ts';
import { createPortLink } from './port-link.ts';
import { createChannelLink, type ChannelLink } from './rtc-link.ts';
import { CHANNEL_NAMES, type ChannelName, type EngineToWindow, type WindowToEngine } from './rtc-messages.ts';

type Connection = {
  readonly described: PromiseWithResolvers<string>;
  readonly pipe: PromiseWithResolvers<DirectPipe>;
  readonly channels: Map<ChannelName, ChannelLink>;
  /** Pumped channels that the page has not called open. */
  readonly opening: Map<ChannelName, PromiseWithResolvers<void>>;
};

/** `ice`: addresses of STUN and TURN servers to ask; none by default (DL8). */
export function createRtcConnector(port: MessagePort, ice: readonly string[] = []): DirectConnector {
  const connections = new Map<number, Connection>();
  let nextId = 1;
  const say = (message: EngineToWindow): void => port.postMessage(message);

  const begin = (): { id: number; connection: Connection } => {
    const id = nextId++;
    const connection: Connection = {
      described: Promise.withResolvers(),
      pipe: Promise.withResolvers(),
      channels: new Map(),
      opening: new Map(),
    };
    for (const { promise } of [connection.described, connection.pipe]) promise.catch(() => undefined);
    connections.set(id, connection);
    return { id, connection };
  };
  const end = (id: number, because: string): void => {
    const connection = connections.get(id);
    if (!connection) return;
    connections.delete(id);
    const failure = new Error(because);
    connection.described.reject(failure);
    connection.pipe.reject(failure);
    for (const { link } of connection.channels.values()) link.close();
  };
  const cancel = (id: number): void => {
    if (connections.has(id)) say({ rtc: 'close', id });
    end(id, 'given up');
  };
  const add = (id: number, name: ChannelName, channel: ChannelLink): void => {
    const connection = connections.get(id);
    if (!connection) return channel.link.close();
    connection.channels.set(name, channel);
    if (connection.channels.size < CHANNEL_NAMES.length) return;
    const { session, bulk } = Object.fromEntries(connection.channels) as Record<ChannelName, ChannelLink>;
    Promise.all([session.opened, bulk.opened]).then(
      () => connection.pipe.resolve({ session: session.link, bulk: bulk.link }),
      (error: unknown) => connection.pipe.reject(error),
    );
  };
  const addPumped = (id: number, name: ChannelName, link: Link): void => {
    const opening = Promise.withResolvers<void>();
    connections.get(id)?.opening.set(name, opening);
    add(id, name, { link, opened: opening.promise });
  };

  port.addEventListener('message', ({ data, ports }: MessageEvent<WindowToEngine>) => {
    switch (data.rtc) {
      case 'described':
        return connections.get(data.id)?.described.resolve(data.sdp);
      case 'channel':
        return add(data.id, data.name, createChannelLink(data.channel));
      case 'pumped':
        return ports[0] && addPumped(data.id, data.name, createPortLink(ports[0]));
      case 'open':
        return connections.get(data.id)?.opening.get(data.name)?.resolve();
      case 'failed':
        return end(data.id, data.because);
      case 'probe':
        return say({ rtc: 'probed', works: typeof data.channel.send === 'function' });
    }
  });
  // A message whose channel could not be brought over arrives as this.
  port.addEventListener('messageerror', () => say({ rtc: 'probed', works: false }));
  port.start();

  return {
    async offer() {
      const { id, connection } = begin();
      say({ rtc: 'offer', id, ice });
      const sdp = await connection.described.promise;
      return {
        sdp,
        accept(answer) {
          say({ rtc: 'accept', id, sdp: answer });
          return connection.pipe.promise;
        },
        cancel: () => cancel(id),
      };
    },
    async answer(offer) {
      const { id, connection } = begin();
      say({ rtc: 'answer', id, ice, sdp: offer });
      const sdp = await connection.described.promise;
      return { sdp, pipe: connection.pipe.promise, cancel: () => cancel(id) };
    },
  };
}
