// The victim of the kill test: writes numbered batches to both stores and says each number once both acknowledged it.

import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { openFolderBlobStore } from '../../cli/platform/folder-blob-store.ts';
import { openSqliteStore } from '../../cli/platform/sqlite-store.ts';
import type { StorePut } from '../../shared/platform/ports.ts';
import { cidLike } from './blob-store-contract.ts';
import { patternBytes } from './contract.ts';

/** Sizes around and above a database page, so that a batch spans many of them. */
const RECORD_BYTES = [10, 3_000, 40_000];
const BLOCK_BYTES = [0, 5_000, 100_000];
const STANDARD_OUTPUT = 1;

/** The records of batch `n`; any two batches differ in every byte pattern. */
export function recordsOfBatch(n: number): StorePut[] {
  return RECORD_BYTES.map((length, i) => ({ key: `batch/${n}/${i}`, value: patternBytes(n * 10 + i, length) }));
}

export function blocksOfBatch(n: number): { cid: string; bytes: Uint8Array }[] {
  return BLOCK_BYTES.map((length, i) => ({ cid: cidLike(n * 10 + i), bytes: patternBytes(n * 10 + i, length) }));
}

async function writeForever(folder: string, first: number): Promise<never> {
  const store = openSqliteStore(folder);
  const blobs = await openFolderBlobStore(folder);
  for (let n = first; ; n++) {
    await blobs.putMany(blocksOfBatch(n));
    await store.write({ put: recordsOfBatch(n), remove: [`batch/${n - 1}/none`] }, 'strict');
    writeSync(STANDARD_OUTPUT, `${n}\n`);
  }
}

const [, script, folder, first] = process.argv;
if (script !== undefined && folder !== undefined && import.meta.url === pathToFileURL(script).href) {
  await writeForever(folder, Number(first));
}
