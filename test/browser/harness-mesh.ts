// The real local mesh for tests: `npm start` on a free port with its own data folder, and its parts stopped one by one.

import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { closeAtEnd, makeTempFolder } from './harness.ts';
import { killTree, killTreeNow } from './harness-processes.ts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A first start founds the commons and publishes the docs; two noisy cores need their time for it. */
const START_TIME_MAX = 120_000;
const READY_LINE = /^weft ready (\{.*\})$/m;

/** What `WEFT_JSON=1 npm start` says once both links work, on one line after `weft ready `. */
interface MeshReady {
  readonly app: string;
  readonly docs: string;
  readonly edgePid: number;
  readonly headlessPid: number;
}

export interface Mesh extends MeshReady {
  readonly port: number;
  readonly dataDir: string;
  /** `http://alice.localhost:PORT/`. */
  siteUrl(label: string, path?: string): string;
  /** All that was printed so far. */
  output(): string;
  stopEdge(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  stopHeadless(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** The whole mesh, as Ctrl-C would; `startMesh({dataDir, port})` starts it again on what lasted. */
  stop(): Promise<void>;
  /** The whole mesh at once, as a power cut would. */
  kill(): Promise<void>;
}

export async function startMesh(
  options: { dataDir?: string; port?: number; env?: Readonly<Record<string, string>> } = {},
): Promise<Mesh> {
  const dataDir = options.dataDir ?? (await makeTempFolder('mesh'));
  const port = options.port ?? (await findFreePort());
  const child = spawn(process.execPath, ['cli/start.mjs'], {
    cwd: ROOT,
    env: { ...process.env, ...options.env, PORT: String(port), WEFT_DATA: dataDir, WEFT_JSON: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error('cli/start.mjs could not be started.');
  const killNow = () => killTreeNow(pid);
  process.once('exit', killNow);
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    await killTree(pid, signal);
    process.off('exit', killNow);
  };
  const stop = () => end('SIGTERM');
  closeAtEnd(stop);
  const lines: string[] = [];
  const ready = await waitForReady(child, lines);
  return {
    ...ready,
    port,
    dataDir,
    siteUrl: (label, path = '/') => `http://${label}.localhost:${port}${path}`,
    output: () => lines.join(''),
    stopEdge: (signal = 'SIGTERM') => killTree(ready.edgePid, signal),
    stopHeadless: (signal = 'SIGTERM') => killTree(ready.headlessPid, signal),
    stop,
    kill: () => end('SIGKILL'),
  };
}

/** Collects what the child prints into `lines` for as long as it lives. */
function waitForReady(child: ChildProcess, lines: string[]): Promise<MeshReady> {
  return new Promise((resolve, reject) => {
    const fail = (because: string) => reject(new Error(`${because}\n${lines.join('')}`));
    const timer = setTimeout(() => fail(`not ready after ${START_TIME_MAX} ms; it said:`), START_TIME_MAX);
    const listen = (chunk: Buffer) => {
      lines.push(chunk.toString());
      const match = READY_LINE.exec(lines.join(''));
      if (match) resolve(JSON.parse(match[1]!) as MeshReady);
      if (match) clearTimeout(timer);
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(`cli/start.mjs ended with ${code ?? 'a signal'} before it was ready; it said:`);
    });
  });
}

/** A port that was free a moment ago. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
