// Folders that come back old, or not at all: the node takes what it missed before it signs, and gives the edge back what it lost.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { createEdgeHttp } from '../../shared/platform/web/edge-http.ts';
import { closeAtEnd } from '../browser/harness.ts';
import { openNodeTab, type NodeTab } from '../browser/node-tab.ts';
import { HistoryWatch, readBlocks } from './mesh-ledger.ts';
import { startMeshParts, type MeshParts } from './mesh-parts.ts';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const POLL = 50;
/** Several times the pause between two tries to reach the edge. */
const WAITS_FOR = 3_500;

type Run = {
  output(): string;
  until(words: string): Promise<void>;
  stop(): Promise<number | null>;
  ended: Promise<number | null>;
};

/** `weft run`, as a person runs it. */
function run(mesh: MeshParts, ...args: string[]): Run {
  const command = ['--disable-warning=ExperimentalWarning', MAIN, 'run', '--data', mesh.folder, '--edge', mesh.origin];
  const child = spawn(process.execPath, [...command, ...args], {
    env: { ...process.env, WEFT_LOG: 'info' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  closeAtEnd(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    output: () => output,
    async until(words) {
      while (!output.includes(words)) {
        if (child.exitCode !== null) throw new Error(`it ended before it said "${words}":\n${output}`);
        await sleep(POLL);
      }
    },
    stop: () => (child.kill('SIGTERM'), ended),
    ended,
  };
}

async function publishNext(tab: NodeTab, text: string): Promise<void> {
  const published = await tab.publish({ handle: 'alice', files: [{ path: 'index.html', body: encodeUtf8(text) }] });
  expect(published).toMatchObject({ ok: true, value: { state: 'held' } });
}

async function readHeight(origin: string): Promise<number> {
  return (await createEdgeHttp({ origin }).blocks({ from: 1, max: 1 })).height;
}

test('an old copy of the folder put back takes what it missed before it signs; without the edge it waits, unless told not to', async () => {
  const mesh = await startMeshParts();
  const { origin, folder, founded } = mesh;
  const tab = await openNodeTab({ origin, name: 'alice' });
  closeAtEnd(() => tab.close());
  expect(await tab.register('alice')).toMatchObject({ ok: true });
  await publishNext(tab, 'one');
  await mesh.stopHeadless();
  const old = `${folder}-old`;
  await cp(folder, old, { recursive: true });
  await mesh.startHeadless();
  await publishNext(tab, 'two');
  await publishNext(tab, 'three');
  await mesh.stopHeadless();
  const history = new HistoryWatch();
  history.check(await readBlocks(origin), founded.commons);
  await mesh.stopEdge();
  await rm(folder, { recursive: true });
  await cp(old, folder, { recursive: true });

  const waiting = run(mesh);
  await waiting.until('waiting for the edge before signing');
  await sleep(WAITS_FOR);
  expect(waiting.output()).not.toContain('running');
  await mesh.startEdge();
  await waiting.until('running');
  expect(waiting.output()).toContain(`"caught up"`);
  await publishNext(tab, 'four');
  history.check(await readBlocks(origin), founded.commons);
  expect(await tab.node.resolve('sites/alice/')).toMatchObject({ ok: true });
  const { jobs } = tab.publisher;
  expect(jobs.at(-1)).toMatchObject({ state: 'held', seq: 4 });

  const second = run(mesh);
  expect(await second.ended).toBe(1);
  expect(second.output()).toContain(`${folder} is in use by another run: stop that one`);
  expect(await waiting.stop()).toBe(0);

  await mesh.stopEdge();
  const alone = run(mesh, '--alone');
  await alone.until('running');
  expect(await alone.stop()).toBe(0);
});

test('an edge that lost its store gets every block back, the same ones, from a node that never stopped', async () => {
  const mesh = await startMeshParts();
  const { origin, edgeFolder, founded } = mesh;
  const tab = await openNodeTab({ origin, name: 'alice' });
  closeAtEnd(() => tab.close());
  expect(await tab.register('alice')).toMatchObject({ ok: true });
  await publishNext(tab, 'one');
  const history = new HistoryWatch();
  history.check(await readBlocks(origin), founded.commons);
  await mesh.stopEdge();
  await rm(edgeFolder, { recursive: true });
  await mesh.startEdge();
  while ((await readHeight(origin)) < history.height) await sleep(POLL);
  history.check(await readBlocks(origin), founded.commons);
  await publishNext(tab, 'two');
  history.check(await readBlocks(origin), founded.commons);
});
