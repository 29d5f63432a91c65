// Files as blocks (rules CT2–CT7): one raw leaf up to 256 KiB, above that the balanced UnixFS tree that IPFS tools make.

import { BLOB_LEAF_BYTES, FILE_BYTES_MAX, UNIXFS_LINKS_MAX } from '../core/limits.ts';
import { assert } from '../core/assert.ts';
import { cidCodec, cidFromDigest, type Cid } from '../codec/cid.ts';
import type { Hasher } from '../platform/ports.ts';
import { verifyBlock } from './blob-verify.ts';
import { ContentError } from './content-error.ts';
import { decodeFileNode, encodeFileNode, FILE_NODE_BYTES_MAX, type FileLink } from './file-node.ts';

/** Leaves read and hashed at once: 4 MiB keeps WebCrypto and the disk busy and memory small. */
const LEAVES_AT_ONCE = 16;
/** Leaves asked for ahead of the one that leaves: 2 MiB hide the delay of a peer. */
const LEAVES_AHEAD = 8;
/** Nodes above a leaf: two levels of 1,024 links hold 256 GiB, more than FILE_BYTES_MAX. */
export const TREE_DEPTH_MAX = 2;

/** What a Blob offers, and all that is asked of it: `from` inclusive, `to` exclusive, in bytes. */
export type ByteSource = {
  readonly size: number;
  slice(from: number, to: number): { arrayBuffer(): Promise<ArrayBuffer> };
};

/** `bytes` owns its buffer: a view on a larger one would be stored whole by structured clone. */
export type Block = { readonly cid: Cid; readonly bytes: Uint8Array<ArrayBuffer> };

export type FileRoot = { readonly cid: Cid; readonly size: number };

/** Bytes `from` ≤ i < `to` of a file. */
export type ByteRange = { readonly from: number; readonly to: number };

export type FileToRead = {
  readonly cid: Cid;
  /** As promised by whoever named the CID; a tree that says otherwise is refused. Unknown: the tree's word. */
  readonly size?: number;
  /**
   * Where blocks come from. What it returns is hashed here; if it does not match, it is asked once more with
   * `attempt` 1, which means: drop that copy and look elsewhere.
   */
  readonly getBlock: (cid: Cid, attempt: 0 | 1) => Promise<Uint8Array | undefined>;
  readonly hasher: Hasher;
  /** Clamped to the file. */
  readonly range?: ByteRange;
};

/** All blocks of a file in memory, root last. For files that may be large use splitFile. */
export async function addFile(body: Uint8Array | ByteSource, hasher: Hasher): Promise<FileRoot & { blocks: Block[] }> {
  const blocks: Block[] = [];
  const parts = splitFile(body, hasher);
  for (;;) {
    const { done, value } = await parts.next();
    if (done) return { ...value, blocks };
    blocks.push(...value);
  }
}

/**
 * The blocks of a file in batches of about 4 MiB, leaves first, and at the end its root. CIDs equal those of
 * ipfs-unixfs-importer with raw leaves of 256 KiB, 1,024 links and CIDv1. Throws ContentError `file_changed`.
 */
export async function* splitFile(
  body: Uint8Array | ByteSource,
  hasher: Hasher,
): AsyncGenerator<Block[], FileRoot, undefined> {
  const source = body instanceof Uint8Array ? sourceOfBytes(body) : body;
  const { size } = source;
  assert(size <= FILE_BYTES_MAX, 'the size of a file is checked before it is split');
  const leaves: FileLink[] = [];
  const step = LEAVES_AT_ONCE * BLOB_LEAF_BYTES;
  let next = readSlice(source, 0, step);
  for (let at = 0; at === 0 || at < size; at += step) {
    const slice = await next;
    if (at + step < size) next = readSlice(source, at + step, step);
    const blocks = await Promise.all(cutLeaves(slice).map(async (bytes) => await makeBlock('raw', bytes, hasher)));
    for (const { cid, bytes } of blocks) leaves.push({ cid, size: bytes.length, total: bytes.length });
    yield blocks;
  }
  let level = leaves;
  while (level.length > 1) {
    const parents = await joinLevel(level, hasher);
    yield parents.map(({ block }) => block);
    level = parents.map(({ link }) => link);
  }
  return { cid: level[0]!.cid, size };
}

/**
 * The bytes of a file or of a range of it, in order, in chunks of at most one leaf. Every block is verified before
 * its first byte leaves. Throws ContentError `block_missing`, `block_corrupt` or `tree_invalid` with the CID.
 */
export async function* readFile(file: FileToRead): AsyncGenerator<Uint8Array<ArrayBufferLike>, void, undefined> {
  if (file.size === 0) return await readNothing(file);
  const from = Math.max(0, file.range?.from ?? 0);
  const to = Math.min(file.size ?? FILE_BYTES_MAX, file.range?.to ?? FILE_BYTES_MAX);
  if (from >= to) return;
  const pending: { from: number; bytes: Promise<Uint8Array> }[] = [];
  const leaves = walkLeaves(file, { from, to }, { cid: file.cid, size: file.size, from: 0, depth: 0 });
  let more = true;
  for (;;) {
    while (more && pending.length < LEAVES_AHEAD) {
      const { done, value } = await leaves.next();
      if (done) more = false;
      else pending.push({ from: value.from, bytes: silenced(readLeaf(file, value)) });
    }
    const first = pending.shift();
    if (!first) return;
    const bytes = await first.bytes;
    const chunk = bytes.subarray(Math.max(0, from - first.from), Math.max(0, to - first.from));
    if (chunk.length > 0) yield chunk;
  }
}

type Place = { readonly cid: Cid; readonly size: number | undefined; readonly from: number; readonly depth: number };

async function* walkLeaves(file: FileToRead, range: ByteRange, place: Place): AsyncGenerator<Place, void, undefined> {
  if (cidCodec(place.cid) === 'raw') return yield place;
  const links = await readLinks(file, place);
  let { from } = place;
  for (const { cid, size } of links) {
    if (from >= range.to) return;
    if (from + size > range.from) yield* walkLeaves(file, range, { cid, size, from, depth: place.depth + 1 });
    from += size;
  }
}

async function readLinks(file: FileToRead, { cid, size, depth }: Place): Promise<readonly FileLink[]> {
  if (depth === TREE_DEPTH_MAX) throw new ContentError('tree_invalid', 'the tree of the file is too deep', cid);
  const node = decodeFileNode(await readVerified(file, cid, FILE_NODE_BYTES_MAX));
  if (!node.ok) throw new ContentError('tree_invalid', node.error.because, cid);
  if (size !== undefined && node.value.size !== size) {
    throw new ContentError('tree_invalid', `the tree holds ${node.value.size} bytes, ${size} were promised`, cid);
  }
  return node.value.links;
}

async function readLeaf(file: FileToRead, { cid, size }: Place): Promise<Uint8Array> {
  const bytes = await readVerified(file, cid, BLOB_LEAF_BYTES);
  if (size === undefined || bytes.length === size) return bytes;
  throw new ContentError('tree_invalid', `a leaf holds ${bytes.length} bytes, ${size} were promised`, cid);
}

async function readVerified(file: FileToRead, cid: Cid, lengthMax: number): Promise<Uint8Array> {
  for (const attempt of [0, 1] as const) {
    const bytes = await file.getBlock(cid, attempt);
    if (!bytes) throw new ContentError('block_missing', `nobody has the block ${cid}`, cid);
    if (bytes.length <= lengthMax && (await verifyBlock(cid, bytes, file.hasher))) return bytes;
  }
  throw new ContentError('block_corrupt', `what came for the block ${cid} is not that block`, cid);
}

/** An empty file needs no source: its CID is the hash of nothing. */
async function readNothing({ cid, hasher }: FileToRead): Promise<void> {
  if (cidCodec(cid) === 'raw' && (await verifyBlock(cid, new Uint8Array(0), hasher))) return;
  throw new ContentError('tree_invalid', 'the file is said to be empty, its CID says otherwise', cid);
}

/** A promise that nobody may come to await: its failure is no unhandled rejection, and still thrown to who does. */
function silenced<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

function readSlice(source: ByteSource, from: number, length: number): Promise<ArrayBuffer> {
  const to = Math.min(source.size, from + length);
  const read = async (): Promise<ArrayBuffer> => {
    let buffer: ArrayBuffer;
    try {
      buffer = await source.slice(from, to).arrayBuffer();
    } catch (error) {
      throw new ContentError('file_changed', `the file cannot be read any more: ${String(error)}`);
    }
    if (buffer.byteLength === to - from) return buffer;
    throw new ContentError('file_changed', 'the file became shorter while it was read');
  };
  return silenced(read());
}

function sourceOfBytes(bytes: Uint8Array): ByteSource {
  // Not bytes.slice: that of Node's Buffer copies nothing, and its buffer holds other files' bytes too.
  const copy = (from: number, to: number): ArrayBuffer => new Uint8Array(bytes.subarray(from, to)).buffer;
  return { size: bytes.length, slice: (from, to) => ({ arrayBuffer: () => Promise.resolve(copy(from, to)) }) };
}

function cutLeaves(slice: ArrayBuffer): Uint8Array<ArrayBuffer>[] {
  if (slice.byteLength <= BLOB_LEAF_BYTES) return [new Uint8Array(slice)];
  const leaves: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < slice.byteLength; at += BLOB_LEAF_BYTES) {
    leaves.push(new Uint8Array(slice.slice(at, at + BLOB_LEAF_BYTES)));
  }
  return leaves;
}

async function makeBlock(codec: 'raw' | 'dag-pb', bytes: Uint8Array<ArrayBuffer>, hasher: Hasher): Promise<Block> {
  return { cid: cidFromDigest(codec, await hasher.sha256(bytes)), bytes };
}

/** The nodes above one level. A last node with a single link stays: the balanced layout never folds it away. */
async function joinLevel(level: readonly FileLink[], hasher: Hasher): Promise<{ block: Block; link: FileLink }[]> {
  const parents: { block: Block; link: FileLink }[] = [];
  for (let at = 0; at < level.length; at += UNIXFS_LINKS_MAX) {
    const links = level.slice(at, at + UNIXFS_LINKS_MAX);
    const block = await makeBlock('dag-pb', encodeFileNode(links), hasher);
    const size = links.reduce((sum, link) => sum + link.size, 0);
    const total = links.reduce((sum, link) => sum + link.total, block.bytes.length);
    parents.push({ block, link: { cid: block.cid, size, total } });
  }
  return parents;
}
