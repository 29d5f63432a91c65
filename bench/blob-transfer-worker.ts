// The engine's side of the transfer: a node with a store of blocks, which gives them to another one and takes them from there.

import { expose } from 'comlink';
import { createListedIdbBlobStore } from '../browser-node/storage/idb-blob-list.ts';
import { makeSpareFiles } from '../browser-node/storage/pack-files.ts';
import { cidFromDigest, type Cid } from '../shared/codec/cid.ts';
import { BLOB_LEAF_BYTES } from '../shared/core/limits.ts';
import { BlockFetcher } from '../shared/node/block-fetcher.ts';
import { createWebClock } from '../shared/platform/web/web-clock.ts';
import { createWebHasher } from '../shared/platform/web/web-crypto.ts';
import { BlockBatch } from '../site-host/block-batch.ts';
import { LinkNode } from '../test/browser/link-node.ts';

const BLOBS = 'bench-blocks';
const blobs = createListedIdbBlobStore(BLOBS);
const hasher = createWebHasher();
/** Of a node that has run for more than a minute: as many files wait as one keeps ahead. */
const SPARES = { count: 64, madeAt: 1 };
/** The Web Crypto API fills at most so much at once. */
const RANDOM_BYTES_MAX = 65_536;

let node: LinkNode | null = null;

const api = {
  /** Stores so many bytes in blocks; answers with their names. */
  async fill(bytes: number): Promise<Cid[]> {
    const cids: Cid[] = [];
    const batch = new BlockBatch(blobs);
    for (let at = 0; at < bytes; at += BLOB_LEAF_BYTES) {
      const block = new Uint8Array(BLOB_LEAF_BYTES);
      for (let i = 0; i < block.length; i += RANDOM_BYTES_MAX)
        crypto.getRandomValues(block.subarray(i, i + RANDOM_BYTES_MAX));
      const cid = cidFromDigest('raw', await hasher.sha256(block));
      await batch.add({ cid, bytes: block });
      cids.push(cid);
    }
    await batch.flush();
    return cids;
  },

  /** Before any block is stored. */
  prepare: async (): Promise<void> => void (await makeSpareFiles(BLOBS, SPARES)),

  async start(options: { relay: string; byte: number }, rtc: MessagePort): Promise<void> {
    node = await LinkNode.start({ ...options, rtc, blobs });
  },

  dial: (): Promise<boolean> => node!.dial(),

  isDirect: (): boolean => node!.blocks.length > 0,

  /** Milliseconds from the first request until every block was verified and is on disk. */
  async fetch(cids: readonly Cid[]): Promise<number> {
    const fetcher = new BlockFetcher({ clock: createWebClock(), hasher });
    const batch = new BlockBatch(blobs);
    const started = performance.now();
    for (const { source } of node!.blocks) fetcher.addSource(source);
    const missing = await fetcher.fetchAll(
      cids.map((cid) => ({ cid, size: BLOB_LEAF_BYTES })),
      (block) => batch.add(block),
    );
    await batch.flush();
    const ms = performance.now() - started;
    const held = await blobs.has(cids);
    if (missing.length > 0 || !held.every(Boolean)) throw new Error(`${missing.length} blocks did not come`);
    return ms;
  },

  /** So that the next round stores them again. */
  forget: (cids: readonly Cid[]): Promise<void> => blobs.remove(cids),
};

export type TransferWorker = typeof api;

expose(api);
