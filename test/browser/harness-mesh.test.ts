// The mesh for tests: both links answer, each part goes and comes back alone, what was founded stays, nothing is left.

import { request } from 'node:http';
import { expect, test } from 'vitest';

import { makeTempFolder } from './harness.ts';
import { startMesh } from './harness-mesh.ts';
import { isAlive } from './harness-processes.ts';

/** By Host header: Node does not resolve `*.localhost`. Undefined when nobody listens. */
function statusOf(url: string): Promise<number | undefined> {
  const { host, port, pathname } = new URL(url);
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path: pathname, headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on('error', () => resolve(undefined)).end();
  });
}

async function readCommons(app: string): Promise<unknown> {
  const response = await fetch(new URL('/.well-known/weft.json', app));
  return ((await response.json()) as { commons: unknown }).commons;
}

test('DESIGN §8: a mesh starts, loses and regains its parts, and starts again as the same commons', async () => {
  const dataDir = await makeTempFolder('mesh');
  const first = await startMesh({ dataDir });
  expect(await Promise.all([first.app, first.docs].map(statusOf))).toEqual([200, 200]);
  const commons = await readCommons(first.app);

  await first.stopEdge();
  expect(await statusOf(first.app)).toBeUndefined();
  expect(isAlive(first.headlessPid)).toBe(true);
  await first.startEdge();
  expect(await statusOf(first.docs)).toBe(200);

  const { headlessPid } = first;
  await first.stopHeadless('SIGKILL');
  expect(isAlive(headlessPid)).toBe(false);
  expect(await statusOf(first.app)).toBe(200);
  await first.startHeadless();
  expect(first.headlessPid).not.toBe(headlessPid);
  expect(isAlive(first.headlessPid)).toBe(true);
  await Promise.all([first.stopEdge(), first.stopHeadless()]);
  await first.stop();
  expect([first.edgePid, first.headlessPid].filter(isAlive)).toEqual([]);

  const second = await startMesh({ dataDir, port: first.port });
  expect(await readCommons(second.app)).toBe(commons);
  await second.stop();
  expect([second.edgePid, second.headlessPid].filter(isAlive)).toEqual([]);
});
