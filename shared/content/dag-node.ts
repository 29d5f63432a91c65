// dag-pb nodes as IPFS tools write them (rules CT30–CT32): any UnixFS file, directory or shard is read, directories are written.
// Files of our own are read by file-node.ts, which takes one spelling only.

import { compareBytes, concatBytes } from '../core/bytes.ts';
import { DAG_NODE_BYTES_MAX } from '../core/limits.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { decodeUtf8, encodeUtf8 } from '../codec/base.ts';
import { CID_BYTES, cidFromBytes, cidFromDigest, cidToBytes, type Cid } from '../codec/cid.ts';
import type { BadNode } from './file-node.ts';
import { encodeVarint, readFields, type Field } from './protobuf.ts';

/** A link takes 36 bytes at least; a node of a file has one size more for each. */
const FIELDS_MAX: number = Math.ceil(DAG_NODE_BYTES_MAX / 18);

/** Fields of dag-pb (https://ipld.io/specs/codecs/dag-pb/spec/). */
const NODE_DATA = 1;
const NODE_LINK = 2;
const LINK_HASH = 1;
const LINK_NAME = 2;
const LINK_TOTAL = 3;

/** Fields and types of UnixFS (https://specs.ipfs.tech/unixfs/). */
const TYPE = 1;
const DATA = 2;
const BLOCK_SIZE = 4;
const HASH_TYPE = 5;
const FANOUT = 6;
const TYPE_RAW = 0;
const TYPE_DIRECTORY = 1;
const TYPE_FILE = 2;
const TYPE_SYMLINK = 4;
const TYPE_SHARD = 5;

/** One byte of the hash says in which of so many places of a shard a name stands. */
export const SHARD_FANOUT = 256;
const MURMUR3 = 0x22;
/** CIDv0: the bare multihash of a dag-pb node. */
const LEGACY_CID = Uint8Array.of(0x12, 0x20);
const LEGACY_CID_BYTES = 34;

export type DagLink = {
  /** Undefined for a hash or codec that is not used here. */
  readonly cid: Cid | undefined;
  /** Written as CIDv0, without version and codec. */
  readonly legacy: boolean;
  readonly name: string;
  /** Bytes of all blocks below, as the writer of the node says. */
  readonly total: number;
};

export type DagNode =
  | { readonly kind: 'directory' | 'shard'; readonly links: readonly DagLink[] }
  /** `sizes` go with `links`; `data` comes before them. */
  | {
      readonly kind: 'file';
      readonly data: Uint8Array;
      readonly links: readonly DagLink[];
      readonly sizes: readonly number[];
      readonly size: number;
    }
  | { readonly kind: 'symlink'; readonly target: Uint8Array; readonly links: readonly [] };

/** What a directory names: `name` as it is shown, `total` as a parent counts it. */
export type DirectoryEntry = { readonly name: string; readonly cid: Cid; readonly total: number };

/** CT30. The caller has compared the CID, and with it the length. */
export function decodeDagNode(bytes: Uint8Array): Result<DagNode, BadNode> {
  if (bytes.length > DAG_NODE_BYTES_MAX) return bad('it is too large');
  const fields = readFields(bytes, FIELDS_MAX);
  if (!fields) return bad('it is no dag-pb');
  const links: DagLink[] = [];
  let data: Uint8Array | undefined;
  for (const { number, value } of fields) {
    if (typeof value === 'number') return bad('it is no dag-pb');
    const link = number === NODE_LINK ? readLink(value) : undefined;
    if (link) links.push(link);
    else if (number === NODE_DATA && data === undefined) data = value;
    else return bad('it is no dag-pb');
  }
  const unixfs = data && readFields(data, FIELDS_MAX);
  return unixfs ? readUnixfs(unixfs, links) : bad('it is no UnixFS');
}

/** CT31: as `ipfs-unixfs-importer` writes it, links ordered by the bytes of their names. */
export function encodeDirectory(entries: readonly DirectoryEntry[]): Uint8Array<ArrayBuffer> {
  const links = entries.map((entry) => ({ ...entry, order: encodeUtf8(entry.name) }));
  links.sort((a, b) => compareBytes(a.order, b.order));
  return encodeNode(links, Uint8Array.of(TYPE << 3, TYPE_DIRECTORY));
}

/** CT32: `entries` by place, their names with the two hex digits of the place in front. */
export function encodeShard(
  entries: readonly (DirectoryEntry & { readonly place: number })[],
): Uint8Array<ArrayBuffer> {
  const field = new Uint8Array(SHARD_FANOUT / 8);
  for (const { place } of entries) field[field.length - 1 - (place >> 3)]! |= 1 << (place & 7);
  // A number, most significant byte first, as short as it can be.
  const from = field.findIndex((byte) => byte !== 0);
  const bits = field.subarray(from < 0 ? field.length : from);
  const data = concatBytes(
    Uint8Array.of(TYPE << 3, TYPE_SHARD, (DATA << 3) | 2, bits.length),
    bits,
    Uint8Array.of(HASH_TYPE << 3, MURMUR3, FANOUT << 3),
    encodeVarint(SHARD_FANOUT),
  );
  const links = entries.toSorted((a, b) => a.place - b.place);
  return encodeNode(links, data);
}

export function shardPlaceName(place: number): string {
  return place.toString(16).toUpperCase().padStart(2, '0');
}

function encodeNode(links: readonly DirectoryEntry[], data: Uint8Array): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const { cid, name, total } of links) {
    const text = encodeUtf8(name);
    const body = concatBytes(
      Uint8Array.of((LINK_HASH << 3) | 2, CID_BYTES),
      cidToBytes(cid),
      Uint8Array.of((LINK_NAME << 3) | 2),
      encodeVarint(text.length),
      text,
      Uint8Array.of(LINK_TOTAL << 3),
      encodeVarint(total),
    );
    parts.push(Uint8Array.of((NODE_LINK << 3) | 2), encodeVarint(body.length), body);
  }
  return concatBytes(...parts, Uint8Array.of((NODE_DATA << 3) | 2), encodeVarint(data.length), data);
}

function bad(because: string): Result<never, BadNode> {
  return fail('tree_invalid', `a node cannot be used: ${because}`);
}

function readLink(bytes: Uint8Array): DagLink | undefined {
  const fields = readFields(bytes, 3);
  const hash = fields?.find(({ number }) => number === LINK_HASH)?.value;
  const name = fields?.find(({ number }) => number === LINK_NAME)?.value ?? new Uint8Array(0);
  const total = fields?.find(({ number }) => number === LINK_TOTAL)?.value ?? 0;
  if (!(hash instanceof Uint8Array) || !(name instanceof Uint8Array) || typeof total !== 'number') return undefined;
  const text = decodeUtf8(name);
  if (!text.ok) return undefined;
  const legacy = hash.length === LEGACY_CID_BYTES && hash[0] === LEGACY_CID[0] && hash[1] === LEGACY_CID[1];
  if (legacy) return { cid: cidFromDigest('dag-pb', hash.subarray(2)), legacy, name: text.value, total };
  const cid = cidFromBytes(hash);
  return { cid: cid.ok ? cid.value : undefined, legacy, name: text.value, total };
}

function readUnixfs(fields: readonly Field[], links: readonly DagLink[]): Result<DagNode, BadNode> {
  const numberOf = (wanted: number): number | undefined => {
    const value = fields.find(({ number }) => number === wanted)?.value;
    return typeof value === 'number' ? value : undefined;
  };
  const inline = fields.find(({ number }) => number === DATA)?.value ?? new Uint8Array(0);
  if (typeof inline === 'number') return bad('it is no UnixFS');
  switch (numberOf(TYPE)) {
    case TYPE_DIRECTORY:
      return ok({ kind: 'directory', links });
    case TYPE_SHARD:
      if (numberOf(HASH_TYPE) !== MURMUR3 || numberOf(FANOUT) !== SHARD_FANOUT) return bad('its shards are unusual');
      return ok({ kind: 'shard', links });
    case TYPE_SYMLINK:
      return ok({ kind: 'symlink', target: inline, links: [] });
    case TYPE_RAW:
    case TYPE_FILE: {
      const sizes = fields.flatMap(({ number, value }) =>
        number === BLOCK_SIZE && typeof value === 'number' ? [value] : [],
      );
      if (sizes.length !== links.length) return bad('its sizes do not go with its links');
      const size = sizes.reduce((sum, one) => sum + one, inline.length);
      return Number.isSafeInteger(size)
        ? ok({ kind: 'file', data: inline, links, sizes, size })
        : bad('it is too large');
    }
    default:
      return bad('it is a kind of UnixFS that is not known here');
  }
}
