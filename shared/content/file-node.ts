// The one node above the leaves of a file: dag-pb around a UnixFS `file`, in its single canonical form (rules CT3, CT4).

import { concatBytes } from '../core/bytes.ts';
import { BLOB_LEAF_BYTES, FILE_BYTES_MAX, UNIXFS_LINKS_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { CID_BYTES, cidCodec, cidFromBytes, cidToBytes, type Cid } from '../codec/cid.ts';
import { encodeVarint, readVarint, type Cursor } from './protobuf.ts';

/** Longest varint here: 5 bytes hold 35 bits, FILE_BYTES_MAX needs 33. */
const VARINT_BYTES_MAX = 5;
/** A full node has 1,024 links of at most 49 + 6 bytes each and about 20 bytes around them. */
export const FILE_NODE_BYTES_MAX: number = 64 * UNIXFS_LINKS_MAX;

/** Tags of protobuf fields: number << 3 | wire type. */
const NODE_LINK = 0x12;
const NODE_DATA = 0x0a;
const LINK_HASH = 0x0a;
const LINK_NAME = 0x12;
const LINK_TOTAL = 0x18;
const FILE_TYPE = 0x08;
const FILE_TYPE_FILE = 2;
const FILE_SIZE = 0x18;
const FILE_BLOCK_SIZE = 0x20;

export type FileLink = {
  readonly cid: Cid;
  /** Bytes of the file below this link. */
  readonly size: number;
  /** Bytes of all blocks below this link, nodes included (dag-pb's Tsize). */
  readonly total: number;
};

export type FileNode = { readonly links: readonly FileLink[]; readonly size: number };

export type BadNode = Failure<'tree_invalid'>;

/** Bytes as `@ipld/dag-pb` and UnixFS write them: links first, then the data; names empty. */
export function encodeFileNode(links: readonly FileLink[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const file = [Uint8Array.of(FILE_TYPE, FILE_TYPE_FILE, FILE_SIZE), encodeVarint(sumSizes(links))];
  for (const link of links) {
    const head = Uint8Array.of(LINK_HASH, CID_BYTES);
    const tail = Uint8Array.of(LINK_NAME, 0, LINK_TOTAL);
    const body = concatBytes(head, cidToBytes(link.cid), tail, encodeVarint(link.total));
    parts.push(Uint8Array.of(NODE_LINK, body.length), body);
    file.push(Uint8Array.of(FILE_BLOCK_SIZE), encodeVarint(link.size));
  }
  const data = concatBytes(...file);
  return concatBytes(...parts, Uint8Array.of(NODE_DATA), encodeVarint(data.length), data);
}

/** Reads what encodeFileNode writes and nothing else, so that one tree has one spelling. */
export function decodeFileNode(bytes: Uint8Array): Result<FileNode, BadNode> {
  if (bytes.length > FILE_NODE_BYTES_MAX) return bad('it is too large');
  const cursor: Cursor = { bytes, at: 0 };
  const heads: { cid: Cid; total: number }[] = [];
  while (take(cursor, NODE_LINK)) {
    if (heads.length === UNIXFS_LINKS_MAX) return bad('it has too many links');
    const head = readLink(cursor);
    if (!head) return bad(`link ${heads.length} is malformed`);
    heads.push(head);
  }
  if (heads.length === 0) return bad('it has no links');
  const sizes = readSizes(cursor, heads.length);
  if (!sizes) return bad('its sizes are malformed');
  const links = heads.map((head, index) => ({ ...head, size: sizes.blocks[index]! }));
  const because = explainLinks(links, sizes.file);
  return because === undefined ? ok({ links, size: sizes.file }) : bad(because);
}

function bad(because: string): Result<never, BadNode> {
  return fail('tree_invalid', `a node of the file's tree cannot be used: ${because}`);
}

function readLink(cursor: Cursor): { cid: Cid; total: number } | undefined {
  const length = readVarint(cursor, VARINT_BYTES_MAX);
  if (length === undefined) return undefined;
  const end = cursor.at + length;
  if (!take(cursor, LINK_HASH) || !take(cursor, CID_BYTES)) return undefined;
  const cid = cidFromBytes(cursor.bytes.subarray(cursor.at, cursor.at + CID_BYTES));
  cursor.at += CID_BYTES;
  if (!cid.ok || !take(cursor, LINK_NAME) || !take(cursor, 0) || !take(cursor, LINK_TOTAL)) return undefined;
  const total = readVarint(cursor, VARINT_BYTES_MAX);
  return total === undefined || cursor.at !== end ? undefined : { cid: cid.value, total };
}

function readSizes(cursor: Cursor, count: number): { file: number; blocks: number[] } | undefined {
  if (!take(cursor, NODE_DATA)) return undefined;
  const length = readVarint(cursor, VARINT_BYTES_MAX);
  if (length === undefined || cursor.at + length !== cursor.bytes.length) return undefined;
  if (!take(cursor, FILE_TYPE) || !take(cursor, FILE_TYPE_FILE) || !take(cursor, FILE_SIZE)) return undefined;
  const file = readVarint(cursor, VARINT_BYTES_MAX);
  if (file === undefined) return undefined;
  const blocks: number[] = [];
  while (take(cursor, FILE_BLOCK_SIZE)) {
    const size = readVarint(cursor, VARINT_BYTES_MAX);
    if (size === undefined || blocks.length === count) return undefined;
    blocks.push(size);
  }
  return blocks.length === count && cursor.at === cursor.bytes.length ? { file, blocks } : undefined;
}

/** What is wrong with the numbers of a node, if anything: empty links would make trees without end. */
function explainLinks(links: readonly FileLink[], size: number): string | undefined {
  for (const { cid, size, total } of links) {
    if (size === 0) return 'a link leads to nothing';
    const codec = cidCodec(cid);
    if (codec === 'raw' && (size > BLOB_LEAF_BYTES || total !== size)) return 'a leaf has a wrong size';
    if (codec === 'dag-pb' && total <= size) return 'a branch has a wrong size';
    if (codec === 'dag-cbor') return 'a link leads to something that is no file';
  }
  if (size > FILE_BYTES_MAX) return 'the file is too large';
  return sumSizes(links) === size ? undefined : 'its sizes do not add up';
}

function sumSizes(links: readonly FileLink[]): number {
  return links.reduce((sum, link) => sum + link.size, 0);
}

function take(cursor: Cursor, byte: number): boolean {
  if (cursor.bytes[cursor.at] !== byte) return false;
  cursor.at += 1;
  return true;
}
