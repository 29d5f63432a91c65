// The edge of contract tests in Deno: bundled as it is built, started with the permissions it is meant to have.

import { spawn } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILDERS } from '../../cli/build-targets.ts';
import { denoArguments, findDeno } from '../../cli/platform/deno-edge.ts';
import type { EdgePlace, HostedEdge } from './edge.test-kit.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const READY = /^weft relay ready (\{.*\})$/m;

/** What is in `root`'s dist/ besides is served as it is. */
export async function startInDeno({
  root,
  vars,
  persist,
}: EdgePlace): Promise<HostedEdge & { stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void> }> {
  const dist = join(root, 'dist');
  const folder = join(persist ?? root, 'relay');
  await mkdir(folder, { recursive: true });
  await BUILDERS.deno({ root: ROOT, out: join(dist, 'deno'), minify: false });
  const child = spawn(findDeno(ROOT), denoArguments({ dist, folder }), {
    // Only what it is told: a setting of whoever runs the tests must not reach it.
    env: {
      PORT: '0',
      ...vars,
      DATA: folder,
      DIST: dist,
      ADDRESS_HEADER: 'cf-connecting-ip',
      DENO_NO_UPDATE_CHECK: '1',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const port = await new Promise<number>((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (part: Buffer) => {
      said += part.toString();
      const ready = READY.exec(said)?.[1];
      if (ready !== undefined) resolve((JSON.parse(ready) as { port: number }).port);
    });
    void ended.then(() => reject(new Error(`Deno ended before it was ready: ${said}`)));
  });
  const blobFolder = join(folder, 'blobs');
  return {
    port,
    blobs: async () => ({
      list: async () => (await readdir(blobFolder)).filter((name) => !name.startsWith('.')),
      put: (cid, bytes) => writeFile(join(blobFolder, cid), bytes),
    }),
    async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM') {
      child.kill(signal);
      await ended;
    },
  };
}
