// State and drafts of it: a draft collects changes over a state or another draft, and is kept or thrown away as a whole.

import { assert } from '../core/assert.ts';
import { STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX } from '../core/limits.ts';
import { decodeRecord, encodeRecord, type RecordType } from './records.ts';
import { EMPTY_TREE, proveKey, readTree, treeEntries, treeRoot, updateTree, type Tree } from './tree.ts';

/** Immutable: key → value bytes under one root. Keys are ASCII. */
export type State = { readonly tree: Tree };

/** Changes over a base; null removes a key. */
export type Draft = {
  readonly base: State | Draft;
  readonly writes: Map<string, Uint8Array | null>;
};

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
  return { tree: updateTree(draft.base.tree, draft.writes) };
}

export function readValue(from: State | Draft, key: string): Uint8Array | undefined {
  let at = from;
  while ('writes' in at) {
    const value = at.writes.get(key);
    if (value !== undefined) return value === null ? undefined : value;
    at = at.base;
  }
  return readTree(at.tree, key);
}

export function readRecord<Id, T>(from: State | Draft, type: RecordType<Id, T>, id: Id): T | undefined {
  const value = readValue(from, type.key(id));
  if (value === undefined) return undefined;
  const known = decodedByValue.get(value);
  if (known !== undefined) return known as T;
  const decoded = decodeRecord(type, value);
  assert(decoded.ok, `state holds a record that cannot be read: ${type.key(id)}`);
  if (typeof decoded.value === 'object' && decoded.value !== null) decodedByValue.set(value, decoded.value);
  return decoded.value;
}

export function writeRecord<Id, T>(draft: Draft, change: { type: RecordType<Id, T>; id: Id; value: T }): void {
  const key = change.type.key(change.id);
  const value = encodeRecord(change.type, change.value);
  assert(key.length <= STATE_KEY_BYTES_MAX && value.length <= STATE_VALUE_BYTES_MAX, `${key} is too large for state`);
  if (typeof change.value === 'object' && change.value !== null) decodedByValue.set(value, change.value);
  draft.writes.set(key, value);
}

export function removeRecord<Id, T>(draft: Draft, type: RecordType<Id, T>, id: Id): void {
  draft.writes.set(type.key(id), null);
}

/** Decoding again what was decoded before costs more than all else here; value bytes never change, and a key has one record type. */
const decodedByValue = new WeakMap<Uint8Array, object>();
