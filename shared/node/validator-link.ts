// Sessions of a light node with every validator it can see: entries go out, verified outcomes and kept copies come back.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Failure } from '../core/result.ts';
import type { Clock, Log, Random, Verifier } from '../platform/ports.ts';
import type { RelayedRoom } from '../session/payload-room.ts';
import type { PeerId } from '../session/relay-wire.ts';
import type { RoomId } from '../session/room.ts';
import type { Session } from '../session/session.ts';
import type { LocalNode } from '../session/session-identity.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import type { Outbox, OwnEntry } from './outbox.ts';
import { codeWaits, isCode } from '../ledger/codes.ts';
import { describeReceipt } from '../ledger/receipts.ts';
import { verifyOutcome } from '../light-client/verify-outcome.ts';
import { SERVICE_VALIDATE } from '../session/relay-wire.ts';
import { SessionHost } from '../session/session-host.ts';
import { HandedEntries } from './handed-entries.ts';
import { KnownOrderers, type KnownOrderersOptions } from './known-orderers.ts';
import { isLostBy, Refusals } from './refusals.ts';
import { ResendPace } from './resend-pace.ts';

/** A validator that could not be reached is dialled again after this, while it is still in the room. */
const REDIAL_AFTER: Millis = 3_000;
/** What is still owed an answer is asked for again at this pace: a relay may drop the last frame, and nobody would notice. */
const REMIND_EVERY: Millis = 15_000;

/** A request that validators keep a copy, until one says `held`. */
export type PinWish = {
  readonly manifest: Cid;
  readonly handle: string;
  readonly name: string;
  /** Called once for each node that holds it. */
  readonly onHeld: (holder: string) => void;
  readonly onLimit: (because: string) => void;
};

export type ValidatorLinkOptions = {
  readonly room: RelayedRoom;
  readonly roomId: RoomId;
  readonly group: Cid;
  readonly genesis: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  readonly verifier: Verifier;
  readonly log: Log;
  readonly self: LocalNode;
  readonly outbox: Outbox;
  readonly read: KnownOrderersOptions['read'];
  /** Something about the links changed. */
  readonly onChange: () => void;
  /** A certified height that somebody proved here. */
  readonly onHeight: (height: number) => void;
};

export class ValidatorLink {
  readonly #options: ValidatorLinkOptions;
  readonly #host: SessionHost;
  readonly #wishes = new Map<Cid, PinWish>();
  readonly #sendTurn = new WeakMap<Session, Promise<void>>();
  readonly #seen = new Set<Cid>();
  readonly #unsubscribe: () => void;
  readonly #timers = new Set<() => void>();
  /** Peers that offer to validate and do not order, as far as certified state says: whatever they say about an entry counts for nothing. */
  readonly #strangers = new Set<PeerId>();
  readonly #orderers: KnownOrderers;
  readonly #refusals = new Refusals();
  readonly #handed: HandedEntries;
  readonly #pace: ResendPace;
  /** Why everything waits: entries behind one that must wait are refused for the gap, which says nothing to a person. */
  #holdReason: Failure | null = null;
  #closed = false;

  constructor(options: ValidatorLinkOptions) {
    const { room, roomId, group, clock, random, verifier, log, self, outbox } = options;
    this.#options = options;
    this.#orderers = new KnownOrderers(options);
    this.#handed = new HandedEntries({ clock, cheats: () => this.#orderers.f });
    this.#pace = new ResendPace({ clock, resend: () => outbox.redeliver() });
    this.#host = new SessionHost({
      room,
      roomId,
      group,
      clock,
      random,
      verifier,
      log,
      self,
      accepts: false,
      events: {
        open: (session) => void this.#opened(session),
        message: (session, message) => this.#message(session, message),
        closed: (session) => this.#redialLater(session.peer),
      },
    });
    this.#unsubscribe = room.subscribe({
      peer: ({ id, services }) => {
        if ((services & SERVICE_VALIDATE) !== 0) this.#dial(id);
      },
      gone: (id) => this.#strangers.delete(id),
      offline: () => this.#strangers.clear(),
    });
    for (const { id, services } of room.peers) if ((services & SERVICE_VALIDATE) !== 0) this.#dial(id);
    outbox.onDeliver((entries) => {
      for (const session of this.#sessions) this.#submit(session, entries);
    });
    this.#remind();
  }

  /** Validators with an open session. */
  get connected(): number {
    return this.#sessions.length;
  }

  /** Whether a validator has this entry on its disk. */
  hasSeen(id: Cid): boolean {
    return this.#seen.has(id);
  }

  /** Hands in an entry that somebody else signed; what the validators answer. */
  async handIn({ id, bytes }: { readonly id: Cid; readonly bytes: Uint8Array }): ReturnType<HandedEntries['wait']> {
    const answer = this.#handed.wait(id);
    for (const session of this.#sessions) this.#send(session, { t: 'submit', entry: bytes });
    return await answer;
  }

  /** Asks every validator, now and after each reconnect, to keep a copy. */
  requestPin(wish: PinWish): void {
    this.#wishes.set(wish.manifest, wish);
    for (const session of this.#sessions) this.#sendWish(session, wish);
  }

  cancelPin(manifest: Cid): void {
    this.#wishes.delete(manifest);
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    for (const cancel of this.#timers) cancel();
    this.#pace.close();
    this.#options.outbox.onDeliver(() => {});
    this.#host.close();
  }

  get #sessions(): readonly Session[] {
    return this.#host.sessions.filter(({ peer }) => !this.#strangers.has(peer));
  }

  #dial(peer: PeerId): void {
    if (this.#closed || this.#strangers.has(peer)) return;
    void this.#host.dial(peer).then((opened) => {
      if (!opened.ok) this.#redialLater(peer);
    });
  }

  #redialLater(peer: PeerId): void {
    this.#options.onChange();
    this.#later(REDIAL_AFTER, () => {
      const present = this.#options.room.peers.some(({ id }) => id === peer);
      if (present) this.#dial(peer);
    });
  }

  /** What it says before it is known to order counts for nothing, and is said again with the next reminder. */
  async #opened(session: Session): Promise<void> {
    if (!this.#orderers.includes(session.identity)) {
      this.#strangers.add(session.peer);
      await this.#orderers.refresh();
      if (this.#closed) return;
      if (!this.#orderers.includes(session.identity)) {
        this.#options.log.warn('a stranger offers to validate', { identity: session.identity });
        return session.close('not_a_validator');
      }
      this.#strangers.delete(session.peer);
    }
    this.#options.room.proven.add(session.peer);
    this.#options.onChange();
    this.#submit(session, this.#options.outbox.pending);
    for (const wish of this.#wishes.values()) this.#sendWish(session, wish);
  }

  /** Other validators order from now on: who is none of them any more is not believed. */
  async #followEpoch(): Promise<void> {
    await this.#orderers.refresh();
    for (const session of this.#sessions) {
      if (this.#closed || this.#orderers.includes(session.identity)) continue;
      this.#strangers.add(session.peer);
      session.close('not_a_validator');
    }
  }

  /** In order, one at a time: a validator judges an entry by those before it. */
  #submit(session: Session, entries: readonly OwnEntry[]): void {
    for (const { bytes } of entries) this.#send(session, { t: 'submit', entry: bytes });
  }

  #sendWish(session: Session, { manifest, handle, name }: PinWish): void {
    this.#send(session, { t: 'pin', manifest, handle, name });
  }

  #send(session: Session, message: SessionMessage): void {
    const before = this.#sendTurn.get(session) ?? Promise.resolve();
    const next = before.then(async () => {
      const sent = await session.send(message);
      if (!sent.ok) this.#options.log.debug('not sent', { t: message.t, code: sent.error.code });
    });
    this.#sendTurn.set(session, next);
  }

  async #message(session: Session, message: SessionMessage): Promise<void> {
    const { onChange } = this.#options;
    if (this.#strangers.has(session.peer)) return;
    switch (message.t) {
      case 'seen':
        this.#seen.add(message.id);
        this.#handed.seen(message.id);
        this.#pace.taken(message.id);
        return onChange();
      case 'refused':
        return await this.#refused(session, message);
      case 'outcome':
        await this.#outcome(session, message);
        return onChange();
      case 'held':
        return this.#wishes.get(message.manifest)?.onHeld(session.device);
      case 'pinLimit':
        return this.#wishes.get(message.manifest)?.onLimit(message.because);
      case 'rtc':
        // An attempt that nobody answers ends by itself.
        return;
      case 'submit':
      case 'pin':
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
        session.close('not_a_validator');
        return;
    }
  }

  async #refused(
    { identity }: Session,
    { id, code, because }: Extract<SessionMessage, { t: 'refused' }>,
  ): Promise<void> {
    this.#handed.refused({ id, code, because }, identity);
    if (!this.#options.outbox.owes(id)) return;
    if (isCode(code) && codeWaits(code) && code !== 'clock_ahead') {
      this.#pace.refused(id, code);
      const why = code === 'seq_gap' && this.#pace.isHolding && this.#holdReason ? this.#holdReason : { code, because };
      this.#holdReason = why;
      this.#options.outbox.delay(id, why);
      return;
    }
    const { outbox } = this.#options;
    if (code !== 'clock_ahead' && !isLostBy(code, { orderers: this.#orderers.count })) return;
    if (!outbox.owes(id) || !this.#refusals.count(id, { by: identity, cheats: this.#orderers.f })) return;
    this.#pace.taken(id);
    this.#seen.delete(id);
    // An entry signed ahead of time would hold up the feed until that time has come: it is dropped, and said why.
    await outbox.settle(id, { code, because, height: null, changes: [] });
    this.#options.onChange();
  }

  async #outcome(session: Session, message: Extract<SessionMessage, { t: 'outcome' }>): Promise<void> {
    const { group, genesis, verifier, outbox, log } = this.#options;
    const { id } = message;
    const verified = await verifyOutcome({
      group,
      genesis,
      verifier,
      entry: id,
      outcome: { seals: [], ...message },
    });
    if (!verified.ok) {
      log.warn('an outcome does not verify', { code: verified.error.code });
      session.close('bad_outcome');
      return;
    }
    const { receipt: outcome, header: block } = verified.value;
    // Whoever reads what it just wrote must not take an answer from before.
    this.#options.onHeight(block.height);
    if (block.epoch > this.#orderers.epoch) void this.#followEpoch();
    this.#seen.delete(id);
    this.#pace.taken(id);
    const { code, changes } = outcome;
    const [because, { height }] = [describeReceipt(outcome), block];
    this.#handed.final({ id, state: 'final', height, code, because });
    await outbox.settle(id, { code, because, height, changes: [...changes] });
  }

  #remind(): void {
    this.#later(REMIND_EVERY, () => {
      const { outbox } = this.#options;
      const owed = outbox.pending.filter(({ id }) => !this.#pace.isHolding || !outbox.delayOf(id));
      for (const session of this.#sessions) this.#submit(session, owed);
      for (const wish of this.#wishes.values()) {
        for (const session of this.#sessions) this.#sendWish(session, wish);
      }
      this.#remind();
    });
  }

  #later(delay: Millis, task: () => void): void {
    const cancel = this.#options.clock.after(delay, () => {
      this.#timers.delete(cancel);
      if (!this.#closed) task();
    });
    this.#timers.add(cancel);
  }
}
