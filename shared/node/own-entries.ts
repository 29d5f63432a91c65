// What becomes of a member's own entries: into its own chain, then final, or dropped, and what was in them made again.

import type { Cid } from '../codec/cid.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Identity, PublicKey } from '../crypto/ids.ts';
import type { Receipt } from '../ledger/receipts.ts';
import type { Store } from '../platform/ports.ts';
import type { FinalBlock } from './chain-head.ts';
import type { Ordering } from './ordering.ts';
import type { PendingDocuments } from './pending-documents.ts';
import { assert } from '../core/assert.ts';
import { parseEntry } from '../feeds/entry.ts';
import { termsOf } from '../feeds/feed.ts';
import { becauseOf } from '../ledger/codes.ts';
import { describeEntry } from '../ledger/receipt-words.ts';
import { describeReceipt } from '../ledger/receipts.ts';
import { FEED } from '../ledger/records.ts';
import { readRecord } from '../ledger/state.ts';
import { loadReceipts } from './chain-store.ts';
import type { Submitted } from './entry-intake.ts';
import { LOST_TO_FORK, type Outbox, type OwnEntry } from './outbox.ts';
import type { Outcome } from './outbox-records.ts';

/** A copy of this profile that writes into every feed this one opens does not make it write for ever. */
const SIGNED_AGAIN_MAX = 3;

export type OwnEntriesOptions = {
  readonly store: Store;
  readonly chain: Pick<Ordering, 'submitAll' | 'drop' | 'pool' | 'state'>;
  readonly outbox: Outbox;
  readonly pending: PendingDocuments;
  /** Whose they are. */
  readonly identity: Identity;
  readonly device: PublicKey;
  /** Whether what the own chain refuses with this code is refused for good. */
  readonly isLost: (code: string) => boolean;
  /** Why nothing of this device counts any more; null while it does. */
  readonly refusal: () => Failure | null;
  /** The own chain has taken one that it did not take when it was written. */
  readonly onTaken: (bytes: Uint8Array) => void;
  readonly onChange: () => void;
};

export class OwnEntries {
  readonly #options: OwnEntriesOptions;
  /** Of entries that were signed again for ones that a fork took the place of: how often. */
  readonly #timesSigned = new Map<Cid, number>();

  constructor(options: OwnEntriesOptions) {
    this.#options = options;
  }

  /** Into the own chain: what cannot be judged here yet stays owed, and goes to those who can. */
  async order(entries: readonly OwnEntry[]): Promise<void> {
    const parsed = entries.map(({ bytes }) => {
      const entry = parseEntry(bytes);
      assert(entry.ok, 'an own entry is one');
      return entry.value;
    });
    const outcomes = await this.#options.chain.submitAll(parsed);
    for (const [at, outcome] of outcomes.entries()) await this.#takeOutcome(entries[at]!, outcome);
  }

  /** `more`: another block follows at once; what is owed is looked at once for all of them. */
  async takeFinal({ receipts, block }: FinalBlock, more: boolean): Promise<void> {
    await this.#settle(receipts, block.header.height);
    if (!more) await this.#orderOwed();
  }

  async #orderOwed(): Promise<void> {
    const { chain, outbox, device } = this.#options;
    const feed = outbox.head?.feed;
    if (feed && readRecord(chain.state, FEED, feed)?.frozenAt !== undefined) await outbox.leaveFeed(feed);
    // What there is room for, in one go: however many are owed, a block costs no more than what it took away.
    const waiting = outbox.pending.filter(({ id }) => !chain.pool.has(id));
    const owed = waiting.slice(0, Math.max(0, chain.pool.roomFor(device)));
    if (owed.length > 0) await this.order(owed);
    // What there was no room for here, or what could not be judged, was not for others either when it was given to them.
    for (const { id, bytes } of owed) if (chain.pool.has(id)) this.#options.onTaken(bytes);
    const refusal = this.#options.refusal();
    if (refusal) await this.#giveUp(refusal);
  }

  async #takeOutcome({ id, bytes }: OwnEntry, submitted: Result<Submitted, Failure>): Promise<void> {
    const { chain, outbox, pending, isLost, onChange } = this.#options;
    if (submitted.ok && submitted.value.state === 'final') return await this.#settleFinal(id, submitted.value.height);
    // Refused meanwhile, or with one before it.
    if (!outbox.owes(id)) return await chain.drop([id]).then(onChange);
    if (submitted.ok) return;
    const refusal = this.#options.refusal();
    if (refusal) return await this.#giveUp(refusal);
    pending.takeOwn(bytes);
    if (isLost(submitted.error.code)) await this.drop(id, submitted.error);
  }

  /** It can never be ordered, nor what stands behind it in the own feed. */
  async drop(id: Cid, failure: Failure): Promise<void> {
    const { chain, outbox } = this.#options;
    const wires = new Map(outbox.pending.map((entry) => [entry.id, entry.bytes]));
    const settled = await this.#settleDropped(id, failure);
    const ids = [id, ...settled];
    await chain.drop(ids);
    this.#takeBack(ids);
    if (!LOST_TO_FORK.has(failure.code) || this.#options.refusal()) return;
    for (const lost of settled) await this.#signAgain(lost, wires.get(lost)!);
  }

  /** LG47: operations of a branch that lost, in the feed that follows. Edits of documents are made again by the documents. */
  async #signAgain(id: Cid, bytes: Uint8Array): Promise<void> {
    const times = (this.#timesSigned.get(id) ?? 0) + 1;
    this.#timesSigned.delete(id);
    const entry = parseEntry(bytes);
    if (!entry.ok || entry.value.body.sort !== 'ledger' || times > SIGNED_AGAIN_MAX) return;
    const { body } = entry.value;
    this.#timesSigned.set(await this.#options.outbox.submit(body.ops, termsOf(body)), times);
  }

  /** Nothing of this device will count any more: what waits is not shown, and not made again. */
  async #giveUp(refusal: Failure): Promise<void> {
    const { chain, outbox } = this.#options;
    const ids = outbox.pending.map(({ id }) => id);
    await chain.drop(ids);
    this.#takeBack(ids);
    for (const id of ids) await this.#settleDropped(id, refusal);
  }

  /** Own edits among them are made again while that can help. */
  #takeBack(ids: readonly Cid[]): void {
    const { chain, pending } = this.#options;
    const waiting = chain.pool.inOrder();
    if (this.#options.refusal()) pending.forget(ids, waiting);
    else pending.drop(ids, waiting);
  }

  async #settleFinal(id: Cid, height: number): Promise<void> {
    const receipts = await loadReceipts(this.#options.store, height);
    const receipt = receipts.find(({ entry }) => entry === id);
    if (receipt) await this.#settle([receipt], height);
  }

  async #settle(receipts: readonly Receipt[], height: number): Promise<void> {
    const outcomes = new Map<Cid, Outcome & { height: number }>();
    for (const receipt of receipts) {
      const { entry, code, changes } = receipt;
      const bytes = this.#options.outbox.bytesOf(entry);
      this.#timesSigned.delete(entry);
      if (bytes) outcomes.set(entry, { code, because: this.#describe(receipt, bytes), height, changes: [...changes] });
    }
    await this.#options.outbox.settleFinal(outcomes);
  }

  #describe(receipt: Receipt, bytes: Uint8Array): string {
    const { identity } = this.#options;
    const parsed = parseEntry(bytes);
    if (!parsed.ok) return describeReceipt(receipt);
    return describeEntry({ receipt, body: parsed.value.body, identity }, { self: identity });
  }

  async #settleDropped(id: Cid, { code, because }: Failure): Promise<readonly Cid[]> {
    const { outbox, onChange } = this.#options;
    // Somebody's entry has its number: to its author that is a fork, however far the other branch has come.
    const own = code === 'seq_used' ? { code: 'forked', because: becauseOf('forked') } : { code, because };
    const settled = await outbox.settle(id, { ...own, height: null, changes: [] });
    onChange();
    return settled;
  }
}
