// Says what became of entries once their block is at the edge: to the sessions that wait, and to the node's own outbox.

import type { Cid } from '../codec/cid.ts';
import type { Failure } from '../core/result.ts';
import type { Clock, Log } from '../platform/ports.ts';
import type { ChainReads } from './chain-reads.ts';
import type { Ordering } from './ordering.ts';
import type { Outbox, OwnEntry } from './outbox.ts';
import type { SessionDesk } from './session-desk.ts';
import { assert } from '../core/assert.ts';
import { messageOf } from '../core/message-of.ts';
import { isCode } from '../ledger/codes.ts';
import { describeReceipt, type Receipt } from '../ledger/receipts.ts';
import { isLostBy } from './refusals.ts';
import { ResendPace } from './resend-pace.ts';

export type FinalReportsOptions = {
  readonly ordering: Ordering;
  readonly reads: ChainReads;
  readonly desk: SessionDesk;
  /** Own entries go the way of all others, without a session. */
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Log;
};

export class FinalReports {
  readonly #options: FinalReportsOptions;
  /** The height up to which senders were told; null until the edge has said what it holds. */
  #reported: number | null = null;
  #turn: Promise<void> = Promise.resolve();
  /** An own entry was told to come back. */
  #ownWaits = false;
  readonly #pace: ResendPace;

  constructor(options: FinalReportsOptions) {
    this.#options = options;
    const { ordering, outbox, clock } = options;
    this.#pace = new ResendPace({ clock, resend: () => outbox.redeliver() });
    outbox.onDeliver((entries) => this.#keepGoing(() => this.#order(entries)));
    ordering.subscribe({
      refused: ({ id }, failure) =>
        this.#isLost(failure.code) && this.#keepGoing(() => this.#settleRefused(id, failure)),
    });
  }

  /** Whether the outcomes of this height may be told. */
  covers(height: number): boolean {
    return this.#reported !== null && height <= this.#reported;
  }

  /** Blocks up to this height are at the edge: their entries' senders hear of them now, in order. */
  advance(height: number): void {
    const { tip } = this.#options.ordering;
    this.#turn = this.#turn
      .then(() => this.#reportUpTo(Math.min(height, tip.height)))
      .catch((error: unknown) => this.#fail(error));
  }

  /** Nothing is sent again by itself from now on. */
  close(): void {
    this.#pace.close();
  }

  /** Resolves when all that was to be told is told. */
  get settled(): Promise<void> {
    return this.#turn;
  }

  async #reportUpTo(height: number): Promise<void> {
    const { reads, desk, outbox } = this.#options;
    if (this.#reported === null) {
      // Final before the last stop and at the edge since: whoever asked in between hears of it now.
      this.#reported = height;
      await desk.reportWaiting();
      outbox.redeliver();
    }
    for (let next = this.#reported + 1; next <= height; next++) {
      const receipts = await reads.receipts(next);
      this.#reported = next;
      await desk.report(receipts.map(({ entry }) => entry));
      for (const receipt of receipts) await this.#settle(receipt, next);
    }
    if (this.#ownWaits && !this.#pace.isHolding) outbox.redeliver();
  }

  async #order(own: readonly OwnEntry[]): Promise<void> {
    this.#ownWaits = false;
    for (const { id, bytes } of own) {
      const submitted = await this.#options.ordering.submit(bytes);
      if (!submitted.ok) {
        const { code } = submitted.error;
        this.#options.log.warn('own entry refused', { code });
        if (!isCode(code) || this.#isLost(code)) {
          await this.#settleRefused(id, submitted.error);
          continue;
        }
        this.#ownWaits = true;
        this.#pace.refused(id, code);
        continue;
      }
      this.#pace.taken(id);
      if (submitted.value.state === 'final' && this.covers(submitted.value.height)) {
        const { height } = submitted.value;
        const receipt = (await this.#options.reads.receipts(height)).find(({ entry }) => entry === id);
        assert(receipt, 'an ordered entry has a receipt');
        await this.#settle(receipt, height);
      }
    }
  }

  #isLost(code: string): boolean {
    return isLostBy(code, { orderers: this.#options.ordering.validators.keys.length });
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

  async #settleRefused(id: Cid, { code, because }: Failure): Promise<void> {
    await this.#options.outbox.settle(id, { code, because, height: null, changes: [] });
  }

  /** Nobody waits for this work: when it fails, the log says so. */
  #keepGoing(work: () => Promise<void>): void {
    work().catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    this.#options.log.error('outcomes not told', { because: messageOf(error) });
  }
}
