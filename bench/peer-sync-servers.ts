// The servers through which two pages of automerge-repo or of Yjs meet: their projects' own, on this machine.

import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { importPeer, requirePeer } from './peer-modules.ts';

export type SyncServer = { readonly url: string; close(): Promise<void> };

type SocketServer = {
  address(): AddressInfo;
  on(event: 'connection', listener: (socket: unknown, request: IncomingMessage) => void): void;
  once(event: 'listening', listener: () => void): void;
  readonly clients: Iterable<{ terminate(): void }>;
  close(done: () => void): void;
};
type SocketModule = { readonly WebSocketServer: new (options: { port: number; host: string }) => SocketServer };
type RepoModule = { readonly Repo: new (options: object) => unknown };
type AdapterModule = { readonly WebSocketServerAdapter: new (server: SocketServer) => unknown };
type YjsModule = {
  readonly setupWSConnection: (socket: unknown, request: IncomingMessage) => void;
  readonly docs: ReadonlyMap<string, { destroy(): void }>;
};

/** It holds nothing but what the pages give it, and hands every change on. */
export async function startRepoServer(): Promise<SyncServer> {
  const { Repo } = await importPeer<RepoModule>('@automerge/automerge-repo');
  const { WebSocketServerAdapter } = await importPeer<AdapterModule>('@automerge/automerge-repo-network-websocket');
  const sockets = await listen();
  void new Repo({ network: [new WebSocketServerAdapter(sockets)], sharePolicy: async () => true });
  return serverOf(sockets);
}

export async function startYjsServer(): Promise<SyncServer> {
  const { setupWSConnection, docs } = requirePeer('y-websocket/bin/utils') as YjsModule;
  const sockets = await listen();
  sockets.on('connection', (socket, request) => setupWSConnection(socket, request));
  const server = serverOf(sockets);
  return {
    ...server,
    async close() {
      await server.close();
      // It keeps each for good, with a timer that looks for whoever is away: the process would not end.
      for (const document of docs.values()) document.destroy();
    },
  };
}

async function listen(): Promise<SocketServer> {
  const { WebSocketServer } = requirePeer('ws') as SocketModule;
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise<void>((resolve) => sockets.once('listening', resolve));
  return sockets;
}

function serverOf(sockets: SocketServer): SyncServer {
  return {
    url: `ws://127.0.0.1:${sockets.address().port}`,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.terminate();
        sockets.close(() => resolve());
      }),
  };
}
