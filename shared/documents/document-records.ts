// How documents rest in a store: a save, and behind it the changes of each block since, until a new save takes them in.

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, list, literal, struct, uint, type Infer } from '../codec/schema.ts';
import { assert } from '../core/assert.ts';
import { BLOCK_BYTES_MAX, CHANGE_BYTES_MAX } from '../core/limits.ts';
import { identitySchema } from '../crypto/ids.ts';
import type { DocumentName } from '../feeds/document-name.ts';

const NAMES = 'docs/name/';
const SAVES = 'docs/save/';
const TAILS = 'docs/tail/';
const LEFT_OUT = 'docs/left/';
/** Sorts after any character of a name or number. */
const END = '~';
const HEIGHT_DIGITS = 16;
const NAME_RECORD_BYTES_MAX = 64;
/** Changes of one block as they rest, each with its author's key: at most two bytes of frame for each byte of the smallest. */
const TAIL_BYTES_MAX: number = 3 * BLOCK_BYTES_MAX;
/** A block of the smallest changes. */
const TAIL_CHANGES_MAX: number = BLOCK_BYTES_MAX / 64;

const nameSchema = struct({ v: literal(1), saved: uint(), tail: uint() });
const tailSchema = list(struct({ author: identitySchema, change: bytes({ max: CHANGE_BYTES_MAX }) }), {
  max: TAIL_CHANGES_MAX,
});

/** Bytes of the save, and of the changes behind it. */
export type DocumentSize = Omit<Infer<typeof nameSchema>, 'v'>;
/** In the order of the block. */
export type DocumentTail = Infer<typeof tailSchema>;

export const NAME_RANGE = { from: NAMES, to: NAMES + END } as const;

export function nameKey(name: DocumentName): string {
  return NAMES + name;
}

export function nameOfKey(key: string): DocumentName {
  return key.slice(NAMES.length) as DocumentName;
}

export function saveKey(name: DocumentName): string {
  return SAVES + name;
}

/** Accepted changes that the document leaves out, taken from tails that a save took in: a newcomer needs them all the same (SN10). */
export function leftOutKey(name: DocumentName, height: number): string {
  return `${LEFT_OUT}${name}:${numbered(height)}`;
}

export function leftOutRange(name: DocumentName): { from: string; to: string } {
  return { from: `${LEFT_OUT}${name}:`, to: `${LEFT_OUT}${name}:${END}` };
}

export function tailKey(name: DocumentName, height: number): string {
  return `${TAILS}${name}:${numbered(height)}`;
}

export function tailRange(name: DocumentName): { from: string; to: string } {
  return { from: `${TAILS}${name}:`, to: `${TAILS}${name}:${END}` };
}

function numbered(height: number): string {
  return String(height).padStart(HEIGHT_DIGITS, '0');
}

export function heightOfTail(key: string): number {
  return Number(key.slice(key.lastIndexOf(':') + 1));
}

export function nameOfTail(key: string): DocumentName {
  return key.slice(TAILS.length, key.lastIndexOf(':')) as DocumentName;
}

export function encodeSize(size: DocumentSize): Uint8Array<ArrayBuffer> {
  return encodeCanonical(nameSchema, { v: 1, ...size });
}

export function decodeSize(record: Uint8Array): DocumentSize {
  const decoded = decodeCanonical(nameSchema, record, { max: NAME_RECORD_BYTES_MAX });
  assert(decoded.ok, 'a record of a document is what was written');
  const { saved, tail } = decoded.value;
  return { saved, tail };
}

export function encodeTail(tail: DocumentTail): Uint8Array<ArrayBuffer> {
  return encodeCanonical(tailSchema, tail);
}

/** Into records of at most a block's bytes. */
export function packTail(tail: DocumentTail): DocumentTail[] {
  const records: DocumentTail[number][][] = [];
  let bytes = Infinity;
  for (const item of tail) {
    bytes += item.change.length;
    if (bytes > BLOCK_BYTES_MAX || records.at(-1)!.length === TAIL_CHANGES_MAX) {
      records.push([]);
      bytes = item.change.length;
    }
    records.at(-1)!.push(item);
  }
  return records;
}

export function decodeTail(record: Uint8Array): DocumentTail {
  const decoded = decodeCanonical(tailSchema, record, { max: TAIL_BYTES_MAX });
  assert(decoded.ok, 'the changes of a block rest as they were written');
  return decoded.value;
}
