// The disk of a simulated validator: transactions that a crash takes back when they were not synced, whole and from the last on.

import { assert } from '../../../shared/core/assert.ts';
import type { Block } from '../../../shared/chain/block.ts';
import type { VerifiedCertificate } from '../../../shared/chain/certificate.ts';
import { decodeLogRecord, encodeLogRecord, forgottenRange, type LogRecord } from '../../../shared/chain/vote-log.ts';
import type { Dice } from './dice.ts';

/** `after` as in certified blocks: from the next one up to the one that the certificate is of. */
export type FinalBlock = {
  readonly block: Block;
  readonly certificate: VerifiedCertificate;
  readonly after: readonly Block[];
};

type Write =
  | { readonly kind: 'log'; readonly records: readonly LogRecord[] }
  | { readonly kind: 'final'; readonly final: FinalBlock }
  | { readonly kind: 'forget'; readonly epoch: number; readonly through: number };

type Stored = { readonly epoch: number; readonly view: number; readonly record: LogRecord };

/** What a folder put back from a backup holds. */
export type DiskCopy = {
  readonly log: ReadonlyMap<string, Stored | Uint8Array>;
  readonly chain: readonly FinalBlock[];
};

export class ValidatorDisk {
  /** As bytes under the keys of the product, or as objects, which is faster. */
  readonly #asBytes: boolean;
  #log = new Map<string, Stored | Uint8Array>();
  #chain: FinalBlock[] = [];
  #unsynced: Write[] = [];

  constructor(asBytes: boolean) {
    this.#asBytes = asBytes;
  }

  /** Final blocks that a crash cannot take. */
  get chain(): readonly FinalBlock[] {
    return this.#chain;
  }

  write(write: Write): void {
    this.#unsynced.push(write);
  }

  /** A strict write ends: it, and all before it, stay. */
  sync(): void {
    for (const write of this.#unsynced) this.#apply(write);
    this.#unsynced = [];
  }

  /** Of what was not synced, some may have reached the disk: from the first on. */
  crash(dice: Dice): void {
    const kept = dice.between(0, this.#unsynced.length);
    for (const write of this.#unsynced.slice(0, kept)) this.#apply(write);
    this.#unsynced = [];
  }

  readLog(): LogRecord[] {
    return [...this.#log.values()].map((stored) => {
      if (!(stored instanceof Uint8Array)) return stored.record;
      const record = decodeLogRecord(stored);
      assert(record.ok, 'what was logged can be read');
      return record.value;
    });
  }

  has(record: LogRecord): boolean {
    return this.#log.has(this.#keyOf(record));
  }

  copy(): DiskCopy {
    return { log: new Map(this.#log), chain: [...this.#chain] };
  }

  putBack({ log, chain }: DiskCopy): void {
    this.#log = new Map(log);
    this.#chain = [...chain];
    this.#unsynced = [];
  }

  #apply(write: Write): void {
    switch (write.kind) {
      case 'log':
        for (const record of write.records) {
          const value = this.#asBytes ? encodeLogRecord(record).value : { ...placeOf(record), record };
          this.#log.set(this.#keyOf(record), value);
        }
        return;
      case 'final':
        this.#chain.push(write.final);
        return;
      case 'forget': {
        const { from, to } = forgottenRange(write.epoch, write.through);
        for (const [key, stored] of this.#log) {
          const gone =
            stored instanceof Uint8Array
              ? key >= from && key < to
              : stored.epoch === write.epoch && stored.view <= write.through;
          if (gone) this.#log.delete(key);
        }
      }
    }
  }

  #keyOf(record: LogRecord): string {
    if (this.#asBytes) return encodeLogRecord(record).key;
    const { epoch, view } = placeOf(record);
    switch (record.sort) {
      case 'vote':
        return `vote ${epoch} ${view} ${record.claim.kind}`;
      case 'block':
        return `block ${record.block.id}`;
      case 'certificate':
        return `certificate ${epoch} ${view} ${record.certificate.kind}`;
    }
  }
}

function placeOf(record: LogRecord): { readonly epoch: number; readonly view: number } {
  switch (record.sort) {
    case 'vote':
      return pick(record.claim);
    case 'block':
      return pick(record.block.header);
    case 'certificate':
      return pick(record.certificate);
  }
}

function pick({ epoch, view }: { epoch: number; view: number }): { readonly epoch: number; readonly view: number } {
  return { epoch, view };
}
