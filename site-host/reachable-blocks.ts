// Which blocks something that is kept needs: from manifests and files down their trees, each node read once (rule CT41).

import type { Cid } from '../shared/codec/cid.ts';
import type { BlobStore, Hasher } from '../shared/platform/ports.ts';
import { cidCodec } from '../shared/codec/cid.ts';
import { verifyBlock } from '../shared/content/blob-verify.ts';
import { decodeFileNode } from '../shared/content/file-node.ts';
import { fail, ok, type Failure, type Result } from '../shared/core/result.ts';
import { decodeManifest } from './manifest.ts';

/** Read at once: nodes have 64 KiB at most and a manifest 4 MiB, so 2 MiB of nodes or one manifest. */
const READ_NODES = 32;
/** Letters of a digest that fit a number exactly; two blocks that share them only keep one more block. */
const MARK_FROM = 10;
const MARK_TO = 20;
const MARK_RADIX = 36;

export class ReachableBlocks {
  readonly #blobs: Pick<BlobStore, 'getMany'>;
  readonly #hasher: Hasher;
  /** A number for each block: a tenth of the memory that their names would take. */
  readonly #marks = new Set<number>();
  /** Manifests and nodes that were read or are about to be. */
  readonly #walked = new Set<Cid>();
  /** Of these, the ones that are not here: they may come, with what is below them. */
  readonly #missing = new Set<Cid>();

  constructor({ blobs, hasher }: { readonly blobs: Pick<BlobStore, 'getMany'>; readonly hasher: Hasher }) {
    this.#blobs = blobs;
    this.#hasher = hasher;
  }

  /** Never false for a block below a root that was marked. */
  has(cid: Cid): boolean {
    return this.#marks.has(markOf(cid));
  }

  /** Marks all that is here below these. Fails when a node cannot be read: nobody knows then what is below it. */
  async mark(roots: Iterable<Cid>): Promise<Result<null, Failure<'block_corrupt'>>> {
    const queue = [...this.#missing];
    this.#missing.clear();
    for (const root of roots) this.#add(root, queue);
    while (queue.length > 0) {
      const cids = takeBatch(queue);
      const blocks = await this.#blobs.getMany(cids);
      for (const [at, cid] of cids.entries()) {
        const bytes = blocks[at];
        const below = bytes ? await this.#read(cid, bytes) : [];
        if (below === null) return fail('block_corrupt', `The block ${cid} was changed on disk.`);
        if (!bytes) this.#missing.add(cid);
        for (const one of below) this.#add(one, queue);
      }
    }
    return ok(null);
  }

  #add(cid: Cid, queue: Cid[]): void {
    this.#marks.add(markOf(cid));
    if (cidCodec(cid) === 'raw' || this.#walked.has(cid)) return;
    this.#walked.add(cid);
    queue.push(cid);
  }

  async #read(cid: Cid, bytes: Uint8Array): Promise<Cid[] | null> {
    if (!(await verifyBlock(cid, bytes, this.#hasher))) return null;
    if (cidCodec(cid) === 'dag-pb') {
      const node = decodeFileNode(bytes);
      return node.ok ? node.value.links.map((link) => link.cid) : null;
    }
    const manifest = decodeManifest(bytes);
    return manifest.ok ? [...manifest.value.resources.values()].map(({ src }) => src) : null;
  }
}

function takeBatch(queue: Cid[]): Cid[] {
  let from = queue.length - 1;
  if (cidCodec(queue[from]!) !== 'dag-pb') return queue.splice(from);
  while (from > 0 && queue.length - from < READ_NODES && cidCodec(queue[from - 1]!) === 'dag-pb') from--;
  return queue.splice(from);
}

function markOf(cid: Cid): number {
  return Number.parseInt(cid.slice(MARK_FROM, MARK_TO), MARK_RADIX);
}
