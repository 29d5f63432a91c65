// A site as a CAR file (SI42), from this browser's disk and, for what is not there, from other nodes.

import type { Cid } from '../../shared/codec/cid.ts';
import type { EngineContext } from './engine-context.ts';
import type { Manifest } from '../../site-host/manifest.ts';
import { ContentError } from '../../shared/content/content-error.ts';
import { BlockFetcher } from '../../shared/node/block-fetcher.ts';
import { exportSite } from '../../site-host/site-car.ts';
import { orThrow, reject } from '../transport/failure-transfer.ts';

const CAR_TYPE = 'application/vnd.ipld.car';
/** Bytes held before the browser may put them on disk as part of a Blob. */
const PART_BYTES_MIN = 8 * 1024 * 1024;

export async function exportSiteCar(
  { blobs, node, clock, hasher }: EngineContext,
  { cid, manifest }: { readonly cid: Cid; readonly manifest: Manifest },
): Promise<Blob> {
  const fetcher = new BlockFetcher({ clock, hasher });
  let asked: Promise<void> | undefined;
  const findSources = async (): Promise<void> => {
    for (const source of await node.findSources(cid)) fetcher.addSource(source);
  };
  async function getBlock(wanted: Cid, attempt: 0 | 1): Promise<Uint8Array | undefined> {
    const held = attempt === 0 ? await blobs.get(wanted) : undefined;
    if (held) return held;
    await (asked ??= findSources());
    return (await fetcher.fetch({ cid: wanted }, true))?.bytes;
  }
  try {
    return await collect(orThrow(await exportSite(manifest, { getBlock, hasher })).chunks);
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    return reject(
      error.code,
      `The site cannot be exported now, ${error.message}: try again when who has it is online.`,
    );
  } finally {
    fetcher.abandon();
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Blob> {
  const done: Blob[] = [];
  let parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    // Chunks are views of blocks that own their buffers; none is shared between threads.
    parts.push(chunk as Uint8Array<ArrayBuffer>);
    bytes += chunk.length;
    if (bytes < PART_BYTES_MIN) continue;
    done.push(new Blob(parts));
    parts = [];
    bytes = 0;
  }
  return new Blob([...done, ...parts], { type: CAR_TYPE });
}
