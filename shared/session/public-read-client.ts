// Asks peers of a room for blocks of content and chain, records and feed heads. Nothing it returns is verified: callers check
// content by its CID and everything else by its certificate.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Clock, PublicKey } from '../platform/ports.ts';
import type { PayloadRoom } from './payload-room.ts';
import type { FeedHead, ReadAnswer, ReadRequest } from './public-read-messages.ts';
import type { PeerId } from './relay-wire.ts';
import { blockBytesMax } from '../content/blob-verify.ts';
import { CERTIFIED_BLOCK_BYTES_MAX, WANT_CIDS_MAX } from '../core/limits.ts';
import { fail, ok } from '../core/result.ts';
import { BlockAssembler } from './block-assembler.ts';
import { parseBlockFrame } from './block-frames.ts';
import { CHANNEL_ANSWER, CHANNEL_REQUEST } from './payload-room.ts';
import { PlainChannel } from './plain-channel.ts';
import {
  BLOCK_LIST_MAX,
  CONTENT_BLOCK_BYTES_MAX,
  decodeAnswer,
  encodeRequest,
  READ_WINDOW_BYTES,
} from './public-read-messages.ts';

/** Wants under way at once, over all peers; with one window each they bound the bytes in flight. */
const WANTS_OPEN_MAX = 8;
/** Taken bytes are reported when they are worth a frame. */
const MORE_AT_BYTES: number = READ_WINDOW_BYTES / 4;
/** Bytes that callers of `onBlock` may be busy with while a peer is still told to go on. */
const DELIVERING_BYTES_MAX: number = READ_WINDOW_BYTES / 2;
/** Peers whose taken bytes are counted. */
const READ_PEERS_MAX = 256;

/** `refused`: the peer said why in `because`. `stopped`: `onBlock` returned false. */
export type ReadFailure = Failure<
  'peer_gone' | 'offline' | 'timeout' | 'bad_answer' | 'busy' | 'refused' | 'stopped' | 'not_found'
>;

/** Called with each block as it completes, in a buffer of its own; while many have not settled, no more is asked for. False ends the want. */
export type OnBlock = (cid: Cid, bytes: Uint8Array<ArrayBuffer>) => void | boolean | Promise<void | boolean>;

export type Want = {
  readonly peer: PeerId;
  readonly cids: readonly Cid[];
  readonly onBlock: OnBlock;
  /** The most time without a byte, ms. */
  readonly timeout: Millis;
};

type Asked<Fields> = Fields & { readonly peer: PeerId; readonly timeout: Millis };
type Outcome<T> = Result<T, ReadFailure>;

/** What a request sends, and what an answer to it means. */
type Question<T> = {
  readonly peer: PeerId;
  readonly timeout: Millis;
  ask(id: number): ReadRequest;
  /** Judges an answer; calls `settle` once it knows the outcome. */
  take(answer: ReadAnswer, settle: (outcome: Outcome<T>) => void): void;
};

/** Bytes of one peer: `taken` in and not yet reported; in the hands of `onBlock`. */
type Intake = { taken: number; delivering: number };

type Pending = {
  readonly peer: PeerId;
  take(answer: ReadAnswer): void;
  fail(code: ReadFailure['code'], because: string): void;
};

export class PublicReadClient {
  readonly #clock: Clock;
  readonly #channel: PlainChannel;
  readonly #wantsMax: number;
  readonly #unsubscribe: () => void;
  readonly #pending = new Map<number, Pending>();
  readonly #intakeByPeer = new Map<PeerId, Intake>();
  readonly #waitingWants: (() => void)[] = [];
  #openWants = 0;
  #nextId = 1;

  /** `wantsMax`: of many who ask through one client, some have peers that keep silent, and the others must not wait for those. `frames`: the room is a direct link (PR10). */
  constructor(options: { room: PayloadRoom; clock: Clock; wantsMax?: number; frames?: boolean }) {
    this.#clock = options.clock;
    this.#wantsMax = options.wantsMax ?? WANTS_OPEN_MAX;
    this.#channel = new PlainChannel(
      options.room,
      { send: CHANNEL_REQUEST, receive: CHANNEL_ANSWER },
      {
        message: (from, message) => this.#receive(from, message),
        gone: (peer) => this.#dismiss(peer),
        offline: () => this.#failAll('offline', 'The connection to the relay ended.'),
      },
    );
    const receive = (from: PeerId, payload: Uint8Array): void => this.#receiveFrame(from, payload);
    this.#unsubscribe = options.frames === true ? options.room.subscribe({ payload: receive }) : () => undefined;
  }

  /** Streams blocks; resolves with those the peer does not have. Rejects only with what `onBlock` throws. */
  async wantBlocks(want: Want): Promise<Outcome<{ readonly missing: readonly Cid[] }>> {
    const batches: Promise<Outcome<readonly Cid[]>>[] = [];
    for (let at = 0; at < want.cids.length; at += WANT_CIDS_MAX) {
      batches.push(this.#wantBatch({ ...want, cids: want.cids.slice(at, at + WANT_CIDS_MAX) }));
    }
    const missing: Cid[] = [];
    for (const outcome of await Promise.all(batches)) {
      if (!outcome.ok) return outcome;
      missing.push(...outcome.value);
    }
    return ok({ missing });
  }

  /** The bytes of a Resolution for a key of state. */
  resolve(asked: Asked<{ readonly key: string }>): Promise<Outcome<Uint8Array>> {
    return this.#request({
      ...asked,
      ask: (id) => ({ t: 'resolve', id, key: asked.key }),
      take: (answer, settle) => {
        if (answer.t !== 'resolved') return settle(badAnswer());
        if (answer.resolution !== null) return settle(ok(answer.resolution));
        settle(fail('not_found', answer.code ?? 'The peer has no record for it.'));
      },
    });
  }

  /** Certified blocks from a height upwards, as bytes, at most BLOCK_LIST_MAX; `height` is the newest the peer has. */
  blocks(
    asked: Asked<{ readonly from: number; readonly max: number }>,
  ): Promise<Outcome<{ readonly blocks: readonly Uint8Array[]; readonly height: number }>> {
    const assembler = new BlockAssembler({ count: 1, sizeMax: CERTIFIED_BLOCK_BYTES_MAX });
    const large: Uint8Array[] = [];
    return this.#request({
      ...asked,
      ask: (id) => ({ t: 'blocks', id, from: asked.from, max: Math.min(asked.max, BLOCK_LIST_MAX) }),
      take: (answer, settle) => {
        if (answer.t === 'blockList') {
          settle(ok({ blocks: [...large, ...answer.blocks].slice(0, asked.max), height: answer.height }));
        } else if (answer.t === 'parts') {
          for (const part of answer.parts) {
            const block = assembler.push(part);
            if (block === undefined) return settle(badAnswer());
            if (block !== null) large.push(block);
            this.#took(asked.peer, part.bytes.length);
          }
        } else {
          settle(badAnswer());
        }
      },
    });
  }

  /** The newest entry of a device's feed that the peer knows, or null when it knows none. */
  feedHead(asked: Asked<{ readonly device: PublicKey }>): Promise<Outcome<FeedHead | null>> {
    return this.#request({
      ...asked,
      ask: (id) => ({ t: 'feedHead', id, device: asked.device }),
      take: (answer, settle) => {
        if (answer.t !== 'feedHeadIs') return settle(badAnswer());
        const { feed, seq, head } = answer;
        if (feed === null && head === null) return settle(ok(null));
        settle(feed === null || head === null || seq === 0 ? badAnswer() : ok({ feed, seq, head }));
      },
    });
  }

  close(): void {
    this.#unsubscribe();
    this.#channel.close();
    this.#failAll('offline', 'The reader was closed.');
  }

  async #wantBatch(want: Want): Promise<Outcome<readonly Cid[]>> {
    if (this.#openWants < this.#wantsMax) this.#openWants++;
    else await new Promise<void>((resolve) => this.#waitingWants.push(resolve));
    try {
      return await this.#streamBatch(want);
    } finally {
      const next = this.#waitingWants.shift();
      // The slot is handed over, so that nobody slips in between.
      if (next !== undefined) next();
      else this.#openWants--;
    }
  }

  async #streamBatch(want: Want): Promise<Outcome<readonly Cid[]>> {
    const { cids, peer, timeout } = want;
    const assembler = new BlockAssembler({ count: cids.length, sizeMax: CONTENT_BLOCK_BYTES_MAX });
    const missing: Cid[] = [];
    const deliveries: Promise<void>[] = [];
    let thrown: { readonly error: unknown } | null = null;
    const outcome = await this.#request<null>({
      peer,
      timeout,
      ask: (id) => ({ t: 'want', id, cids }),
      take: (answer, settle) => {
        if (answer.t !== 'parts') return settle(badAnswer());
        for (const part of answer.parts) {
          const cid = cids[part.i];
          const block = cid !== undefined && part.size <= blockBytesMax(cid) ? assembler.push(part) : undefined;
          if (cid === undefined || block === undefined) return settle(badAnswer());
          this.#took(peer, part.bytes.length);
          if (block === null) continue;
          const delivery = this.#deliver(want, cid, block);
          deliveries.push(
            delivery
              .catch((error: unknown) => {
                thrown = { error };
                return false;
              })
              .then((goOn) => (goOn ? undefined : settle(stopped()))),
          );
        }
        if (!answer.missing.every((i) => assembler.miss(i))) return settle(badAnswer());
        for (const i of answer.missing) missing.push(cids[i]!);
        if (answer.done) settle(assembler.unsettled.length === 0 ? ok(null) : badAnswer());
      },
    });
    await Promise.all(deliveries);
    if (thrown !== null) throw (thrown as { readonly error: unknown }).error;
    return outcome.ok ? ok(missing) : outcome;
  }

  /** While callers are busy with much, the peer is not told to go on: a slow store slows it down. */
  async #deliver(want: Want, cid: Cid, block: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const intake = this.#intakeOf(want.peer);
    intake.delivering += block.length;
    try {
      return (await want.onBlock(cid, block)) !== false;
    } finally {
      intake.delivering -= block.length;
      this.#took(want.peer, 0);
    }
  }

  #request<T>(question: Question<T>): Promise<Outcome<T>> {
    const { peer, timeout } = question;
    const id = this.#nextId;
    this.#nextId = (id + 1) >>> 0;
    const request = encodeRequest(question.ask(id));
    return new Promise((resolve) => {
      let heardAt = this.#clock.now();
      let cancel = (): void => undefined;
      const settle = (outcome: Outcome<T>): void => {
        if (this.#pending.get(id) !== pending) return;
        this.#pending.delete(id);
        cancel();
        if (!outcome.ok && STOPS.has(outcome.error.code))
          void this.#channel.send(peer, encodeRequest({ t: 'stop', id }));
        resolve(outcome);
      };
      const watch = (): void => {
        const left = heardAt + timeout - this.#clock.now();
        if (left > 0) cancel = this.#clock.after(left, watch);
        else settle(fail('timeout', `The peer sent nothing for ${timeout} ms; ask another one.`));
      };
      const pending: Pending = {
        peer,
        take: (answer) => {
          // An empty message is no progress: a peer cannot hold a reader with those.
          if (answer.t !== 'parts' || answer.parts.length > 0) heardAt = this.#clock.now();
          question.take(answer, settle);
        },
        fail: (code, because) => settle(fail(code, because)),
      };
      this.#pending.set(id, pending);
      watch();
      void this.#channel.send(peer, request).then((sent) => {
        if (sent === 'offline')
          settle(fail('offline', 'There is no connection to the relay; it is being tried again.'));
        if (sent === 'queue_full') settle(fail('busy', 'Too much is waiting to be sent; ask again later.'));
      });
    });
  }

  #receive(from: PeerId, message: Uint8Array): void {
    // Anyone in the room can send: who was not asked is not worth decoding.
    if (!this.#asked(from)) return;
    const decoded = decodeAnswer(message);
    if (!decoded.ok) return this.#failPeer(from, 'bad_answer', 'The peer sent bytes that are no answer.');
    this.#take(from, decoded.value);
  }

  #receiveFrame(from: PeerId, payload: Uint8Array): void {
    const frame = this.#asked(from) ? parseBlockFrame(payload) : null;
    if (frame) this.#take(from, { t: 'parts', id: frame.want, parts: [frame.part], missing: [], done: false });
  }

  #take(from: PeerId, answer: ReadAnswer): void {
    const pending = this.#pending.get(answer.id);
    if (pending?.peer === from) {
      if (answer.t === 'refused') pending.fail('refused', `The peer refused: ${answer.code}.`);
      else pending.take(answer);
    } else if (answer.t === 'parts' && this.#intakeByPeer.has(from)) {
      // What is under way when a want ends still counts against the window of the others.
      for (const part of answer.parts) this.#took(from, part.bytes.length);
    }
  }

  #asked(peer: PeerId): boolean {
    if (this.#intakeByPeer.has(peer)) return true;
    for (const pending of this.#pending.values()) if (pending.peer === peer) return true;
    return false;
  }

  #took(peer: PeerId, bytes: number): void {
    const intake = this.#intakeOf(peer);
    intake.taken += bytes;
    if (intake.taken < MORE_AT_BYTES || intake.delivering > DELIVERING_BYTES_MAX) return;
    void this.#channel.send(peer, encodeRequest({ t: 'more', bytes: intake.taken }));
    intake.taken = 0;
  }

  #intakeOf(peer: PeerId): Intake {
    const known = this.#intakeByPeer.get(peer);
    if (known !== undefined) return known;
    const [oldest] = this.#intakeByPeer.keys();
    if (this.#intakeByPeer.size >= READ_PEERS_MAX && oldest !== undefined) this.#intakeByPeer.delete(oldest);
    const intake = { taken: 0, delivering: 0 };
    this.#intakeByPeer.set(peer, intake);
    return intake;
  }

  #dismiss(peer: PeerId): void {
    this.#intakeByPeer.delete(peer);
    this.#failPeer(peer, 'peer_gone', 'The peer left the room.');
  }

  #failPeer(peer: PeerId, code: ReadFailure['code'], because: string): void {
    for (const pending of this.#pending.values()) if (pending.peer === peer) pending.fail(code, because);
  }

  #failAll(code: ReadFailure['code'], because: string): void {
    this.#intakeByPeer.clear();
    for (const pending of this.#pending.values()) pending.fail(code, because);
  }
}

/** Failures after which the peer may still be sending. */
const STOPS: ReadonlySet<ReadFailure['code']> = new Set(['timeout', 'bad_answer', 'stopped']);

function badAnswer(): Result<never, ReadFailure> {
  return fail('bad_answer', 'The peer answered something that was not asked; ask another one.');
}

function stopped(): Result<never, ReadFailure> {
  return fail('stopped', 'The reader ended it.');
}
