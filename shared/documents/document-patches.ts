// Patches between a document and those who edit it: plain data outside, Automerge's types inside.

import { isCounter, isImmutableString, type getBackend, type Patch } from '@automerge/automerge/slim';
import { CHANGE_BYTES_MAX, CHANGE_OPERATIONS_MAX, DOCUMENT_DEPTH_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import type { DocumentName } from '../feeds/document-name.ts';

export type PatchPath = readonly (string | number)[];

/** As in Automerge (https://automerge.org/docs/reference/documents/). Text positions are UTF-16 code units; values are plain data. */
export type DocumentPatch =
  | { readonly action: 'put'; readonly path: PatchPath; readonly value: unknown }
  | { readonly action: 'insert'; readonly path: PatchPath; readonly values: readonly unknown[] }
  | { readonly action: 'splice'; readonly path: PatchPath; readonly value: string }
  | { readonly action: 'del'; readonly path: PatchPath; readonly length?: number }
  | { readonly action: 'inc'; readonly path: PatchPath; readonly value: number };

/** In a page's text. */
export type TextEdit = Extract<DocumentPatch, { action: 'splice' | 'del' }>;

export type PatchFailure = Failure<'bad_patch' | 'too_large'>;

/** Automerge's document itself, without its JavaScript objects: those would be made anew with every keystroke. */
export type Draft = ReturnType<typeof getBackend>;
type ObjID = Parameters<Draft['put']>[0];
type Value = Parameters<Draft['put']>[2];
type Datatype = NonNullable<Parameters<Draft['put']>[3]>;
type FullValue = NonNullable<ReturnType<Draft['getWithType']>>;

const ROOT: ObjID = '_root';

/** Text that several people write at once; every other string is replaced as a whole, which costs far less. */
const SHARED_TEXT_KEY = 'text';
const SHARED_TEXT_PATH = `/${SHARED_TEXT_KEY}`;
const PAGES = 'pages/';
/** Code units of text in one patch, and elements of one deletion: a fifth of what a change may hold, in operations and in bytes. */
const PIECE_MAX: number = Math.floor(Math.min(CHANGE_OPERATIONS_MAX, CHANGE_BYTES_MAX / 4) / 5);
/** What the patches of one change may cost together, in operations as far as they can be told. */
const CHANGE_COST_MAX: number = 3 * PIECE_MAX;

/** Whoever applies patches rolls back on it. */
export class BadPatch extends Error {
  constructor(because: string) {
    super(because);
    this.name = 'BadPatch';
  }
}

/** Groups of patches, each small enough for one change; or why they cannot be patches at all. */
export function splitPatches(patches: readonly DocumentPatch[]): Result<DocumentPatch[][], PatchFailure> {
  const groups: DocumentPatch[][] = [[]];
  let cost = 0;
  for (const patch of patches) {
    const because = findFault(patch);
    if (because !== undefined) return fail('bad_patch', because);
    for (const piece of splitPatch(patch)) {
      const more = costOf(piece);
      if (cost > 0 && cost + more > CHANGE_COST_MAX) {
        groups.push([]);
        cost = 0;
      }
      groups.at(-1)!.push(piece);
      cost += more;
    }
  }
  return ok(groups);
}

/**
 * Applies one patch inside a change; throws BadPatch, or what Automerge throws. `nearest`: a position behind the end of a
 * text or list that became shorter means its end.
 */
export function applyPatch(
  draft: Draft,
  patch: DocumentPatch,
  options: { document: DocumentName; nearest?: boolean },
): void {
  const { document, nearest = false } = options;
  const last = patch.path.at(-1)!;
  if (patch.action === 'put' && typeof patch.value === 'string' && isSharedText(document, patch.path)) {
    putText(draft, patch.value, nearest);
    return;
  }
  if (isTextEdit(patch, document) && !nearest) {
    editText(draft, patch);
    return;
  }
  const { object, kind } = findHolder(draft, patch.path);
  if (kind === 'map') {
    if (typeof last !== 'string') throw new BadPatch('A map has keys that are text.');
    patchMap(draft, { object, key: last, patch });
    return;
  }
  const length = draft.length(object);
  if (typeof last !== 'number' || (last > length && !nearest)) throw new BadPatch('There is no such position.');
  patchSequence(draft, { object, kind, patch, at: Math.min(last, length), length });
}

/** Whether a patch types or deletes in the text that several write at once: what nearly all patches do. */
export function isTextEdit(patch: DocumentPatch, document: DocumentName): patch is TextEdit {
  const { action, path } = patch;
  return (
    (action === 'splice' || action === 'del') &&
    path.length === 2 &&
    typeof path[1] === 'number' &&
    isSharedText(document, path.slice(0, 1))
  );
}

/** Without a question beforehand: Automerge refuses a position that is not there. */
function editText(draft: Draft, patch: TextEdit): void {
  const at = Number(patch.path[1]);
  try {
    if (patch.action === 'splice') draft.splice(SHARED_TEXT_PATH, at, 0, patch.value);
    else draft.splice(SHARED_TEXT_PATH, at, patch.length ?? 1);
  } catch {
    if (patch.action === 'del' || at > 0 || draft.getWithType(ROOT, SHARED_TEXT_KEY)) {
      throw new BadPatch('There is no such position in the text.');
    }
    draft.putObject(ROOT, SHARED_TEXT_KEY, patch.value);
  }
}

function patchMap(draft: Draft, { object, key, patch }: { object: ObjID; key: string; patch: DocumentPatch }): void {
  const before = draft.getWithType(object, key)?.[0];
  if (patch.action === 'put') putValue(draft, { object, prop: key, insert: false }, patch.value);
  else if (patch.action === 'del' && before !== undefined) draft.delete(object, key);
  else if (patch.action === 'inc' && before === undefined) draft.put(object, key, patch.value, 'counter');
  else if (patch.action === 'inc' && before === 'counter') draft.increment(object, key, patch.value);
  else throw new BadPatch('What is at this path cannot be changed like this.');
}

function patchSequence(
  draft: Draft,
  place: { object: ObjID; kind: 'list' | 'text'; patch: DocumentPatch; at: number; length: number },
): void {
  const { object, kind, patch, at, length } = place;
  if (patch.action === 'del') draft.splice(object, at, Math.min(patch.length ?? 1, length - at));
  else if (patch.action === 'splice' && kind === 'text') draft.splice(object, at, 0, patch.value);
  else if (patch.action === 'insert' && kind === 'list') {
    for (const [i, value] of patch.values.entries()) putValue(draft, { object, prop: at + i, insert: true }, value);
  } else if (patch.action === 'put' && kind === 'list' && at < length) {
    putValue(draft, { object, prop: at, insert: false }, patch.value);
  } else if (patch.action === 'inc' && kind === 'list' && draft.getWithType(object, at)?.[0] === 'counter') {
    draft.increment(object, at, patch.value);
  } else throw new BadPatch('What is at this path cannot be changed like this.');
}

/** What somebody outside sees of a value: strings and numbers instead of Automerge's own kinds. */
export function plainValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isImmutableString(value)) return String(value);
  if (isCounter(value)) return value.value;
  if (value instanceof Uint8Array || isDate(value)) return value;
  if (Array.isArray(value)) return value.map(plainValue);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainValue(inner)]));
}

/** Patches as editors get them. */
export function plainPatches(patches: readonly Patch[]): DocumentPatch[] {
  return readPatches(patches).map((patch): DocumentPatch => {
    if (patch.action === 'put') return { ...patch, value: plainValue(patch.value) };
    return patch.action === 'insert' ? { ...patch, values: patch.values.map(plainValue) } : patch;
  });
}

/** Automerge's patches with its own kinds of values; what is no edit (conflicts) is left out. */
export function readPatches(patches: readonly Patch[]): DocumentPatch[] {
  return patches.flatMap((patch): DocumentPatch[] => {
    const { path } = patch;
    switch (patch.action) {
      case 'put':
        return [{ action: 'put', path, value: patch.value }];
      case 'insert':
        return [{ action: 'insert', path, values: patch.values }];
      case 'splice':
        return [{ action: 'splice', path, value: patch.value }];
      case 'del':
        return [{ action: 'del', path, ...(patch.length !== undefined && { length: patch.length }) }];
      case 'inc':
        return [{ action: 'inc', path, value: patch.value }];
      default:
        return [];
    }
  });
}

function findFault({ action, path, ...rest }: DocumentPatch): string | undefined {
  const isKey = (key: unknown): boolean =>
    typeof key === 'string' ? key !== '' : Number.isSafeInteger(key) && Number(key) >= 0;
  if (!Array.isArray(path) || path.length === 0 || path.length > DOCUMENT_DEPTH_MAX || !path.every(isKey)) {
    return 'A patch has a path of keys and positions.';
  }
  const given = rest as { value?: unknown; values?: unknown; length?: unknown };
  switch (action) {
    case 'put':
      return;
    case 'insert':
      return Array.isArray(given.values) ? undefined : 'insert has a list of values.';
    case 'splice':
      return typeof given.value === 'string' ? undefined : 'splice has a text.';
    case 'del':
      return given.length === undefined || isKey(given.length) ? undefined : 'del has a length.';
    case 'inc':
      return Number.isSafeInteger(given.value) ? undefined : 'inc has a whole number.';
    default:
      return 'A patch puts, inserts, splices, deletes or increments.';
  }
}

function* splitPatch(patch: DocumentPatch): Iterable<DocumentPatch> {
  const last = patch.path.at(-1)!;
  if (patch.action === 'splice' && patch.value.length > PIECE_MAX && typeof last === 'number') {
    const before = patch.path.slice(0, -1);
    for (let from = 0; from < patch.value.length;) {
      let to = Math.min(from + PIECE_MAX, patch.value.length);
      if (isHighSurrogate(patch.value.charCodeAt(to - 1)) && to < patch.value.length) to += 1;
      yield { action: 'splice', path: [...before, last + from], value: patch.value.slice(from, to) };
      from = to;
    }
  } else if (patch.action === 'del' && (patch.length ?? 1) > PIECE_MAX) {
    // From the end, so that no cut falls into a pair of surrogates that the piece before it has moved.
    for (let left = patch.length!; left > 0; left -= PIECE_MAX) {
      yield { ...patch, length: Math.min(PIECE_MAX, left) };
    }
  } else {
    yield patch;
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function costOf(patch: DocumentPatch): number {
  if (patch.action === 'splice') return patch.value.length;
  if (patch.action === 'del') return patch.length ?? 1;
  return patch.action === 'insert' ? patch.values.length : 1;
}

/** The object that holds what the path ends in. */
function findHolder(draft: Draft, path: PatchPath): { object: ObjID; kind: 'map' | 'list' | 'text' } {
  let object: ObjID = ROOT;
  let kind: 'map' | 'list' | 'text' = 'map';
  for (const key of path.slice(0, -1)) {
    const fits: boolean = kind === 'map' ? typeof key === 'string' : kind === 'list' && typeof key === 'number';
    const found: FullValue | null = fits ? draft.getWithType(object, key) : null;
    if (found === null || (found[0] !== 'map' && found[0] !== 'list' && found[0] !== 'text')) {
      throw new BadPatch('There is nothing at this path that could be changed.');
    }
    [kind, object] = found;
  }
  return { object, kind };
}

function isSharedText(document: DocumentName, path: PatchPath): boolean {
  return document.startsWith(PAGES) && path.length === 1 && path[0] === SHARED_TEXT_KEY;
}

/** `keep`: a text that is there stays as it is. */
function putText(draft: Draft, text: string, keep: boolean): void {
  const found = draft.getWithType(ROOT, SHARED_TEXT_KEY);
  if (found?.[0] !== 'text') draft.putObject(ROOT, SHARED_TEXT_KEY, text);
  else if (!keep) draft.updateText(found[1], text);
}

type Place = { readonly object: ObjID; readonly prop: string | number; readonly insert: boolean };

/** Strings as values that are replaced whole; only what Automerge can hold and everybody reads alike. */
function putValue(draft: Draft, place: Place, value: unknown, depth = 0): void {
  const scalar = scalarOf(value);
  const { object, prop, insert } = place;
  if (scalar !== null) {
    if (insert) draft.insert(object, Number(prop), scalar[1], scalar[0]);
    else draft.put(object, prop, scalar[1], scalar[0]);
    return;
  }
  if (depth > DOCUMENT_DEPTH_MAX) throw new BadPatch('This value is nested too deeply.');
  const empty = Array.isArray(value) ? [] : {};
  const made = insert ? draft.insertObject(object, Number(prop), empty) : draft.putObject(object, prop, empty);
  if (Array.isArray(value)) {
    for (const [at, inner] of value.entries())
      putValue(draft, { object: made, prop: at, insert: true }, inner, depth + 1);
    return;
  }
  for (const [key, inner] of Object.entries(value as object)) {
    if (key === '') throw new BadPatch('A key is not empty.');
    putValue(draft, { object: made, prop: key, insert: false }, inner, depth + 1);
  }
}

/** Null: a list or a map. */
function scalarOf(value: unknown): [Datatype, Value] | null {
  if (value === null) return ['null', null];
  if (typeof value === 'string') return ['str', value];
  if (typeof value === 'boolean') return ['boolean', value];
  if (typeof value === 'number' && Number.isFinite(value)) return [Number.isSafeInteger(value) ? 'int' : 'f64', value];
  if (value instanceof Uint8Array) return ['bytes', value];
  if (isDate(value) && Number.isFinite(value.getTime())) return ['timestamp', value];
  if (isImmutableString(value)) return ['str', String(value)];
  if (isCounter(value)) return ['counter', value.value];
  if (Array.isArray(value) || isPlainObject(value)) return null;
  throw new BadPatch('A value is plain data: text, numbers, booleans, bytes, dates, lists and maps.');
}

/** By what it is called, since this part of the code has no clock and so no Date. */
function isDate(value: unknown): value is Extract<Value, { getTime(): number }> {
  return Object.prototype.toString.call(value) === '[object Date]';
}

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
