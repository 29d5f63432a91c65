// All changes of one document on their way to a newcomer: what follows from other changes is left out, and put back to hash them
// against the heads that state names (SN8–SN11).

import { fromHex, toHex } from '../codec/base.ts';
import { encodeVarint } from '../content/protobuf.ts';
import { assert } from '../core/assert.ts';
import { compareBytes, concatBytes } from '../core/bytes.ts';
import { CHANGE_BYTES_MAX, CHANGE_DEPS_MAX, DOCUMENT_BYTES_MAX, SNAPSHOT_CHANGES_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import type { FeedId, Identity } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';
import { actorIdOf, type ActorId, type ChangeHash } from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { IndexRow } from '../ledger/document-index.ts';
import { cursorOver, demand, Malformed, readBytes, readUint, type Cursor } from './change-columns.ts';
import type { DocumentTail } from './document-records.ts';

const CHUNK_MAGIC = new Uint8Array([0x85, 0x6f, 0x4a, 0x83]);
const CHUNK_TYPE = new Uint8Array([1]);
const CHECKSUM_BYTES = 4;
const TYPE_AT: number = CHUNK_MAGIC.length + CHECKSUM_BYTES;
const HASH_BYTES = 32;
const ACTOR_BYTES = 16;
const FEED_BYTES = 8;
/** What a pack may come to once it is unpacked: what stands for a change in it is shorter than the change. */
export const PACK_BYTES_MAX: number = DOCUMENT_BYTES_MAX + 64;

/** Where an actor began (DC5): its id follows from these. */
export type ActorStart = { readonly feed: FeedId; readonly start: number };

/** A change taken apart: what follows from others, and the rest. */
type ChangeParts = {
  readonly hash: ChangeHash;
  readonly deps: readonly ChangeHash[];
  readonly actor: ActorId;
  readonly rest: Uint8Array;
  /** Bytes of the whole. */
  readonly size: number;
};

export type PackedDocument = {
  /** In an order in which they can be accepted. */
  readonly rows: readonly IndexRow[];
  /** The same changes with their authors. */
  readonly tail: DocumentTail;
};

/**
 * The changes that heads stand for, each after what it depends on; else in the order in which they are given. Null when one of them is missing, or they are more than a snapshot holds.
 */
export function packChanges(
  changes: readonly Uint8Array[],
  known: {
    readonly heads: readonly ChangeHash[];
    readonly startOf: (actor: ActorId) => ActorStart | undefined;
  },
): Uint8Array<ArrayBuffer> | null {
  const chosen = chooseChanges(changes, known.heads);
  if (chosen === null) return null;
  const [head, rests]: [Uint8Array[], Uint8Array[]] = [[], []];
  const [actors, places] = [new Map<ActorId, number>(), new Map<ChangeHash, number>()];
  const starts: Uint8Array[] = [];
  for (const [at, { hash, deps, actor, rest }] of chosen.entries()) {
    let number = actors.get(actor);
    if (number === undefined) {
      const begun = known.startOf(actor);
      if (begun === undefined) return null;
      number = actors.size;
      actors.set(actor, number);
      starts.push(bytesOfHex(begun.feed), encodeVarint(begun.start));
    }
    head.push(encodeVarint(deps.length));
    for (const dep of deps) {
      const place = places.get(dep);
      assert(place !== undefined, 'a change comes after those it depends on');
      head.push(encodeVarint(at - place));
    }
    head.push(encodeVarint(number), encodeVarint(rest.length));
    rests.push(rest);
    places.set(hash, at);
  }
  return joinAll([encodeVarint(actors.size), ...starts, encodeVarint(chosen.length), ...head, ...rests]);
}

/** Heads and all that they rest on, each after what it depends on: the changes of one block lie in any order. */
function chooseChanges(changes: readonly Uint8Array[], heads: readonly ChangeHash[]): readonly ChangeParts[] | null {
  const all = new Map(changes.map(takeApart).map((change) => [change.hash, change]));
  const needed = new Set<ChangeHash>();
  const waiting = [...heads];
  let bytes = 0;
  for (let hash = waiting.pop(); hash !== undefined; hash = waiting.pop()) {
    if (needed.has(hash)) continue;
    const change = all.get(hash);
    if (change === undefined) return null;
    needed.add(hash);
    bytes += change.size;
    waiting.push(...change.deps);
  }
  if (needed.size > SNAPSHOT_CHANGES_MAX || bytes > DOCUMENT_BYTES_MAX) return null;
  const chosen = new Map<ChangeHash, ChangeParts>();
  const place = (from: ChangeParts): void => {
    const stack = [from];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const missing = chosen.has(top.hash) ? undefined : top.deps.find((dep) => !chosen.has(dep));
      if (missing !== undefined) {
        stack.push(all.get(missing)!);
        continue;
      }
      chosen.set(top.hash, top);
      stack.pop();
    }
  };
  for (const change of all.values()) if (needed.has(change.hash)) place(change);
  return [...chosen.values()];
}

export function hashOfChange(bytes: Uint8Array): ChangeHash {
  return toHex(sha256(bytes.subarray(TYPE_AT))) as ChangeHash;
}

/**
 * Every change that was accepted, and no other: heads name those they depend on by hash, and so on (SN9). `authorOf`: who
 * writes into a feed, by certified state.
 */
export function readPack(
  pack: Uint8Array,
  known: {
    readonly document: DocumentName;
    readonly heads: readonly ChangeHash[];
    readonly authorOf: (feed: FeedId) => Identity | undefined;
  },
): Result<PackedDocument, Failure<'bad_snapshot'>> {
  try {
    return ok(unpack(cursorOver(pack), known));
  } catch (error) {
    if (error instanceof Malformed) return fail('bad_snapshot', `Changes of ${known.document}: ${error.message}.`);
    throw error;
  }
}

type Actor = ActorStart & { readonly id: ActorId; readonly author: Identity; seq: number };

function unpack(cursor: Cursor, known: Parameters<typeof readPack>[1]): PackedDocument {
  const { document } = known;
  const actors = readActors(cursor, known);
  const count = readUint(cursor);
  demand(count <= SNAPSHOT_CHANGES_MAX && count <= cursor.end - cursor.at, 'there are too many changes');
  const heads: { readonly refs: readonly number[]; readonly actor: number; readonly length: number }[] = [];
  for (let at = 0; at < count; at++) {
    const deps = readUint(cursor);
    demand(deps <= CHANGE_DEPS_MAX, 'a change has too many dependencies');
    const refs = Array.from({ length: deps }, () => at - readUint(cursor));
    heads.push({ refs, actor: readUint(cursor), length: readUint(cursor) });
  }
  const [rows, tail]: [IndexRow[], DocumentTail[number][]] = [[], []];
  const digests: Uint8Array[] = [];
  const [all, open] = [new Set<ChangeHash>(), new Set<ChangeHash>()];
  let total = 0;
  for (const { refs, actor: number, length } of heads) {
    const actor = actors[number];
    demand(actor !== undefined, 'an actor is not in the table');
    const deps = refs.map((ref) => digests[ref]);
    const bytes = putTogether({ deps, actor: actor.id, rest: readBytes(cursor, length) });
    total += bytes.length;
    demand(bytes.length <= CHANGE_BYTES_MAX && total <= DOCUMENT_BYTES_MAX, 'they are too large');
    const digest = sha256(bytes.subarray(TYPE_AT));
    bytes.set(digest.subarray(0, CHECKSUM_BYTES), CHUNK_MAGIC.length);
    const hash = toHex(digest) as ChangeHash;
    demand(!all.has(hash), 'one is there twice');
    for (const ref of refs) open.delete(rows[ref]!.hash);
    all.add(hash);
    open.add(hash);
    digests.push(digest);
    actor.seq += 1;
    rows.push({ document, hash, actor: actor.id, seq: actor.seq, feed: actor.feed });
    tail.push({ author: actor.author, change: bytes });
  }
  demand(cursor.at === cursor.end, 'something follows the last one');
  const sorted = [...open].sort();
  demand(
    sorted.length === known.heads.length && sorted.every((hash, at) => hash === known.heads[at]),
    'others are final',
  );
  return { rows, tail };
}

function readActors(cursor: Cursor, { document, authorOf }: Parameters<typeof readPack>[1]): Actor[] {
  const count = readUint(cursor);
  demand(count <= SNAPSHOT_CHANGES_MAX, 'there are too many actors');
  demand(count <= (cursor.end - cursor.at) / (FEED_BYTES + 1), 'actors are cut off');
  const known = new Set<ActorId>();
  return Array.from({ length: count }, () => {
    const feed = toHex(readBytes(cursor, FEED_BYTES)) as FeedId;
    const start = readUint(cursor);
    const author = authorOf(feed);
    demand(start >= 1 && author !== undefined, 'a feed is not in state');
    const id = actorIdOf({ feed, document, start });
    // Hashes do not show it, and each would count its changes from 1: the index that acceptance asks would be another.
    demand(!known.has(id), 'an actor is in the table twice');
    known.add(id);
    return { feed, start, author, id, seq: 0 };
  });
}

function takeApart(bytes: Uint8Array): ChangeParts {
  const cursor = cursorOver(bytes, TYPE_AT + 1);
  readUint(cursor);
  const deps = Array.from({ length: readUint(cursor) }, () => toHex(readBytes(cursor, HASH_BYTES)) as ChangeHash);
  assert(readUint(cursor) === ACTOR_BYTES, 'a change that was accepted has an actor');
  const actor = toHex(readBytes(cursor, ACTOR_BYTES)) as ActorId;
  return { hash: hashOfChange(bytes), deps, actor, rest: bytes.subarray(cursor.at), size: bytes.length };
}

/** The chunk, but for its checksum. Dependencies stand in order. */
function putTogether(given: {
  readonly deps: readonly (Uint8Array | undefined)[];
  readonly actor: ActorId;
  readonly rest: Uint8Array;
}): Uint8Array<ArrayBuffer> {
  const { deps, actor, rest } = given;
  const sorted: Uint8Array[] = [];
  for (const dep of deps) {
    demand(dep !== undefined, 'a dependency is missing');
    sorted.push(dep);
  }
  sorted.sort(compareBytes);
  const before = concatBytes(encodeVarint(sorted.length), ...sorted, encodeVarint(ACTOR_BYTES), bytesOfHex(actor));
  const length = encodeVarint(before.length + rest.length);
  return concatBytes(CHUNK_MAGIC, new Uint8Array(CHECKSUM_BYTES), CHUNK_TYPE, length, before, rest);
}

/** As concatBytes, for more parts than a call takes arguments. */
function joinAll(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function bytesOfHex(text: string): Uint8Array {
  const bytes = fromHex(text);
  assert(bytes.ok, 'an id is hex');
  return bytes.value;
}
