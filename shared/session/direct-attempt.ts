// One attempt to open a direct session, from the first description to the moment both sides proved who they are (DL2–DL6).

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Clock, KeyAgreement, Log, PublicKey, Random, Verifier } from '../platform/ports.ts';
import type { DirectConnector, DirectOffer, DirectPipe } from './direct-pipe.ts';
import type { RoomId } from './room.ts';
import type { LocalNode } from './session-identity.ts';
import type { SessionMessage } from './session-messages.ts';
import type { Session, SessionEnd } from './session.ts';
import { concatBytes } from '../core/bytes.ts';
import { fail, ok } from '../core/result.ts';
import { messageOf } from '../core/message-of.ts';
import { readFingerprint } from './description.ts';
import { createLinkRoom, LINK_PEER, type LinkRoom } from './link-room.ts';
import { SessionHost } from './session-host.ts';

/** DL6: descriptions, candidates and the handshake together take less than a second where they work. */
const ATTEMPT_WAIT: Millis = 20_000;

export type RtcMessage = Extract<SessionMessage, { t: 'rtc' }>;

/** What every attempt of a node needs. */
export type AttemptSetting = {
  readonly connector: DirectConnector;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly verifier: Verifier;
  readonly agreement?: KeyAgreement | null;
  readonly group: Cid;
  readonly roomId: RoomId;
  readonly self: LocalNode;
  /** The secret of a private group's room. */
  readonly psk?: Uint8Array;
};

export type AttemptEvents = {
  /** Says it over the relay; false when no session is there to say it in. */
  say(message: RtcMessage): boolean;
  opened(direct: DirectSession): void;
  message(session: Session, message: SessionMessage): void | Promise<void>;
  /** Whether it was open before or not; once, and nothing after it. */
  ended(end: Failure<DirectEndCode>): void;
};

export type DirectEndCode = SessionEnd['code'] | 'declined' | 'bad_description' | 'not_connected' | 'attempt_timeout';

export type DirectSession = {
  readonly session: Session;
  /** Authenticated by the session: frames of public reads. */
  readonly bulk: LinkRoom;
};

type Sides = { readonly offer: string; readonly answer: string };

export class DirectAttempt {
  readonly id: number;
  readonly role: 'offerer' | 'answerer';
  readonly #setting: AttemptSetting;
  readonly #device: PublicKey;
  readonly #events: AttemptEvents;
  readonly #cancelTimer: () => void;
  /** What to undo when it ends, whatever has been reached. */
  readonly #undo: (() => void)[] = [];
  #offered: DirectOffer | null = null;
  #isOpen = false;
  #ended = false;

  constructor(given: {
    setting: AttemptSetting;
    /** Whose session over the relay asked for it. */
    device: PublicKey;
    role: DirectAttempt['role'];
    id: number;
    events: AttemptEvents;
  }) {
    this.id = given.id;
    this.role = given.role;
    this.#setting = given.setting;
    this.#device = given.device;
    this.#events = given.events;
    this.#cancelTimer = given.setting.clock.after(ATTEMPT_WAIT, () => {
      this.#fail('attempt_timeout', 'No direct connection came about in time.');
    });
  }

  /** The offerer's first step. */
  async offer(): Promise<void> {
    const offered = await this.#orFail(this.#setting.connector.offer());
    if (!offered) return;
    if (this.#ended) return offered.cancel();
    this.#undo.push(() => offered.cancel());
    this.#offered = offered;
    this.#say('offer', offered.sdp);
  }

  /** The answerer's first step. */
  async answer(offer: string): Promise<void> {
    if (!this.#check(readFingerprint(offer))) return;
    const answered = await this.#orFail(this.#setting.connector.answer(offer));
    if (!answered) return;
    answered.pipe.catch(() => undefined);
    if (this.#ended) return answered.cancel();
    this.#undo.push(() => answered.cancel());
    this.#say('answer', answered.sdp);
    await this.#connect(answered.pipe, { offer, answer: answered.sdp });
  }

  /** The offerer's second step. */
  async accept(answer: string): Promise<void> {
    const offered = this.#offered;
    this.#offered = null;
    // A second answer, or one before the offer left, says nothing new.
    if (!offered || this.#ended || !this.#check(readFingerprint(answer))) return;
    await this.#connect(offered.accept(answer), { offer: offered.sdp, answer });
  }

  declined(): void {
    this.#fail('declined', 'The other side does not open direct connections.');
  }

  /** Ends it from this side. */
  end(because: string): void {
    this.#fail('closed', because);
  }

  async #connect(connecting: Promise<DirectPipe>, sides: Sides): Promise<void> {
    const pipe = await this.#orFail(connecting);
    if (!pipe) return;
    if (this.#ended) return closePipe(pipe);
    this.#undo.push(() => closePipe(pipe));
    const prologue = prologueOf(sides);
    if (!this.#check(prologue)) return;
    const { clock } = this.#setting;
    const room = createLinkRoom(pipe.session, clock);
    const bulk = createLinkRoom(pipe.bulk, clock);
    const host = new SessionHost({
      ...this.#setting,
      room,
      prologue: prologue.value,
      encrypted: false,
      via: 'direct',
      accepts: this.role === 'answerer',
      events: {
        open: (session) => this.#meet({ session, bulk }),
        message: (session, message) => this.#events.message(session, message),
        closed: (_session, { code, because }) => this.#fail(code, because),
      },
    });
    // Undone from the last: the session says goodbye before its room ends.
    this.#undo.push(
      () => bulk.close(),
      () => room.close(),
      () => host.close(),
    );
    // A link that is lost before the handshake is done ends no session that could say so.
    this.#undo.push(
      room.subscribe({ offline: (because) => this.#fail('offline', `The direct link ended: ${because}.`) }),
    );
    if (this.role === 'answerer') return;
    const dialled = await host.dial(LINK_PEER);
    if (!dialled.ok) this.#fail(dialled.error.code, dialled.error.because);
  }

  /** DL5. */
  #meet(direct: DirectSession): void {
    if (direct.session.device !== this.#device) {
      return this.#fail('bad_identity', 'Another device than that of the relayed session answered.');
    }
    if (this.#isOpen) return this.#fail('bad_handshake', 'A direct link carries one session.');
    this.#isOpen = true;
    this.#cancelTimer();
    // Whoever loses one of the two channels begins anew with both.
    this.#undo.push(
      direct.bulk.subscribe({ offline: (because) => this.#fail('offline', `The direct link ended: ${because}.`) }),
    );
    if (!this.#ended) this.#events.opened(direct);
  }

  #say(kind: 'offer' | 'answer', sdp: string): void {
    if (!this.#events.say({ t: 'rtc', kind, attempt: this.id, sdp })) {
      this.#fail('not_connected', 'There is no session over a relay to arrange it in.');
    }
  }

  #check<T, Code extends DirectEndCode>(outcome: Result<T, Failure<Code>>): outcome is { ok: true; value: T } {
    if (!outcome.ok) this.#fail(outcome.error.code, outcome.error.because);
    return outcome.ok;
  }

  async #orFail<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      this.#fail('not_connected', messageOf(error));
      return undefined;
    }
  }

  #fail(code: DirectEndCode, because: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTimer();
    for (const undo of this.#undo.splice(0).toReversed()) undo();
    this.#events.ended({ code, because });
  }
}

/** DL4: offerer's first. */
function prologueOf({ offer, answer }: Sides): Result<Uint8Array, Failure<'bad_description'>> {
  const [offerer, answerer] = [readFingerprint(offer), readFingerprint(answer)];
  if (!offerer.ok) return offerer;
  if (!answerer.ok) return answerer;
  if (offer === answer) return fail('bad_description', 'Both sides have one description.');
  return ok(concatBytes(offerer.value, answerer.value));
}

function closePipe(pipe: DirectPipe): void {
  pipe.session.close();
  pipe.bulk.close();
}
