// Files of packs over a private file system in memory: two engines at once, and many files read while one is written.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makeSpareFiles, PackFiles } from './pack-files.ts';

const FOLDER = 'packs';
/** Long ago. */
const MADE = 1_000;
const PACK = new Uint8Array(1_000).fill(7);

type FakeFile = { bytes: Uint8Array<ArrayBuffer>; held: boolean };

const refuse = (name: string) => new DOMException(name, name);

class FakeFileHandle {
  readonly #file: FakeFile;
  constructor(file: FakeFile) {
    this.#file = file;
  }
  async getFile() {
    return new Blob([this.#file.bytes]);
  }
  async createSyncAccessHandle() {
    const file = this.#file;
    if (file.held) throw refuse('NoModificationAllowedError');
    file.held = true;
    return {
      getSize: () => file.bytes.length,
      truncate: (length: number) => {
        const bytes = new Uint8Array(length);
        bytes.set(file.bytes.subarray(0, length));
        file.bytes = bytes;
      },
      write: (part: Uint8Array, { at }: { at: number }) => {
        file.bytes.set(part, at);
        return part.length;
      },
      read: (into: Uint8Array, { at }: { at: number }) => {
        const part = file.bytes.subarray(at, at + into.length);
        into.set(part);
        return part.length;
      },
      flush: () => undefined,
      close: () => {
        file.held = false;
      },
    };
  }
}

const files = new Map<string, FakeFile>();
let isFull = false;

const folder = {
  async *keys() {
    yield* files.keys();
  },
  async getFileHandle(name: string, { create = false } = {}) {
    if (!files.has(name) && create && isFull) throw refuse('QuotaExceededError');
    if (!files.has(name) && create) files.set(name, { bytes: new Uint8Array(0), held: false });
    const file = files.get(name);
    if (!file) throw refuse('NotFoundError');
    return new FakeFileHandle(file);
  },
  async removeEntry(name: string) {
    files.delete(name);
  },
};

beforeEach(() => {
  files.clear();
  isFull = false;
  vi.stubGlobal('FileSystemFileHandle', FakeFileHandle);
  vi.stubGlobal('navigator', { storage: { getDirectory: async () => ({ getDirectoryHandle: async () => folder }) } });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function openEngine(used: Set<string>): Promise<PackFiles> {
  const found = await PackFiles.open({
    folder: FOLDER,
    listUsed: async () => [...used],
    isUsed: async (name) => used.has(name),
  });
  // What it does by itself at its start.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  return found!;
}

async function writePack(engine: PackFiles): Promise<string> {
  const name = await engine.write([PACK]);
  expect(name).not.toBeNull();
  return name!;
}

test('BN27: a file that the database is about to name stays, however many others are read meanwhile', async () => {
  await makeSpareFiles(FOLDER, { count: 64, madeAt: MADE });
  const used = new Set<string>();
  const engine = await openEngine(used);
  while (used.size < 40) {
    const name = await writePack(engine);
    used.add(name);
    await engine.close([name]);
  }
  const written = await writePack(engine);
  for (const file of used) expect(await engine.read({ file, at: 0, length: PACK.length })).toEqual(PACK);
  // It looks for what engines left that ended before the database knew of it.
  const next = await openEngine(used);
  used.add(written);
  await engine.close([written]);
  expect(await next.read({ file: written, at: 0, length: PACK.length })).toEqual(PACK);
});

test('BN27: where no file could be made, files are made once there is room again', async () => {
  isFull = true;
  const engine = await openEngine(new Set());
  expect(await engine.write([PACK])).toBeNull();
  isFull = false;
  expect(await engine.write([PACK])).toBeNull();
  const later = Date.now() + 61_000;
  await vi.waitFor(() => expect(files.size).toBe(64));
  vi.spyOn(Date, 'now').mockReturnValue(later);
  expect(await engine.write([PACK])).not.toBeNull();
});

test('BN27: a file that is gone is not looked for again', async () => {
  const engine = await openEngine(new Set(['gone']));
  expect(engine.missing).toEqual(['gone']);
  await engine.release(['gone']);
  const asked = vi.spyOn(folder, 'getFileHandle');
  await engine.release([]);
  expect(asked).not.toHaveBeenCalled();
});
