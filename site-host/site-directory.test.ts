import { importer } from 'ipfs-unixfs-importer';
import { fixedSize } from 'ipfs-unixfs-importer/chunker';
import { balanced } from 'ipfs-unixfs-importer/layout';
import { describe, expect, test } from 'vitest';
import { addFile } from '../shared/content/unixfs.ts';
import { DAG_NODE_BYTES_MAX } from '../shared/core/limits.ts';
import { createWebHasher } from '../shared/platform/web/web-crypto.ts';
import { siteDirectory, type SiteDirectory } from './site-directory.ts';
import type { Resource } from './manifest.ts';

const hasher = createWebHasher();
const text = new TextEncoder();
const LEAF = 262_144;

type Files = Readonly<Record<string, Uint8Array>>;

async function directoryOf(files: Files): Promise<SiteDirectory> {
  const resources = new Map<string, Resource>();
  for (const [path, body] of Object.entries(files)) {
    const { cid, size } = await addFile(body, hasher);
    resources.set(`/${path}`, { src: cid, size });
  }
  const directory = await siteDirectory({ resources }, hasher);
  if (!directory.ok) throw new Error(directory.error.because);
  return directory.value;
}

/** The root that IPFS tools give the folder, and the size of all its blocks. */
async function importFolder(files: Files): Promise<{ root: string; nodes: Set<string> }> {
  const nodes = new Set<string>();
  const store = { put: (cid: { toString(): string }) => Promise.resolve(void nodes.add(cid.toString())) };
  const options = {
    rawLeaves: true,
    cidVersion: 1,
    wrapWithDirectory: true,
    chunker: fixedSize({ chunkSize: LEAF }),
    layout: balanced({ maxChildrenPerNode: 1_024 }),
  } as const;
  let root = '';
  const source = Object.entries(files).map(([path, content]) => ({ path, content }));
  for await (const { cid } of importer(source, store as never, options)) root = cid.toString();
  return { root, nodes };
}

describe('SI40: the directory of a site is the one that IPFS tools make of the same folder', () => {
  const small = text.encode('hello');
  const cases: Record<string, Files> = {
    'one file': { 'index.html': small },
    'names in the order of their bytes': { b: small, B: small, 'a b': small, ü: small, 𝒳: small, '～': small },
    'folders in folders': {
      'a/b/c/d.txt': small,
      'a/b.txt': small,
      'a/z/y.txt': text.encode('y'),
      'index.html': small,
    },
    'files of many leaves': { 'big.bin': new Uint8Array(3 * LEAF + 5).fill(7), 'exact.bin': new Uint8Array(2 * LEAF) },
    'an empty file': { empty: new Uint8Array(0) },
  };
  test.each(Object.keys(cases))('%s', async (name) => {
    const files = cases[name]!;
    const imported = await importFolder(files);
    const { root, nodes } = await directoryOf(files);
    expect(root).toBe(imported.root);
    for (const cid of nodes.keys()) expect(imported.nodes.has(cid), cid).toBe(true);
  });

  test('SI41: thousands of names in one folder, split into shards', async () => {
    const body = text.encode('x');
    for (const count of [6_000, 9_000]) {
      const files = Object.fromEntries(
        Array.from({ length: count }, (_, at) => [`posts/a-post-with-a-name-${at}.html`, body]),
      );
      const { root, nodes } = await directoryOf(files);
      expect(root).toBe((await importFolder(files)).root);
      for (const bytes of nodes.values()) expect(bytes.length).toBeLessThanOrEqual(DAG_NODE_BYTES_MAX);
    }
  });

  test('SI41: the widest directory that is not split is still one block', async () => {
    const cid = (await addFile(text.encode('x'), hasher)).cid;
    const names = Array.from({ length: 6_400 }, (_, at) => String.fromCharCode(0x61 + (at % 26)) + at.toString(36));
    const resources = new Map(names.map((name) => [`/${name}`, { src: cid, size: 1 }]));
    const directory = await siteDirectory({ resources }, hasher);
    expect(
      directory.ok && [...directory.value.nodes.values()].map(({ length }) => length <= DAG_NODE_BYTES_MAX),
    ).toEqual([true]);
  });
});

test('SI40: too many folders are refused before they take memory', async () => {
  const { cid } = await addFile(text.encode('x'), hasher);
  const resources = new Map<string, Resource>();
  for (let at = 0; at < 200; at++) resources.set(`/${at}/${'d/'.repeat(200)}f`, { src: cid, size: 1 });
  expect(await siteDirectory({ resources }, hasher)).toMatchObject({ ok: false, error: { code: 'no_directory' } });
});
