// Serves one version of a site over plain HTTP from the blobs of this machine: the same answers as gateway and service worker.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import type { Cid } from '../shared/codec/cid.ts';
import { readFile } from '../shared/content/unixfs.ts';
import type { BlobStore, Hasher } from '../shared/platform/ports.ts';
import type { Manifest } from '../site-host/manifest.ts';
import { respond } from '../site-host/respond.ts';

export type SiteListener = {
  readonly port: number;
  close(): Promise<void>;
};

export type ServedSite = {
  readonly manifest: Manifest;
  readonly cid: Cid;
  readonly blobs: BlobStore;
  readonly hasher: Hasher;
};

/** On loopback only: it is a preview, not a host for others. Port 0 takes a free one. Rejects when the port is taken. */
export async function listenForSite(site: ServedSite, port: number): Promise<SiteListener> {
  const server = createServer((incoming, outgoing) => {
    answer(site, incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(site: ServedSite, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { manifest, cid, blobs, hasher } = site;
  const started = performance.now();
  const response = await respond({
    manifest,
    manifestCid: cid,
    method: incoming.method ?? 'GET',
    url: incoming.url ?? '/',
    headers: { get: (name) => readHeader(incoming, name) },
    readFile: (resource, range) =>
      readFile({
        cid: resource.src,
        size: resource.size,
        hasher,
        getBlock: (wanted) => blobs.get(wanted),
        ...(range && { range }),
      }),
    delivery: () => ({ source: 'disk', verified: 'cid', ms: performance.now() - started }),
  });
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (!response.body || incoming.method === 'HEAD') return void outgoing.end();
  await pipeline(Readable.fromWeb(response.body as NodeReadableStream), outgoing);
}

function readHeader({ headers }: IncomingMessage, name: string): string | null {
  const value = headers[name];
  return value === undefined ? null : String(value);
}
