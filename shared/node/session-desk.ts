// What a validator does for nodes that opened a session: takes entries in, and says what became of them once that can be proven.

import type { Cid } from '../codec/cid.ts';
import type { Failure } from '../core/result.ts';
import type { Log } from '../platform/ports.ts';
import type { Session } from '../session/session.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import type { ChainReads } from './chain-reads.ts';
import type { Ordering } from './ordering.ts';
import { parseEntry } from '../feeds/entry.ts';

/** What a pin request asks for; the host decides, and answers through the session. */
export type PinRequest = Extract<SessionMessage, { t: 'pin' }>;

export type SessionDeskOptions = {
  readonly ordering: Ordering;
  readonly reads: ChainReads;
  readonly log: Log;
  /** Whether blocks of this height may be reported: they are at the edge. */
  readonly isReported: (height: number) => boolean;
  readonly onPin: (session: Session, request: PinRequest) => void;
};

export class SessionDesk {
  readonly #options: SessionDeskOptions;
  /** Who waits for the outcome of an entry. */
  readonly #waiting = new Map<Cid, Set<Session>>();

  constructor(options: SessionDeskOptions) {
    this.#options = options;
    options.ordering.subscribe({ refused: ({ id }, failure) => this.#tellRefused(id, failure) });
  }

  /** The next message of the session waits until this settles. */
  async message(session: Session, message: SessionMessage): Promise<void> {
    switch (message.t) {
      case 'submit':
        return await this.#submit(session, message.entry);
      case 'pin':
        return this.#options.onPin(session, message);
      case 'seen':
      case 'refused':
      case 'outcome':
      case 'held':
      case 'pinLimit':
        return;
    }
  }

  closed(session: Session): void {
    for (const id of this.#waiting.keys()) this.#forget(id, session);
  }

  /** Entries of blocks that may now be reported. */
  async report(ids: readonly Cid[]): Promise<void> {
    for (const id of ids) if (this.#waiting.has(id)) await this.#tellOutcome(id);
  }

  /** All that somebody waits for and that may be reported: after a start, when it is known how far the edge has got. */
  async reportWaiting(): Promise<void> {
    for (const id of [...this.#waiting.keys()]) {
      const height = await this.#options.ordering.heightOf(id);
      if (height !== undefined && this.#options.isReported(height)) await this.#tellOutcome(id);
    }
  }

  async #submit(session: Session, wire: Uint8Array): Promise<void> {
    const parsed = parseEntry(wire);
    if (!parsed.ok) {
      this.#options.log.warn('unreadable entry', { code: parsed.error.code });
      session.close('bad_entry');
      return;
    }
    const { id } = parsed.value;
    // Before it is taken in: a refusal by the ledger may come while that is under way.
    const sessions = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, sessions.add(session));
    const submitted = await this.#options.ordering.submit(wire);
    if (!submitted.ok) {
      const { code, because } = submitted.error;
      if (this.#forget(id, session)) await session.send({ t: 'refused', id, code, because });
      return;
    }
    // Whoever waits no more was told already, or is gone.
    if (!this.#waiting.get(id)?.has(session)) return;
    await session.send({ t: 'seen', id });
    const { value } = submitted;
    if (value.state === 'final' && this.#options.isReported(value.height)) await this.#tellOutcome(id);
  }

  #forget(id: Cid, session: Session): boolean {
    const sessions = this.#waiting.get(id);
    const waited = sessions?.delete(session) ?? false;
    if (sessions?.size === 0) this.#waiting.delete(id);
    return waited;
  }

  async #tellOutcome(id: Cid): Promise<void> {
    const outcome = await this.#options.reads.outcome(id);
    if (!outcome) return;
    const sessions = this.#waiting.get(id) ?? [];
    this.#waiting.delete(id);
    for (const session of sessions) void session.send({ t: 'outcome', ...outcome });
  }

  #tellRefused(id: Cid, { code, because }: Failure): void {
    const sessions = this.#waiting.get(id) ?? [];
    this.#waiting.delete(id);
    for (const session of sessions) void session.send({ t: 'refused', id, code, because });
  }
}
