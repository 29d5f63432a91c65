// The local mesh for benchmarks: the edge and the node that `npm start` runs, on a free port and in a folder of its own.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildProject } from '../cli/build.ts';
import { startHeadless } from '../cli/headless.ts';
import { startEdge } from '../cli/platform/edge.ts';
import { foundCommons } from '../cli/founding.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** From a started edge and node to the docs in the record: a few blocks. */
const DOCS_WAIT = 60_000;
const DOCS_POLL = 100;

export type LocalMesh = {
  /** `http://localhost:PORT/`: the app, and what others resolve from. */
  readonly origin: string;
  /** `http://alice.localhost:PORT/`. */
  siteUrl(handle: string): string;
  stop(): Promise<void>;
};

type Target = NonNullable<Parameters<typeof buildProject>[0]['only']>[number];

/** Builds what is out of date of `targets` first. */
export async function startLocalMesh(targets: readonly Target[]): Promise<LocalMesh> {
  await buildProject({ only: targets });
  const folder = await mkdtemp(join(tmpdir(), 'weft-bench-mesh-'));
  const parts: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const part of parts.toReversed()) await part.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const { commons, genesis } = await foundCommons(folder);
    const vars = { COMMONS: commons, GENESIS: genesis };
    const edge = await startEdge({ root: ROOT, port: 0, persist: join(folder, 'edge'), vars });
    parts.push(edge);
    const { port } = edge.ready;
    parts.push(await startHeadless({ folder, edge: `http://127.0.0.1:${port}`, root: ROOT }));
    await waitForDocs(port);
    return { origin: `http://localhost:${port}/`, siteUrl: (handle) => `http://${handle}.localhost:${port}/`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** By then the node has founded, ordered and published: it is quiet, and whoever comes is answered. */
async function waitForDocs(port: number): Promise<void> {
  const until = performance.now() + DOCS_WAIT;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/.weft/resolve?key=sites/docs/`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok === true) return;
    if (performance.now() > until) throw new Error(`the docs were not published in ${DOCS_WAIT} ms`);
    await sleep(DOCS_POLL);
  }
}
