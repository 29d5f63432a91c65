// npm start as a person meets it: two links that work, a second run that is quick, ends that leave nothing behind.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const WEFT = fileURLToPath(new URL('../../cli/weft.mjs', import.meta.url));
const START = fileURLToPath(new URL('../../cli/start.mjs', import.meta.url));

type Ready = { app: string; docs: string; edgePid: number; headlessPid: number };
type Run = { child: ChildProcess; output: () => string; ready: Promise<Ready>; status: Promise<number | null> };

let folder: string;
const runs: ChildProcess[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-start-'));
});
afterAll(async () => {
  for (const child of runs) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

function start(port: number | string): Run {
  const env = { ...process.env, PORT: String(port), WEFT_DATA: folder, WEFT_JSON: '1' };
  const child = spawn(process.execPath, [START], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  runs.push(child);
  let output = '';
  const status = once(child, 'close').then(([code]) => code as number | null);
  const ready = new Promise<Ready>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const line = /^weft ready (.+)$/m.exec(output)?.[1];
        if (line !== undefined) resolve(JSON.parse(line) as Ready);
      });
    }
    void status.then((code) => reject(new Error(`ended with ${code} before it was ready:\n${output}`)));
  });
  // Runs that are meant to fail are judged by their status.
  ready.catch(() => undefined);
  return { child, output: () => output, ready, status };
}

function get(url: string, accept = '*/*'): Promise<{ status: number | undefined; body: string }> {
  const { hostname, port, host, pathname } = new URL(url);
  return new Promise((resolve, reject) => {
    // By address, with the name in Host: Node does not resolve *.localhost.
    expect(hostname).toMatch(/localhost$/);
    const asked = request({ host: '127.0.0.1', port, path: pathname, headers: { host, accept } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    asked.on('error', reject).end();
  });
}

async function weft(command: string, port: number): Promise<unknown> {
  const args = [WEFT, ...command.split(' '), '--edge', `http://localhost:${port}`, '--json'];
  return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout);
}

async function untilGone(pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    while (isAlive(pid)) await sleep(50);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilFree(port: number): Promise<void> {
  while (!(await listen(port).then(close, () => false))) await sleep(50);
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function close(server: Server): Promise<true> {
  server.close();
  await once(server, 'close');
  return true;
}

test('aim 3: both links work, and the same commons comes back after every kind of end', async () => {
  const first = start(0);
  const ready = await first.ready;
  const port = Number(new URL(ready.app).port);
  expect((await get(ready.app)).body).toContain('<script type="module"');
  expect((await get(ready.docs)).body).toMatch(/<title>.*weft.*<\/title>/i);
  const { commons } = JSON.parse((await get(`${ready.app}.well-known/weft.json`)).body) as { commons: string };
  expect(first.output()).toContain(`founded ${commons}`);

  first.child.kill('SIGTERM');
  expect(await first.status).toBe(0);
  await untilGone([ready.edgePid, ready.headlessPid]);
  await untilFree(port);

  const second = start(port);
  const again = await second.ready;
  expect(second.output()).toContain(`found ${commons}`);
  expect((await get(again.docs)).status).toBe(200);
  expect(await weft('status', port)).toMatchObject({ commons, height: expect.any(Number) });
  expect(await weft('resolve @docs.site', port)).toMatchObject({ handle: 'docs', commons, pinned: false });
  second.child.kill('SIGKILL');
  await untilGone([again.edgePid, again.headlessPid]);
  await untilFree(port);

  const third = start(port);
  const last = await third.ready;
  process.kill(last.edgePid, 'SIGKILL');
  await untilFree(port);
  expect(isAlive(last.headlessPid)).toBe(true);
  process.kill(last.headlessPid, 'SIGKILL');
  expect(await third.status).toBe(1);
  expect(third.output()).toContain('The edge ended (signal SIGKILL).');
});

test('a busy port is one sentence that says what to do', async () => {
  const server = await listen(0);
  const { port } = server.address() as AddressInfo;
  const run = start(port);
  expect(await run.status).toBe(1);
  expect(run.output().trim().split('\n').at(-1)).toBe(
    `Port ${port} is in use by another program: choose another, for example "PORT=8787 npm start".`,
  );
  await close(server);
});

test('a folder in use by another run is one sentence that says what to do', async () => {
  const first = start(0);
  const ready = await first.ready;
  const second = start(0);
  expect(await second.status).toBe(1);
  expect(second.output()).toContain(`${folder} is in use by another run: stop that one`);
  expect(isAlive(ready.headlessPid)).toBe(true);
  first.child.kill('SIGTERM');
  await first.status;
});

test('a PORT that is none is said plainly', async () => {
  const run = start('http');
  expect(await run.status).toBe(1);
  expect(run.output()).toContain('PORT is "http": give a whole number up to 65535.');
});
