// Patches between a document and those who edit it: plain data outside, Automerge's types inside.

import {
  Counter,
  ImmutableString,
  isCounter,
  isImmutableString,
  splice,
  updateText,
  type Patch,
  type Prop,
} from '@automerge/automerge/slim';
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

export type PatchFailure = Failure<'bad_patch' | 'too_large'>;

/** Root of a document under edit: Automerge's proxy. */
export type Draft = Record<string, unknown>;
type Holder = Record<string | number, unknown>;

/** Text that several people write at once; every other string is replaced as a whole, which costs far less. */
const SHARED_TEXT_KEY = 'text';
const PAGES = 'pages/';
/** Code units of text in one patch, and elements of one deletion: a fifth of what a change may hold, in operations and in bytes. */
const PIECE_MAX: number = Math.floor(Math.min(CHANGE_OPERATIONS_MAX, CHANGE_BYTES_MAX / 4) / 5);
/** What the patches of one change may cost together, in operations as far as they can be told. */
const CHANGE_COST_MAX: number = 3 * PIECE_MAX;

/** Thrown through Automerge's callback, which then rolls back. */
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

/** Applies one patch inside a change; throws BadPatch, or what Automerge throws. */
export function applyPatch(draft: Draft, patch: DocumentPatch, document: DocumentName): void {
  const path = [...patch.path];
  const last = path.pop()!;
  if (patch.action === 'splice' || (patch.action === 'del' && typeof valueAt(draft, path) === 'string')) {
    spliceText(draft, path, { at: last, patch, document });
    return;
  }
  const holder = valueAt(draft, path);
  if (typeof holder !== 'object' || holder === null) throw new BadPatch(`Nothing is at ${path.join('/')}.`);
  const values = holder as Holder;
  switch (patch.action) {
    case 'put':
      if (isSharedText(document, patch.path) && typeof patch.value === 'string')
        putText(draft, patch.path, patch.value);
      else values[last] = storedValue(patch.value, 0);
      return;
    case 'insert':
      listAt(holder, last).splice(Number(last), 0, ...patch.values.map((value) => storedValue(value, 0)));
      return;
    case 'del':
      if (Array.isArray(holder)) listAt(holder, last).splice(Number(last), patch.length ?? 1);
      else delete values[last];
      return;
    case 'inc':
      if (values[last] === undefined) values[last] = new Counter(patch.value);
      else if (isCounter(values[last])) (values[last] as Counter).increment(patch.value);
      else throw new BadPatch('Only a counter can be incremented.');
  }
}

/** What somebody outside sees of a value: strings and numbers instead of Automerge's own kinds. */
export function plainValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isImmutableString(value)) return String(value);
  if (isCounter(value)) return value.value;
  if (value instanceof Uint8Array || value instanceof Date) return value;
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

function valueAt(draft: Draft, path: PatchPath): unknown {
  let value: unknown = draft;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Holder)[key];
  }
  return value;
}

function listAt(holder: object, at: string | number): unknown[] {
  if (!Array.isArray(holder) || typeof at !== 'number' || at > holder.length) {
    throw new BadPatch('There is no list of that length at this path.');
  }
  return holder;
}

function isSharedText(document: DocumentName, path: PatchPath): boolean {
  return document.startsWith(PAGES) && path.length === 1 && path[0] === SHARED_TEXT_KEY;
}

function putText(draft: Draft, path: PatchPath, text: string): void {
  const key = path[0]!;
  if (typeof draft[key] === 'string') updateText(draft, [key], text);
  else draft[key] = text;
}

function spliceText(
  draft: Draft,
  path: Prop[],
  { at, patch, document }: { at: string | number; patch: DocumentPatch; document: DocumentName },
): void {
  if (typeof at !== 'number') throw new BadPatch('Text is changed at a position.');
  if (isSharedText(document, path) && valueAt(draft, path) === undefined) draft[SHARED_TEXT_KEY] = '';
  const text = valueAt(draft, path);
  if (typeof text !== 'string' || at > text.length) throw new BadPatch('There is no text of that length at this path.');
  if (patch.action === 'splice') splice(draft, path, at, 0, patch.value);
  else if (patch.action === 'del') splice(draft, path, at, Math.min(patch.length ?? 1, text.length - at));
}

/** Strings as values that are replaced whole; only what Automerge can hold and everybody reads alike. */
function storedValue(value: unknown, depth: number): unknown {
  if (depth > DOCUMENT_DEPTH_MAX) throw new BadPatch('This value is nested too deeply.');
  if (typeof value === 'string') return new ImmutableString(value);
  if (typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (value instanceof Uint8Array || value instanceof Date) return value;
  if (isImmutableString(value) || isCounter(value)) return value;
  if (Array.isArray(value)) return value.map((inner) => storedValue(inner, depth + 1));
  if (typeof value !== 'object')
    throw new BadPatch('A value is plain data: text, numbers, booleans, bytes, lists and maps.');
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, storedValue(inner, depth + 1)]));
}
