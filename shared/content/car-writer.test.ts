import { CarReader } from '@ipld/car';
import { describe, expect, test } from 'vitest';
import { siteDirectory } from '../../site-host/site-directory.ts';
import type { Cid } from '../codec/cid.ts';
import { createWebHasher } from '../platform/web/web-crypto.ts';
import { writeCar } from './car-writer.ts';
import { findPath, readBlock, walkDag, type DagSource, type DagWalk } from './dag-walk.ts';
import { addFile } from './unixfs.ts';

const hasher = createWebHasher();
const text = new TextEncoder();
const FILES: Readonly<Record<string, Uint8Array>> = {
  'index.html': text.encode('<h1>hello</h1>'),
  'a/b/deep.txt': text.encode('deep'),
  'a/copy.html': text.encode('<h1>hello</h1>'),
  'big.bin': new Uint8Array(900_000).map((_, at) => at % 251),
  empty: new Uint8Array(0),
};

async function makeSite(): Promise<{ root: Cid; source: DagSource; blocks: Map<Cid, Uint8Array> }> {
  const blocks = new Map<Cid, Uint8Array>();
  const resources = new Map<string, { src: Cid; size: number }>();
  for (const [path, body] of Object.entries(FILES)) {
    const file = await addFile(body, hasher);
    for (const { cid, bytes } of file.blocks) blocks.set(cid, bytes);
    resources.set(`/${path}`, { src: file.cid, size: file.size });
  }
  const directory = await siteDirectory({ resources }, hasher);
  if (!directory.ok) throw new Error(directory.error.because);
  for (const [cid, bytes] of directory.value.nodes) blocks.set(cid, bytes);
  const source = { hasher, getBlock: async (cid: Cid) => blocks.get(cid) };
  return { root: directory.value.root, source, blocks };
}

async function exportCar(source: DagSource, root: Cid, walk: DagWalk): Promise<Uint8Array<ArrayBuffer>> {
  const target = await readBlock(source, { cid: root, legacy: false });
  const parts: Uint8Array[] = [];
  for await (const part of writeCar({ roots: [root], blocks: walkDag(source, target, walk) })) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

describe('CT33: what reads CARs elsewhere reads ours', () => {
  test('every block once, under the root', async () => {
    const { root, source, blocks } = await makeSite();
    const reader = await CarReader.fromBytes(await exportCar(source, root, { scope: 'all' }));
    expect((await reader.getRoots()).map(String)).toEqual([root]);
    const listed: string[] = [];
    for await (const { cid } of reader.blocks()) listed.push(cid.toString());
    expect(new Set(listed).size).toBe(listed.length);
    expect([...listed].sort()).toEqual([...blocks.keys()].sort());
  });

  test('CT35: depth first by the names, equal blocks once or each time', async () => {
    const { root, source } = await makeSite();
    const list = async (walk: DagWalk): Promise<string[]> => {
      const reader = await CarReader.fromBytes(await exportCar(source, root, walk));
      const cids: string[] = [];
      for await (const { cid } of reader.blocks()) cids.push(cid.toString());
      return cids;
    };
    const at = async (path: string): Promise<string> =>
      (await findPath(source, { cid: root, legacy: false }, path.split('/')))!.roots.at(-1)!;
    const hello = await at('index.html');
    const once = await list({ scope: 'all' });
    expect(once.slice(0, 5)).toEqual([root, await at('a'), await at('a/b'), await at('a/b/deep.txt'), hello]);
    const each = await list({ scope: 'all', repeat: true });
    expect(each.filter((cid) => cid === hello)).toHaveLength(2);
    expect(each.length).toBe(once.length + 1);
    expect(await list({ scope: 'entity' })).toEqual([root]);
    expect(await list({ scope: 'block' })).toEqual([root]);
  });
});
