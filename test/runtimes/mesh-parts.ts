// The parts of a local mesh for tests in Node: an edge and a headless node, each a process of its own, stopped or killed alone.

import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startHeadless, type HeadlessReady } from '../../cli/headless.ts';
import type { ChildPart } from '../../cli/platform/child-process.ts';
import { startEdge } from '../../cli/platform/edge.ts';
import { foundCommons, type FoundedCommons } from '../../cli/founding.ts';
import { createEdgeHttp } from '../../shared/platform/web/edge-http.ts';
import type { RelayAddress } from '../../shared/session/relay-address.ts';
import { closeAtEnd, findFreePort, makeTempFolder } from '../browser/harness.ts';
import { killTree } from '../browser/harness-processes.ts';

const ROOT: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const POLL = 50;

type EndSignal = 'SIGTERM' | 'SIGKILL';

export type MeshParts = {
  readonly folder: string;
  readonly edgeFolder: string;
  readonly port: number;
  readonly origin: string;
  readonly founded: FoundedCommons;
  readonly edgePid: number;
  readonly headlessPid: number;
  startEdge(): Promise<void>;
  stopEdge(signal?: EndSignal): Promise<void>;
  /** Resolves when the node takes part. */
  startHeadless(options?: { folder?: string; alone?: boolean; announce?: readonly RelayAddress[] }): Promise<void>;
  stopHeadless(signal?: EndSignal): Promise<void>;
};

/** Founds a commons in a new folder and starts edge and headless node. */
export async function startMeshParts(): Promise<MeshParts> {
  const base = await makeTempFolder('mesh');
  const folder = join(base, 'node');
  const edgeFolder = join(base, 'edge');
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  const founded = await foundCommons(folder);
  let edge: ChildPart<{ port: number }> | null = null;
  let headless: ChildPart<HeadlessReady> | null = null;
  const parts: MeshParts = {
    folder,
    edgeFolder,
    port,
    origin,
    founded,
    get edgePid() {
      return edge?.pid ?? 0;
    },
    get headlessPid() {
      return headless?.pid ?? 0;
    },
    async startEdge() {
      const vars = { COMMONS: founded.commons, GENESIS: founded.genesis };
      edge = await startEdge({ root: ROOT, port, persist: edgeFolder, vars });
    },
    async stopEdge(signal = 'SIGTERM') {
      if (edge) await killTree(edge.pid, signal);
      edge = null;
    },
    async startHeadless(options = {}) {
      headless = await startHeadless({ folder, edge: origin, root: ROOT, ...options });
    },
    async stopHeadless(signal = 'SIGTERM') {
      if (headless) await killTree(headless.pid, signal);
      headless = null;
    },
  };
  closeAtEnd(async () => {
    await Promise.all([parts.stopHeadless('SIGKILL'), parts.stopEdge()]);
  });
  await parts.startEdge();
  await parts.startHeadless();
  await waitForFirstBlock(parts);
  return parts;
}

/** Before the first final block nothing can be proven, so nobody can join: `npm start` waits for @docs, which makes it. */
async function waitForFirstBlock({ origin }: MeshParts): Promise<void> {
  const edge = createEdgeHttp({ origin });
  while ((await edge.blocks({ from: 1, max: 1 })).height === 0) await sleep(POLL);
}
