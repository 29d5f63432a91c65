// A tab's node over the real relay and edge: what it publishes is final, held by the headless node, and served by the edge.

import { request } from 'node:http';
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { openNodeTab } from '../browser/node-tab.ts';
import { startMeshParts } from './mesh-parts.ts';

/** By Host header: Node does not resolve `*.localhost`. */
function get(port: number, host: string, path: string): Promise<{ status: number | undefined; body: Buffer }> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers: { host: `${host}:${port}` } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(parts) }));
    })
      .on('error', reject)
      .end();
  });
}

test('a site published by a tab in Node is final, held, and served bit-exact after the tab is gone', async () => {
  const mesh = await startMeshParts();
  const tab = await openNodeTab({ origin: mesh.origin, name: 'alice' });
  expect(await tab.register('alice')).toMatchObject({ ok: true });
  const files = [
    { path: 'index.html', body: encodeUtf8('<h1>hello</h1>') },
    { path: 'big.bin', body: new Uint8Array(700_000).map((_, i) => (i * 7) % 251) },
  ];
  const published = await tab.publish({ handle: 'alice', files });
  expect(published).toMatchObject({ ok: true, value: { state: 'held', seq: 1, files: 2 } });
  await tab.close();
  for (const { path, body } of files) {
    const served = await get(mesh.port, 'alice.localhost', `/${path}`);
    expect(served.status).toBe(200);
    expect(Buffer.compare(served.body, Buffer.from(body))).toBe(0);
  }
});
