// An Automerge change as it stands in its chunk, read by ourselves: bounded before memory is taken, and in one spelling only (DO1–DO4).

import { decodeUtf8, toHex } from '../codec/base.ts';
import { equalBytes } from '../core/bytes.ts';
import { CHANGE_BYTES_MAX, CHANGE_DEPS_MAX, CHANGE_OPERATIONS_MAX } from '../core/limits.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { ActorId, ChangeHash } from '../feeds/document-change.ts';
import {
  countUints,
  cursorOver,
  demand,
  filled,
  isShortestInt,
  Malformed,
  NOTHING,
  readBytes,
  readDeltas,
  readFlags,
  readTexts,
  readUint,
  readUints,
  type Cursor,
} from './change-columns.ts';

/** What an operation does, by Automerge's number. Tables (6) are of an older time; marks (7) can be forged (DO4). */
export const ACTION = { makeMap: 0, set: 1, makeList: 2, delete: 3, makeText: 4, increment: 5 } as const;
/** Unsigned numbers (3) are left out: no editor of ours makes them, and they are read as another type than they were. */
export const VALUE = { nothing: 0, no: 1, yes: 2, int: 4, float: 5, text: 6, bytes: 7, counter: 8, time: 9 } as const;

/** One operation a row; ids are (actor, counter) with 0 for the change's own actor, n for the n-th other; NOTHING: none. */
export type ChangeOperations = {
  readonly count: number;
  readonly objectActor: readonly number[];
  readonly objectCounter: readonly number[];
  readonly keyActor: readonly number[];
  /** 0 without an actor: the head of a list. */
  readonly keyCounter: readonly number[];
  readonly keyText: readonly (string | null)[];
  readonly insert: readonly number[];
  readonly action: readonly number[];
  /** A VALUE. */
  readonly valueType: readonly number[];
  /** Where the predecessors of an operation begin in the two columns below; one more at the end. */
  readonly predFrom: readonly number[];
  readonly predActor: readonly number[];
  readonly predCounter: readonly number[];
};

export type ParsedChange = {
  readonly hash: ChangeHash;
  readonly actor: ActorId;
  readonly seq: number;
  /** The counter of its first operation. */
  readonly startOp: number;
  readonly deps: readonly ChangeHash[];
  /** Whose operations it refers to, beside its own actor's. */
  readonly others: readonly ActorId[];
  readonly operations: ChangeOperations;
  readonly bytes: Uint8Array;
};

const MAGIC = new Uint8Array([0x85, 0x6f, 0x4a, 0x83]);
const CHECKSUM_BYTES = 4;
/** Chunks of type 0 are whole documents, those of type 2 are deflated. */
const CHANGE_CHUNK = 1;
const TYPE_AT: number = MAGIC.length + CHECKSUM_BYTES;
const HASH_BYTES = 32;
const ACTOR_BYTES = 16;
/** A change that touches everything at once still overwrites few values an operation. */
const PREDECESSORS_MAX: number = 4 * CHANGE_OPERATIONS_MAX;
const FLOAT_BYTES = 8;
/** A safe integer has 54 bits with its sign, seven in a byte. */
const INTEGER_BYTES_MAX = 8;
const SIGN_BIT = 0x40;

/** Column numbers: an id of four bits and more, and a kind of four bits whose highest would mean deflated. */
const COLUMN = {
  objectActor: 0x01,
  objectCounter: 0x02,
  keyActor: 0x11,
  keyCounter: 0x13,
  keyText: 0x15,
  insert: 0x34,
  action: 0x42,
  valueMeta: 0x56,
  value: 0x57,
  predCount: 0x70,
  predActor: 0x71,
  predCounter: 0x73,
} as const;
const KNOWN_COLUMNS: ReadonlySet<number> = new Set(Object.values(COLUMN));

/**
 * Null for anything but one change chunk within the limits, spelled as Automerge spells it. `known`: its hash, where that and
 * the checksum were made from these bytes a moment ago. Never throws.
 */
export function parseChange(bytes: Uint8Array, known?: ChangeHash): ParsedChange | null {
  try {
    return readChange(bytes, known);
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

function readChange(bytes: Uint8Array, known: ChangeHash | undefined): ParsedChange {
  demand(bytes.length <= CHANGE_BYTES_MAX && bytes.length > TYPE_AT, 'a change has at most 128 KiB');
  demand(equalBytes(bytes.subarray(0, MAGIC.length), MAGIC), 'this is no chunk');
  demand(bytes[TYPE_AT] === CHANGE_CHUNK, 'this is no change, or a deflated one');
  const cursor = cursorOver(bytes, TYPE_AT + 1);
  demand(readUint(cursor) === bytes.length - cursor.at, 'the chunk ends elsewhere');
  const hash = known ?? hashByChecksum(bytes);
  const deps = readAscending(cursor, HASH_BYTES) as ChangeHash[];
  demand(readUint(cursor) === ACTOR_BYTES, 'an actor has 16 bytes');
  const actor = toHex(readBytes(cursor, ACTOR_BYTES)) as ActorId;
  const seq = readUint(cursor);
  const startOp = readUint(cursor);
  demand(seq >= 1 && startOp >= 1, 'numbers start at 1');
  demand(readUint(cursor) === 0 && readUint(cursor) === 0, 'a change has no time and no message');
  const others = readActors(cursor, actor);
  const operations = readOperations(cursor);
  checkActorsUsed(operations, others.length);
  const actors = [actor, ...others];
  for (let i = 0; i < operations.count; i++) {
    demand(isSound(operations, i), 'an operation says what makes no sense');
    demand(isAscending(operations, i, actors), 'predecessors are not in order');
  }
  demand(cursor.at === cursor.end, 'something follows the last column');
  return { hash, actor, seq, startOp, deps, others, operations, bytes };
}

function hashByChecksum(bytes: Uint8Array): ChangeHash {
  const digest = sha256(bytes.subarray(TYPE_AT));
  const checksum = bytes.subarray(MAGIC.length, TYPE_AT);
  demand(equalBytes(digest.subarray(0, CHECKSUM_BYTES), checksum), 'the checksum is wrong');
  return toHex(digest) as ChangeHash;
}

/** A counted list of hashes, sorted and each once. */
function readAscending(cursor: Cursor, length: number): string[] {
  const count = readUint(cursor);
  demand(count <= CHANGE_DEPS_MAX, 'there are too many dependencies');
  const out: string[] = [];
  for (let i = 0; i < count; i++) {
    const text = toHex(readBytes(cursor, length));
    demand(i === 0 || text > out[i - 1]!, 'hashes are not in order');
    out.push(text);
  }
  return out;
}

function readActors(cursor: Cursor, own: ActorId): ActorId[] {
  const count = readUint(cursor);
  demand(count <= (cursor.end - cursor.at) / (ACTOR_BYTES + 1), 'actors are cut off');
  const out: ActorId[] = [];
  for (let i = 0; i < count; i++) {
    demand(readUint(cursor) === ACTOR_BYTES, 'an actor has 16 bytes');
    const actor = toHex(readBytes(cursor, ACTOR_BYTES)) as ActorId;
    demand(actor !== own && (i === 0 || actor > out[i - 1]!), 'actors are not in order');
    out.push(actor);
  }
  return out;
}

function readOperations(cursor: Cursor): ChangeOperations {
  const columns = readColumns(cursor);
  const column = (number: number): Cursor | undefined => columns.get(number);
  const needed = (number: number): Cursor => {
    const found = columns.get(number);
    demand(found !== undefined, 'a column is missing');
    return found;
  };
  const { bytes, at, end } = needed(COLUMN.action);
  const count = countUints({ bytes, at, end }, CHANGE_OPERATIONS_MAX);
  demand(count > 0, 'a change has operations');
  const uints = (number: number) => {
    const found = column(number);
    return found ? readUints(found, count) : filled(count);
  };
  const keyCounter = column(COLUMN.keyCounter);
  const keyText = column(COLUMN.keyText);
  const preds = readPredecessors(columns, count);
  return {
    count,
    objectActor: uints(COLUMN.objectActor),
    objectCounter: uints(COLUMN.objectCounter),
    keyActor: uints(COLUMN.keyActor),
    keyCounter: keyCounter ? readDeltas(keyCounter, count) : filled(count),
    keyText: keyText ? readTexts(keyText, count) : Array.from<null>({ length: count }).fill(null),
    insert: readFlags(needed(COLUMN.insert), count),
    action: readUints(needed(COLUMN.action), count),
    valueType: readValues(readUints(needed(COLUMN.valueMeta), count), column(COLUMN.value)),
    ...preds,
  };
}

/** Where each column lies; they follow each other in the order of their numbers. */
function readColumns(cursor: Cursor): Map<number, Cursor> {
  const count = readUint(cursor);
  demand(count <= KNOWN_COLUMNS.size, 'there are unknown columns');
  const lengths: [number, number][] = [];
  for (let i = 0; i < count; i++) {
    const number = readUint(cursor);
    demand(KNOWN_COLUMNS.has(number) && (i === 0 || number > lengths[i - 1]![0]), 'columns are not in order');
    const length = readUint(cursor);
    demand(length > 0, 'a column is empty');
    lengths.push([number, length]);
  }
  const columns = new Map<number, Cursor>();
  for (const [number, length] of lengths) {
    const from = cursor.at;
    readBytes(cursor, length);
    columns.set(number, cursorOver(cursor.bytes, from, cursor.at));
  }
  return columns;
}

function readPredecessors(
  columns: ReadonlyMap<number, Cursor>,
  count: number,
): Pick<ChangeOperations, 'predFrom' | 'predActor' | 'predCounter'> {
  const column = columns.get(COLUMN.predCount);
  demand(column !== undefined, 'a column is missing');
  const counts = readUints(column, count);
  const predFrom = [0];
  for (let i = 0; i < count; i++) {
    demand(counts[i]! >= 0 && counts[i]! <= PREDECESSORS_MAX - predFrom[i]!, 'there are too many predecessors');
    predFrom.push(predFrom[i]! + counts[i]!);
  }
  const total = predFrom[count]!;
  const actors = columns.get(COLUMN.predActor);
  const counters = columns.get(COLUMN.predCounter);
  demand((actors !== undefined) === total > 0 && (counters !== undefined) === total > 0, 'predecessors are missing');
  const predActor = actors ? readUints(actors, total) : [];
  const predCounter = counters ? readDeltas(counters, total) : [];
  demand(!predActor.includes(NOTHING) && !predCounter.includes(NOTHING), 'predecessors are missing');
  return { predFrom, predActor, predCounter };
}

/** Types of the values, after each was found to be one that Automerge can read and writes the same way. */
function readValues(meta: readonly number[], values: Cursor | undefined): number[] {
  const raw = values ?? cursorOver(new Uint8Array(0));
  const types: number[] = [];
  for (let i = 0; i < meta.length; i++) {
    demand(meta[i] !== NOTHING, 'a value is missing');
    const type = meta[i]! & 15;
    checkValue(type, readBytes(raw, meta[i]! >> 4));
    types.push(type);
  }
  demand(raw.at === raw.end, 'there are more values than operations');
  return types;
}

function checkValue(type: number, bytes: Uint8Array): void {
  const { length } = bytes;
  switch (type) {
    case VALUE.nothing:
    case VALUE.no:
    case VALUE.yes:
      demand(length === 0, 'a value has bytes that it does not need');
      return;
    case VALUE.int:
    case VALUE.counter:
    case VALUE.time:
      demand(isOneLeb(bytes) && isShortestInt(bytes, 0, length), 'a number is misspelled');
      demand(isSafeInt(bytes), 'JavaScript has no such integer');
      return;
    case VALUE.float:
      demand(length === FLOAT_BYTES, 'a float has eight bytes');
      return;
    case VALUE.text:
      demand(decodeUtf8(bytes).ok, 'text is not UTF-8');
      return;
    default:
      demand(type === VALUE.bytes, 'a value is of an unknown type');
  }
}

function isOneLeb(bytes: Uint8Array): boolean {
  const last = bytes.length - 1;
  return last >= 0 && last < INTEGER_BYTES_MAX && bytes.every((byte, at) => byte >= 0x80 === at < last);
}

/** Automerge holds 64 bits, and gives others out as a bigint, which no JSON holds, or not at all. */
function isSafeInt(leb: Uint8Array): boolean {
  const last = leb.length - 1;
  let value = 0;
  for (const [at, byte] of leb.entries()) {
    const bits = byte & 0x7f;
    // The sign is taken off before it is scaled: a sum below 2^53 on the way stays exact.
    value += (at === last && (byte & SIGN_BIT) !== 0 ? bits - 0x80 : bits) * 2 ** (7 * at);
  }
  return Number.isSafeInteger(value);
}

/** What an operation says by itself (DO4): anything else is lost in a save, or stops Automerge. */
function isSound(operations: ChangeOperations, i: number): boolean {
  const { objectActor, objectCounter, keyActor, keyCounter, keyText, valueType, predFrom } = operations;
  const inserts = operations.insert[i] === 1;
  const preds = predFrom[i + 1]! - predFrom[i]!;
  if ((objectActor[i] === NOTHING) !== (objectCounter[i] === NOTHING) || objectCounter[i] === 0) return false;
  if (keyActor[i] !== NOTHING && keyCounter[i] === 0) return false;
  // A key of a map, or an element of a list; the head of a list is there to insert behind.
  if ((keyText[i] === null) === (keyCounter[i] === NOTHING) || keyText[i] === '') return false;
  if (keyActor[i] === NOTHING ? keyText[i] === null && (!inserts || keyCounter[i] !== 0) : keyText[i] !== null)
    return false;
  if (inserts && (preds > 0 || keyText[i] !== null)) return false;
  switch (operations.action[i]) {
    case ACTION.set:
      return true;
    case ACTION.makeMap:
    case ACTION.makeList:
    case ACTION.makeText:
      return valueType[i] === VALUE.nothing;
    case ACTION.delete:
      return valueType[i] === VALUE.nothing && preds > 0;
    case ACTION.increment:
      return valueType[i] === VALUE.int && preds > 0;
    default:
      return false;
  }
}

/** By counter, then by actor, each once. */
function isAscending(
  { predFrom, predActor, predCounter }: ChangeOperations,
  i: number,
  actors: readonly ActorId[],
): boolean {
  if (predFrom[i + 1]! > predFrom[i]! && predCounter[predFrom[i]!] === 0) return false;
  for (let at = predFrom[i]! + 1; at < predFrom[i + 1]!; at++) {
    const more = predCounter[at]! - predCounter[at - 1]!;
    if (more < 0 || (more === 0 && actors[predActor[at]!]! <= actors[predActor[at - 1]!]!)) return false;
  }
  return true;
}

/** Actors are those of the table, and each of the table is meant somewhere. */
function checkActorsUsed(operations: ChangeOperations, others: number): void {
  const used = new Uint8Array(others + 1);
  for (const column of [operations.objectActor, operations.keyActor, operations.predActor]) {
    for (const actor of column) {
      demand(actor <= others, 'an actor is not in the table');
      if (actor !== NOTHING) used[actor] = 1;
    }
  }
  demand(!used.includes(0, 1), 'an actor in the table is not used');
}
