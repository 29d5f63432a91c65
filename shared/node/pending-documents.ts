// What documents show before it is final: the rule of acceptance over the entries that wait, on top of what is final.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Clock } from '../platform/ports.ts';
import type { GroupDocuments } from '../documents/group-documents.ts';
import type { Identity } from '../crypto/ids.ts';
import type { ChangeReader } from '../feeds/document-change.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import type { DocumentIndex, MutableIndex } from '../ledger/document-index.ts';
import type { BesideChain, FinalBlock } from './chain-head.ts';
import { readEntryChanges } from '../feeds/document-change.ts';
import { parseEntry } from '../feeds/entry.ts';
import { acceptDocuments } from '../ledger/document-acceptance.ts';
import { layerIndex } from '../ledger/document-index.ts';

/** New saves wait until what comes in one go is through: on two thousand edits they took longer than everything else. */
const COMPACT_AFTER: Millis = 5_000;

export type PendingDocumentsOptions = {
  /** Of this node. */
  readonly identity: Identity;
  readonly readChanges: ChangeReader;
  readonly clock: Clock;
  /** The disk failed. */
  readonly onFailed: (error: unknown) => void;
  readonly documents: GroupDocuments;
  /** Of what is final. */
  readonly index: () => DocumentIndex;
};

export class PendingDocuments {
  readonly #options: PendingDocumentsOptions;
  #layer: MutableIndex;
  readonly #accepted = new Set<Cid>();
  /** They wait for something that is not here. */
  #held: readonly VerifiedEntry[] = [];
  #cancelCompaction: (() => void) | null = null;

  constructor(options: PendingDocumentsOptions) {
    this.#options = options;
    this.#layer = layerIndex(options.index(), []);
  }

  /** Entries are pending from now on. */
  take(entries: readonly VerifiedEntry[]): void {
    const documents = entries.filter(({ body }) => body.sort === 'document');
    if (documents.length > 0) this.#admit(documents);
  }

  /** An own entry that the chain here does not take: known all the same, so that its edits can be made again. */
  takeOwn(bytes: Uint8Array): void {
    const { documents, identity, readChanges } = this.#options;
    const entry = parseEntry(bytes);
    if (!entry.ok || entry.value.body.sort !== 'document' || this.#accepted.has(entry.value.id)) return;
    const { id, body } = entry.value;
    const changes = readEntryChanges({ body, author: identity, read: readChanges });
    documents.takePending({ id, body, identity, changes }, false);
  }

  /** After a final block, with what is still pending: nothing is judged by what was only expected. */
  rebase(pending: readonly VerifiedEntry[]): void {
    this.#layer = layerIndex(this.#options.index(), []);
    this.#held = [];
    const before = new Set(this.#accepted);
    this.#accepted.clear();
    const entries = pending.filter(({ body }) => body.sort === 'document');
    this.#admit(entries, before);
    // Those that are final by now were taken as such. The rest is shown no more, unless it is own: it may still count, and
    // would be there twice if it were made again now.
    for (const entry of entries) {
      if (before.has(entry.id) && !this.#accepted.has(entry.id)) this.#options.documents.takePending(entry, false);
    }
  }

  /** These can never be ordered. */
  drop(ids: readonly Cid[], pending: readonly VerifiedEntry[]): void {
    for (const id of ids) this.#accepted.delete(id);
    this.rebase(pending.filter(({ id }) => !ids.includes(id)));
    // Also own ones that were never accepted: their edits are made again now.
    this.#options.documents.dropPending(ids);
  }

  /** Own entries that can never be ordered, and whose edits are not made again: this device may write no more. */
  forget(ids: readonly Cid[], pending: readonly VerifiedEntry[]): void {
    for (const id of ids) this.#accepted.delete(id);
    this.#options.documents.forgetOwn(ids);
    this.rebase(pending.filter(({ id }) => !ids.includes(id)));
  }

  /** After a final block; once for all that follow soon. */
  compactSoon(): void {
    const { clock, documents, onFailed } = this.#options;
    this.#cancelCompaction ??= clock.after(COMPACT_AFTER, () => {
      this.#cancelCompaction = null;
      documents.compact().catch(onFailed);
    });
  }

  close(): void {
    this.#cancelCompaction?.();
  }

  /** `known`: what the documents hold already. */
  #admit(entries: readonly VerifiedEntry[], known?: ReadonlySet<Cid>): void {
    const candidates = [...this.#held, ...entries];
    if (candidates.length === 0) return;
    const { refusals, accepted } = acceptDocuments({ entries: candidates, index: this.#layer, headsOf: () => [] });
    this.#layer.add(accepted);
    this.#held = candidates.filter(({ id }) => {
      const code = refusals.get(id);
      // An actor goes on where its last change ended, which may be in an entry that is held.
      return code === 'missing_dependency' || code === 'wrong_state';
    });
    const shown = candidates.filter(({ id }) => !refusals.has(id));
    for (const { id } of shown) this.#accepted.add(id);
    this.#options.documents.takeAccepted(shown.filter(({ id }) => known?.has(id) !== true));
  }
}

/** Folded first, and on disk in the write of the blocks themselves: one can never be there without the other. */
export function keepDocuments(documents: GroupDocuments, finals: readonly FinalBlock[]): ReturnType<BesideChain> {
  documents.takeFinal(
    finals.map(({ verified, receipts, block }) => {
      const accepted = new Set(receipts.filter(({ code }) => code === 'ok').map(({ entry }) => entry));
      const entries = verified
        .filter(({ body }) => body.sort === 'document')
        .map((entry) => ({ entry, accepted: accepted.has(entry.id) }));
      return { height: block.header.height, entries };
    }),
  );
  return documents.save();
}
