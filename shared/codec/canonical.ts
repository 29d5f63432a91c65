// Canonical bytes: strict DAG-CBOR in which a value has exactly one encoding (docs/protocol/canonical-bytes.md, CB1–CB8).

import { equalBytes } from '../core/bytes.ts';
import { CBOR_CONTAINERS_MAX, CBOR_DEPTH_MAX, CBOR_ITEMS_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { decodeItem, encodeItem, MAJOR, SIMPLE, TAG_CID } from './dag-cbor.ts';
import type { CanonicalValue, Schema } from './schema.ts';

export function encodeCanonical<T>(schema: Schema<T>, value: T): Uint8Array<ArrayBuffer> {
  return encodeItem(schema.write(value));
}

/** `max` in bytes is checked first; then the shape (CB2), the schema, and that the same value encodes to the same bytes. */
export function decodeCanonical<T>(
  schema: Schema<T>,
  bytes: Uint8Array,
  bounds: { readonly max: number },
): Result<T, Failure<'bad_encoding' | 'too_large'>> {
  if (bytes.length > bounds.max) return fail('too_large', `Got ${bytes.length} bytes where ${bounds.max} are allowed.`);
  const shape = checkShape(bytes);
  if (shape !== undefined) return fail('bad_encoding', `Not canonical bytes: ${shape}.`);
  let raw: CanonicalValue;
  try {
    raw = decodeItem(bytes);
  } catch {
    return fail('bad_encoding', 'Not canonical bytes: they cannot be decoded.');
  }
  const read = schema.read(raw);
  if (!read.ok) return fail('bad_encoding', `Not the expected structure: ${read.error}.`);
  if (!equalBytes(encodeItem(schema.write(read.value)), bytes)) {
    return fail('bad_encoding', 'Not canonical bytes: the same value is written differently.');
  }
  return ok(read.value);
}

/**
 * Walks the heads of all items without taking memory for them. The decoder recurses and believes lengths, so what it
 * must never see is found here: deep nesting, lengths beyond the input, more items than memory should hold, floats,
 * undefined, indefinite lengths, keys that are not text. Returns a phrase, or undefined when the shape is good.
 */
function checkShape(bytes: Uint8Array): string | undefined {
  /** Items still to come, per open list, map or tag; a map counts keys and values. */
  const open: { left: number; map: boolean }[] = [{ left: 1, map: false }];
  let at = 0;
  let items = 0;
  let containers = 0;
  while (open.length > 0) {
    const top = open[open.length - 1]!;
    if (top.left === 0) {
      open.pop();
      continue;
    }
    const head = readHead(bytes, at);
    if (typeof head === 'string') return head;
    const { major, argument } = head;
    if (top.map && top.left % 2 === 0 && major !== MAJOR.text) return 'a key is not text';
    top.left--;
    at = head.next;
    if (++items > CBOR_ITEMS_MAX) return 'too many items';
    if (major === MAJOR.bytes || major === MAJOR.text) {
      if (argument > bytes.length - at) return 'a length is beyond the end';
      at += argument;
    } else if (major === MAJOR.list || major === MAJOR.map) {
      const left = major === MAJOR.map ? argument * 2 : argument;
      if (left > bytes.length - at) return 'a length is beyond the end';
      if (++containers > CBOR_CONTAINERS_MAX) return 'too many lists and maps';
      open.push({ left, map: major === MAJOR.map });
    } else if (major === MAJOR.tag) {
      if (argument !== TAG_CID) return 'unknown tag';
      open.push({ left: 1, map: false });
    }
    if (open.length > CBOR_DEPTH_MAX + 1) return 'nested too deeply';
  }
  return at === bytes.length ? undefined : 'bytes after the end';
}

type Head = { readonly major: number; readonly argument: number; readonly next: number };

/** The argument of a 64-bit integer may lose precision here: only lengths are used, and those are small. */
function readHead(bytes: Uint8Array, at: number): Head | string {
  const first = bytes[at];
  if (first === undefined) return 'they end too early';
  const major = first >> 5;
  const minor = first & 31;
  if (major === MAJOR.simple) {
    return minor >= SIMPLE.false && minor <= SIMPLE.null
      ? { major, argument: 0, next: at + 1 }
      : 'a float or unknown value';
  }
  if (minor < 24) return { major, argument: minor, next: at + 1 };
  if (minor > 27) return 'a length is indefinite';
  const next = at + 1 + 2 ** (minor - 24);
  if (next > bytes.length) return 'they end too early';
  let argument = 0;
  for (let i = at + 1; i < next; i++) argument = argument * 256 + bytes[i]!;
  return { major, argument, next };
}
