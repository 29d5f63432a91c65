// Brings own edits of documents into the own feed: the first after a pause at once, those that follow gathered (DESIGN §4).

import type { Millis } from '../core/brand.ts';
import type { GroupDocuments } from '../documents/group-documents.ts';
import type { Clock } from '../platform/ports.ts';
import type { Outbox } from './outbox.ts';
import { documentChangeOperation } from '../feeds/document-change.ts';

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
};

export class EditSender {
  readonly #options: EditSenderOptions;
  #sentAt: Millis = 0;
  #cancel: (() => void) | null = null;
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

  /** Every edit so far is on disk when it resolves. */
  flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    const next = this.#turn.then(() => this.#send());
    this.#turn = next.catch(() => undefined);
    return next;
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  #schedule(): void {
    if (this.#cancel || this.#closed) return;
    const { clock, onFailed } = this.#options;
    const wait = Math.max(0, this.#sentAt + GATHER - clock.now());
    if (wait === 0) return void this.flush().catch(onFailed);
    this.#cancel = clock.after(wait, () => void this.flush().catch(onFailed));
  }

  async #send(): Promise<void> {
    const { clock, documents, outbox, mayWrite } = this.#options;
    this.#sentAt = clock.now();
    while (documents.hasUnsent() && !this.#closed && mayWrite()) {
      await outbox.append((place) => {
        const operations = documents.takeUnsent(place);
        return operations.length === 0 ? null : { sort: 'document', ops: operations.map(documentChangeOperation) };
      });
    }
  }
}
