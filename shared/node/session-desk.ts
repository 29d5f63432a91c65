// What a validator does for nodes that opened a session: takes entries in, and says what became of them once that can be proven.

import type { Cid } from '../codec/cid.ts';
import type { Failure } from '../core/result.ts';
import type { Clock, Log } from '../platform/ports.ts';
import type { PeerId } from '../session/relay-wire.ts';
import type { Session } from '../session/session.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import type { ChainReads } from './chain-reads.ts';
import type { Ordering } from './ordering.ts';
import { SUBMITTED_BYTES_PER_MINUTE, SUBMITTED_ENTRIES_PER_MINUTE } from '../core/limits.ts';
import { createTokenBucket, perMinute, spendTokens, type TokenBucket } from '../core/token-bucket.ts';
import { parseEntry } from '../feeds/entry.ts';
import { becauseOf } from '../ledger/codes.ts';

/** What a pin request asks for; the host decides, and answers through the session. */
export type PinRequest = Extract<SessionMessage, { t: 'pin' }>;

/** Peers whose rate is remembered. */
const SENDERS_MAX = 1_024;

type Sender = { readonly entries: TokenBucket; readonly bytes: TokenBucket };

export type SessionDeskOptions = {
  readonly clock: Clock;
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
  /** By peer and not by session: a new session is no new allowance. */
  readonly #senders = new Map<PeerId, Sender>();

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
      case 'rtc':
      case 'state':
      case 'entries':
      case 'blockEntries':
      case 'block':
      case 'getBlocks':
      case 'signal':
      case 'simplex':
      case 'validator':
      case 'getSnapshot':
      case 'snapshot':
      case 'section':
      case 'noSnapshot':
      case 'getHistory':
      case 'history':
      case 'noHistory':
        // What a validator says, and what members of a group say to each other.
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
    if (!this.#maySubmit(session.peer, wire.length)) {
      const code = 'rate_limited';
      await session.send({ t: 'refused', id, code, because: becauseOf(code) });
      return;
    }
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

  /** SE11: entries and their bytes, by the minute. */
  #maySubmit(peer: PeerId, bytes: number): boolean {
    const now = this.#options.clock.now();
    const sender = this.#senders.get(peer) ?? {
      entries: createTokenBucket(perMinute(SUBMITTED_ENTRIES_PER_MINUTE), now),
      bytes: createTokenBucket(perMinute(SUBMITTED_BYTES_PER_MINUTE), now),
    };
    this.#senders.delete(peer);
    this.#senders.set(peer, sender);
    for (const longestQuiet of this.#senders.keys()) {
      if (this.#senders.size <= SENDERS_MAX) break;
      this.#senders.delete(longestQuiet);
    }
    return spendTokens(sender.entries, 1, now) && spendTokens(sender.bytes, bytes, now);
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
