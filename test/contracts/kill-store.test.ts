// SIGKILL in the middle of writing: what was acknowledged is there, and nothing is half there.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openFolderBlobStore } from '../../cli/platform/folder-blob-store.ts';
import { openSqliteStore } from '../../cli/platform/sqlite-store.ts';
import { equalBytes } from '../../shared/core/bytes.ts';
import { blocksOfBatch, recordsOfBatch } from './kill-store-writer.ts';

const LONG_KILLS = 50;
const DEFAULT_KILLS = 5;
const kills = Number(process.env['WEFT_KILLS'] ?? (process.env['WEFT_LONG'] ? LONG_KILLS : DEFAULT_KILLS));
/** Kills come at a random moment of this span after the first acknowledgement. */
const KILL_SPAN = 150;
const TIME_LIMIT_PER_KILL = 20_000;
const WRITER = fileURLToPath(new URL('kill-store-writer.ts', import.meta.url));

test(`DESIGN §8: ${kills} kills mid-write, 0 lost, 0 torn`, { timeout: kills * TIME_LIMIT_PER_KILL }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'weft-kill-'));
  try {
    let acknowledged = -1;
    for (let kill = 0; kill < kills; kill++) {
      const first = acknowledged + 1;
      acknowledged = await writeUntilKilled(folder, first);
      expect(await findDamage(folder, { first, acknowledged }), `kill ${kill + 1}`).toEqual([]);
    }
    expect(acknowledged + 1).toBeGreaterThanOrEqual(kills);
    expect(await findDamage(folder, { first: 0, acknowledged }), 'all batches of all runs').toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** The last number the writer said before it died; at least `first`, because the kill waits for that one. */
async function writeUntilKilled(folder: string, first: number): Promise<number> {
  const child = spawn(process.execPath, [WRITER, folder, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  let kill: NodeJS.Timeout | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    kill ??= setTimeout(() => child.kill('SIGKILL'), Math.random() * KILL_SPAN);
  });
  const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  expect(signal, 'the writer ended by the kill only').toBe('SIGKILL');
  // A last line without its end was not said in full.
  return Number(said.split('\n').at(-2));
}

/** Sentences about every lost or torn batch from `first` on. */
async function findDamage(folder: string, range: { first: number; acknowledged: number }): Promise<string[]> {
  const { first, acknowledged } = range;
  const damage: string[] = [];
  const store = openSqliteStore(folder);
  const blobs = await openFolderBlobStore(folder);
  // The batch after the last acknowledged one may be there or not, but only whole.
  for (let n = first; n <= acknowledged + 1; n++) {
    const records = recordsOfBatch(n);
    const stored = await Promise.all(records.map(({ key }) => store.get(key)));
    const intact = records.filter(({ value }, i) => stored[i] !== undefined && equalBytes(stored[i], value)).length;
    const torn = intact !== records.length && stored.some((value) => value !== undefined);
    if (torn) damage.push(`batch ${n}: ${intact} of ${records.length} records`);
    if (n <= acknowledged && intact === 0) damage.push(`batch ${n}: records lost`);
    for (const { cid, bytes } of blocksOfBatch(n)) {
      const held = await blobs.get(cid);
      if (held === undefined && n <= acknowledged) damage.push(`batch ${n}: block ${cid} lost`);
      if (held !== undefined && !equalBytes(held, bytes)) damage.push(`batch ${n}: block ${cid} torn`);
    }
  }
  for (const file of await readdir(join(folder, 'blobs', 'unfinished'))) damage.push(`unfinished file ${file} is left`);
  await store.close();
  return damage;
}
