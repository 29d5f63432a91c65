// Snapshots between members (docs/protocol/snapshots.md): whoever has no block yet asks one member for a snapshot, and the others give
// theirs when asked.

import type { Millis } from '../core/brand.ts';
import type { Cid } from '../codec/cid.ts';
import type { GroupDocuments } from '../documents/group-documents.ts';
import type { PublicKey } from '../crypto/ids.ts';
import type { Clock, Compressor, Log, Store } from '../platform/ports.ts';
import type { Session } from '../session/session.ts';
import type { Ordering } from './ordering.ts';
import { SECTION_BYTES_MAX, type SessionMessage } from '../session/session-messages.ts';
import { messageOf } from '../core/message-of.ts';
import { SNAPSHOT_BLOCKS_MIN } from '../core/limits.ts';
import { createTokenBucket, perMinute, spendTokens, type TokenBucket } from '../core/token-bucket.ts';
import { keepSnapshot } from './chain-leap.ts';
import { SnapshotCut } from './snapshot-cut.ts';
import { SnapshotIntake, type IntakeOptions, type TakenSnapshot } from './snapshot-intake.ts';

/** Without the end of a section, or a whole piece of it, in this time another member is asked. */
const PATIENCE: Millis = 30_000;
/** A cut that nobody has asked for is given up after this. */
const CUT_KEPT: Millis = 10 * 60_000;
/** A newcomer takes the blocks since then one by one: beyond this a new cut is made. */
const CUT_BLOCKS_MAX: number = 4 * SNAPSHOT_BLOCKS_MIN;
/** How often one device may ask in a minute: each time a link is lost. */
const QUESTIONS_PER_MINUTE = 6;
/** Devices that are given one at the same time. */
const GIVEN_MAX = 4;

type Question = Extract<SessionMessage, { t: 'getSnapshot' }>;
type SnapshotAnswer = Extract<SessionMessage, { t: 'snapshot' | 'section' | 'noSnapshot' }>;
export type SnapshotMessage = Question | SnapshotAnswer | Extract<SessionMessage, { t: 'state' }>;

export type SnapshotSyncOptions = IntakeOptions & {
  readonly store: Store;
  readonly chain: Ordering;
  readonly documents: GroupDocuments;
  readonly compressor: Compressor;
  readonly mayReadAll: (session: Session) => boolean;
  /** Sync goes on with blocks: after a snapshot, or without one. */
  readonly onBlocks: () => void;
  readonly clock: Clock;
  readonly log: Log;
};

type Peer = { readonly sessions: Set<Session>; height: number; refused: boolean; readonly questions: TokenBucket };

export class SnapshotSync {
  readonly #options: SnapshotSyncOptions;
  readonly #peers = new Map<PublicKey, Peer>();
  readonly #intake: SnapshotIntake;
  /** Whom it was asked of. */
  #giver: { readonly session: Session; since: Millis; begun: boolean; cancel: () => void } | null = null;
  /** Whose bytes the section under way is of. */
  #asked: PublicKey | null = null;
  /** Sessions that wait until they may read. */
  readonly #waiting = new Map<Session, Question>();
  readonly #given = new Map<PublicKey, Session>();
  #cut: { readonly made: Promise<SnapshotCut | null>; readonly of: Cid; readonly height: number } | null = null;
  #cancelCut: (() => void) | null = null;
  #over = false;

  constructor(options: SnapshotSyncOptions) {
    this.#options = options;
    this.#intake = new SnapshotIntake(options);
  }

  /** Whether this node would rather have a snapshot than many blocks (SN1): it has none, and does not order. */
  get leaps(): boolean {
    const { chain } = this.#options;
    return !this.#over && chain.last === null && chain.signer === null;
  }

  opened(session: Session): void {
    const { clock } = this.#options;
    const peer = this.#peers.get(session.device);
    if (peer) return void peer.sessions.add(session);
    const questions = createTokenBucket(perMinute(QUESTIONS_PER_MINUTE), clock.now());
    this.#peers.set(session.device, { sessions: new Set([session]), height: 0, refused: false, questions });
  }

  closed(session: Session): void {
    const peer = this.#peers.get(session.device);
    peer?.sessions.delete(session);
    if (peer?.sessions.size === 0) this.#peers.delete(session.device);
    this.#waiting.delete(session);
    if (this.#giver?.session === session) this.#askNext();
  }

  /** The next message of the session waits until this settles. */
  async message(session: Session, message: SnapshotMessage): Promise<void> {
    const peer = this.#peers.get(session.device);
    if (!peer) return;
    switch (message.t) {
      case 'state':
        peer.height = message.height;
        if (!this.#giver) this.#askNext();
        return;
      case 'getSnapshot':
        this.#waiting.set(session, message);
        return this.look();
      case 'snapshot':
        if (this.#giver?.session !== session) return;
        // Of another block each time it would never end.
        if (this.#giver.begun) return this.#refuse(session, 'it began twice');
        this.#giver.begun = true;
        this.#intake.begin(message);
        return;
      case 'section':
        if (this.#giver?.session === session) await this.#take(session, message);
        return;
      case 'noSnapshot':
        if (this.#giver?.session !== session) return;
        peer.refused = true;
        return this.#askNext();
    }
  }

  /** Somebody may be a reader by now. */
  look(): void {
    for (const [session, question] of this.#waiting) {
      if (!this.#options.mayReadAll(session)) continue;
      this.#waiting.delete(session);
      void this.#give(session, question).catch((error: unknown) => {
        this.#warn('snapshot not given', error);
        void session.send({ t: 'noSnapshot', because: 'It could not be made.' });
      });
    }
  }

  close(): void {
    this.#over = true;
    this.#giver?.cancel();
    this.#cancelCut?.();
    this.#waiting.clear();
  }

  /** Whoever is far enough ahead; with nobody left who would give one, blocks have to do. */
  #askNext(): void {
    this.#giver?.cancel();
    this.#giver = null;
    if (!this.leaps) return;
    const ahead = [...this.#peers.values()].filter(({ height }) => height >= SNAPSHOT_BLOCKS_MIN);
    const next = ahead.find(({ refused, sessions }) => !refused && sessions.size > 0);
    if (next) return this.#ask([...next.sessions].at(-1)!);
    if (ahead.length > 0) this.#giveUp('nobody gives one');
  }

  #ask(session: Session): void {
    if (this.#asked !== session.device) this.#intake.breakOff();
    this.#asked = session.device;
    this.#giver = { session, since: this.#options.clock.now(), begun: false, cancel: () => undefined };
    this.#wait();
    const { at } = this.#intake;
    void session.send({ t: 'getSnapshot', ...(at && { at }) });
  }

  /** Of whoever gives nothing for long, nothing more is expected. */
  #wait(): void {
    const giver = this.#giver;
    if (!giver) return;
    giver.cancel();
    const { clock } = this.#options;
    giver.cancel = clock.after(Math.max(0, giver.since + PATIENCE - clock.now()), () => {
      if (this.#giver === giver) this.#refuse(giver.session, 'it took too long');
    });
  }

  async #take(session: Session, message: Extract<SessionMessage, { t: 'section' }>): Promise<void> {
    this.#giver?.cancel();
    const taken = await this.#intake.take(message);
    if (this.#giver?.session !== session) return;
    if (!taken.ok) {
      this.#intake.forget();
      this.#refuse(session, taken.error.because);
      session.close('bad_snapshot');
      return;
    }
    // Smaller pieces bring nobody nearer to the end.
    if (message.last || message.bytes.length === SECTION_BYTES_MAX) this.#giver.since = this.#options.clock.now();
    if (taken.value) await this.#leap(taken.value);
    else this.#wait();
  }

  async #leap(taken: TakenSnapshot): Promise<void> {
    const { chain, store, documents, log, onBlocks } = this.#options;
    this.#giver = null;
    this.#over = true;
    this.#intake.forget();
    try {
      await chain.leap(() => keepSnapshot(taken, { store, documents }));
      log.info('joined by a snapshot', { height: taken.certified.block.header.height });
    } catch (error) {
      this.#warn('snapshot not kept', error);
    }
    onBlocks();
  }

  #refuse(session: Session, because: string): void {
    this.#options.log.warn('snapshot not taken', { because });
    const peer = this.#peers.get(session.device);
    if (peer) peer.refused = true;
    this.#askNext();
  }

  #giveUp(because: string): void {
    this.#options.log.info('no snapshot', { because });
    this.#over = true;
    this.#intake.forget();
    this.#options.onBlocks();
  }

  async #give(session: Session, { at }: Question): Promise<void> {
    const { device } = session;
    const refusal = this.#refusalFor(device);
    if (refusal !== null) return void (await session.send({ t: 'noSnapshot', because: refusal }));
    // From now on, since to make one takes a while: meanwhile others ask.
    this.#given.set(device, session);
    try {
      const cut = await this.#cutNow();
      const own = cut && (await cut.ownBlocks(device));
      if (!cut || !own) {
        await session.send({ t: 'noSnapshot', because: 'There is none for this device.' });
        return;
      }
      await this.#giveSections(session, { cut, own, at: at?.block === cut.block ? at : { section: 0, from: 0 } });
    } finally {
      if (this.#given.get(device) === session) this.#given.delete(device);
    }
  }

  #refusalFor(device: PublicKey): string | null {
    const { chain, clock } = this.#options;
    const peer = this.#peers.get(device);
    if (chain.tip.height < SNAPSHOT_BLOCKS_MIN) return 'There are few blocks.';
    if (!peer || !spendTokens(peer.questions, 1, clock.now())) return 'This was asked too often.';
    return this.#given.size >= GIVEN_MAX && !this.#given.has(device) ? 'Others are given one now.' : null;
  }

  /** A message at a time: each waits until the other side has taken what was sent before. */
  async #giveSections(
    session: Session,
    given: {
      readonly cut: SnapshotCut;
      readonly own: readonly Uint8Array[];
      readonly at: { readonly section: number; readonly from: number };
    },
  ): Promise<void> {
    const { cut, own, at } = given;
    const say = async (message: SessionMessage): Promise<boolean> => {
      const sent = await session.send(message);
      return sent.ok && this.#given.get(session.device) === session;
    };
    if (!(await say({ ...cut.message, own: own.length }))) return;
    let { from } = at;
    for (let section = at.section; section < cut.sections + own.length; section++) {
      const bytes = own[section - cut.sections] ?? (await cut.section(section));
      if (!bytes) return void (await say({ t: 'noSnapshot', because: 'A part of it cannot be given.' }));
      do {
        const piece = bytes.slice(from, from + SECTION_BYTES_MAX);
        const last = from + piece.length >= bytes.length;
        if (!(await say({ t: 'section', section, from, bytes: piece, last }))) return;
        from += piece.length;
      } while (from < bytes.length);
      from = 0;
    }
  }

  /** Made once for all who ask within some blocks, of the block that is the last one then (SN7). */
  async #cutNow(): Promise<SnapshotCut | null> {
    const { chain, clock } = this.#options;
    const { last, state, index } = chain;
    if (!last) return null;
    const { height } = last.block.header;
    if (!this.#cut || height - this.#cut.height > CUT_BLOCKS_MAX) {
      const made = SnapshotCut.make({ ...this.#options, last, state, index });
      this.#cut = { made, of: last.block.id, height };
    }
    this.#cancelCut?.();
    this.#cancelCut = clock.after(CUT_KEPT, () => (this.#cut = null));
    return await this.#cut.made;
  }

  #warn(what: string, error: unknown): void {
    this.#options.log.warn(what, { because: messageOf(error) });
  }
}

/** Whether a message is for here; sync hears of `state` as well. */
export function isOfSnapshots(message: SessionMessage): message is Question | SnapshotAnswer {
  return ['getSnapshot', 'snapshot', 'section', 'noSnapshot'].includes(message.t);
}
