// One session: a Noise handshake, who each side is, then messages with flow control (docs/protocol/sessions.md). Ends on the
// first byte that is not what the other side sent.

import type { Result } from '../core/result.ts';
import type { NoiseHandshake, NoiseTransport } from '../crypto/noise-handshake.ts';
import type { Identity } from '../crypto/ids.ts';
import type { Clock, KeyAgreement, PublicKey } from '../platform/ports.ts';
import type { Reassembler } from './fragments.ts';
import type { PayloadRoom } from './payload-room.ts';
import type { PeerId } from './relay-wire.ts';
import type { RemoteNode, SessionProver } from './session-identity.ts';
import type { SessionFrame, SessionMessage } from './session-messages.ts';
import type { SessionPayload, SessionRole } from './session-wire.ts';
import { assert } from '../core/assert.ts';
import { err, ok } from '../core/result.ts';
import { messageOf } from '../core/message-of.ts';
import { splitMessage } from './fragments.ts';
import { decodeSessionFrame, encodeSessionFrame } from './session-messages.ts';
import {
  encodeSessionPayload,
  padFragment,
  RECORD_FRAGMENT_BYTES_MAX,
  SESSION_HEADER_BYTES,
  unpadFragment,
} from './session-wire.ts';

/** A handshake that has not led to an open session by then is given up, ms. */
const HANDSHAKE_WAIT = 10_000;
/** SE6: bytes of messages under way before the other side gives credit; the largest message fits twice. */
const WINDOW_BYTES: number = 2 * 1024 * 1024;
const CREDIT_AT_BYTES: number = WINDOW_BYTES / 4;
/** Control frames come on top of the window. */
const CONTROL_BYTES_MAX: number = 16 * 1024;
/** Messages waiting for credit, in bytes; beyond it a sender is told to wait. */
const OUTBOX_BYTES_MAX: number = 4 * 1024 * 1024;
const MESSAGE_ID_MAX = 0xffff;
/** Payloads that may come while keys are agreed on: the other side's proof of who it is, and what it says when it gives up. */
const EARLY_PAYLOADS_MAX = 4;

/**
 * Why a session ended. `closed`: this side ended it; `ended_by_peer`: the other side said so; `record_refused`: something on
 * the way changed, repeated, reordered or dropped a record; `unknown_session`: the other side lost it or has no room for it.
 */
export type SessionEndCode =
  | 'closed'
  | 'ended_by_peer'
  | 'peer_gone'
  | 'offline'
  | 'link_full'
  | 'handshake_timeout'
  | 'bad_handshake'
  | 'bad_identity'
  | 'record_refused'
  | 'bad_message'
  | 'flow_violation'
  | 'unknown_session'
  | 'too_many_sessions';
export type SessionEnd = { readonly code: SessionEndCode; readonly because: string };

/** What carries it: a relay's room, a channel between two browsers, or a port inside one. */
export type SessionVia = 'relay' | 'direct' | 'port';

export type SessionSendFailure = SessionEnd | { readonly code: 'busy'; readonly because: string };

export type SessionParts = {
  readonly room: PayloadRoom;
  readonly clock: Clock;
  readonly peer: PeerId;
  readonly id: number;
  readonly role: SessionRole;
  readonly via: SessionVia;
  /** SE13: false where the link encrypts itself. */
  readonly encrypted: boolean;
  readonly handshake: NoiseHandshake;
  /** Null: keys are agreed on in JavaScript. */
  readonly agreement: KeyAgreement | null;
  readonly prover: SessionProver;
  /** Shared by all sessions of a host, so that its bound holds for them together; `slot` is this one's place in it. */
  readonly unfinished: Reassembler;
  readonly slot: number;
  readonly events: {
    opened(session: Session): void;
    /** Credit is given when it settles; a rejection is a bug of the host's and ends the session. */
    message(session: Session, message: SessionMessage): void | Promise<void>;
    ended(session: Session, end: SessionEnd): void;
  };
};

type Phase =
  | { readonly name: 'handshake' }
  | { readonly name: 'identifying'; readonly transport: NoiseTransport }
  | { readonly name: 'open'; readonly transport: NoiseTransport }
  | { readonly name: 'ended'; readonly end: SessionEnd };

type Waiting = { readonly bytes: Uint8Array; readonly settle: (sent: Result<null, SessionSendFailure>) => void };
type Received = { readonly frame: SessionFrame; readonly size: number };

export class Session {
  readonly peer: PeerId;
  readonly role: SessionRole;
  readonly via: SessionVia;
  readonly id: number;
  readonly #parts: SessionParts;
  readonly #cancelTimer: () => void;
  readonly #inbox: Received[] = [];
  readonly #outbox: Waiting[] = [];
  #phase: Phase = { name: 'handshake' };
  /** Steps of the handshake under way, and what came meanwhile. */
  #steps = 0;
  readonly #early: SessionPayload[] = [];
  #remote: RemoteNode | null = null;
  #working = false;
  #pumping = false;
  #outboxBytes = 0;
  /** Sent and not credited; received and not credited; dealt with and not credited. */
  #inFlight = 0;
  #held = 0;
  #owed = 0;
  #nextMessageId = 0;
  /** SE13: the first record each way is encrypted on every link. */
  #seals = true;
  #opens = true;
  #bytesFrom = 0;
  #bytesTo = 0;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.peer = parts.peer;
    this.role = parts.role;
    this.via = parts.via;
    this.id = parts.id;
    this.#cancelTimer = parts.clock.after(HANDSHAKE_WAIT, () => {
      this.end('handshake_timeout', 'The other side did not finish the handshake in time.');
    });
    if (parts.role === 'initiator') this.#writeHandshake();
  }

  get state(): Phase['name'] {
    return this.#phase.name;
  }

  /** Bytes of payloads that came from the other side, whatever became of them. */
  get bytesFrom(): number {
    return this.#bytesFrom;
  }

  /** Bytes of payloads handed to the room for the other side. */
  get bytesTo(): number {
    return this.#bytesTo;
  }

  /** Known once the session was open. */
  get identity(): Identity {
    assert(this.#remote !== null, 'the other side has not said who it is');
    return this.#remote.identity;
  }

  get device(): PublicKey {
    assert(this.#remote !== null, 'the other side has not said who it is');
    return this.#remote.device;
  }

  /** Resolves when the message is on its way. That it arrived is for answers to say. */
  send(message: SessionMessage): Promise<Result<null, SessionSendFailure>> {
    if (this.#phase.name === 'ended') return Promise.resolve(err(this.#phase.end));
    assert(this.#phase.name === 'open', 'messages are sent on open sessions');
    const bytes = encodeSessionFrame(message);
    if (this.#outboxBytes + bytes.length > OUTBOX_BYTES_MAX) {
      return Promise.resolve(err({ code: 'busy', because: 'Too much waits for the other side; send it later.' }));
    }
    this.#outboxBytes += bytes.length;
    return new Promise((settle) => {
      this.#outbox.push({ bytes, settle });
      void this.#pump();
    });
  }

  /** Ends it, telling the other side why. */
  close(code = 'closed'): void {
    if (this.#phase.name === 'open') this.#sendNow({ t: 'bye', code });
    this.end('closed', 'This side ended the session.');
  }

  receive(payload: SessionPayload): void {
    this.#bytesFrom += SESSION_HEADER_BYTES + payload.body.length;
    if (this.#steps === 0) return this.#take(payload);
    if (this.#early.push(payload) > EARLY_PAYLOADS_MAX) {
      this.end('bad_handshake', 'The other side did not wait for the handshake.');
    }
  }

  #take(payload: SessionPayload): void {
    switch (payload.kind) {
      case 'unknown':
        return this.end('unknown_session', 'The other side does not know this session; open another one.');
      case 'handshake':
        return this.#readHandshake(payload.body);
      case 'record':
        return this.#readRecord(payload.body);
    }
  }

  /** Ends it without a word to the other side. */
  end(code: SessionEndCode, because: string): void {
    if (this.#phase.name === 'ended') return;
    const end = { code, because };
    this.#phase = { name: 'ended', end };
    this.#cancelTimer();
    this.#parts.unfinished.forget(this.#parts.slot);
    this.#inbox.length = 0;
    this.#early.length = 0;
    for (const { settle } of this.#outbox.splice(0)) settle(err(end));
    this.#parts.events.ended(this, end);
  }

  #writeHandshake(): void {
    const { handshake, agreement } = this.#parts;
    const nothing = new Uint8Array(0);
    if (!agreement) return this.#written(handshake.writeMessage(nothing));
    this.#step(async () => this.#written(await handshake.writeMessageBy(agreement, nothing)));
  }

  #written(message: ReturnType<NoiseHandshake['writeMessage']>): void {
    if (this.#phase.name !== 'handshake') return;
    if (!message.ok) return this.end('bad_handshake', message.error.because);
    this.#run(this.#sendPayload('handshake', message.value));
    this.#finishHandshake();
  }

  #readHandshake(body: Uint8Array): void {
    const { handshake, agreement } = this.#parts;
    if (this.#phase.name !== 'handshake') return this.end('bad_handshake', 'A handshake message was repeated.');
    if (!agreement) return this.#heard(handshake.readMessage(body));
    this.#step(async () => this.#heard(await handshake.readMessageBy(agreement, body)));
  }

  #heard(read: ReturnType<NoiseHandshake['readMessage']>): void {
    if (this.#phase.name !== 'handshake') return;
    if (!read.ok) return this.end('bad_handshake', read.error.because);
    if (read.value.length > 0) return this.end('bad_handshake', 'A handshake message carried something.');
    if (this.#parts.handshake.isFinished()) this.#finishHandshake();
    else this.#writeHandshake();
  }

  #finishHandshake(): void {
    const { handshake, role } = this.#parts;
    if (this.state === 'ended' || !handshake.isFinished()) return;
    this.#phase = { name: 'identifying', transport: handshake.split() };
    if (role === 'initiator') this.#run(this.#introduce());
  }

  /** What comes meanwhile is read after it, in order. */
  #step(work: () => Promise<void>): void {
    this.#steps++;
    const done = work().finally(() => {
      this.#steps--;
      while (this.#steps === 0 && this.#early.length > 0) this.#take(this.#early.shift()!);
    });
    this.#run(done);
  }

  /** SE3, SE4: the initiator says first who it is. */
  async #introduce(): Promise<void> {
    if (this.#phase.name !== 'identifying') return;
    const frame = await this.#parts.prover.prove({
      handshakeHash: this.#phase.transport.handshakeHash,
      role: this.role,
    });
    this.#sendNow(frame);
  }

  #readRecord(body: Uint8Array): void {
    if (this.#phase.name !== 'identifying' && this.#phase.name !== 'open') {
      return this.end('bad_handshake', 'A record came before the handshake was finished.');
    }
    let fragment = body;
    if (this.#opens) {
      const plaintext = this.#phase.transport.receive.decrypt(body);
      if (!plaintext.ok) return this.end('record_refused', plaintext.error.because);
      const unpadded = unpadFragment(plaintext.value);
      if (!unpadded.ok) return this.end('bad_message', unpadded.error.because);
      fragment = unpadded.value;
      this.#opens = this.#parts.encrypted;
    }
    const message = this.#parts.unfinished.push(this.#parts.slot, fragment);
    if (!message.ok) return this.end('bad_message', message.error.because);
    if (message.value === null) return;
    const frame = decodeSessionFrame(message.value);
    if (!frame.ok) return this.end('bad_message', frame.error.because);
    this.#accept({ frame: frame.value, size: message.value.length });
  }

  #accept(received: Received): void {
    const { frame, size } = received;
    if (frame.t === 'credit') {
      // At once: a handler that waits for this credit may be what keeps the inbox busy.
      if (frame.bytes > this.#inFlight)
        return this.end('flow_violation', 'The other side gave more credit than it owed.');
      this.#inFlight -= frame.bytes;
      return void this.#pump();
    }
    this.#held += size;
    const stranger = this.#phase.name === 'identifying' && this.role === 'responder';
    if (this.#held > CONTROL_BYTES_MAX + (stranger ? 0 : WINDOW_BYTES)) {
      return this.end('flow_violation', 'The other side sent more than its window.');
    }
    this.#inbox.push(received);
    this.#run(this.#work());
  }

  /** One message after the other, in order. */
  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) await this.#deal(next);
    } finally {
      this.#working = false;
    }
  }

  async #deal({ frame, size }: Received): Promise<void> {
    if (this.#phase.name === 'identifying') return this.#meet(frame);
    if (this.#phase.name !== 'open') return;
    if (frame.t === 'bye') return this.end('ended_by_peer', `The other side ended the session: ${frame.code}.`);
    if (frame.t === 'identity' || frame.t === 'credit') return this.end('bad_message', 'A frame came out of turn.');
    await this.#parts.events.message(this, frame);
    this.#owed += size;
    if (this.#owed < CREDIT_AT_BYTES) return;
    this.#held -= this.#owed;
    this.#sendNow({ t: 'credit', bytes: this.#owed });
    this.#owed = 0;
  }

  /** The first frame of the other side: until it is verified, nothing else of it counts. */
  async #meet(frame: SessionFrame): Promise<void> {
    if (this.#phase.name !== 'identifying') return;
    if (frame.t !== 'identity') return this.end('bad_identity', 'The other side did not say who it is.');
    const { transport } = this.#phase;
    const role = this.role === 'initiator' ? 'responder' : 'initiator';
    const remote = await this.#parts.prover.check(frame, { handshakeHash: transport.handshakeHash, role });
    if (!remote.ok) return this.end('bad_identity', remote.error.because);
    if (this.role === 'responder') await this.#introduce();
    if (this.#phase.name !== 'identifying') return;
    this.#phase = { name: 'open', transport };
    this.#remote = remote.value;
    this.#cancelTimer();
    this.#parts.events.opened(this);
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    for (;;) {
      const [next] = this.#outbox;
      if (next === undefined || this.#inFlight + next.bytes.length > WINDOW_BYTES) break;
      this.#outbox.shift();
      this.#outboxBytes -= next.bytes.length;
      this.#inFlight += next.bytes.length;
      for (const fragment of this.#split(next.bytes)) await this.#sendFragment(fragment);
      next.settle(this.#phase.name === 'ended' ? err(this.#phase.end) : ok(null));
    }
    this.#pumping = false;
  }

  /** Control frames fit one record and do not wait for messages, whose credit may depend on them. */
  #sendNow(frame: SessionFrame): void {
    for (const fragment of this.#split(encodeSessionFrame(frame))) void this.#sendFragment(fragment);
  }

  #split(message: Uint8Array): Uint8Array[] {
    const id = this.#nextMessageId;
    this.#nextMessageId = (id + 1) & MESSAGE_ID_MAX;
    return splitMessage(message, { id, fragmentBytesMax: RECORD_FRAGMENT_BYTES_MAX });
  }

  /** Encrypts and hands over in one go, so that records leave in the order of their counters. */
  #sendFragment(fragment: Uint8Array): Promise<void> {
    if (this.#phase.name !== 'identifying' && this.#phase.name !== 'open') return Promise.resolve();
    const record = this.#seals ? this.#phase.transport.send.encrypt(padFragment(fragment)) : fragment;
    this.#seals = this.#parts.encrypted;
    return this.#sendPayload('record', record);
  }

  async #sendPayload(kind: SessionPayload['kind'], body: Uint8Array): Promise<void> {
    const payload = encodeSessionPayload({ kind, sender: this.role, session: this.id, body });
    this.#bytesTo += payload.length;
    const outcome = await this.#parts.room.send(this.peer, payload);
    if (outcome === 'offline') this.end('offline', 'The connection to the relay ended.');
    if (outcome === 'queue_full') this.end('link_full', 'The relay takes messages too slowly.');
  }

  #run(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (this.#phase.name === 'open') this.#sendNow({ t: 'bye', code: 'failed' });
      this.end('closed', `This side failed: ${messageOf(error)}.`);
    });
  }
}
