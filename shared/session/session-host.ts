// All sessions of a node in one room: dials peers, accepts those who dial, and bounds both.

import type { Cid } from '../codec/cid.ts';
import type { Result } from '../core/result.ts';
import type { Clock, KeyAgreement, Log, Random, Verifier } from '../platform/ports.ts';
import type { PayloadRoom } from './payload-room.ts';
import type { PeerId } from './relay-wire.ts';
import type { RoomId } from './room.ts';
import type { SessionEnd, SessionVia } from './session.ts';
import type { LocalNode, SessionProver } from './session-identity.ts';
import type { SessionMessage } from './session-messages.ts';
import type { SessionPayload, SessionRole } from './session-wire.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { cidToBytes } from '../codec/cid.ts';
import { concatBytes } from '../core/bytes.ts';
import { HANDSHAKES_PER_MINUTE } from '../core/limits.ts';
import { err, fail, ok } from '../core/result.ts';
import { createTokenBucket, perMinute, spendTokens, type TokenBucket } from '../core/token-bucket.ts';
import { startInitiator, startResponder } from '../crypto/noise.ts';
import { Reassembler } from './fragments.ts';
import { CHANNEL_SESSION } from './payload-room.ts';
import { Session } from './session.ts';
import { createSessionProver } from './session-identity.ts';
import { encodeSessionPayload, parseSessionPayload } from './session-wire.ts';

/** Handshakes that strangers may have under way here; each costs three key agreements and a little memory. */
const HALF_OPEN_MAX = 64;
const HALF_OPEN_PER_PEER_MAX = 4;
const SESSIONS_MAX = 1_024;
/** Sessions that one peer may have open here: one is enough, and a few outlast a tab that forgot the others. */
const SESSIONS_PER_PEER_MAX = 8;
const KEY_BYTES = 32;
/** SE2: public rooms have no secret. */
const PUBLIC_ROOM_PSK: Uint8Array = new Uint8Array(KEY_BYTES);

export type SessionEvents = {
  /** Both sides proved who they are; `session.role` says who dialled. */
  open?(session: Session): void;
  /** The next message of a session waits until this settles. */
  message?(session: Session, message: SessionMessage): void | Promise<void>;
  /** Only for sessions that were open. */
  closed?(session: Session, end: SessionEnd): void;
};

export type SessionHostOptions = {
  readonly room: PayloadRoom;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly verifier: Verifier;
  /** The platform's, where it has one. */
  readonly agreement?: KeyAgreement | null;
  readonly group: Cid;
  readonly roomId: RoomId;
  readonly self: LocalNode;
  /** Whether others may dial this node. */
  readonly accepts: boolean;
  readonly events: SessionEvents;
  /** The 32 bytes of a private room's secret; zeros (the default) in a public one. */
  readonly psk?: Uint8Array;
  /** What else both sides must see alike, after group and room: the fingerprints of a direct link (SE12). */
  readonly prologue?: Uint8Array;
  /** False on a link that encrypts itself: records ride in the clear once it is known who is there (SE13). */
  readonly encrypted?: boolean;
  /** `relay` unless told. */
  readonly via?: SessionVia;
};

type Dial = { readonly session: Session; readonly opened: Promise<Result<Session, SessionEnd>> };

export class SessionHost {
  readonly #options: SessionHostOptions;
  readonly #prover: SessionProver;
  readonly #prologue: Uint8Array;
  readonly #sessionsByKey = new Map<string, Session>();
  readonly #dialsByPeer = new Map<PeerId, Dial>();
  readonly #settleDial = new Map<Session, (outcome: Result<Session, SessionEnd>) => void>();
  readonly #opened = new Set<Session>();
  readonly #handshakesByPeer = new Map<PeerId, TokenBucket>();
  readonly #unfinished = new Reassembler();
  readonly #unsubscribe: () => void;
  #nextSlot = 0;

  constructor(options: SessionHostOptions) {
    this.#options = options;
    this.#prover = createSessionProver({ self: options.self, verifier: options.verifier });
    const { group, roomId, prologue = new Uint8Array(0) } = options;
    this.#prologue = concatBytes(cidToBytes(group), encodeUtf8(roomId), prologue);
    this.#unsubscribe = options.room.subscribe({
      payload: (from, payload) => {
        if (payload[0] === CHANNEL_SESSION) this.#receive(from, payload);
      },
      gone: (peer) => {
        this.#handshakesByPeer.delete(peer);
        this.#endAll('peer_gone', 'The other side left the room.', peer);
      },
      offline: () => {
        this.#handshakesByPeer.clear();
        this.#endAll('offline', 'The connection to the relay ended.');
      },
    });
  }

  /** Open sessions, whoever dialled. */
  get sessions(): readonly Session[] {
    return [...this.#opened];
  }

  /** Opens a session, or answers with the one this side already dialled to that peer. */
  dial(peer: PeerId): Promise<Result<Session, SessionEnd>> {
    const known = this.#dialsByPeer.get(peer);
    if (known !== undefined) return known.opened;
    if (this.#sessionsByKey.size >= SESSIONS_MAX) {
      return Promise.resolve(fail('too_many_sessions', 'This node has no room for another session.'));
    }
    const id = new DataView(this.#options.random.bytes(4).buffer).getUint32(0);
    const session = this.#createSession(peer, id, 'initiator');
    const opened = new Promise<Result<Session, SessionEnd>>((resolve) => this.#settleDial.set(session, resolve));
    this.#dialsByPeer.set(peer, { session, opened });
    return opened;
  }

  close(): void {
    this.#unsubscribe();
    for (const session of this.#sessionsByKey.values()) session.close();
  }

  #receive(from: PeerId, bytes: Uint8Array): void {
    const payload = parseSessionPayload(bytes);
    if (!payload.ok) return this.#options.log.debug('session_payload_dropped', { code: payload.error.code });
    const { kind, sender, session: id } = payload.value;
    const role: SessionRole = sender === 'initiator' ? 'responder' : 'initiator';
    const session = this.#sessionsByKey.get(keyOf(from, id, role));
    if (session !== undefined) return session.receive(payload.value);
    if (kind === 'unknown') return;
    if (kind === 'handshake' && role === 'responder' && this.#mayAccept(from)) {
      return this.#createSession(from, id, role).receive(payload.value);
    }
    this.#sayUnknown(from, { role, id });
  }

  /**
   * SE5: nobody can fill this node alone, with handshakes they do not finish or with sessions they do not need. A new
   * handshake takes the place of the oldest unfinished one of the same peer, or of the peer that has most of them.
   */
  #mayAccept(from: PeerId): boolean {
    if (!this.#options.accepts || !this.#mayDial(from)) return false;
    const accepted = [...this.#sessionsByKey.values()].filter(({ role }) => role === 'responder');
    const halfOpen = accepted.filter((session) => !this.#opened.has(session));
    const ownHalfOpen = halfOpen.filter(({ peer }) => peer === from);
    const own = accepted.filter(({ peer }) => peer === from);
    if (own.length >= SESSIONS_PER_PEER_MAX || ownHalfOpen.length >= HALF_OPEN_PER_PEER_MAX) {
      return this.#evictOldest(ownHalfOpen);
    }
    const isFull = halfOpen.length >= HALF_OPEN_MAX || this.#sessionsByKey.size >= SESSIONS_MAX;
    return !isFull || this.#evictOldest(ofBusiestPeer(halfOpen));
  }

  #mayDial(from: PeerId): boolean {
    const now = this.#options.clock.now();
    const known = this.#handshakesByPeer.get(from);
    const bucket = known ?? createTokenBucket(perMinute(HANDSHAKES_PER_MINUTE), now);
    if (!known) this.#handshakesByPeer.set(from, bucket);
    for (const oldest of this.#handshakesByPeer.keys()) {
      if (this.#handshakesByPeer.size <= SESSIONS_MAX) break;
      this.#handshakesByPeer.delete(oldest);
    }
    return spendTokens(bucket, 1, now);
  }

  #evictOldest([oldest]: readonly Session[]): boolean {
    if (!oldest) return false;
    oldest.end('too_many_sessions', 'Another handshake took the place of this one.');
    this.#sayUnknown(oldest.peer, oldest);
    return true;
  }

  #sayUnknown(to: PeerId, session: { role: SessionRole; id: number }): void {
    const payload: SessionPayload = {
      kind: 'unknown',
      sender: session.role,
      session: session.id,
      body: new Uint8Array(0),
    };
    void this.#options.room.send(to, encodeSessionPayload(payload));
  }

  #createSession(peer: PeerId, id: number, role: SessionRole): Session {
    const { room, clock, random, events, psk = PUBLIC_ROOM_PSK, via = 'relay', encrypted = true } = this.#options;
    const key = keyOf(peer, id, role);
    const staticSeed = random.bytes(KEY_BYTES);
    const ephemeralSeed = random.bytes(KEY_BYTES);
    const noiseKeys = { psk, prologue: this.#prologue, staticSeed, ephemeralSeed };
    const session = new Session({
      room,
      clock,
      peer,
      id,
      role,
      via,
      encrypted,
      agreement: this.#options.agreement ?? null,
      handshake: role === 'initiator' ? startInitiator(noiseKeys) : startResponder(noiseKeys),
      prover: this.#prover,
      unfinished: this.#unfinished,
      slot: this.#nextSlot++,
      events: {
        opened: (opened) => {
          this.#opened.add(opened);
          this.#options.log.debug('session_open', { role, device: opened.device });
          events.open?.(opened);
          this.#settle(opened, ok(opened));
        },
        message: (from, message) => events.message?.(from, message),
        ended: (ended, end) => {
          this.#sessionsByKey.delete(key);
          if (this.#dialsByPeer.get(peer)?.session === ended) this.#dialsByPeer.delete(peer);
          this.#options.log.debug('session_ended', { role, code: end.code });
          this.#settle(ended, err(end));
          if (this.#opened.delete(ended)) events.closed?.(ended, end);
        },
      },
    });
    this.#sessionsByKey.set(key, session);
    return session;
  }

  #settle(session: Session, outcome: Result<Session, SessionEnd>): void {
    this.#settleDial.get(session)?.(outcome);
    this.#settleDial.delete(session);
  }

  #endAll(code: SessionEnd['code'], because: string, peer?: PeerId): void {
    for (const session of this.#sessionsByKey.values()) {
      if (peer === undefined || session.peer === peer) session.end(code, because);
    }
  }
}

/** Oldest first. */
function ofBusiestPeer(sessions: readonly Session[]): readonly Session[] {
  const byPeer = Map.groupBy(sessions, ({ peer }) => peer);
  return [...byPeer.values()].reduce((most, own) => (own.length > most.length ? own : most), []);
}

function keyOf(peer: PeerId, id: number, role: SessionRole): string {
  return `${role}:${peer}:${id}`;
}
