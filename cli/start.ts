// The rest of npm start, on the pinned Node: build, found, run edge and node until told to stop.
//   PORT (8787; 0 takes a free one) and WEFT_DATA (.weft) move it; WEFT_JSON=1 adds one line for scripts; --dev rebuilds.

import { request } from 'node:http';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildProject, watchSources } from './build.ts';
import { startHeadless, type HeadlessReady } from './headless.ts';
import type { ChildPart } from './platform/child-process.ts';
import { startEdge } from './platform/edge.ts';
import { foundCommons, type FoundedCommons } from './founding.ts';
import { RPC_PORT, rpcTokenPath } from './rpc-address.ts';
import { messageOf } from '../shared/core/message-of.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DEFAULT_PORT = 8787;
const PORT_MAX = 65_535;
/** From a started edge and node to @docs served: a few blocks and a few files. */
const DOCS_WAIT = 60_000;
const DOCS_POLL = 100;

/** A failure that needs no stack: one sentence that says what to do. */
class StartFailure extends Error {}

type Settings = { readonly port: number; readonly folder: string; readonly json: boolean; readonly dev: boolean };
type Parts = { readonly edge: ChildPart<{ port: number }>; readonly node: ChildPart<HeadlessReady> };

async function start(settings: Settings, stopped: AbortSignal): Promise<number> {
  await checkPort(settings.port);
  console.log('2/4 Building');
  await build(settings.dev);
  stopped.throwIfAborted();
  console.log('3/4 Opening the local commons');
  const founded = await found(settings.folder);
  stopped.throwIfAborted();
  console.log('4/4 Starting the edge and the node');
  const parts = await startParts(settings, { founded, stopped });
  const unwatch = settings.dev ? watchSources(() => rebuild(parts.edge)) : () => undefined;
  try {
    announce(settings, parts);
    return await untilEnd(parts, stopped);
  } finally {
    unwatch();
    console.log('Stopping …');
    await Promise.all([parts.node.stop(), parts.edge.stop()]);
  }
}

/** What the current step has to say. */
function note(line: string): void {
  console.log(`    ${line}`);
}

async function build(dev: boolean): Promise<void> {
  const built = await buildProject({ minify: !dev });
  note(built.length === 0 ? 'nothing changed since the last build' : `built ${built.join(', ')}`);
}

async function rebuild(edge: Parts['edge']): Promise<void> {
  try {
    await build(true);
    edge.reload();
  } catch (error) {
    console.error(messageOf(error));
  }
}

async function found(folder: string): Promise<FoundedCommons> {
  const founded = await foundCommons(folder);
  note(`${founded.isNew ? 'founded' : 'found'} ${founded.commons} in ${folder}`);
  return founded;
}

async function startParts(
  settings: Settings,
  { founded, stopped }: { founded: FoundedCommons; stopped: AbortSignal },
): Promise<Parts> {
  const edge = await startEdge({
    root: ROOT,
    port: settings.port,
    persist: join(settings.folder, 'edge'),
    vars: { COMMONS: founded.commons, GENESIS: founded.genesis },
  });
  const { port } = edge.ready;
  note(`edge on port ${port}`);
  let node: Parts['node'] | undefined;
  try {
    node = await startHeadless({
      folder: settings.folder,
      edge: `http://127.0.0.1:${port}`,
      root: ROOT,
      rpc: { host: '127.0.0.1', port: settings.port === 0 ? 0 : RPC_PORT },
    });
    note(`node online, JSON-RPC on port ${node.ready.rpcPort}`);
    const lost = new AbortController();
    for (const part of [edge, node]) void part.ended.then(() => lost.abort());
    await waitForDocs(port, AbortSignal.any([stopped, lost.signal, AbortSignal.timeout(DOCS_WAIT)]));
    note('@docs served');
    return { edge, node };
  } catch (error) {
    await Promise.all([node?.stop(), edge.stop()]);
    throw error;
  }
}

function announce({ json, folder }: Settings, { edge, node }: Parts): void {
  const { port } = edge.ready;
  const app = `http://localhost:${port}/`;
  const docs = `http://docs.localhost:${port}/`;
  const rpc = `http://127.0.0.1:${node.ready.rpcPort}/rpc`;
  console.log(
    `\n    App   ${app}\n    Docs  ${docs}\n    RPC   ${rpc} (token in ${rpcTokenPath(folder)})\n\nCtrl-C stops both.`,
  );
  if (json) console.log(`weft ready ${JSON.stringify({ app, docs, rpc, edgePid: edge.pid, headlessPid: node.pid })}`);
}

/** One part may go while the other stays: what still works without it is the point of this project. */
async function untilEnd({ edge, node }: Parts, stopped: AbortSignal): Promise<number> {
  const tell = (name: string, still: string) => (end: { because: string }) => {
    if (!stopped.aborted) console.error(`The ${name} ended (${end.because}). ${still} Start again to have it back.`);
  };
  const both = Promise.all([
    edge.ended.then(tell('edge', 'Sites that were opened before go on from their browsers.')),
    node.ended.then(tell('node', 'The edge goes on with what it holds; nothing new is ordered.')),
  ]);
  const stop = new Promise<'stop'>((resolve) => {
    stopped.addEventListener('abort', () => resolve('stop'), { once: true });
    if (stopped.aborted) resolve('stop');
  });
  return (await Promise.race([stop, both])) === 'stop' ? 0 : 1;
}

/** Refuses a busy port before anything slow begins. */
async function checkPort(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const other = port === DEFAULT_PORT ? DEFAULT_PORT + 1 : DEFAULT_PORT;
      const because =
        error.code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be used (${error.message})`;
      reject(new StartFailure(`Port ${port} ${because}: choose another, for example "PORT=${other} npm start".`));
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}

async function waitForDocs(port: number, signal: AbortSignal): Promise<void> {
  let last = 'no answer';
  for (;;) {
    const status = await statusOf(port, 'docs.localhost').catch((error: unknown) => String(error));
    if (status === 200) return;
    last = `the edge answered ${status}`;
    if (signal.aborted) throw new StartFailure(`@docs was not served in time (${last}): see the messages above.`);
    await sleep(DOCS_POLL);
  }
}

/** By Host header: Node does not resolve `*.localhost`. */
function statusOf(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, headers: { host: `${host}:${port}` } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    asked.on('error', reject).end();
  });
}

function readSettings(args: readonly string[]): Settings {
  const port = Number(process.env['PORT'] || DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 0 || port > PORT_MAX) {
    throw new StartFailure(`PORT is "${process.env['PORT']}": give a whole number up to ${PORT_MAX}.`);
  }
  const unknown = args.filter((arg) => arg !== '--dev');
  if (unknown.length > 0) throw new StartFailure(`Unknown option ${unknown.join(' ')}: there is only --dev.`);
  const folder = resolve(ROOT, process.env['WEFT_DATA'] || '.weft');
  return { port, folder, json: process.env['WEFT_JSON'] === '1', dev: args.includes('--dev') };
}

/** Aborts at the first request to stop: a signal, or the end of whoever started us. */
function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const) {
    process.on(event, () => stopping.abort());
  }
  return stopping.signal;
}

const stopped = stopSignal();
try {
  process.exitCode = await start(readSettings(process.argv.slice(2)), stopped);
} catch (error) {
  if (!stopped.aborted) console.error(messageOf(error));
  process.exitCode = stopped.aborted ? 0 : 1;
}
// The channel to start.mjs would keep this process alive.
if (process.connected) process.disconnect();
