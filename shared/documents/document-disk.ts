// The documents of a group in the store: blocks append to them, and now and then a new save takes in what was appended.

import type { ChangeHash } from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { Store, StoreBatch, StorePut } from '../platform/ports.ts';
import {
  decodeSize,
  decodeTail,
  encodeSize,
  encodeTail,
  heightOfTail,
  leftOutKey,
  leftOutRange,
  nameKey,
  nameOfKey,
  nameOfTail,
  NAME_RANGE,
  saveKey,
  tailKey,
  tailRange,
  type DocumentSize,
  type DocumentTail,
} from './document-records.ts';

/** A save is made anew when the changes behind it outgrow it, but not for a few kilobytes. */
const TAIL_BYTES_MIN: number = 64 * 1024;

/** Of one document of a snapshot: in memory while nothing else is done, twice as it were. */
const FRESH_BYTES_MAX: number = 8 * 1024 * 1024;

/** Automerge's save, if there is one, and the final changes behind it in the order of their blocks. */
export type StoredDocument = {
  readonly saved: Uint8Array | null;
  readonly tail: DocumentTail;
  /** Of the changes behind it, where this node has just made them from the very bytes. */
  readonly hashes?: readonly ChangeHash[];
};

/** A save that takes a tail in, and what of that it leaves out. */
export type MadeSave = { readonly saved: Uint8Array; readonly leftOut: DocumentTail };
type MakeSave = (name: DocumentName, stored: StoredDocument) => MadeSave;

export class DocumentDisk {
  readonly #store: Store;
  readonly #sizes: Map<DocumentName, DocumentSize>;
  /** Tails that are not known to be on disk yet. */
  readonly #unwritten = new Map<string, Uint8Array>();
  /** Of a snapshot that was just taken: whoever opens a document of it at once need not read and hash it a second time. */
  readonly #fresh = new Map<DocumentName, StoredDocument>();
  #writes = 0;
  #compacting: Promise<unknown> = Promise.resolve();

  private constructor(store: Store, sizes: Map<DocumentName, DocumentSize>) {
    this.#store = store;
    this.#sizes = sizes;
  }

  static async open(store: Store): Promise<DocumentDisk> {
    const records = await store.range(NAME_RANGE);
    return new DocumentDisk(store, new Map(records.map(({ key, value }) => [nameOfKey(key), decodeSize(value)])));
  }

  names(): Iterable<DocumentName> {
    return this.#sizes.keys();
  }

  /** Everything there is of a document, appended just now; until it is read, or saves are made. */
  keepFresh(name: DocumentName, stored: StoredDocument): void {
    if (this.#sizes.get(name)!.tail <= FRESH_BYTES_MAX) this.#fresh.set(name, stored);
  }

  append(name: DocumentName, tail: DocumentTail, height: number): void {
    this.#fresh.delete(name);
    const size = this.#sizes.get(name) ?? { saved: 0, tail: 0 };
    const record = encodeTail(tail);
    this.#unwritten.set(tailKey(name, height), record);
    this.#sizes.set(name, { ...size, tail: size.tail + record.length });
  }

  /** Documents of which nothing is on disk yet are unknown again. */
  forget(names: Iterable<DocumentName>): void {
    const forgotten = new Set(names);
    for (const name of forgotten) this.#sizes.delete(name);
    for (const key of this.#unwritten.keys()) if (forgotten.has(nameOfTail(key))) this.#unwritten.delete(key);
  }

  /** What was appended, as one batch; a batch that was not `written` is part of the next. */
  save(): { readonly batch: StoreBatch; readonly written: () => void } {
    const put: StorePut[] = [...this.#unwritten].map(([key, value]) => ({ key, value }));
    for (const name of new Set(put.map(({ key }) => nameOfTail(key)))) {
      put.push({ key: nameKey(name), value: encodeSize(this.#sizes.get(name)!) });
    }
    return {
      batch: { put },
      written: () => {
        this.#writes += 1;
        for (const { key, value } of put) if (this.#unwritten.get(key) === value) this.#unwritten.delete(key);
      },
    };
  }

  /** Read again when something was written meanwhile: else a block could be neither in what was read nor in memory. */
  async read(name: DocumentName): Promise<StoredDocument> {
    const fresh = this.#fresh.get(name);
    this.#fresh.delete(name);
    if (fresh) return fresh;
    for (;;) {
      const before = this.#writes;
      const tails = new Map((await this.#store.range(tailRange(name))).map(({ key, value }) => [key, value]));
      const saved = (await this.#store.get(saveKey(name))) ?? null;
      if (this.#writes !== before) continue;
      for (const [key, value] of this.#unwritten) if (nameOfTail(key) === name) tails.set(key, value);
      const sorted = [...tails].sort(([a], [b]) => (a < b ? -1 : 1));
      return { saved, tail: sorted.flatMap(([, value]) => decodeTail(value)) };
    }
  }

  /** What saves left out; no accepted change is neither in them, nor here, nor in the tail. */
  async readLeftOut(name: DocumentName): Promise<DocumentTail> {
    return (await this.#store.range(leftOutRange(name))).flatMap(({ value }) => decodeTail(value));
  }

  /** New saves for the documents that need one; one call after the other. Resolves to how many were made. */
  async compact(makeSave: MakeSave): Promise<number> {
    this.#fresh.clear();
    const turn = this.#compacting.then(async () => {
      let made = 0;
      for (const [name, { saved, tail }] of this.#sizes) {
        if (tail > Math.max(saved, TAIL_BYTES_MIN) && (await this.#compactOne(name, makeSave))) made += 1;
      }
      return made;
    });
    this.#compacting = turn.catch(() => {});
    return turn;
  }

  /** Save and removal are one write, so that a power cut leaves either both or neither. */
  async #compactOne(name: DocumentName, makeSave: MakeSave): Promise<boolean> {
    if ([...this.#unwritten.keys()].some((key) => nameOfTail(key) === name)) return false;
    const tails = await this.#store.range(tailRange(name));
    const before = (await this.#store.get(saveKey(name))) ?? null;
    const tail = tails.flatMap(({ value }) => decodeTail(value));
    const { saved, leftOut } = makeSave(name, { saved: before, tail });
    const taken = tails.reduce((sum, { value }) => sum + value.length, 0);
    const size = { saved: saved.length, tail: this.#sizes.get(name)!.tail - taken };
    this.#sizes.set(name, size);
    const put = [
      { key: saveKey(name), value: saved },
      { key: nameKey(name), value: encodeSize(size) },
    ];
    const newest = tails.at(-1);
    if (newest && leftOut.length > 0) {
      put.push({ key: leftOutKey(name, heightOfTail(newest.key)), value: encodeTail(leftOut) });
    }
    await this.#store.write({ put, remove: tails.map(({ key }) => key) }, 'strict');
    this.#writes += 1;
    return true;
  }
}
