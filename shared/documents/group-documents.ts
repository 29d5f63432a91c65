// The documents of one group, folded from its feeds: what is open is in memory, the rest lies in the store (docs/protocol/documents.md).

import type { Cid } from '../codec/cid.ts';
import { assert } from '../core/assert.ts';
import { ENTRY_BYTES_MAX } from '../core/limits.ts';
import { fail, type Failure, type Result } from '../core/result.ts';
import type { Identity, PublicKey } from '../crypto/ids.ts';
import {
  OPERATION_CHANGES_MAX,
  readDocumentOperations,
  type ChangeHash,
  type DocumentOperation,
} from '../feeds/document-change.ts';
import { isOwned, type DocumentName } from '../feeds/document-name.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import type { Log, Random, Store, StoreBatch, StorePut } from '../platform/ports.ts';
import { parseChange } from './change-chunk.ts';
import { DocumentFold, type FoldUpdate, type Incoming } from './document-fold.ts';
import { plainValue, type DocumentPatch } from './document-patches.ts';
import {
  decodeSize,
  decodeTail,
  encodeSize,
  encodeTail,
  nameKey,
  nameOfKey,
  NAME_RANGE,
  saveKey,
  tailKey,
  tailRange,
  type DocumentSize,
  type DocumentTail,
} from './document-records.ts';
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

export type FinalEntry = { readonly entry: VerifiedEntry; readonly accepted: boolean };

/** What of an entry is left for changes when certificate, header and frames are in it. */
const ENTRY_CHANGES_BYTES: number = ENTRY_BYTES_MAX - 16 * 1024;
/** A save is made anew when the changes behind it outgrow it, but not for a few kilobytes. */
const TAIL_BYTES_MIN: number = 64 * 1024;
const NOT_OPEN = fail('document_closed', 'This document is not open: open it, then edit.');

type PendingEntry = {
  readonly entry: VerifiedEntry;
  readonly operations: readonly DocumentOperation[];
  accepted: boolean;
};

export class GroupDocuments {
  readonly #options: GroupDocumentsOptions;
  readonly #sizes: Map<DocumentName, DocumentSize>;
  readonly #open = new Map<DocumentName, OpenDocument>();
  readonly #opening = new Map<DocumentName, Promise<OpenDocument>>();
  readonly #pending = new Map<Cid, PendingEntry>();
  /** Tails that are not known to be on disk yet. */
  readonly #unwritten = new Map<string, Uint8Array>();
  #written = 0;
  #unsentListener: () => void = () => {};
  #next: NextEntry | null = null;
  #compacting: Promise<void> = Promise.resolve();

  private constructor(options: GroupDocumentsOptions, sizes: Map<DocumentName, DocumentSize>) {
    this.#options = options;
    this.#sizes = sizes;
  }

  /** Automerge's WASM must be there before the first document is opened. */
  static async open(options: GroupDocumentsOptions): Promise<GroupDocuments> {
    const records = await options.store.range(NAME_RANGE);
    return new GroupDocuments(options, new Map(records.map(({ key, value }) => [nameOfKey(key), decodeSize(value)])));
  }

  /** Sorted: those with final changes, and those with pending ones. */
  names(): DocumentName[] {
    const names = new Set([...this.#sizes.keys(), ...this.#open.keys()]);
    for (const { operations } of this.#pending.values()) for (const { document } of operations) names.add(document);
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

  /** Own edits for the entry with this number, as many as fit; what is given out is sent as far as this class knows. */
  takeUnsent(next: NextEntry): DocumentOperation[] {
    this.#next = { feed: next.feed, seq: next.seq + 1 };
    const room = entryRoom(ENTRY_CHANGES_BYTES);
    const operations: DocumentOperation[] = [];
    for (const document of this.#open.values()) {
      if (!document.hasUnsent) continue;
      const changes = document.take(next, room);
      for (let from = 0; from < changes.length; from += OPERATION_CHANGES_MAX) {
        operations.push({ document: document.name, changes: changes.slice(from, from + OPERATION_CHANGES_MAX) });
      }
      this.#evict(document);
    }
    return operations;
  }

  /** `accepted`: by the rule, over what is pending. Called again when that changes. */
  takePending(entry: VerifiedEntry, accepted: boolean): void {
    const known = this.#pending.get(entry.id);
    const operations = known?.operations ?? operationsOf(entry);
    if (operations.length === 0) return;
    this.#pending.set(entry.id, { entry, operations, accepted });
    for (const document of this.#documentsOf(operations)) {
      if (accepted || this.#isOwn(entry)) this.#addPending(document, [{ entry, operations }]);
      else if (known?.accepted === true)
        document.tell(document.fold.removePending(hashesOf(operations, document.name)));
    }
  }

  /** A final block's document entries, in its order. Edits of own entries that came out void are made again. */
  takeFinal({ height, entries }: { readonly height: number; readonly entries: readonly FinalEntry[] }): void {
    const tails = new Map<DocumentName, DocumentTail>();
    const voided: PendingEntry[] = [];
    for (const { entry, accepted } of entries) {
      const operations = this.#pending.get(entry.id)?.operations ?? operationsOf(entry);
      this.#pending.delete(entry.id);
      if (!accepted) {
        voided.push({ entry, operations, accepted });
        continue;
      }
      for (const { document, changes } of operations) {
        const added = changes.map((change) => ({ author: entry.identity, change }));
        tails.set(document, [...(tails.get(document) ?? []), ...added]);
      }
    }
    for (const [name, tail] of tails) this.#addFinal(name, tail, height);
    this.#drop(voided);
  }

  /** These entries will never be ordered, or not soon: what they changed is taken back, and own edits are made again. */
  dropPending(ids: readonly Cid[]): void {
    const dropped = ids.flatMap((id) => this.#pending.get(id) ?? []);
    for (const id of ids) this.#pending.delete(id);
    this.#drop(dropped);
  }

  /**
   * What the final blocks so far brought, for the node's strict write of them; `written` when that is on disk. A batch
   * that failed is part of the next.
   */
  save(): { readonly batch: StoreBatch; readonly written: () => void } {
    const put: StorePut[] = [...this.#unwritten].map(([key, value]) => ({ key, value }));
    const names = new Set(put.map(({ key }) => nameOfTail(key)));
    for (const name of names) put.push({ key: nameKey(name), value: encodeSize(this.#sizes.get(name)!) });
    return {
      batch: { put },
      written: () => {
        this.#written += 1;
        for (const { key, value } of put) if (this.#unwritten.get(key) === value) this.#unwritten.delete(key);
      },
    };
  }

  /**
   * Makes new saves where the changes behind them outgrew them, one document after the other: save and removal are one
   * write. For a moment when nothing else is to be done; resolves to how many were made.
   */
  async compact(): Promise<number> {
    let made = 0;
    const turn = this.#compacting.then(async () => {
      for (const [name, { saved, tail }] of this.#sizes) {
        if (tail > Math.max(saved, TAIL_BYTES_MIN) && (await this.#compactOne(name))) made += 1;
      }
    });
    this.#compacting = turn.catch(() => {});
    await turn;
    return made;
  }

  /** Gives the memory of all documents back. */
  close(): void {
    for (const { fold } of this.#open.values()) fold.close();
    this.#open.clear();
  }

  #isOwn(entry: VerifiedEntry): boolean {
    return entry.body.device === this.#options.device;
  }

  #documentsOf(operations: readonly DocumentOperation[]): OpenDocument[] {
    const names = new Set(operations.map(({ document }) => document));
    return [...names].flatMap((name) => this.#open.get(name) ?? []);
  }

  #addPending(document: OpenDocument, entries: readonly Pick<PendingEntry, 'entry' | 'operations'>[]): void {
    const own: ChangeHash[] = [];
    const incoming: Incoming[] = [];
    for (const { entry, operations } of entries) {
      for (const item of incomingOf(operations, document.name, entry.identity)) {
        if (this.#isOwn(entry)) own.push(item.change.hash);
        if (!document.fold.has(item.change.hash)) incoming.push(item);
      }
    }
    const update = incoming.length > 0 ? document.fold.addPending(incoming) : null;
    document.markOwn(own);
    document.tell(update);
  }

  #addFinal(name: DocumentName, tail: DocumentTail, height: number): void {
    const size = this.#sizes.get(name) ?? { saved: 0, tail: 0 };
    const record = encodeTail(tail);
    this.#unwritten.set(tailKey(name, height), record);
    this.#sizes.set(name, { ...size, tail: size.tail + record.length });
    const document = this.#open.get(name);
    if (document !== undefined) document.tell(this.#foldFinal(document.fold, name, tail));
  }

  #foldFinal(fold: DocumentFold, name: DocumentName, tail: DocumentTail): FoldUpdate | null {
    const incoming = tail.flatMap(({ author, change }) => readIncoming(change, name, author) ?? []);
    const { update, leftOut } = fold.addFinal(incoming);
    for (const { hash, because } of leftOut)
      this.#options.log.warn('change_left_out', { document: name, hash, because });
    return update;
  }

  #drop(entries: readonly PendingEntry[]): void {
    const names = new Set(entries.flatMap(({ operations }) => operations.map(({ document }) => document)));
    for (const name of names) {
      const document = this.#open.get(name);
      if (document !== undefined) this.#redo(document, entries);
      else if (entries.some(({ entry }) => this.#isOwn(entry))) void this.#redoClosed(name, entries);
    }
  }

  #redo(document: OpenDocument, entries: readonly PendingEntry[]): void {
    document.redo(
      entries.flatMap(({ operations }) => hashesOf(operations, document.name)),
      this.#next,
    );
    if (document.hasUnsent) this.#unsentListener();
    this.#evict(document);
  }

  /** An own edit came out void while nobody has the document open: it is opened for that alone. */
  async #redoClosed(name: DocumentName, entries: readonly PendingEntry[]): Promise<void> {
    try {
      const document = await this.#get(name);
      this.#addPending(document, entries);
      this.#redo(document, entries);
    } catch (error) {
      this.#options.log.error('document_not_opened', { document: name, because: String(error) });
    }
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
    const { saved, tails } = await this.#readRecords(name);
    // From here to the end nothing else can run, so no block and no entry falls between.
    const fold = new DocumentFold(saved);
    this.#foldFinal(fold, name, [...tails.values()].flatMap(decodeTail));
    const { identity, random } = this.#options;
    const document = new OpenDocument({ name, fold, identity, random });
    const pending = [...this.#pending.values()].filter(({ entry, accepted }) => accepted || this.#isOwn(entry));
    this.#open.set(name, document);
    this.#addPending(document, pending);
    return document;
  }

  /** Read again when something was written meanwhile: else a block could be neither in what was read nor in memory. */
  async #readRecords(name: DocumentName): Promise<{ saved: Uint8Array | null; tails: Map<string, Uint8Array> }> {
    const { store } = this.#options;
    for (;;) {
      const before = this.#written;
      const tails = new Map((await store.range(tailRange(name))).map(({ key, value }) => [key, value]));
      const saved = (await store.get(saveKey(name))) ?? null;
      if (this.#written !== before) continue;
      for (const [key, value] of this.#unwritten) if (nameOfTail(key) === name) tails.set(key, value);
      return { saved, tails: new Map([...tails].sort(([a], [b]) => (a < b ? -1 : 1))) };
    }
  }

  async #compactOne(name: DocumentName): Promise<boolean> {
    const { store } = this.#options;
    if ([...this.#unwritten.keys()].some((key) => nameOfTail(key) === name)) return false;
    const tails = await store.range(tailRange(name));
    const fold = new DocumentFold((await store.get(saveKey(name))) ?? null);
    this.#foldFinal(
      fold,
      name,
      tails.flatMap(({ value }) => decodeTail(value)),
    );
    const saved = fold.saveFinal();
    fold.close();
    const taken = tails.reduce((sum, { value }) => sum + value.length, 0);
    const size = { saved: saved.length, tail: this.#sizes.get(name)!.tail - taken };
    this.#sizes.set(name, size);
    const put = [
      { key: saveKey(name), value: saved },
      { key: nameKey(name), value: encodeSize(size) },
    ];
    await store.write({ put, remove: tails.map(({ key }) => key) }, 'strict');
    this.#written += 1;
    return true;
  }

  #evict(document: OpenDocument): void {
    if (document.users > 0 || document.hasUnsent) return;
    this.#open.delete(document.name);
    document.fold.close();
  }
}

function operationsOf(entry: VerifiedEntry): readonly DocumentOperation[] {
  if (entry.body.sort !== 'document' || entry.changes === null) return [];
  const operations = readDocumentOperations(entry.body);
  return operations.ok ? operations.value : [];
}

function incomingOf(operations: readonly DocumentOperation[], name: DocumentName, author: Identity): Incoming[] {
  return operations
    .filter(({ document }) => document === name)
    .flatMap(({ changes }) => changes.flatMap((change) => readIncoming(change, name, author) ?? []));
}

function hashesOf(operations: readonly DocumentOperation[], name: DocumentName): ChangeHash[] {
  return operations
    .filter(({ document }) => document === name)
    .flatMap(({ changes }) => changes.flatMap((bytes) => parseChange(bytes)?.hash ?? []));
}

function readIncoming(bytes: Uint8Array, name: DocumentName, author: Identity): Incoming | null {
  const change = parseChange(bytes);
  return change && { change, ownKey: isOwned(name) ? author : undefined };
}

function nameOfTail(key: string): DocumentName {
  return key.slice(key.indexOf('/', 'docs/'.length) + 1, key.lastIndexOf(':')) as DocumentName;
}
