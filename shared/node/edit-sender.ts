// Brings own edits of documents into the own feed: the first after a pause at once, those that follow gathered (DESIGN §4).

import type { Millis } from '../core/brand.ts';
import type { GroupDocuments } from '../documents/group-documents.ts';
import type { Failure } from '../core/result.ts';
import { StoreError, type Clock } from '../platform/ports.ts';
import { documentChangeOperation } from '../feeds/document-change.ts';
import { OutboxClosed, type Outbox } from './outbox.ts';
import { DISK_RETRY_FIRST, DISK_RETRY_LAST } from './patient-store.ts';

/**
 * Edits that follow each other within this time leave in one entry. A write to the disk takes about as long and gathers what
 * comes meanwhile; nobody types faster than this, so that longer would only delay.
 */
const GATHER: Millis = 10;

export type EditSenderOptions = {
  readonly clock: Clock;
  readonly documents: GroupDocuments;
  readonly outbox: Outbox;
  /** Whether what this device writes counts. */
  readonly mayWrite: () => boolean;
  /** An entry could not be written; the edits stay unsent. */
  readonly onFailed: (error: unknown) => void;
  /** `failure` says something else. */
  readonly onChange: () => void;
};

export class EditSender {
  readonly #options: EditSenderOptions;
  #sentAt: Millis = 0;
  #cancel: (() => void) | null = null;
  #cancelRetry: (() => void) | null = null;
  #retryAfter: Millis = DISK_RETRY_FIRST;
  #failure: Failure | null = null;
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: EditSenderOptions) {
    this.#options = options;
    options.documents.onUnsent(() => this.#schedule());
  }

  /** Edits are made under the number that their entry will have: then nothing is made again. After every own entry. */
  expectNext(): void {
    const { outbox, documents } = this.#options;
    const { head, reconciled } = outbox;
    if (head && reconciled) documents.expect({ feed: head.feed, seq: head.seq + 1 });
  }

  /** Why the newest edits are not on disk; null while they are, or may be soon. */
  get failure(): Failure | null {
    return this.#failure;
  }

  /** Every edit so far is on disk when it resolves. */
  flush(): Promise<void> {
    this.#cancelTimers();
    const next = this.#turn.then(() => this.#send());
    this.#turn = next.catch(() => undefined);
    return next;
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimers();
  }

  #cancelTimers(): void {
    this.#cancel?.();
    this.#cancelRetry?.();
    this.#cancel = this.#cancelRetry = null;
  }

  #schedule(): void {
    if (this.#cancel || this.#closed) return;
    const { clock, onFailed } = this.#options;
    // While the disk refuses, a keystroke is no reason to ask it more often than this.
    const gather = this.#failure === null ? GATHER : DISK_RETRY_FIRST;
    const wait = Math.max(0, this.#sentAt + gather - clock.now());
    if (wait === 0) return void this.flush().catch(onFailed);
    this.#cancel = clock.after(wait, () => void this.flush().catch(onFailed));
  }

  async #send(): Promise<void> {
    const { clock, documents, outbox, mayWrite } = this.#options;
    this.#sentAt = clock.now();
    while (documents.hasUnsent() && !this.#closed && mayWrite()) {
      try {
        await outbox.append((place) => {
          const operations = documents.takeUnsent(place);
          return operations.length === 0 ? null : { sort: 'document', ops: operations.map(documentChangeOperation) };
        });
      } catch (error) {
        documents.putBack();
        this.#retryLater(error);
        throw error;
      }
      documents.keepTaken();
    }
    this.#say(null);
    this.#retryAfter = DISK_RETRY_FIRST;
  }

  #retryLater(error: unknown): void {
    if (this.#closed || error instanceof OutboxClosed) return;
    const { clock, onFailed } = this.#options;
    const because = error instanceof Error ? error.message : 'The disk failed.';
    this.#say({ code: error instanceof StoreError ? error.code : 'store_failed', because });
    this.#cancelRetry?.();
    this.#cancelRetry = clock.after(this.#retryAfter, () => void this.flush().catch(onFailed));
    this.#retryAfter = Math.min(DISK_RETRY_LAST, 2 * this.#retryAfter);
  }

  #say(failure: Failure | null): void {
    if (failure === null && this.#failure === null) return;
    this.#failure = failure;
    this.#options.documents.tellStored(failure);
    this.#options.onChange();
  }
}
