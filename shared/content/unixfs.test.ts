import { importer } from 'ipfs-unixfs-importer';
import { fixedSize } from 'ipfs-unixfs-importer/chunker';
import { balanced } from 'ipfs-unixfs-importer/layout';
import { expect, test } from 'vitest';
import { cidFromDigest, type Cid } from '../codec/cid.ts';
import { BLOB_LEAF_BYTES, FILE_BYTES_MAX, UNIXFS_LINKS_MAX } from '../core/limits.ts';
import { createWebHasher } from '../platform/web/web-crypto.ts';
import { ContentError } from './content-error.ts';
import { encodeFileNode, type FileLink } from './file-node.ts';
import { addFile, readFile, splitFile, type Block, type ByteSource, type FileToRead } from './unixfs.ts';

const hasher = createWebHasher();
const LEAF = BLOB_LEAF_BYTES;
const MIB = 1024 * 1024;

function pattern(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + (i >> 16)) & 0xff;
  return bytes;
}

/** Zeros of any size that are made when asked for. */
function zeros(size: number): ByteSource {
  return { size, slice: (from, to) => ({ arrayBuffer: () => Promise.resolve(new ArrayBuffer(to - from)) }) };
}

async function cidByImporter(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> {
  const nowhere = { put: (cid: unknown) => Promise.resolve(cid) };
  const options = {
    rawLeaves: true,
    cidVersion: 1,
    chunker: fixedSize({ chunkSize: LEAF }),
    layout: balanced({ maxChildrenPerNode: UNIXFS_LINKS_MAX }),
  } as const;
  // The importer only ever puts.
  for await (const entry of importer([{ content }], nowhere as never, options)) return entry.cid.toString();
  throw new Error('the importer returned nothing');
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function storeOf(blocks: readonly Block[]): Map<Cid, Uint8Array> {
  return new Map(blocks.map(({ cid, bytes }) => [cid, bytes]));
}

function reading(blocks: ReadonlyMap<Cid, Uint8Array>): Pick<FileToRead, 'getBlock' | 'hasher'> {
  return { getBlock: (cid) => Promise.resolve(blocks.get(cid)), hasher };
}

async function failureOf(chunks: AsyncIterable<Uint8Array>): Promise<{ error: ContentError; delivered: number }> {
  let delivered = 0;
  try {
    for await (const chunk of chunks) delivered += chunk.length;
  } catch (error) {
    if (error instanceof ContentError) return { error, delivered };
    throw error;
  }
  throw new Error('it was read without a complaint');
}

test.each([0, 1, LEAF, LEAF + 1, MIB, 3 * MIB, 5 * MIB + 12_345])(
  'CT2: a file of %i bytes has the CID that ipfs-unixfs-importer gives it, and reads back',
  async (size) => {
    const bytes = pattern(size);
    const file = await addFile(bytes, hasher);
    expect(file.cid).toBe(await cidByImporter(bytes));
    expect(file.size).toBe(size);
    const read = await collect(readFile({ cid: file.cid, size, ...reading(storeOf(file.blocks)) }));
    expect(same(read, bytes)).toBe(true);
  },
);

test('CT2: a file of more than 1,024 leaves gets a second level, as the importer makes it', async () => {
  const size = UNIXFS_LINKS_MAX * LEAF + 1;
  async function* content(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < UNIXFS_LINKS_MAX; i++) yield await Promise.resolve(new Uint8Array(LEAF));
    yield new Uint8Array(1);
  }
  const kept = new Map<Cid, Uint8Array>();
  const parts = splitFile(zeros(size), hasher);
  let root: Cid;
  for (;;) {
    const { done, value } = await parts.next();
    if (done) {
      root = value.cid;
      break;
    }
    for (const { cid, bytes } of value) kept.set(cid, bytes);
  }
  expect(root).toBe(await cidByImporter(content()));
  // One leaf of zeros, the last leaf, two nodes and the root.
  expect(kept.size).toBe(5);
  const range = { from: size - 2, to: size };
  expect(await collect(readFile({ cid: root, size, range, ...reading(kept) }))).toHaveLength(2);
});

test('CT2: blobs and byte arrays give the same blocks, and each block owns its buffer', async () => {
  const bytes = pattern(2 * MIB + 5);
  const fromBytes = await addFile(bytes, hasher);
  const fromBlob = await addFile(new Blob([bytes]), hasher);
  expect(fromBlob.blocks.map((block) => block.cid)).toEqual(fromBytes.blocks.map((block) => block.cid));
  for (const block of fromBlob.blocks) expect(block.bytes.buffer.byteLength).toBe(block.bytes.length);
  const view = await addFile(bytes.subarray(10, 20), hasher);
  expect(view.blocks[0]!.bytes.buffer.byteLength).toBe(10);
  // A Buffer of Node's is a view, and so is its slice.
  const pooled = await addFile(Buffer.from(bytes.subarray(10, 20)), hasher);
  expect(pooled.blocks[0]!.bytes.buffer.byteLength).toBe(10);
  expect(pooled.cid).toBe(view.cid);
});

test('CT2: a file that shrinks or vanishes while it is read ends in file_changed', async () => {
  const shrunk: ByteSource = { size: 10, slice: () => ({ arrayBuffer: () => Promise.resolve(new ArrayBuffer(9)) }) };
  const gone: ByteSource = { size: 10, slice: () => ({ arrayBuffer: () => Promise.reject(new Error('NotReadable')) }) };
  await expect(addFile(shrunk, hasher)).rejects.toMatchObject({ code: 'file_changed' });
  await expect(addFile(gone, hasher)).rejects.toMatchObject({ code: 'file_changed' });
});

test('CT5: any range of a file is the slice of its bytes, and leaves outside it are not asked for', async () => {
  const bytes = pattern(3 * MIB + 777);
  const file = await addFile(bytes, hasher);
  const blocks = storeOf(file.blocks);
  const ranges = [
    [0, 1],
    [LEAF - 1, LEAF + 1],
    [LEAF, 2 * LEAF],
    [bytes.length - 1, bytes.length],
    [5, bytes.length - 5],
    [bytes.length, bytes.length + 9],
  ] as const;
  for (const [from, to] of ranges) {
    const asked: Cid[] = [];
    const getBlock = (cid: Cid): Promise<Uint8Array | undefined> => {
      asked.push(cid);
      return Promise.resolve(blocks.get(cid));
    };
    const read = await collect(readFile({ cid: file.cid, size: bytes.length, range: { from, to }, getBlock, hasher }));
    expect(same(read, bytes.subarray(from, to))).toBe(true);
    const leaves = from < bytes.length ? Math.floor((to - 1) / LEAF) - Math.floor(from / LEAF) + 2 : 0;
    expect(asked.length).toBe(leaves);
  }
});

test('CT5: without a promised size the tree is believed, since every block of it is verified', async () => {
  const bytes = pattern(MIB + 3);
  const file = await addFile(bytes, hasher);
  expect(same(await collect(readFile({ cid: file.cid, ...reading(storeOf(file.blocks)) })), bytes)).toBe(true);
  const small = await addFile(pattern(7), hasher);
  expect(await collect(readFile({ cid: small.cid, ...reading(storeOf(small.blocks)) }))).toHaveLength(7);
});

test('CT6: no byte of a block leaves when one bit of it is wrong, and the failure names the block', async () => {
  const bytes = pattern(4 * LEAF);
  const file = await addFile(bytes, hasher);
  for (const [index, { cid, bytes: genuine }] of file.blocks.entries()) {
    const flipped = genuine.slice();
    flipped[(index * 977) % flipped.length]! ^= 1;
    const blocks = storeOf(file.blocks).set(cid, flipped);
    const { error, delivered } = await failureOf(readFile({ cid: file.cid, size: file.size, ...reading(blocks) }));
    expect([error.code, error.cid]).toEqual(['block_corrupt', cid]);
    expect(delivered).toBe(index < 4 ? index * LEAF : 0);
  }
});

test('CT6: a bad copy is asked for once more, and a good second copy is taken', async () => {
  const file = await addFile(pattern(2 * LEAF), hasher);
  const blocks = storeOf(file.blocks);
  const attempts: number[] = [];
  const getBlock = (cid: Cid, attempt: 0 | 1): Promise<Uint8Array | undefined> => {
    attempts.push(attempt);
    return Promise.resolve(attempt === 0 ? new Uint8Array(3) : blocks.get(cid));
  };
  expect(await collect(readFile({ cid: file.cid, size: file.size, getBlock, hasher }))).toHaveLength(2 * LEAF);
  expect(attempts.toSorted()).toEqual([0, 0, 0, 1, 1, 1]);
});

test('CT6: a block that nobody has is named', async () => {
  const file = await addFile(pattern(2 * LEAF), hasher);
  const blocks = storeOf(file.blocks);
  blocks.delete(file.blocks[1]!.cid);
  const { error } = await failureOf(readFile({ cid: file.cid, size: file.size, ...reading(blocks) }));
  expect([error.code, error.cid]).toEqual(['block_missing', file.blocks[1]!.cid]);
});

async function nodeOver(links: readonly FileLink[]): Promise<{ cid: Cid; bytes: Uint8Array }> {
  const bytes = encodeFileNode(links);
  return { cid: cidFromDigest('dag-pb', await hasher.sha256(bytes)), bytes };
}

test('CT7: genuine blocks that lie about their sizes are refused', async () => {
  const [leaf] = (await addFile(pattern(100), hasher)).blocks;
  const blocks = storeOf([leaf!]);
  const lie = await nodeOver([{ cid: leaf!.cid, size: 99, total: 99 }]);
  blocks.set(lie.cid, lie.bytes);
  const wrongLeaf = await failureOf(readFile({ cid: lie.cid, size: 99, ...reading(blocks) }));
  expect([wrongLeaf.error.code, wrongLeaf.delivered]).toEqual(['tree_invalid', 0]);
  const wrongPromise = await failureOf(readFile({ cid: lie.cid, size: 100, ...reading(blocks) }));
  expect(wrongPromise.error.code).toBe('tree_invalid');
  const wrongChild = await nodeOver([{ cid: lie.cid, size: 98, total: 5_000 }]);
  blocks.set(wrongChild.cid, wrongChild.bytes);
  const nested = await failureOf(readFile({ cid: wrongChild.cid, size: 98, ...reading(blocks) }));
  expect(nested.error.code).toBe('tree_invalid');
  const empty = await failureOf(readFile({ cid: leaf!.cid, size: 0, ...reading(blocks) }));
  expect(empty.error.code).toBe('tree_invalid');
});

test('CT7: a tree deeper than any file needs is refused before its leaves are read', async () => {
  const [leaf] = (await addFile(pattern(100), hasher)).blocks;
  const blocks = storeOf([leaf!]);
  let top: { cid: Cid; bytes: Uint8Array } = leaf!;
  for (let depth = 0; depth < 3; depth++) {
    top = await nodeOver([{ cid: top.cid, size: 100, total: 100 + depth * 100 }]);
    blocks.set(top.cid, top.bytes);
  }
  const { error, delivered } = await failureOf(readFile({ cid: top.cid, size: 100, ...reading(blocks) }));
  expect([error.code, delivered]).toEqual(['tree_invalid', 0]);
});

test('CT7: the largest file has no more than two nodes above a leaf', () => {
  expect(FILE_BYTES_MAX).toBeLessThanOrEqual(UNIXFS_LINKS_MAX ** 2 * LEAF);
});
