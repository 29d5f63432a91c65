// The local edge as a process: it answers, keeps what it stored, and leaves no workerd behind however it ends.

import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEdge } from '../../cli/platform/edge.ts';

const CONFIG = `
name = "test-edge"
main = "built/worker.js"
compatibility_date = "2026-04-01"
[[durable_objects.bindings]]
name = "COUNTER"
class_name = "Counter"
[[migrations]]
tag = "v1"
new_sqlite_classes = ["Counter"]
[vars]
GREETING = "from the file"
KEPT = "kept"
`;
const WORKER = `
import { DurableObject } from 'cloudflare:workers';
export class Counter extends DurableObject {
  async fetch() {
    const count = ((await this.ctx.storage.get('count')) ?? 0) + 1;
    await this.ctx.storage.put('count', count);
    await this.ctx.storage.sync();
    return new Response(String(count));
  }
}
export default {
  async fetch(request, env) {
    const count = await env.COUNTER.get(env.COUNTER.idFromName('one')).fetch(request);
    return Response.json([new URL(request.url).hostname, env.GREETING, env.KEPT, Number(await count.text())]);
  },
};
`;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'weft-edge-'));
  await mkdir(join(root, 'built'));
  await writeFile(join(root, 'wrangler.toml'), CONFIG);
  await writeFile(join(root, 'built', 'worker.js'), WORKER);
});
afterAll(() => rm(root, { recursive: true, force: true }));

test('it answers any *.localhost with its settings, and remembers after a kill; no workerd keeps the port', async () => {
  const local = { root, persist: join(root, 'edge'), vars: { GREETING: 'from the start' } };
  const first = await startEdge({ ...local, port: 0 });
  const { port } = first.ready;
  expect(await ask(port)).toEqual(['alice.localhost', 'from the start', 'kept', 1]);

  process.kill(first.pid, 'SIGKILL');
  expect(await first.ended).toEqual({ because: 'signal SIGKILL' });
  await untilFree(port);

  const second = await startEdge({ ...local, port });
  expect(await ask(port)).toEqual(['alice.localhost', 'from the start', 'kept', 2]);
  await second.stop();
  expect(await second.ended).toEqual({ because: 'status 0' });
  await untilFree(port);
});

test('a setting that the local edge would lose is an error that names it', async () => {
  const other = `${root}-other`;
  await cp(root, other, { recursive: true });
  try {
    await writeFile(join(other, 'wrangler.toml'), `${CONFIG}\n[[queues]]\nname = "jobs"\n`);
    await expect(startEdge({ root: other, port: 0, vars: {} })).rejects.toThrow('does not know "queues"');
  } finally {
    await rm(other, { recursive: true, force: true });
  }
});

function ask(port: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, headers: { host: `alice.localhost:${port}` } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve(JSON.parse(body)));
    });
    asked.on('error', reject).end();
  });
}

/** Ends only when the port can be taken; a workerd left behind makes the test time out. */
async function untilFree(port: number): Promise<void> {
  for (;;) {
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (free) return await new Promise((resolve) => server.close(() => resolve()));
    await sleep(50);
  }
}
