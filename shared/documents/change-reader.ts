// What the loop reads of document changes before a machine sees them: headers, and whether an owned document is written where it may be.

import { CHANGE_OPERATIONS_MAX } from '../core/limits.ts';
import type { Identity } from '../crypto/ids.ts';
import type { ChangeReader, DocumentChange, DocumentOperation } from '../feeds/document-change.ts';
import { isOwned } from '../feeds/document-name.ts';
import { NOTHING } from './change-columns.ts';
import { parseChange, type ChangeOperations, type ParsedChange } from './change-chunk.ts';

/** What is typed; a paste is read again rather than kept. */
const KEPT_OPERATIONS_MAX = 64;
/** What was read of a change, for whoever folds it next. */
const parsedByHeader = new WeakMap<DocumentChange, ParsedChange>();

/** Once: what the reader found in the change that this is the header of, if it is still there. */
export function takeParsed(header: DocumentChange): ParsedChange | undefined {
  const parsed = parsedByHeader.get(header);
  parsedByHeader.delete(header);
  return parsed;
}

/** Needs no Automerge: a validator orders changes without loading a document. */
export function createChangeReader(): ChangeReader {
  return readChanges;
}

function readChanges({ document, changes }: DocumentOperation, author: Identity): DocumentChange[] | null {
  const owned = isOwned(document);
  const read: DocumentChange[] = [];
  let room = CHANGE_OPERATIONS_MAX;
  for (const bytes of changes) {
    const change = parseChange(bytes);
    if (change === null || (room -= change.operations.count) < 0) return null;
    const { hash, actor, seq, deps, operations } = change;
    const ownOnly = !owned || writesRootOnlyAt(operations, author);
    const header = { document, hash, actor, seq, deps, ownOnly, operations: operations.count };
    if (operations.count <= KEPT_OPERATIONS_MAX) parsedByHeader.set(header, change);
    read.push(header);
  }
  return read;
}

/**
 * DO5, the half that needs nothing but the change: what it does at the root, it does under this key. Whether the objects
 * it names lie below that key is known to whoever holds the document (DocumentGraph), which leaves the change out if not.
 */
function writesRootOnlyAt({ count, objectCounter, keyText }: ChangeOperations, key: string): boolean {
  for (let i = 0; i < count; i++) if (objectCounter[i] === NOTHING && keyText[i] !== key) return false;
  return true;
}
