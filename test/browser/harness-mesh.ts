// The real local mesh for tests: `npm start` on a free port with its own data folder, and its parts stopped one by one.

import { spawn, type ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { startHeadless } from '../../cli/headless.ts';
import { startEdge } from '../../cli/platform/edge.ts';
import { closeAtEnd, findFreePort, makeTempFolder } from './harness.ts';
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

type EndSignal = 'SIGTERM' | 'SIGKILL';

export interface Mesh extends MeshReady {
  readonly port: number;
  readonly dataDir: string;
  /** `http://alice.localhost:PORT/`. */
  siteUrl(label: string, path?: string): string;
  /** All that was printed so far. */
  output(): string;
  stopEdge(signal?: EndSignal): Promise<void>;
  stopHeadless(signal?: EndSignal): Promise<void>;
  /** Again, on the same port and folder, after `stopEdge`. */
  startEdge(): Promise<void>;
  /** Again, on the same folder, after `stopHeadless`. */
  startHeadless(): Promise<void>;
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
  const end = async (signal: EndSignal) => {
    await killTree(pid, signal);
    process.off('exit', killNow);
  };
  const stop = () => end('SIGTERM');
  closeAtEnd(stop);
  const lines: string[] = [];
  const ready = await waitForReady(child, lines);
  const parts = createParts(ready, { port, dataDir, commons: await readCommons(port) });
  return Object.assign(parts, {
    app: ready.app,
    docs: ready.docs,
    port,
    dataDir,
    siteUrl: (label: string, path = '/') => `http://${label}.localhost:${port}${path}`,
    output: () => lines.join(''),
    stop,
    kill: () => end('SIGKILL'),
  });
}

type Parts = Pick<Mesh, 'edgePid' | 'headlessPid' | 'stopEdge' | 'stopHeadless' | 'startEdge' | 'startHeadless'>;

/** Edge and node, each stopped and started again alone, as no command does: cli/start.mjs starts both or none. */
function createParts(
  ready: MeshReady,
  { port, dataDir, commons }: { port: number; dataDir: string; commons: { COMMONS: string; GENESIS: string } },
): Parts {
  let { edgePid, headlessPid } = ready;
  return {
    get edgePid() {
      return edgePid;
    },
    get headlessPid() {
      return headlessPid;
    },
    stopEdge: (signal = 'SIGTERM') => killTree(edgePid, signal),
    stopHeadless: (signal = 'SIGTERM') => killTree(headlessPid, signal),
    async startEdge() {
      const edge = await startEdge({ root: ROOT, port, persist: join(dataDir, 'edge'), vars: commons });
      edgePid = edge.pid;
      closeAtEnd(() => edge.stop());
    },
    async startHeadless() {
      const node = await startHeadless({ folder: dataDir, edge: `http://127.0.0.1:${port}`, root: ROOT });
      headlessPid = node.pid;
      closeAtEnd(() => node.stop());
    },
  };
}

/** What the edge was started with, as it tells everybody. */
async function readCommons(port: number): Promise<{ COMMONS: string; GENESIS: string }> {
  const entry = await fetch(`http://127.0.0.1:${port}/.well-known/weft.json`);
  const genesis = await fetch(`http://127.0.0.1:${port}/.weft/genesis`);
  if (!entry.ok || !genesis.ok)
    throw new Error(`The edge answers ${entry.status} and ${genesis.status} about its commons.`);
  const { commons } = (await entry.json()) as { commons: string };
  return { COMMONS: commons, GENESIS: Buffer.from(await genesis.arrayBuffer()).toString('base64') };
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
