// The tracker through which two WebTorrent pages find each other: their project's own, on this machine.

import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

export type Tracker = { readonly url: string; close(): Promise<void> };

type TrackerServer = {
  readonly http: { address(): AddressInfo };
  on(event: 'error' | 'warning' | 'listening', listener: (error: Error) => void): void;
  listen(port: number, host: string): void;
  close(done: () => void): void;
};
type TrackerModule = { readonly default: new (options: object) => TrackerServer };

/** After `bundlePeer`, which installs it. */
export async function startTracker(): Promise<Tracker> {
  const entry = fileURLToPath(new URL('peers/node_modules/bittorrent-tracker/server.js', import.meta.url));
  const { default: Server } = (await import(entry)) as TrackerModule;
  const server = new Server({ http: true, udp: false, ws: true, stats: false });
  server.on('warning', () => undefined);
  await new Promise<void>((resolve, reject) => {
    server.on('listening', () => resolve());
    server.on('error', reject);
    server.listen(0, '127.0.0.1');
  });
  return {
    url: `ws://127.0.0.1:${server.http.address().port}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
