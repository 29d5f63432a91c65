// What the loop reads of document changes before a machine sees them: headers, and whether an owned document is written where it may be.

import { CHANGE_OPERATIONS_MAX } from '../core/limits.ts';
import type { Identity } from '../crypto/ids.ts';
import type { ChangeReader, DocumentChange, DocumentOperation } from '../feeds/document-change.ts';
import { isOwned } from '../feeds/document-name.ts';
import { NOTHING } from './change-columns.ts';
import { parseChange, type ChangeOperations } from './change-chunk.ts';

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
    read.push({ document, hash, actor, seq, deps, ownOnly, operations: operations.count });
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
