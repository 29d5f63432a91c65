// A site as one CAR, for tools of IPFS (rule SI42): the directory of its files and all blocks below, each verified as it is read.

import type { Cid } from '../shared/codec/cid.ts';
import type { DagSource } from '../shared/content/dag-walk.ts';
import type { Failure, Result } from '../shared/core/result.ts';
import type { Manifest } from './manifest.ts';
import { writeCar } from '../shared/content/car-writer.ts';
import { readBlock, walkDag } from '../shared/content/dag-walk.ts';
import { ok } from '../shared/core/result.ts';
import { siteDirectory } from './site-directory.ts';

export type SiteCar = {
  /** What IPFS tools call the folder. */
  readonly root: Cid;
  /** Bytes of the CAR, in order; throws ContentError when a block cannot be had. */
  readonly chunks: AsyncIterable<Uint8Array>;
};

/** `source` has the blocks of the site's files; nothing is read before the first chunk is asked for. */
export async function exportSite(
  manifest: Manifest,
  source: Pick<DagSource, 'getBlock' | 'hasher'>,
): Promise<Result<SiteCar, Failure<'no_directory'>>> {
  const directory = await siteDirectory(manifest, source.hasher);
  if (!directory.ok) return directory;
  const { root, nodes } = directory.value;
  const all: DagSource = {
    hasher: source.hasher,
    getBlock: async (cid, attempt) => nodes.get(cid) ?? (await source.getBlock(cid, attempt)),
  };
  async function* listBlocks() {
    yield* walkDag(all, await readBlock(all, { cid: root, legacy: false }), { scope: 'all' });
  }
  return ok({ root, chunks: writeCar({ roots: [root], blocks: listBlocks() }) });
}
