// The documents of one group, folded from its feeds: what is open is in memory, the rest lies in the store (docs/protocol/documents.md).

import type { Cid } from '../codec/cid.ts';
import { assert } from '../core/assert.ts';
import { ENTRY_BYTES_MAX } from '../core/limits.ts';
import { fail, type Failure, type Result } from '../core/result.ts';
import type { Identity, PublicKey } from '../crypto/ids.ts';
import { OPERATION_CHANGES_MAX, type ChangeHash, type DocumentOperation } from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { Log, Random, Store, StoreBatch } from '../platform/ports.ts';
import { DocumentDisk } from './document-disk.ts';
import { DocumentFold, type FoldUpdate, type Incoming, type Ordered } from './document-fold.ts';
import type { PackedDocument } from './change-pack.ts';
import { writeSnapshot, collectChanges, saveAndClose } from './document-snapshot.ts';
import { plainValue, type DocumentPatch } from './document-patches.ts';
import {
  changesOf,
  hashesOf,
  incomingOf,
  namesOf,
  orderedOf,
  orderedOfTail,
  readAgain,
  splitFinal,
  type FinalChange,
  type FinalDocuments,
  type PendingEntry,
  type WaitingEntry,
} from './entry-changes.ts';
import {
  entryRoom,
  OpenDocument,
  type DocumentUpdate,
  type EditFailure,
  type EditOptions,
  type NextEntry,
} from './open-document.ts';

export type GroupDocumentsOptions = {
  readonly store: Store;
  /** Whose edits are made here: entries of this device are own. */
  readonly device: PublicKey;
  readonly identity: Identity;
  readonly log: Log;
  readonly random: Random;
};

/** What of an entry is left for changes when certificate, header and frames are in it. */
const ENTRY_CHANGES_BYTES: number = ENTRY_BYTES_MAX - 16 * 1024;
const NOT_OPEN = fail('document_closed', 'This document is not open: open it, then edit.');

export class GroupDocuments {
  readonly #options: GroupDocumentsOptions;
  readonly #disk: DocumentDisk;
  readonly #open = new Map<DocumentName, OpenDocument>();
  readonly #opening = new Map<DocumentName, Promise<OpenDocument>>();
  readonly #pending = new Map<Cid, PendingEntry>();
  /** What was dropped of documents that are being opened for it. */
  readonly #redoing = new Map<DocumentName, PendingEntry[]>();
  #unsentListener: () => void = () => {};
  #next: NextEntry | null = null;
  #taken: readonly OpenDocument[] = [];

  private constructor(options: GroupDocumentsOptions, disk: DocumentDisk) {
    this.#options = options;
    this.#disk = disk;
  }

  /** Automerge's WASM must be there before the first document is opened. */
  static async open(options: GroupDocumentsOptions): Promise<GroupDocuments> {
    return new GroupDocuments(options, await DocumentDisk.open(options.store));
  }

  /** Sorted: those with final changes, and those with pending ones. */
  names(): DocumentName[] {
    const names = new Set([...this.#disk.names(), ...this.#open.keys()]);
    for (const { changes } of this.#pending.values()) for (const { document } of changes) names.add(document);
    return [...names].sort();
  }

  /** Into memory, until release was called as often. Rejects with what the store says. */
  async load(name: DocumentName): Promise<void> {
    let document = await this.#get(name);
    // Whoever waited for the same document may have been done with it first.
    while (this.#open.get(name) !== document) document = await this.#get(name);
    document.users += 1;
  }

  release(name: DocumentName): void {
    const document = this.#open.get(name);
    assert(document !== undefined && document.users > 0, 'what is released was loaded');
    document.users -= 1;
    this.#evict(document);
  }

  /** Plain data; undefined when it is not loaded. */
  value(name: DocumentName): unknown {
    const document = this.#open.get(name);
    return document && plainValue(document.fold.value());
  }

  heads(name: DocumentName): readonly string[] {
    return this.#open.get(name)?.fold.heads() ?? [];
  }

  /** Of a loaded document; ends with the returned function. */
  subscribe(name: DocumentName, listener: (update: DocumentUpdate) => void): () => void {
    const document = this.#open.get(name);
    assert(document, 'a document is loaded before it is subscribed to');
    return document.subscribe(listener);
  }

  /** Applied here when it returns, and to be sent: `onUnsent` is called. */
  change(
    name: DocumentName,
    patches: readonly DocumentPatch[],
    options: EditOptions = {},
  ): Result<{ heads: readonly string[] }, EditFailure | Failure<'document_closed'>> {
    const document = this.#open.get(name);
    if (document === undefined) return NOT_OPEN;
    const changed = document.change(patches, options, this.#next);
    if (document.hasUnsent) this.#unsentListener();
    return changed;
  }

  hasUnsent(): boolean {
    return [...this.#open.values()].some((document) => document.hasUnsent);
  }

  /** Called whenever an edit was made that takeUnsent would give out. */
  onUnsent(listener: () => void): void {
    this.#unsentListener = listener;
  }

  /** Tells beforehand which number the next own entry has: then nothing needs to be made again. */
  expect(next: NextEntry): void {
    this.#next = next;
  }

  /** Own edits for the entry with this number, as many as fit; `keepTaken` or `putBack` says what became of it before the next. */
  takeUnsent(next: NextEntry): DocumentOperation[] {
    this.#taken = [...this.#open.values()].filter((document) => document.hasUnsent);
    this.#next = { feed: next.feed, seq: next.seq + 1 };
    const room = entryRoom(ENTRY_CHANGES_BYTES);
    const operations: DocumentOperation[] = [];
    for (const document of this.#taken) {
      const changes = document.take(next, room);
      for (let from = 0; from < changes.length; from += OPERATION_CHANGES_MAX) {
        operations.push({ document: document.name, changes: changes.slice(from, from + OPERATION_CHANGES_MAX) });
      }
    }
    return operations;
  }

  /** The entry is on disk. */
  keepTaken(): void {
    for (const document of this.#taken) {
      document.keep();
      this.#evict(document);
    }
    this.#taken = [];
  }

  /** The entry could not be written: what it held is unsent again. */
  putBack(): void {
    for (const document of this.#taken) document.putBack();
    this.#taken = [];
  }

  /** Says of every document whose edits are only here why, or (null) that all are on disk again. */
  tellStored(failure: Failure | null): void {
    for (const document of this.#open.values())
      if (failure === null || document.hasUnsent) document.tellStored(failure);
  }

  /** `accepted`: by the rule, over what is pending. Called again when that changes. */
  takePending(entry: WaitingEntry, accepted: boolean): void {
    const wasAccepted = this.#pending.get(entry.id)?.accepted === true;
    const { changes } = this.#keep(entry, accepted);
    if (accepted || this.#isOwn(entry)) return this.#show([entry]);
    for (const name of wasAccepted ? namesOf(changes) : []) {
      const document = this.#open.get(name);
      document?.tell(document.fold.removePending(hashesOf(changes, name)));
    }
  }

  /** Several at once that the rule accepts: a document takes all of their changes together. */
  takeAccepted(entries: readonly WaitingEntry[]): void {
    for (const entry of entries) this.#keep(entry, true);
    this.#show(entries);
  }

  /** Document entries of final blocks, in their order. Edits of own entries that came out void are made again. */
  takeFinal(blocks: readonly FinalDocuments[]): void {
    const { tails, voided } = splitFinal(blocks, (entry) => {
      const changes = this.#pending.get(entry.id)?.changes ?? changesOf(entry);
      this.#pending.delete(entry.id);
      return changes;
    });
    for (const [name, tail] of tails) this.#addFinal(name, tail);
    this.#drop(voided);
  }

  /** These entries will never be ordered, or not soon: what they changed is taken back, and own edits are made again. */
  dropPending(ids: readonly Cid[]): void {
    const dropped = ids.flatMap((id) => this.#pending.get(id) ?? []);
    for (const id of ids) this.#pending.delete(id);
    this.#drop(dropped);
  }

  /** Nothing more of this device will count: these entries and all that is not final is taken back, and not made again. */
  forgetOwn(ids: readonly Cid[]): void {
    for (const id of ids) this.#pending.delete(id);
    for (const document of [...this.#open.values()]) {
      document.forgetOwn();
      this.#evict(document);
    }
  }

  /** What the final blocks so far brought, for the node's strict write of them; `written` when that is on disk. */
  save(): { readonly batch: StoreBatch; readonly written: () => void } {
    return this.#disk.save();
  }

  /**
   * Makes new saves where the changes behind them outgrew them, one document after the other: save and removal are one
   * write. For a moment when nothing else is to be done; resolves to how many were made.
   */
  compact(): Promise<number> {
    return this.#disk.compact((name, { saved, tail }) => {
      const fold = new DocumentFold(saved);
      this.#foldFinal(fold, name, [orderedOfTail(name, { tail })]);
      return saveAndClose(fold, tail);
    });
  }

  /** Every accepted change of a document, in an order in which they can be accepted. */
  allChanges(name: DocumentName): Promise<Uint8Array[]> {
    return collectChanges(this.#disk, name);
  }

  /** Final changes of documents of which none was final here: all of them once `write` has put the batch on disk, or none. */
  async takeSnapshot(
    height: number,
    documents: ReadonlyMap<DocumentName, PackedDocument>,
    write: (batch: StoreBatch) => Promise<void>,
  ): Promise<void> {
    await writeSnapshot(this.#disk, { documents, height, write });
    for (const [name, packed] of documents) this.#settle(name, () => [orderedOfTail(name, packed)]);
  }

  /** Gives the memory of all documents back. */
  close(): void {
    for (const { fold } of this.#open.values()) fold.close();
    this.#open.clear();
  }

  #keep(entry: WaitingEntry, accepted: boolean): PendingEntry {
    const changes = this.#pending.get(entry.id)?.changes ?? changesOf(entry);
    const pending = { entry, changes, accepted };
    if (changes.length > 0) this.#pending.set(entry.id, pending);
    return pending;
  }

  #show(entries: readonly WaitingEntry[]): void {
    const shown = entries.flatMap(({ id }) => this.#pending.get(id) ?? []);
    for (const name of namesOf(shown.flatMap(({ changes }) => changes))) {
      const document = this.#open.get(name);
      if (document !== undefined) this.#addPending(document, shown);
    }
  }

  #isOwn(entry: WaitingEntry): boolean {
    return entry.body.device === this.#options.device;
  }

  #addPending(document: OpenDocument, entries: readonly PendingEntry[]): void {
    const own: ChangeHash[] = [];
    const incoming: Incoming[] = [];
    for (const { entry, changes } of entries) {
      for (const change of changes) {
        if (change.document !== document.name) continue;
        if (this.#isOwn(entry)) own.push(change.hash);
        const read = readAgain(change);
        if (document.fold.has(change.hash)) continue;
        const parsed = read();
        if (parsed !== null) incoming.push(incomingOf(parsed, change.document, entry.identity));
      }
    }
    const update = incoming.length > 0 ? document.fold.addPending(incoming) : null;
    document.markOwn(own);
    document.tell(update);
  }

  /** Of several blocks, by height. */
  #addFinal(name: DocumentName, tail: ReadonlyMap<number, readonly FinalChange[]>): void {
    for (const [height, changes] of tail) {
      const records = changes.map(({ author, bytes }) => ({ author, change: bytes }));
      this.#disk.append(name, records, height);
    }
    this.#settle(name, () =>
      [...tail.values()].map((changes) => changes.map((change) => orderedOf(change, change.author))),
    );
  }

  #settle(name: DocumentName, blocks: () => readonly (readonly Ordered[])[]): void {
    const document = this.#open.get(name);
    if (document === undefined) return;
    const update = this.#foldFinal(document.fold, name, blocks());
    document.settle();
    document.tell(update);
  }

  #foldFinal(fold: DocumentFold, name: DocumentName, blocks: readonly (readonly Ordered[])[]): FoldUpdate | null {
    const { update, leftOut } = fold.addFinal(blocks);
    for (const { hash, because } of leftOut)
      this.#options.log.warn('change_left_out', { document: name, hash, because });
    return update;
  }

  #drop(entries: readonly PendingEntry[]): void {
    for (const name of namesOf(entries.flatMap(({ changes }) => changes))) {
      const document = this.#open.get(name);
      if (document !== undefined) this.#redo(document, entries);
      else if (entries.some(({ entry }) => this.#isOwn(entry)) || this.#ownPending(name).length > 0)
        this.#redoClosed(name, entries);
    }
  }

  #ownPending(name: DocumentName): PendingEntry[] {
    return [...this.#pending.values()].filter(
      ({ entry, changes }) => this.#isOwn(entry) && changes.some(({ document }) => document === name),
    );
  }

  #redo(document: OpenDocument, entries: readonly PendingEntry[]): void {
    document.redo(
      entries.flatMap(({ changes }) => hashesOf(changes, document.name)),
      this.#next,
    );
    if (document.hasUnsent) this.#unsentListener();
    this.#evict(document);
  }

  /**
   * An own edit came out void, or what it rests on is gone, while nobody has the document open: it is opened for that
   * alone, with all that was dropped meanwhile, for one may rest on the other.
   */
  #redoClosed(name: DocumentName, entries: readonly PendingEntry[]): void {
    const waiting = this.#redoing.get(name);
    if (waiting) return void waiting.push(...entries);
    const dropped = [...entries];
    this.#redoing.set(name, dropped);
    this.#get(name).then(
      (document) => {
        this.#redoing.delete(name);
        this.#addPending(document, [...dropped, ...this.#ownPending(name)]);
        this.#redo(document, dropped);
      },
      (error: unknown) => {
        this.#redoing.delete(name);
        this.#options.log.error('document_not_opened', { document: name, because: String(error) });
      },
    );
  }

  #get(name: DocumentName): Promise<OpenDocument> {
    const open = this.#open.get(name);
    if (open !== undefined) return Promise.resolve(open);
    let opening = this.#opening.get(name);
    if (opening === undefined) {
      opening = this.#read(name).finally(() => this.#opening.delete(name));
      this.#opening.set(name, opening);
    }
    return opening;
  }

  async #read(name: DocumentName): Promise<OpenDocument> {
    const stored = await this.#disk.read(name);
    // From here to the end nothing else can run, so no block and no entry falls between.
    const fold = new DocumentFold(stored.saved);
    this.#foldFinal(fold, name, [orderedOfTail(name, stored)]);
    const { identity, random } = this.#options;
    const document = new OpenDocument({ name, fold, identity, random });
    const pending = [...this.#pending.values()].filter(({ entry, accepted }) => accepted || this.#isOwn(entry));
    this.#open.set(name, document);
    this.#addPending(document, pending);
    return document;
  }

  #evict(document: OpenDocument): void {
    if (!document.isIdle || this.#open.get(document.name) !== document) return;
    this.#open.delete(document.name);
    document.fold.close();
  }
}
