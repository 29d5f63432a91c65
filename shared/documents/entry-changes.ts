// The changes of one entry on their way into a document: with what the reader of the entry found in them, so that nothing is read twice.

import { assert } from '../core/assert.ts';
import type { Identity } from '../crypto/ids.ts';
import { readDocumentOperations, type ChangeHash, type DocumentChange } from '../feeds/document-change.ts';
import { isOwned, type DocumentName } from '../feeds/document-name.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { parseChange, type ParsedChange } from './change-chunk.ts';
import { takeParsed } from './change-reader.ts';
import type { Incoming, Ordered } from './document-fold.ts';
import type { StoredDocument } from './document-disk.ts';

/** What is read of an entry that waits. */
export type WaitingEntry = Pick<VerifiedEntry, 'id' | 'body' | 'identity' | 'changes'>;

/** A change as its entry carries it. */
export type EntryChange = {
  readonly document: DocumentName;
  readonly hash: ChangeHash;
  readonly header: DocumentChange;
  readonly bytes: Uint8Array;
};

/** `accepted`: by the rule, over what is pending. */
export type PendingEntry = {
  readonly entry: WaitingEntry;
  readonly changes: readonly EntryChange[];
  readonly accepted: boolean;
};

/** Document entries of a final block, in its order. */
export type FinalDocuments = {
  readonly height: number;
  readonly entries: readonly { readonly entry: VerifiedEntry; readonly accepted: boolean }[];
};

export type FinalChange = EntryChange & { readonly author: Identity };

export function changesOf({ body, changes }: WaitingEntry): readonly EntryChange[] {
  if (body.sort !== 'document' || changes === null) return [];
  const operations = readDocumentOperations(body);
  assert(operations.ok, 'the reader found changes in this entry');
  const all = operations.value.flatMap((operation) => operation.changes);
  return changes.map((header, at) => ({ document: header.document, hash: header.hash, header, bytes: all[at]! }));
}

export function namesOf(changes: readonly EntryChange[]): ReadonlySet<DocumentName> {
  return new Set(changes.map(({ document }) => document));
}

export function hashesOf(changes: readonly EntryChange[], name: DocumentName): ChangeHash[] {
  return changes.flatMap(({ document, hash }) => (document === name ? [hash] : []));
}

export function incomingOf(change: ParsedChange, name: DocumentName, author: Identity): Incoming {
  return { change, ownKey: isOwned(name) ? author : undefined };
}

/** What the reader of the entry kept of it, or the same read again when it is asked for. */
export function readAgain({ header, bytes }: EntryChange): () => ParsedChange | null {
  const kept = takeParsed(header);
  return () => kept ?? parseChange(bytes);
}

/** Of a block: most of what is in one waited here before, and is not read again. */
export function orderedOf(change: EntryChange, author: Identity): Ordered {
  const { document, header, bytes } = change;
  const ownKey = isOwned(document) ? author : undefined;
  return { header, bytes, ownKey, read: readAgain(change) };
}

/** Of earlier blocks, from the disk. */
export function orderedOfTail(name: DocumentName, { tail, hashes }: Omit<StoredDocument, 'saved'>): Ordered[] {
  return tail.flatMap(({ author, change: bytes }, at) => {
    const parsed = parseChange(bytes, hashes?.[at]);
    if (parsed === null) return [];
    return [{ header: parsed, bytes, ownKey: isOwned(name) ? author : undefined, read: () => parsed }];
  });
}

/** What final blocks bring to each document, by height, and what came out void. */
export function splitFinal(
  blocks: readonly FinalDocuments[],
  readEntry: (entry: VerifiedEntry) => readonly EntryChange[],
): { tails: ReadonlyMap<DocumentName, ReadonlyMap<number, readonly FinalChange[]>>; voided: readonly PendingEntry[] } {
  const tails = new Map<DocumentName, Map<number, FinalChange[]>>();
  const voided: PendingEntry[] = [];
  for (const { height, entries } of blocks) {
    for (const { entry, accepted } of entries) {
      const changes = readEntry(entry);
      if (!accepted) voided.push({ entry, changes, accepted });
      for (const change of accepted ? changes : []) {
        const tail = tails.get(change.document) ?? new Map<number, FinalChange[]>();
        const ofBlock = tail.get(height) ?? [];
        ofBlock.push({ ...change, author: entry.identity });
        tails.set(change.document, tail.set(height, ofBlock));
      }
    }
  }
  return { tails, voided };
}
