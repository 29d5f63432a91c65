// Entries of proposals that are not pending here: which are missing, whom to ask, and what came, until the block is settled.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Block } from '../chain/block.ts';
import type { Clock, Store, StorePut } from '../platform/ports.ts';
import type { LinkedEntry, NamedEntry } from './block-stash.ts';
import type { EntryWant } from './consensus-wire.ts';
import { BLOCK_BYTES_MAX } from '../core/limits.ts';
import { parseEntry } from '../feeds/entry.ts';
import { prefixRange } from './outbox-records.ts';

/** Of all blocks that wait: a leader that names entries which nobody admits fills this and no more. */
const KEPT_BYTES_MAX: number = 4 * BLOCK_BYTES_MAX;
/** Entries mostly come by themselves, a moment before or after the block that names them. */
const FIRST_ASK: Millis = 100;
const ASK_AGAIN: Millis = 1_000;
const PROPOSED_PREFIX = 'proposed/';
const VIEW_DIGITS = 16;

export type ProposalEntriesOptions = {
  readonly clock: Clock;
  readonly store: Store;
  /** One that is pending here. */
  readonly pending: (id: Cid) => LinkedEntry | undefined;
  /** `attempt` counts from 0, so that everybody is asked in turn, the proposer first. */
  readonly ask: (question: {
    readonly view: number;
    readonly attempt: number;
    readonly wants: readonly EntryWant[];
  }) => void;
};

type Waiting = { readonly block: Block; attempt: number };
type Kept = LinkedEntry & { view: number };

export class ProposalEntries {
  readonly #options: ProposalEntriesOptions;
  readonly #waiting = new Map<Cid, Waiting>();
  readonly #kept = new Map<Cid, Kept>();
  #bytes = 0;
  #cancel: (() => void) | null = null;

  constructor(options: ProposalEntriesOptions) {
    this.#options = options;
  }

  /** What was kept when this node stopped, so that a block it voted for can be executed again. */
  async restore(): Promise<void> {
    for (const { key, value } of await this.#options.store.range(prefixRange(PROPOSED_PREFIX))) {
      const entry = parseEntry(value);
      if (entry.ok) this.adopt(entry.value, Number(key.split('/')[1]));
    }
  }

  get(id: Cid): LinkedEntry | undefined {
    return this.#options.pending(id) ?? this.#kept.get(id);
  }

  /** Blocks that cannot be executed yet. */
  get waiting(): readonly Block[] {
    return [...this.#waiting.values()].map(({ block }) => block);
  }

  /** Entries of this block are missing: they are asked for until it is here, or settled. */
  want(block: Block): void {
    if (!this.#waiting.has(block.id)) this.#waiting.set(block.id, { block, attempt: 0 });
    this.#cancel ??= this.#options.clock.after(FIRST_ASK, () => this.#ask());
  }

  /** All of them are here. */
  found(block: Block): void {
    this.#waiting.delete(block.id);
  }

  /** True if something came that a block waits for. What no block names is not kept. */
  take(wires: readonly Uint8Array[]): boolean {
    const wanted = new Map<Cid, EntryWant & { readonly view: number }>();
    for (const { block } of this.#waiting.values()) {
      for (const want of this.missingOf(block)) wanted.set(want.id, { ...want, view: block.header.view });
    }
    let taken = false;
    for (const wire of wires) {
      const entry = parseEntry(wire);
      const want = entry.ok ? wanted.get(entry.value.id) : undefined;
      if (!entry.ok || !want || this.#bytes + wire.length > KEPT_BYTES_MAX) continue;
      const { id, body } = entry.value;
      taken = true;
      this.#keep(id, { bytes: wire, body, view: want.view });
      if (body.prev !== null && want.count > 1)
        wanted.set(body.prev, { ...want, id: body.prev, count: want.count - 1 });
    }
    return taken;
  }

  /** Its entries did not verify: an id does not cover the signature, so others may have them as they were signed. */
  drop(block: Block): void {
    for (const { head, from, to } of block.header.cut) {
      let id: Cid | null = head;
      for (let seq = to; id !== null && seq >= from; seq--) {
        const kept = this.#kept.get(id);
        const entry = this.get(id);
        if (kept) this.#forget(id, kept);
        id = entry?.body.prev ?? null;
      }
    }
  }

  /** Of each feed the newest entry that is not here, and how many the block has up to it. */
  missingOf({ header }: Block): EntryWant[] {
    const missing: EntryWant[] = [];
    for (const { head, from, to } of header.cut) {
      let id: Cid | null = head;
      for (let seq = to; id !== null && seq >= from; seq--) {
        const entry = this.get(id);
        if (!entry) {
          missing.push({ id, count: seq - from + 1 });
          break;
        }
        id = entry.body.prev;
      }
    }
    return missing;
  }

  /** On disk with the vote that follows: whoever votes for a block has what is in it (CH21). */
  async persist({ header: { view } }: Block, entries: readonly NamedEntry[]): Promise<void> {
    // One that was pending when it was found may have left since.
    const put = entries.flatMap((entry) => (this.#options.pending(entry.id) ? [] : [this.adopt(entry, view)]));
    if (put.length > 0) await this.#options.store.write({ put }, 'relaxed');
  }

  /** An entry of a block of this view that is not pending, or no more: here until that is settled; on disk once this is written. */
  adopt({ id, bytes, body }: NamedEntry, view: number): StorePut {
    this.#keep(id, { bytes, body, view });
    const kept = this.#kept.get(id);
    if (kept) kept.view = Math.max(kept.view, view);
    return { key: `${PROPOSED_PREFIX}${String(view).padStart(VIEW_DIGITS, '0')}/${id}`, value: bytes };
  }

  /** Blocks of these views are settled. */
  async forget(through: number): Promise<void> {
    for (const [id, { block }] of this.#waiting) if (block.header.view <= through) this.#waiting.delete(id);
    for (const [id, kept] of this.#kept) if (kept.view <= through) this.#forget(id, kept);
    const to = `${PROPOSED_PREFIX}${String(through + 1).padStart(VIEW_DIGITS, '0')}`;
    const old = await this.#options.store.range({ from: PROPOSED_PREFIX, to });
    if (old.length > 0) await this.#options.store.write({ remove: old.map(({ key }) => key) }, 'relaxed');
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#waiting.clear();
  }

  #ask(): void {
    this.#cancel = null;
    for (const waiting of this.#waiting.values()) {
      const wants = this.missingOf(waiting.block);
      const { view } = waiting.block.header;
      if (wants.length > 0) this.#options.ask({ view, attempt: waiting.attempt++, wants });
    }
    if (this.#waiting.size > 0) this.#cancel = this.#options.clock.after(ASK_AGAIN, () => this.#ask());
  }

  #keep(id: Cid, entry: Kept): void {
    if (this.#kept.has(id)) return;
    this.#kept.set(id, entry);
    this.#bytes += entry.bytes.length;
  }

  #forget(id: Cid, { bytes }: Kept): void {
    if (this.#kept.delete(id)) this.#bytes -= bytes.length;
  }
}
