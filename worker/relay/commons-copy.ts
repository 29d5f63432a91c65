// The edge's copy of the commons as a Durable Object, with the list of what its blob cache holds.

import type { DurableObjectState } from '@cloudflare/workers-types';
import type { Cid } from '../../shared/codec/cid.ts';
import type { Result } from '../../shared/core/result.ts';
import type { Checkpoint } from '../../shared/light-client/checkpoint.ts';
import type { PublicKey } from '../../shared/platform/ports.ts';
import type { EdgeBindings } from '../bindings.ts';
import type { FeedHead, StoreFailure } from '../edge.ts';
import { DurableObject } from 'cloudflare:workers';
import { readConfig } from '../config.ts';
import { BlobShelf } from '../gateway/blob-shelf.ts';
import { sqlOfObject } from '../sql.ts';
import { BlockCopy } from './block-copy.ts';

export class CommonsCopy extends DurableObject<EdgeBindings> {
  readonly #copy: BlockCopy;
  readonly #shelf: BlobShelf;

  constructor(ctx: DurableObjectState, env: EdgeBindings) {
    super(ctx, env);
    const sql = sqlOfObject(ctx.storage);
    this.#copy = new BlockCopy({ sql, config: readConfig(env) });
    this.#shelf = new BlobShelf({ sql, remove: (cids) => env.BLOBS.delete(cids), cacheMib: env.BLOB_CACHE_MIB });
  }

  store(bytes: Uint8Array): Promise<Result<{ height: number }, StoreFailure>> {
    return this.#copy.store(bytes);
  }

  blocks(range: { from: number; max: number }): { blocks: Uint8Array[]; height: number } {
    return this.#copy.blocks(range);
  }

  feedHead(device: PublicKey): FeedHead | null {
    return this.#copy.feedHead(device);
  }

  resolution(key: string): { bytes: Uint8Array; height: number } | null {
    return this.#copy.resolution(key);
  }

  keepResolution(record: { key: string; bytes: Uint8Array; height: number }): void {
    this.#copy.keepResolution(record);
  }

  checkpoint(key?: string): Checkpoint | null {
    return this.#copy.checkpoint(key);
  }

  /** A block is about to be stored in the blob cache: the oldest of it make room. */
  async makeRoom(block: { cid: Cid; size: number }): Promise<void> {
    await this.#shelf.makeRoom(block);
  }
}
