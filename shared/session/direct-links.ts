// Upgrades sessions over a relay to direct ones, one attempt per device at a time, and tries again after a loss
// (docs/protocol/direct-links.md). The session over the relay stays: whatever has no direct one uses it.

import type { Millis } from '../core/brand.ts';
import type { Failure } from '../core/result.ts';
import type { PublicKey } from '../platform/ports.ts';
import type { DirectMode } from './direct-switch.ts';
import type { SessionMessage } from './session-messages.ts';
import type { Session } from './session.ts';
import { createTokenBucket, perMinute, spendTokens, type TokenBucket } from '../core/token-bucket.ts';
import {
  DirectAttempt,
  type AttemptSetting,
  type DirectEndCode,
  type DirectSession,
  type RtcMessage,
} from './direct-attempt.ts';

/** DL6: pause after the first attempt that failed, and the longest. */
const RETRY_DELAY_MIN: Millis = 5_000;
const RETRY_DELAY_MAX: Millis = 5 * 60_000;
/** A direct session that lived this long was a good one: its loss is followed by an attempt at once. */
const STABLE_AFTER: Millis = 10_000;

/** Offers of one device that are looked at: each costs the page a connection. An honest one makes a few, after losses. */
const OFFERS_PER_MINUTE = 12;

export type DirectLinksOptions = AttemptSetting & {
  readonly direct: DirectMode;
  /** Whether a direct link would show this node's address to somebody who may know it. */
  mayConnect(session: Session): boolean;
  readonly events: {
    /** Both sides proved who they are; it is the same device as that of a session over a relay. */
    open?(direct: DirectSession): void;
    /** As in SessionEvents: the next message waits until this settles. */
    message?(session: Session, message: SessionMessage): void | Promise<void>;
    /** Only for sessions that were open. */
    closed?(session: Session, end: Failure<DirectEndCode>): void;
  };
};

type Peer = {
  readonly device: PublicKey;
  /** Open sessions over relays, oldest first. */
  readonly relayed: Set<Session>;
  attempt: DirectAttempt | null;
  open: (DirectSession & { readonly since: Millis }) | null;
  cancelRetry: (() => void) | null;
  failures: number;
  readonly offers: TokenBucket;
};

export class DirectLinks {
  readonly #options: DirectLinksOptions;
  readonly #peers = new Map<PublicKey, Peer>();
  #direct: DirectMode;

  constructor(options: DirectLinksOptions) {
    this.#options = options;
    this.#direct = options.direct;
  }

  /** The direct session with a device, if one is open. */
  sessionOf(device: PublicKey): DirectSession | null {
    return this.#peers.get(device)?.open ?? null;
  }

  get sessions(): readonly DirectSession[] {
    return [...this.#peers.values()].flatMap(({ open }) => open ?? []);
  }

  /** A session over a relay is open: its `rtc` messages go to `take`, its end to `relayClosed`. */
  relayOpened(session: Session): void {
    const { device } = session;
    if (device === this.#options.self.signer.key) return;
    const peer = this.#peers.get(device) ?? {
      device,
      relayed: new Set<Session>(),
      attempt: null,
      open: null,
      cancelRetry: null,
      failures: 0,
      offers: createTokenBucket(perMinute(OFFERS_PER_MINUTE), this.#options.clock.now()),
    };
    this.#peers.set(device, peer);
    peer.relayed.add(session);
    peer.failures = 0;
    this.#consider(peer);
  }

  /** A direct session outlives it. */
  relayClosed(session: Session): void {
    const peer = this.#peers.get(session.device);
    if (!peer?.relayed.delete(session)) return;
    if (peer.relayed.size === 0) peer.cancelRetry?.();
    this.#forgetIfGone(peer);
  }

  /** DL2. */
  take(session: Session, message: RtcMessage): void {
    const peer = this.#peers.get(session.device);
    if (!peer?.relayed.has(session)) return;
    switch (message.kind) {
      case 'offer':
        return this.#answer(peer, session, message);
      case 'answer':
        if (peer.attempt?.id === message.attempt) void peer.attempt.accept(message.sdp);
        return;
      case 'decline':
        if (peer.attempt?.id === message.attempt) peer.attempt.declined();
        return;
    }
  }

  /** Turns direct links on or off; those that are open end. */
  setMode(direct: DirectMode): void {
    if (direct === this.#direct) return;
    this.#direct = direct;
    for (const peer of this.#peers.values()) {
      if (direct === 'members') this.#consider(peer);
      else this.#stop(peer, 'Direct connections were turned off.');
    }
  }

  /** Ends the direct link to a device that may not have one any more. */
  disconnect(device: PublicKey, because: string): void {
    const peer = this.#peers.get(device);
    if (peer) this.#stop(peer, because);
  }

  /** Who may connect has changed: links that may not be any more end, and those that may be now are offered. */
  reconsider(): void {
    for (const peer of this.#peers.values()) {
      if (peer.open && !this.#mayConnect(peer.open.session)) this.#stop(peer, 'This member may not connect any more.');
      else this.#consider(peer);
    }
  }

  close(): void {
    this.#direct = 'off';
    for (const peer of this.#peers.values()) this.#stop(peer, 'This node ended.');
    this.#peers.clear();
  }

  /** The one place that decides whether this node offers. */
  #consider(peer: Peer): void {
    if (peer.attempt || peer.open || peer.cancelRetry || !this.#mayOffer(peer)) return;
    const id = new DataView(this.#options.random.bytes(4).buffer).getUint32(0);
    void this.#begin(peer, 'offerer', id).offer();
  }

  #mayOffer({ device, relayed }: Peer): boolean {
    return this.#options.self.signer.key < device && [...relayed].some((session) => this.#mayConnect(session));
  }

  #mayConnect(session: Session): boolean {
    return this.#direct === 'members' && this.#options.mayConnect(session);
  }

  #answer(peer: Peer, session: Session, { attempt, sdp }: RtcMessage): void {
    const isTheirs = peer.device < this.#options.self.signer.key;
    const mayOffer = isTheirs && spendTokens(peer.offers, 1, this.#options.clock.now());
    if (!mayOffer || !this.#mayConnect(session)) {
      void session.send({ t: 'rtc', kind: 'decline', attempt, sdp: '' });
      return;
    }
    // Who offers again has lost what was before.
    peer.attempt?.end('The other side began anew.');
    void this.#begin(peer, 'answerer', attempt).answer(sdp);
  }

  /** The attempt stays where it is for as long as its session is open. */
  #begin(peer: Peer, role: DirectAttempt['role'], id: number): DirectAttempt {
    const { events, clock, log } = this.#options;
    const attempt: DirectAttempt = new DirectAttempt({
      setting: this.#options,
      device: peer.device,
      role,
      id,
      events: {
        say: (message) => this.#say(peer, message),
        opened: (direct) => {
          peer.open = { ...direct, since: clock.now() };
          log.debug('direct_open', { role, device: peer.device });
          events.open?.(direct);
        },
        message: (session, message) => events.message?.(session, message),
        ended: (end) => {
          if (peer.attempt === attempt) peer.attempt = null;
          log.debug('direct_ended', { role, code: end.code, because: end.because });
          this.#ended(peer, role, end);
        },
      },
    });
    peer.attempt = attempt;
    return attempt;
  }

  #say({ relayed }: Peer, message: RtcMessage): boolean {
    const session = [...relayed].at(-1);
    void session?.send(message);
    return session !== undefined;
  }

  /** DL6. */
  #ended(peer: Peer, role: DirectAttempt['role'], end: Failure<DirectEndCode>): void {
    const { clock, events } = this.#options;
    const lost = peer.open;
    peer.open = null;
    const wasGood = lost !== null && clock.now() - lost.since >= STABLE_AFTER;
    peer.failures = wasGood ? 0 : peer.failures + 1;
    if (role === 'offerer' && end.code !== 'declined') {
      const delay = wasGood ? 0 : Math.min(RETRY_DELAY_MAX, RETRY_DELAY_MIN * 2 ** Math.min(peer.failures - 1, 16));
      peer.cancelRetry?.();
      const cancel = clock.after(delay, () => {
        peer.cancelRetry = null;
        this.#consider(peer);
      });
      peer.cancelRetry = () => {
        cancel();
        peer.cancelRetry = null;
      };
    }
    if (lost) events.closed?.(lost.session, end);
    this.#forgetIfGone(peer);
  }

  #stop(peer: Peer, because: string): void {
    peer.attempt?.end(because);
    peer.cancelRetry?.();
  }

  #forgetIfGone(peer: Peer): void {
    if (peer.relayed.size > 0 || peer.open || peer.attempt) return;
    peer.cancelRetry?.();
    this.#peers.delete(peer.device);
  }
}
