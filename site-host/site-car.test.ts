import { CarReader } from '@ipld/car';
import { exporter, recursive } from 'ipfs-unixfs-exporter';
import { expect, test } from 'vitest';
import type { Cid } from '../shared/codec/cid.ts';
import { createWebHasher } from '../shared/platform/web/web-crypto.ts';
import { bundleSite } from './bundle.ts';
import { exportSite } from './site-car.ts';

const hasher = createWebHasher();
const text = new TextEncoder();
const FILES: Readonly<Record<string, Uint8Array>> = {
  'index.html': text.encode('<h1>hello</h1>'),
  'a/b/deep.txt': text.encode('deep'),
  'a/copy.html': text.encode('<h1>hello</h1>'),
  'ü/～.txt': text.encode('names of every kind'),
  'big.bin': new Uint8Array(900_000).map((_, at) => at % 251),
  empty: new Uint8Array(0),
};

async function makeSite() {
  const blocks = new Map<Cid, Uint8Array>();
  const bundle = await bundleSite({
    files: Object.entries(FILES).map(([path, body]) => ({ path, body })),
    now: 1,
    hasher,
    putBlocks: async (made) => made.forEach(({ cid, bytes }) => void blocks.set(cid, bytes)),
  });
  if (!bundle.ok) throw new Error(bundle.error.because);
  const getBlock = async (cid: Cid) => blocks.get(cid);
  const car = await exportSite(bundle.value.manifest, { hasher, getBlock });
  if (!car.ok) throw new Error(car.error.because);
  return { ...car.value, blocks };
}

test('SI42: @ipld/car and ipfs-unixfs-exporter read the same bytes from an exported site', async () => {
  const { root, chunks } = await makeSite();
  const reader = await CarReader.fromIterable(chunks);
  expect((await reader.getRoots()).map(String)).toEqual([root]);
  const store = {
    async *get(cid: Parameters<typeof reader.get>[0]) {
      const block = await reader.get(cid);
      if (!block) throw new Error(`the CAR lacks ${cid.toString()}`);
      yield block.bytes;
    },
  };
  const found: Record<string, Uint8Array> = {};
  for await (const { path } of recursive(root, store)) {
    const entry = await exporter(path, store);
    if (entry.type !== 'file' && entry.type !== 'raw') continue;
    const parts: Uint8Array[] = [];
    for await (const part of entry.content()) parts.push(part);
    found[path.slice(root.length + 1)] = new Uint8Array(Buffer.concat(parts));
  }
  expect(Object.keys(found).toSorted()).toEqual(Object.keys(FILES).toSorted());
  for (const [path, body] of Object.entries(FILES)) expect(Buffer.compare(found[path]!, body), path).toBe(0);
});

test('CT33: a site that is not whole is an error, and what was written reads as cut off', async () => {
  const { chunks, blocks } = await makeSite();
  const leaf = [...blocks].find(([, { length }]) => length === 262_144)!;
  blocks.delete(leaf[0]);
  const parts: Uint8Array[] = [];
  const reading = (async () => {
    for await (const chunk of chunks) parts.push(chunk);
  })();
  await expect(reading).rejects.toMatchObject({ code: 'block_missing', cid: leaf[0] });
  await expect(CarReader.fromBytes(new Uint8Array(Buffer.concat(parts)))).rejects.toThrow();
});
