// Which changes of documents were accepted, by hash and by actor: what acceptance asks, block upon block (LG31).

import { assert } from '../core/assert.ts';
import type { FeedId } from '../crypto/ids.ts';
import type { ActorId, ChangeHash } from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';

/** One accepted change; the rows of a group in the order they were accepted make its index. */
export type IndexRow = {
  readonly document: DocumentName;
  readonly hash: ChangeHash;
  readonly actor: ActorId;
  readonly seq: number;
  /** Of the entry that brought it. */
  readonly feed: FeedId;
};

export type ActorEnd = { readonly feed: FeedId; readonly seq: number };

export interface DocumentIndex {
  has(document: DocumentName, hash: ChangeHash): boolean;
  /** The last accepted change of an actor. */
  actor(document: DocumentName, actor: ActorId): ActorEnd | undefined;
}

export interface MutableIndex extends DocumentIndex {
  /** In the order they were accepted. */
  add(rows: Iterable<IndexRow>): void;
}

export function createDocumentIndex(rows: Iterable<IndexRow> = []): MutableIndex {
  return layerIndex(EMPTY_INDEX, rows);
}

/** What is accepted by a block that is not final yet, on top of what was before; `index` stays as it is. */
export function extendIndex(index: DocumentIndex, accepted: readonly IndexRow[]): DocumentIndex {
  return accepted.length === 0 ? index : layerIndex(index, accepted);
}

/** Of a group without documents. */
export const EMPTY_INDEX: DocumentIndex = { has: () => false, actor: () => undefined };

/** Rows on top of an index, which stays as it is. */
export function layerIndex(below: DocumentIndex, rows: Iterable<IndexRow>): MutableIndex {
  const layersByDocument = new Map<DocumentName, { hashes: Set<ChangeHash>; actors: Map<ActorId, ActorEnd> }>();
  const index: MutableIndex = {
    has: (document, hash) => layersByDocument.get(document)?.hashes.has(hash) === true || below.has(document, hash),
    actor: (document, actor) => layersByDocument.get(document)?.actors.get(actor) ?? below.actor(document, actor),
    add(more) {
      for (const { document, hash, actor, seq, feed } of more) {
        assert(seq === (index.actor(document, actor)?.seq ?? 0) + 1, 'the changes of an actor are accepted in turn');
        const layer = layersByDocument.get(document) ?? { hashes: new Set(), actors: new Map() };
        layer.hashes.add(hash);
        layer.actors.set(actor, { feed, seq });
        layersByDocument.set(document, layer);
      }
    },
  };
  index.add(rows);
  return index;
}
