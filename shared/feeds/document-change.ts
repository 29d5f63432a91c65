// Changes of documents as they travel in document entries, and what the loop reads from them before a machine sees them (DC3–DC6).

import { bytesOfHex, encodeUtf8, toHex } from '../codec/base.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, list, mapped, struct, text, type Schema } from '../codec/schema.ts';
import { assert } from '../core/assert.ts';
import type { Brand } from '../core/brand.ts';
import { concatBytes } from '../core/bytes.ts';
import { CHANGE_OPERATIONS_MAX, ENTRY_BYTES_MAX } from '../core/limits.ts';
import { err, fail, ok, type Failure, type Result } from '../core/result.ts';
import type { FeedId, Identity } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';
import { DOCUMENT_NAME_BYTES_MAX, parseDocumentName, type DocumentName } from './document-name.ts';
import type { EntryBody, Operation } from './entry.ts';

/** 64 lowercase hex characters: what Automerge calls the hash of a change. */
export type ChangeHash = Brand<string, 'ChangeHash'>;
/** 32 lowercase hex characters: what Automerge calls an actor. */
export type ActorId = Brand<string, 'ActorId'>;

/** One operation: changes of one document, in the order in which they were made. */
export type DocumentOperation = { readonly document: DocumentName; readonly changes: readonly Uint8Array[] };

/** The header of a change, read and bounded. */
export type DocumentChange = {
  readonly document: DocumentName;
  readonly hash: ChangeHash;
  readonly actor: ActorId;
  /** The actor's own count, from 1. */
  readonly seq: number;
  readonly deps: readonly ChangeHash[];
  /** In an owned document: it writes only below its author's own root key. True for documents of several hands. */
  readonly ownOnly: boolean;
  /** How many operations it holds. */
  readonly operations: number;
};

/** In the order of the operation's changes; null when one is not a readable change within the limits. Never throws. */
export type ChangeReader = (operation: DocumentOperation, author: Identity) => readonly DocumentChange[] | null;

const DOCUMENT_CHANGE_KIND = 'document.change';
/** Changes of one operation: what gathers in a pause is far less, and a reader takes them as a whole. */
export const OPERATION_CHANGES_MAX = 64;

const ACTOR_BYTES = 16;
const U64_BYTES = 8;
const ACTOR_TAG = encodeUtf8('weft/actor/v1\0');
const END_OF_NAME = new Uint8Array([0]);

export const documentNameSchema: Schema<DocumentName> = mapped(
  text({ max: DOCUMENT_NAME_BYTES_MAX }),
  (name) => (parseDocumentName(name).ok ? ok(name as DocumentName) : err('expected the name of a document')),
  (name) => name,
);

const operationSchema = struct({
  document: documentNameSchema,
  changes: list(bytes({ min: 1, max: ENTRY_BYTES_MAX }), { min: 1, max: OPERATION_CHANGES_MAX }),
});

export function documentChangeOperation(operation: DocumentOperation): Operation {
  return { kind: DOCUMENT_CHANGE_KIND, body: encodeCanonical(operationSchema, operation) };
}

/** What a document entry holds; anything else than changes of documents is a failure. */
export function readDocumentOperations(
  body: Pick<EntryBody, 'sort' | 'ops'>,
): Result<readonly DocumentOperation[], Failure<'bad_encoding' | 'too_large'>> {
  if (body.sort !== 'document') return fail('bad_encoding', 'A ledger entry holds no changes of documents.');
  const operations: DocumentOperation[] = [];
  for (const { kind, body: bytesOfOne } of body.ops) {
    if (kind !== DOCUMENT_CHANGE_KIND) return fail('bad_encoding', 'A document entry holds nothing but changes.');
    const operation = decodeCanonical(operationSchema, bytesOfOne, { max: ENTRY_BYTES_MAX });
    if (!operation.ok) return operation;
    operations.push(operation.value);
  }
  return ok(operations);
}

/**
 * The changes of a verified entry: none of a ledger entry, null when they cannot be read, are too much work for one entry
 * (runs make millions of operations of a few kilobytes), or there is no reader here.
 */
export function readEntryChanges(given: {
  readonly body: Pick<EntryBody, 'sort' | 'ops'>;
  readonly author: Identity;
  readonly read: ChangeReader | undefined;
}): readonly DocumentChange[] | null {
  const { body, author, read } = given;
  if (body.sort === 'ledger') return [];
  const operations = read === undefined ? undefined : readDocumentOperations(body);
  if (read === undefined || !operations?.ok) return null;
  const changes: DocumentChange[] = [];
  let room = CHANGE_OPERATIONS_MAX;
  for (const operation of operations.value) {
    const some = read(operation, author);
    if (some === null) return null;
    for (const change of some) room -= change.operations;
    if (room < 0) return null;
    changes.push(...some);
  }
  return changes;
}

/**
 * The one actor that a feed may begin in a document with its entry number `start`: nobody else can have it, and a feed
 * begins another after its changes came out void (DC5).
 */
export function actorIdOf(given: { feed: FeedId; document: DocumentName; start: number }): ActorId {
  const { feed, document, start } = given;
  assert(Number.isSafeInteger(start) && start >= 1, 'an actor starts with the number of an entry');
  const number = new Uint8Array(U64_BYTES);
  new DataView(number.buffer).setBigUint64(0, BigInt(start));
  const digest = sha256(concatBytes(ACTOR_TAG, bytesOfHex(feed), encodeUtf8(document), END_OF_NAME, number));
  return toHex(digest.subarray(0, ACTOR_BYTES)) as ActorId;
}
