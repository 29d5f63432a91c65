// Gathers blocks into writes large enough to be fast and small enough to be bounded.

import type { BlobStore } from '../shared/platform/ports.ts';

/** Measured: batches of 16 to 64 leaves write fastest, and 4 MiB is little to hold. */
const BATCH_BLOCKS = 64;
const BATCH_BYTES: number = 4 * 1024 * 1024;

type StoredBlock = { readonly cid: string; readonly bytes: Uint8Array };

export class BlockBatch {
  readonly #blobs: BlobStore;
  #blocks: StoredBlock[] = [];
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  /** Resolves at once while there is room; waits for the disk when it falls behind. */
  async add(block: StoredBlock): Promise<void> {
    this.#blocks.push(block);
    this.#bytes += block.bytes.length;
    if (this.#blocks.length >= BATCH_BLOCKS || this.#bytes >= BATCH_BYTES) await this.flush();
  }

  /** On disk when it resolves; rejects with the StoreError of the write that failed. */
  async flush(): Promise<void> {
    const blocks = this.#blocks;
    this.#blocks = [];
    this.#bytes = 0;
    const before = this.#writing;
    this.#writing = before.then(() => (blocks.length > 0 ? this.#blobs.putMany(blocks) : undefined));
    await this.#writing;
  }
}
