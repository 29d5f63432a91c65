// The store contracts against memory and against the disk, and what only a disk can do wrong.

import { mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openFolderBlobStore } from '../../cli/platform/folder-blob-store.ts';
import { openSqliteStore } from '../../cli/platform/sqlite-store.ts';
import { createMemoryDisk } from '../simulator/memory-store.ts';
import { BLOB_STORE_CONTRACT, type BlobStoreFixture, cidLike } from './blob-store-contract.ts';
import { patternBytes } from './contract.ts';
import { STORE_CONTRACT, type StoreFixture } from './store-contract.ts';

async function createFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-store-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const STORES: Record<string, () => Promise<StoreFixture>> = {
  memory: async () => {
    const disk = createMemoryDisk();
    return { open: async () => disk.openStore() };
  },
  SQLite: async () => {
    const folder = await createFolder();
    return { open: async () => openSqliteStore(folder) };
  },
};

const BLOB_STORES: Record<string, () => Promise<BlobStoreFixture>> = {
  memory: async () => {
    const disk = createMemoryDisk();
    return { open: async () => disk.openBlobs() };
  },
  folder: async () => {
    const folder = await createFolder();
    return { open: () => openFolderBlobStore(folder) };
  },
};

describe.each(Object.entries(STORES))('Store in %s', (_name, create) => {
  test.each(STORE_CONTRACT)('$name', async ({ check }) => check(await create()));
});

describe.each(Object.entries(BLOB_STORES))('BlobStore in %s', (_name, create) => {
  test.each(BLOB_STORE_CONTRACT)('$name', async ({ check }) => check(await create()));
});

describe('SQLite on a disk', () => {
  test('a folder in use is refused with a sentence, and free again after close', async () => {
    const folder = await createFolder();
    const first = openSqliteStore(folder);
    expect(() => openSqliteStore(folder)).toThrow(
      expect.objectContaining({ code: 'storage_refused', message: expect.stringContaining('in use by another run') }),
    );
    await first.close();
    await openSqliteStore(folder).close();
  });

  test('B04: a store of a newer version is refused with store_too_new, and left as it is', async () => {
    const folder = await createFolder();
    await openSqliteStore(folder).close();
    const newer = new DatabaseSync(join(folder, 'weft.db'));
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(() => openSqliteStore(folder)).toThrow(expect.objectContaining({ code: 'store_too_new' }));
    }
  });

  test('a file that is no store fails with a sentence', async () => {
    const folder = await createFolder();
    await writeFile(join(folder, 'weft.db'), 'not a database, but long enough to look like one'.repeat(100));
    expect(() => openSqliteStore(folder)).toThrow(expect.objectContaining({ code: 'store_failed' }));
  });

  test('a folder that cannot be made is storage_refused', async () => {
    const folder = await createFolder();
    await writeFile(join(folder, 'file'), '');
    expect(() => openSqliteStore(join(folder, 'file', 'below'))).toThrow(
      expect.objectContaining({ code: 'storage_refused' }),
    );
  });

  test('a batch with a bad record leaves nothing of itself', async () => {
    const store = openSqliteStore(await createFolder());
    const bad = { key: 'b', value: null as unknown as Uint8Array };
    await expect(store.write({ put: [{ key: 'a', value: new Uint8Array(1) }, bad] }, 'strict')).rejects.toThrow();
    expect(await store.range({ from: '', to: '~' })).toEqual([]);
    await store.close();
  });
});

describe('blobs in a folder', () => {
  test('what an interrupted write left behind is removed at the start and never counted', async () => {
    const folder = await createFolder();
    await (await openFolderBlobStore(folder)).putMany([{ cid: cidLike(1), bytes: patternBytes(1, 10) }]);
    await writeFile(join(folder, 'blobs', 'unfinished', '7'), 'half');
    const again = await openFolderBlobStore(folder);
    expect(await readdir(join(folder, 'blobs', 'unfinished'))).toEqual([]);
    expect(await again.stats()).toEqual({ blocks: 1, bytes: 10 });
  });

  test('a truncated file is healed by putting the block again', async () => {
    const folder = await createFolder();
    const blobs = await openFolderBlobStore(folder);
    const block = { cid: cidLike(1), bytes: patternBytes(1, 10) };
    await blobs.putMany([block]);
    const path = join(folder, 'blobs', cidLike(1).slice(-3, -1), cidLike(1));
    await truncate(path, 3);
    await blobs.putMany([block]);
    expect((await stat(path)).size).toBe(10);
  });

  test('a name that is no CID never becomes a path', async () => {
    const blobs = await openFolderBlobStore(await createFolder());
    await expect(blobs.get('../../etc/passwd')).rejects.toThrow('CIDs only');
  });
});
