// State and drafts of it: a draft collects changes over a state or another draft, and is kept or thrown away as a whole.

import { assert } from '../core/assert.ts';
import { STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX } from '../core/limits.ts';
import { decodeRecord, encodeRecord, type RecordType } from './records.ts';
import { EMPTY_TREE, proveKey, readTree, treeEntries, treeRoot, updateTree, type Tree } from './tree.ts';

/** Immutable: key → value bytes under one root. Keys are ASCII. */
export type State = { readonly tree: Tree };

/** Changes over a base; null removes a key. What they are in bytes says `writesOf`. */
export type Draft = {
  readonly base: State | Draft;
  readonly writes: Map<string, Uint8Array | Written | null>;
};

/** A record that is not encoded yet: most drafts are thrown away, and most of their records written over before that. */
type Written = { readonly record: object; readonly encode: () => Uint8Array };

const EMPTY_STATE: State = { tree: EMPTY_TREE };

export function stateRoot(state: State): Uint8Array {
  return treeRoot(state.tree);
}

export function proveState(state: State, key: string): Uint8Array<ArrayBuffer> {
  return proveKey(state.tree, key);
}

/** Everything in state, for a snapshot; loadState of it has the same root. */
export function stateEntries(state: State): Generator<[key: string, value: Uint8Array]> {
  return treeEntries(state.tree);
}

export function loadState(entries: Iterable<readonly [key: string, value: Uint8Array]>): State {
  return { tree: updateTree(EMPTY_TREE, new Map(entries)) };
}

export function openDraft(base: State | Draft = EMPTY_STATE): Draft {
  return { base, writes: new Map() };
}

/** Puts a draft's changes into the draft it was opened on. */
export function mergeDraft(draft: Draft): void {
  assert('writes' in draft.base, 'only a draft over a draft is merged');
  for (const [key, value] of draft.writes) draft.base.writes.set(key, value);
}

/** The state that a draft over a state stands for; the tree is hashed once for all changes (rule ST4). */
export function commitDraft(draft: Draft): State {
  assert('tree' in draft.base, 'only a draft over a state is committed');
  return { tree: updateTree(draft.base.tree, writesOf(draft)) };
}

/** What a draft changes, as a store and a tree keep it; each record is encoded once. */
export function writesOf({ writes }: Draft): ReadonlyMap<string, Uint8Array | null> {
  const encoded = new Map<string, Uint8Array | null>();
  for (const [key, written] of writes) {
    const value = written === null ? null : encodeWritten(key, written);
    if (value !== written) writes.set(key, value);
    encoded.set(key, value);
  }
  return encoded;
}

export function readValue(from: State | Draft, key: string): Uint8Array | undefined {
  const written = findWritten(from, key);
  return written === null || written === undefined ? undefined : encodeWritten(key, written);
}

export function readRecord<Id, T>(from: State | Draft, type: RecordType<Id, T>, id: Id): T | undefined {
  const written = findWritten(from, type.key(id));
  if (written === undefined || written === null) return undefined;
  if (!(written instanceof Uint8Array)) return written.record as T;
  const known = decodedByValue.get(written);
  if (known !== undefined) return known as T;
  const decoded = decodeRecord(type, written);
  assert(decoded.ok, `state holds a record that cannot be read: ${type.key(id)}`);
  if (typeof decoded.value === 'object' && decoded.value !== null) decodedByValue.set(written, decoded.value);
  return decoded.value;
}

export function writeRecord<Id, T>(draft: Draft, change: { type: RecordType<Id, T>; id: Id; value: T }): void {
  const { type, value } = change;
  assert(typeof value === 'object' && value !== null, 'a record is a structure or a list');
  draft.writes.set(type.key(change.id), { record: value, encode: () => encodeRecord(type, value) });
}

/** Null: removed in a draft. */
function findWritten(from: State | Draft, key: string): Uint8Array | Written | null | undefined {
  let at = from;
  while ('writes' in at) {
    const written = at.writes.get(key);
    if (written !== undefined) return written;
    at = at.base;
  }
  return readTree(at.tree, key);
}

function encodeWritten(key: string, written: Uint8Array | Written): Uint8Array {
  if (written instanceof Uint8Array) return written;
  const value = written.encode();
  assert(key.length <= STATE_KEY_BYTES_MAX && value.length <= STATE_VALUE_BYTES_MAX, `${key} is too large for state`);
  decodedByValue.set(value, written.record);
  return value;
}

export function removeRecord<Id, T>(draft: Draft, type: RecordType<Id, T>, id: Id): void {
  draft.writes.set(type.key(id), null);
}

/** Decoding again what was decoded before costs more than all else here; value bytes never change, and a key has one record type. */
const decodedByValue = new WeakMap<Uint8Array, object>();
