// The columns of an Automerge change: run lengths, deltas and flags, unpacked only as far as a count that was bounded before.

import { decodeUtf8 } from '../codec/base.ts';

/** Only thrown between these files: parseChange turns it into null. */
export class Malformed extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'Malformed';
  }
}

export type Cursor = { readonly bytes: Uint8Array; at: number; readonly end: number };

/** What a column says where it says nothing. */
export const NOTHING = -1;

/** Counters, lengths and numbers of ops fit in 31 bits: larger ones would overflow what Automerge keeps them in. */
const UINT_MAX = 0x7fff_ffff;
const LEB_BYTES_MAX = 5;

export function cursorOver(bytes: Uint8Array, from = 0, to = bytes.length): Cursor {
  return { bytes, at: from, end: to };
}

export function demand(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Malformed(what);
}

/** Unsigned LEB128 in its shortest form, at most 31 bits. */
export function readUint(cursor: Cursor): number {
  let value = 0;
  for (let i = 0; i < LEB_BYTES_MAX; i++) {
    demand(cursor.at < cursor.end, 'a number is cut off');
    const byte = cursor.bytes[cursor.at++]!;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte >= 0x80) continue;
    demand(i === 0 || byte !== 0, 'a number is longer than it needs to be');
    demand(value <= UINT_MAX, 'a number is too large');
    return value;
  }
  throw new Malformed('a number is too large');
}

/** Signed LEB128 in its shortest form, at most 32 bits. */
function readInt(cursor: Cursor): number {
  const from = cursor.at;
  let value = 0;
  for (let i = 0; i < LEB_BYTES_MAX; i++) {
    demand(cursor.at < cursor.end, 'a number is cut off');
    const byte = cursor.bytes[cursor.at++]!;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte >= 0x80) continue;
    demand(isShortestInt(cursor.bytes, from, cursor.at), 'a number is longer than it needs to be');
    if ((byte & 0x40) !== 0) value -= 2 ** (7 * (i + 1));
    demand(Math.abs(value) <= UINT_MAX, 'a number is too large');
    return value;
  }
  throw new Malformed('a number is too large');
}

/** The last byte must carry more than the sign that the byte before it already has. */
export function isShortestInt(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from < 2) return true;
  const [before, last] = [bytes[to - 2]!, bytes[to - 1]!];
  return !((last === 0 && (before & 0x40) === 0) || (last === 0x7f && (before & 0x40) !== 0));
}

export function readBytes(cursor: Cursor, length: number): Uint8Array {
  demand(length <= cursor.end - cursor.at, 'bytes are cut off');
  cursor.at += length;
  return cursor.bytes.subarray(cursor.at - length, cursor.at);
}

function readText(cursor: Cursor): string {
  const text = decodeUtf8(readBytes(cursor, readUint(cursor)));
  demand(text.ok, 'text is not UTF-8');
  return text.value;
}

/** A column that says nothing. Most changes have one row, for which an array of machine numbers costs more than it saves. */
export function filled(count: number): number[] {
  const out: number[] = [];
  while (out.length < count) out.push(NOTHING);
  return out;
}

/** Exactly `count` unsigned numbers or NOTHING, of a run-length column. */
export function readUints(cursor: Cursor, count: number): number[] {
  const out = filled(count);
  readRuns(cursor, count, { read: readUint, put: (at, value) => (out[at] = value) });
  return out;
}

/** Exactly `count` numbers or NOTHING of a run-length column of differences; none is below zero. */
export function readDeltas(cursor: Cursor, count: number): number[] {
  const out = filled(count);
  let last = 0;
  readRuns(cursor, count, {
    read: readInt,
    put(at, difference) {
      last += difference;
      demand(last >= 0 && last <= UINT_MAX, 'a counter is out of range');
      out[at] = last;
    },
  });
  return out;
}

/** Exactly `count` texts or null of a run-length column. */
export function readTexts(cursor: Cursor, count: number): (string | null)[] {
  const out = Array.from<string | null>({ length: count }).fill(null);
  readRuns(cursor, count, { read: readText, put: (at, value) => (out[at] = value) });
  return out;
}

/** Exactly `count` flags: lengths of runs that are false, true, false … */
export function readFlags(cursor: Cursor, count: number): number[] {
  const out = filled(count).fill(0);
  let at = 0;
  for (let flag = 0; cursor.at < cursor.end; flag = 1 - flag) {
    const length = readUint(cursor);
    demand(length > 0 || (at === 0 && flag === 0), 'a run of flags is empty');
    demand(length <= count - at, 'a column is longer than the others');
    if (flag === 1) out.fill(1, at, at + length);
    at += length;
  }
  demand(at === count, 'a column is shorter than the others');
  return out;
}

/** The length of a run-length column of numbers, by its runs alone: nothing is unpacked. */
export function countUints(cursor: Cursor, max: number): number {
  let count = 0;
  while (cursor.at < cursor.end) {
    const run = readInt(cursor);
    count += run === 0 ? readUint(cursor) : Math.abs(run);
    demand(count <= max, 'there are too many operations');
    for (let i = 0; i < (run < 0 ? -run : run === 0 ? 0 : 1); i++) readUint(cursor);
  }
  return count;
}

/**
 * Runs in the one way that Automerge writes them: neighbours that are equal are a repetition, neighbours that differ are
 * in one literal run. Other spellings would not come back out of a saved document, and its hashes would not match.
 */
function readRuns<T>(
  cursor: Cursor,
  count: number,
  column: { read: (cursor: Cursor) => T; put: (at: number, value: T) => void },
): void {
  let at = 0;
  let kind: 'none' | 'nothing' | 'literal' | 'repeated' = 'none';
  let last: T | undefined;
  let some = false;
  while (cursor.at < cursor.end) {
    const run = readInt(cursor);
    const length = run === 0 ? readUint(cursor) : Math.abs(run);
    demand(length > 0 && length <= count - at, 'a column is longer than the others');
    if (run === 0) {
      demand(kind !== 'nothing', 'a run goes on in a second one');
      [kind, last] = ['nothing', undefined];
      at += length;
    } else if (run > 0) {
      demand(run > 1, 'a single value is written as a repetition');
      const value = column.read(cursor);
      demand(value !== last, 'a run goes on in a second one');
      for (let i = 0; i < length; i++) column.put(at++, value);
      [kind, last, some] = ['repeated', value, true];
    } else {
      demand(kind !== 'literal', 'a run goes on in a second one');
      for (let i = 0; i < length; i++) {
        const value = column.read(cursor);
        demand(value !== last, 'equal values are not written as a repetition');
        column.put(at++, value);
        last = value;
      }
      [kind, some] = ['literal', true];
    }
  }
  demand(at === count, 'a column is shorter than the others');
  demand(some || count === 0, 'a column says nothing');
}
