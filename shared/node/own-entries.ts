// What becomes of a member's own entries: into its own chain, then final, or dropped with their edits made again.

import type { Cid } from '../codec/cid.ts';
import type { Failure } from '../core/result.ts';
import type { Receipt } from '../ledger/receipts.ts';
import type { Store } from '../platform/ports.ts';
import type { FinalBlock } from './chain-head.ts';
import type { Ordering } from './ordering.ts';
import type { Outbox } from './outbox.ts';
import type { PendingDocuments } from './pending-documents.ts';
import { codeWaits, isCode } from '../ledger/codes.ts';
import { describeReceipt } from '../ledger/receipts.ts';
import { loadReceipts } from './chain-store.ts';

export type OwnEntriesOptions = {
  readonly store: Store;
  readonly chain: Pick<Ordering, 'submit' | 'drop' | 'pool'>;
  readonly outbox: Outbox;
  readonly pending: PendingDocuments;
  /** Whether this device orders the group: what it refuses is refused for good. */
  readonly orders: boolean;
  /** Why nothing of this device counts any more; null while it does. */
  readonly refusal: () => Failure | null;
  readonly onChange: () => void;
};

export class OwnEntries {
  readonly #options: OwnEntriesOptions;

  constructor(options: OwnEntriesOptions) {
    this.#options = options;
  }

  /** Into the own chain: what cannot be judged here yet stays owed, and goes to those who can. */
  async order(id: Cid, bytes: Uint8Array): Promise<void> {
    const { chain, outbox, pending, orders, onChange } = this.#options;
    const submitted = await chain.submit(bytes);
    if (submitted.ok && submitted.value.state === 'final') return await this.#settleFinal(id, submitted.value.height);
    if (!outbox.owes(id)) return await chain.drop([id]).then(onChange); // Refused meanwhile.
    if (submitted.ok) return;
    const refusal = this.#options.refusal();
    if (refusal) return await this.#giveUp(refusal);
    pending.takeOwn(bytes);
    if (!orders) return;
    if (!isCode(submitted.error.code) || !codeWaits(submitted.error.code)) await this.drop(id, submitted.error);
  }

  async takeFinal({ receipts, block }: FinalBlock): Promise<void> {
    const { chain, outbox } = this.#options;
    for (const receipt of receipts) await this.#settle(receipt, block.header.height);
    for (const { id, bytes } of outbox.pending) if (!chain.pool.has(id)) await this.order(id, bytes);
    const refusal = this.#options.refusal();
    if (refusal) await this.#giveUp(refusal);
  }

  /** It can never be ordered, nor what stands behind it in the own feed. */
  async drop(id: Cid, failure: Failure): Promise<void> {
    const ids = [id, ...(await this.#settleDropped(id, failure))];
    await this.#options.chain.drop(ids);
    this.#takeBack(ids);
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
    if (receipt) await this.#settle(receipt, height);
  }

  async #settle(receipt: Receipt, height: number): Promise<void> {
    const { entry, code, changes } = receipt;
    await this.#options.outbox.settle(entry, {
      code,
      because: describeReceipt(receipt),
      height,
      changes: [...changes],
    });
  }

  async #settleDropped(id: Cid, { code, because }: Failure): Promise<readonly Cid[]> {
    const { outbox, onChange } = this.#options;
    const settled = await outbox.settle(id, { code, because, height: null, changes: [] });
    onChange();
    return settled;
  }
}
