// Values as DAG-CBOR items: writes the one encoding of a value, and reads bytes whose shape was checked (CB3–CB7).

import { assert } from '../core/assert.ts';
import { compareBytes } from '../core/bytes.ts';
import { decodeUtf8, encodeUtf8, isShortAscii } from './base.ts';
import { CID_BYTES, cidFromBytes, cidToBytes } from './cid.ts';
import { BYTE_ORDER_MARK, CanonicalLink, type CanonicalValue } from './schema.ts';

/** RFC 8949 §3: the three high bits of the first byte. */
export const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, list: 4, map: 5, tag: 6, simple: 7 } as const;
export const TAG_CID = 42;
export const SIMPLE = { false: 20, true: 21, null: 22 } as const;
/** The multibase "identity" prefix that DAG-CBOR keeps in front of a binary CID. */
const LINK_PREFIX = new Uint8Array([0]);
/** Most messages fit; larger ones double it as they grow. */
const BUFFER_BYTES = 1_024;
const UINT64_MAX = 2n ** 64n - 1n;

type Out = { bytes: Uint8Array<ArrayBuffer>; length: number };

/** One for every item: writing is synchronous, and what comes of it is a copy. */
const scratch = new Uint8Array(BUFFER_BYTES);

export function encodeItem(value: CanonicalValue): Uint8Array<ArrayBuffer> {
  const out: Out = { bytes: scratch, length: 0 };
  writeItem(out, value);
  return out.bytes.slice(0, out.length);
}

function writeItem(out: Out, value: CanonicalValue): void {
  if (value === null) writeHead(out, MAJOR.simple, SIMPLE.null);
  else if (typeof value === 'boolean') writeHead(out, MAJOR.simple, value ? SIMPLE.true : SIMPLE.false);
  else if (typeof value === 'number' || typeof value === 'bigint') writeInteger(out, value);
  else if (typeof value === 'string') writeText(out, value);
  else if (value instanceof Uint8Array) writeBytes(out, MAJOR.bytes, value);
  else if (value instanceof Map) writeMap(out, value as ReadonlyMap<string, CanonicalValue>);
  else if (value instanceof CanonicalLink) {
    writeHead(out, MAJOR.tag, TAG_CID);
    writeHead(out, MAJOR.bytes, LINK_PREFIX.length + CID_BYTES);
    writeRaw(out, LINK_PREFIX);
    writeRaw(out, cidToBytes(value.cid));
  } else {
    assert(Array.isArray(value), 'canonical values are Maps, lists, links and plain values');
    writeHead(out, MAJOR.list, value.length);
    for (const item of value as readonly CanonicalValue[]) writeItem(out, item);
  }
}

function writeInteger(out: Out, value: number | bigint): void {
  assert(typeof value === 'bigint' || Number.isSafeInteger(value), 'canonical numbers are integers');
  if (value >= 0) writeHead(out, MAJOR.uint, value);
  else writeHead(out, MAJOR.negative, typeof value === 'bigint' ? -1n - value : -1 - value);
}

/** CB5: shorter keys first, equally long ones by their bytes. */
function writeMap(out: Out, map: ReadonlyMap<string, CanonicalValue>): void {
  const keys = [...map.keys()];
  // Structures come in order (schema.ts), so that mostly there is nothing to sort.
  if (keys.some((key, at) => at > 0 && compareKeys(keys[at - 1]!, key) > 0)) keys.sort(compareKeys);
  writeHead(out, MAJOR.map, keys.length);
  for (const key of keys) {
    writeText(out, key);
    writeItem(out, map.get(key)!);
  }
}

function compareKeys(a: string, b: string): number {
  if (isShortAscii(a) && isShortAscii(b)) return a.length - b.length || (a < b ? -1 : 1);
  const [left, right] = [encodeUtf8(a), encodeUtf8(b)];
  return left.length - right.length || compareBytes(left, right);
}

function writeText(out: Out, text: string): void {
  if (!isShortAscii(text)) return writeBytes(out, MAJOR.text, encodeUtf8(text));
  writeHead(out, MAJOR.text, text.length);
  grow(out, text.length);
  for (let i = 0; i < text.length; i++) out.bytes[out.length++] = text.charCodeAt(i);
}

function writeBytes(out: Out, major: number, bytes: Uint8Array): void {
  writeHead(out, major, bytes.length);
  writeRaw(out, bytes);
}

function writeRaw(out: Out, bytes: Uint8Array): void {
  grow(out, bytes.length);
  out.bytes.set(bytes, out.length);
  out.length += bytes.length;
}

/** CB3: the shortest form that holds the argument. */
function writeHead(out: Out, major: number, argument: number | bigint): void {
  grow(out, 9);
  if (argument < 24) {
    out.bytes[out.length++] = (major << 5) | Number(argument);
    return;
  }
  const log = argument < 2 ** 8 ? 0 : argument < 2 ** 16 ? 1 : argument < 2 ** 32 ? 2 : 3;
  const size = 1 << log;
  out.bytes[out.length++] = (major << 5) | (24 + log);
  if (size < 8) writeNumber(out, Number(argument), size);
  else {
    assert(argument <= UINT64_MAX, 'canonical integers have 64 bits');
    writeNumber(out, Number(BigInt(argument) >> 32n), 4);
    writeNumber(out, Number(BigInt(argument) & 0xffffffffn), 4);
  }
}

/** Big-endian; at most 32 bits. */
function writeNumber(out: Out, value: number, size: number): void {
  for (let left = size - 1; left >= 0; left--) out.bytes[out.length++] = value >>> (8 * left);
}

function grow(out: Out, more: number): void {
  if (out.length + more <= out.bytes.length) return;
  const bytes = new Uint8Array(Math.max(2 * out.bytes.length, out.length + more));
  bytes.set(out.bytes);
  out.bytes = bytes;
}

/**
 * The item that begins at the first byte. The heads were walked (CB2): nesting is bounded, lengths are within the input, and
 * nothing is in it but what `writeItem` knows. That the encoding is the only one, comparing with what is written shows (CB8).
 * Throws for text that is not UTF-8 or begins with a byte-order mark (CB6), and for a tag that holds no CID.
 */
export function decodeItem(bytes: Uint8Array): CanonicalValue {
  return readItem({ bytes, at: 0 });
}

type In = { readonly bytes: Uint8Array; at: number };

function readItem(from: In): CanonicalValue {
  const major = from.bytes[from.at]! >> 5;
  const argument = readArgument(from);
  switch (major) {
    case MAJOR.uint:
      return argument;
    case MAJOR.negative:
      return negate(argument);
    case MAJOR.bytes:
      return readBytes(from, argument).slice();
    case MAJOR.text:
      return readText(from, argument);
    case MAJOR.list: {
      const list: CanonicalValue[] = [];
      for (let left = argument; left > 0; left--) list.push(readItem(from));
      return list;
    }
    case MAJOR.map: {
      const map = new Map<string, CanonicalValue>();
      for (let left = argument; left > 0; left--) map.set(readItem(from) as string, readItem(from));
      return map;
    }
    case MAJOR.tag:
      return readLink(readItem(from));
    default:
      return argument === SIMPLE.null ? null : argument === SIMPLE.true;
  }
}

/** A number while it is exact, else a bigint. */
function readArgument(from: In): number | bigint {
  const minor = from.bytes[from.at++]! & 31;
  if (minor < 24) return minor;
  const end = from.at + 2 ** (minor - 24);
  let argument = 0;
  const begin = from.at;
  for (; from.at < end; from.at++) argument = argument * 256 + from.bytes[from.at]!;
  if (argument <= Number.MAX_SAFE_INTEGER) return argument;
  return from.bytes.subarray(begin, end).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function negate(argument: number | bigint): number | bigint {
  const exact = -1n - BigInt(argument);
  return exact >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(exact) : exact;
}

function readBytes(from: In, length: number | bigint): Uint8Array {
  const end = from.at + Number(length);
  const bytes = from.bytes.subarray(from.at, end);
  from.at = end;
  return bytes;
}

function readText(from: In, length: number | bigint): string {
  const text = decodeUtf8(readBytes(from, length));
  assert(text.ok && !text.value.startsWith(BYTE_ORDER_MARK), 'text is UTF-8 without a mark of its byte order');
  return text.value;
}

function readLink(content: CanonicalValue): CanonicalLink {
  assert(content instanceof Uint8Array && content[0] === 0, 'a link is bytes with a zero in front');
  const cid = cidFromBytes(content.subarray(1));
  assert(cid.ok, 'a link holds a CID');
  return new CanonicalLink(cid.value);
}
