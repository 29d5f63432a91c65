// Content blocks for one request (ED31): memory, then the blob cache, then peers. Every byte is hashed before it is used.

import type { Millis } from '../../shared/core/brand.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import type { Edge } from '../edge.ts';
import type { EdgeMetrics } from '../metrics.ts';
import type { ByteCache } from './byte-cache.ts';
import { BLOB_LEAF_BYTES } from '../../shared/core/limits.ts';
import { verifyBlock } from '../../shared/content/blob-verify.ts';
import { createByteCache } from './byte-cache.ts';

export type BlockOrigin = 'memory' | 'cache' | 'peer';

export type BlockSource = {
  /** `attempt` 1: what was returned before was bad, look elsewhere. */
  getBlock(cid: Cid, attempt: 0 | 1): Promise<Uint8Array | undefined>;
  /** Where the blocks of this request came from so far. */
  origins(): ReadonlySet<BlockOrigin>;
};

/** A quarter of an isolate's memory; blocks of large files come and go within it. */
const MEMORY_BYTES_MAX = 32 * 1024 * 1024;
/** How long peers have for a batch of blocks; a browser waits longer than that for a first byte. */
const PEERS_WAIT: Millis = 15_000;
/** Blocks asked for within this time leave as one want. */
const GATHER_TIME: Millis = 1;
/** Blocks in one want of the gateway: what comes back crosses objects in one call of at most 32 MiB. */
const BATCH_BLOCKS_MAX = 32;

export function createBlockMemory(): ByteCache {
  return createByteCache({ bytesMax: MEMORY_BYTES_MAX, itemMax: BLOB_LEAF_BYTES });
}

type Shared = { readonly edge: Edge; readonly memory: ByteCache; readonly metrics: EdgeMetrics };
type Waiting = { readonly cid: Cid; settle(bytes: Uint8Array | undefined): void; fail(error: unknown): void };

/** `cachedOnly`: peers are not asked. One per request: what it waits for must not be awaited by another one (workerd ties I/O to its request). */
export function createBlockSource(
  { edge, memory, metrics }: Shared,
  manifest: Cid | undefined,
  { cachedOnly = false }: { readonly cachedOnly?: boolean } = {},
): BlockSource {
  const origins = new Set<BlockOrigin>();
  let waiting: Waiting[] = [];

  async function getBlock(cid: Cid, attempt: 0 | 1): Promise<Uint8Array | undefined> {
    if (attempt === 0) {
      const hot = memory.get(cid);
      if (hot) return count('memory', hot);
      const cached = await readCache(cid);
      if (cached) return count('cache', cached);
    } else {
      memory.remove(cid);
    }
    const bytes = cachedOnly ? undefined : await askPeers(cid);
    if (!bytes) return undefined;
    memory.put(cid, bytes);
    edge.later(edge.blobs.put(cid, bytes).catch(() => undefined));
    return count('peer', bytes);
  }

  async function readCache(cid: Cid): Promise<Uint8Array | null> {
    const bytes = await edge.blobs.get(cid);
    if (!bytes) return null;
    if (await verifyBlock(cid, bytes, edge.hasher)) {
      memory.put(cid, bytes);
      return bytes;
    }
    metrics.add('weft_edge_rejected_total', { kind: 'cached_block' });
    edge.later(edge.blobs.remove(cid));
    return null;
  }

  function askPeers(cid: Cid): Promise<Uint8Array | undefined> {
    return new Promise((settle, fail) => {
      if (waiting.length === 0) setTimeout(flush, GATHER_TIME);
      waiting.push({ cid, settle, fail });
    });
  }

  function flush(): void {
    const gathered = waiting;
    waiting = [];
    for (let at = 0; at < gathered.length; at += BATCH_BLOCKS_MAX) {
      const batch = gathered.slice(at, at + BATCH_BLOCKS_MAX);
      wantBatch(batch).catch((error: unknown) => batch.forEach(({ fail }) => fail(error)));
    }
  }

  async function wantBatch(batch: readonly Waiting[]): Promise<void> {
    const cids = [...new Set(batch.map(({ cid }) => cid))];
    const { blocks } = await edge.room.want({ cids, wait: PEERS_WAIT, ...(manifest && { manifest }) });
    const bytesByCid = new Map(blocks.map(({ cid, bytes }) => [cid, bytes]));
    for (const { cid, settle } of batch) settle(bytesByCid.get(cid));
  }

  function count(origin: BlockOrigin, bytes: Uint8Array): Uint8Array {
    origins.add(origin);
    metrics.add('weft_edge_blocks_total', { origin });
    metrics.add('weft_edge_block_bytes_total', { origin }, bytes.length);
    return bytes;
  }

  return { getBlock, origins: () => origins };
}
