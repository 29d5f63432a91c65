// node:http serving what is in memory: the pages that run a peer, and the static site that revalidates, which is itself one.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ServedFile = { readonly type: string; readonly body: Uint8Array | string };

export type PageServer = { readonly port: number; close(): Promise<void> };

/** By path and query. With `ETag`, `max-age=0, must-revalidate` and 304s, as a careful static host answers. */
export async function servePages(files: ReadonlyMap<string, ServedFile>): Promise<PageServer> {
  const served = new Map([...files].map(([path, { type, body }]) => [path, { type, body: Buffer.from(body) }]));
  const tags = new Map([...served].map(([path, { body }]) => [path, tagOf(body)]));
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const file = served.get(path);
    const etag = tags.get(path);
    if (!file || etag === undefined) return void response.writeHead(404).end();
    const headers = { etag, 'cache-control': 'max-age=0, must-revalidate' };
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304, headers).end();
    response.writeHead(200, { ...headers, 'content-type': file.type, 'content-length': file.body.length });
    response.end(file.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function tagOf(body: Uint8Array): string {
  return `"${createHash('sha256').update(body).digest('base64url')}"`;
}
