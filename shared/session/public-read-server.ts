// Answers public reads in a room: streams blocks of content within a window per reader, and limits everything else by count.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Clock, Log, PublicKey } from '../platform/ports.ts';
import type { PayloadRoom, SendOutcome } from './payload-room.ts';
import type { FeedHead, Part, ReadAnswer, ReadRequest } from './public-read-messages.ts';
import type { PeerId } from './relay-wire.ts';
import { cidCodec } from '../codec/cid.ts';
import { CONTROL_REQUESTS_PER_MINUTE, FRAME_BYTES_MAX, GATEWAY_REQUESTS_PER_MINUTE } from '../core/limits.ts';
import { createTokenBucket, perMinute, spendTokens, type TokenBucket } from '../core/token-bucket.ts';
import { messageOf } from '../core/message-of.ts';
import { frameBytesOf, writeBlockFrame } from './block-frames.ts';
import { CHANNEL_ANSWER, CHANNEL_REQUEST } from './payload-room.ts';
import { PlainChannel } from './plain-channel.ts';
import { isRoomPeer } from './relay-wire.ts';
import {
  ANSWER_BYTES_MAX,
  CONTENT_BLOCK_BYTES_MAX,
  decodeRequest,
  encodeAnswer,
  PARTS_BYTES_MAX,
  PARTS_MAX,
  READ_WINDOW_BYTES,
} from './public-read-messages.ts';

/** Wants of one reader at once: what one client opens. */
const WANTS_PER_PEER_MAX = 8;
/** Wants of all readers at once; each holds about a batch of blocks in memory. */
const WANTS_TOTAL_MAX = 64;
/** Blocks read from the store at once: about this many bytes, judging by the blocks before. */
const BATCH_BYTES = 1024 * 1024;
const BATCH_BLOCKS_FIRST = 4;
const BATCH_BLOCKS_MAX = 32;
/** A reader that takes nothing for so long is not waited for. */
const READER_WAIT: Millis = 30_000;
/** Pause when the room's queue is full. */
const QUEUE_FULL_PAUSE: Millis = 50;
/** Readers whose window and rate are remembered. */
const READERS_MAX = 1_024;

/** What a node reads from. What it leaves out it does not offer. None of these may reject for an expected reason. */
export type PublicReadSource = {
  /** Blocks of content in the order asked, undefined where it has none. */
  getBlocks(cids: readonly Cid[]): Promise<readonly (Uint8Array | undefined)[]>;
  resolve?(key: string): Promise<Result<Uint8Array, Failure>>;
  /** Certified blocks from a height upwards, at most `max`, and the newest height. */
  blocks?(range: {
    from: number;
    max: number;
  }): Promise<{ readonly blocks: readonly Uint8Array[]; readonly height: number }>;
  feedHead?(device: PublicKey): Promise<FeedHead | null>;
};

type ReadCounters = { readonly blocks: number; readonly bytes: number };

/** One socket of the room that asked for something. */
type Reader = {
  readonly peer: PeerId;
  readonly wants: Set<number>;
  /** Content bytes sent and not reported as taken. */
  inFlight: number;
  /** Wakes the wants that wait for the window. */
  wake: Set<() => void>;
  /** Control requests it may make. */
  readonly control: TokenBucket;
  gone: boolean;
};

type Stream = { readonly reader: Reader; readonly id: number; parts: Part[]; bytes: number; missing: number[] };

export class PublicReadServer {
  readonly #source: PublicReadSource;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #channel: PlainChannel;
  /** Where blocks go in frames of their own; null where they go in messages. */
  readonly #frames: PayloadRoom | null;
  /** Frames that were sent, to be written again: fresh memory for each costs more than the copy. */
  readonly #buffers: Uint8Array<ArrayBuffer>[] = [];
  readonly #readers = new Map<PeerId, Reader>();
  #wants = 0;
  #served = { blocks: 0, bytes: 0 };

  /** `frames`: the room is a direct link, and blocks go in frames of their own (PR10). */
  constructor(options: { room: PayloadRoom; clock: Clock; log: Log; source: PublicReadSource; frames?: boolean }) {
    this.#frames = options.frames === true ? options.room : null;
    this.#source = options.source;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#channel = new PlainChannel(
      options.room,
      { send: CHANNEL_ANSWER, receive: CHANNEL_REQUEST },
      {
        message: (from, message) => this.#receive(from, message),
        gone: (peer) => this.#dismiss(peer),
        offline: () => this.#dismissAll(),
      },
    );
  }

  /** Blocks of content sent so far, and their bytes. */
  get served(): ReadCounters {
    return { ...this.#served };
  }

  close(): void {
    this.#channel.close();
    this.#dismissAll();
  }

  #receive(from: PeerId, message: Uint8Array): void {
    const decoded = decodeRequest(message);
    if (!decoded.ok) return this.#log.debug('read_request_dropped', { code: decoded.error.code });
    const reader = this.#readerOf(from);
    const request = decoded.value;
    switch (request.t) {
      case 'want':
        return this.#start(this.#serveWant(reader, request), { reader, id: request.id });
      case 'more':
        reader.inFlight = Math.max(0, reader.inFlight - request.bytes);
        return wakeAll(reader);
      case 'stop':
        reader.wants.delete(request.id);
        return wakeAll(reader);
      case 'resolve':
      case 'blocks':
      case 'feedHead':
        if (!spendTokens(reader.control, 1, this.#clock.now())) return this.#refuse(reader, request.id, 'rate_limited');
        return this.#start(this.#serveControl(reader, request), { reader, id: request.id });
    }
  }

  async #serveWant(reader: Reader, want: ReadRequest & { t: 'want' }): Promise<void> {
    const { id, cids } = want;
    if (reader.wants.has(id)) return;
    if (reader.wants.size >= WANTS_PER_PEER_MAX || this.#wants >= WANTS_TOTAL_MAX)
      return this.#refuse(reader, id, 'busy');
    reader.wants.add(id);
    this.#wants++;
    try {
      const stream: Stream = { reader, id, parts: [], bytes: 0, missing: [] };
      let batch = BATCH_BLOCKS_FIRST;
      for (let at = 0; at < cids.length;) {
        const end = endOfBatch(cids, at, batch);
        const blocks = await this.#source.getBlocks(cids.slice(at, end));
        let bytes = 0;
        for (const [i, block] of blocks.entries()) {
          bytes += block?.length ?? 0;
          if (!(await this.#addBlock(stream, at + i, block))) return;
        }
        batch = Math.min(BATCH_BLOCKS_MAX, Math.max(1, Math.floor(BATCH_BYTES / (1 + bytes / (end - at)))));
        at = end;
      }
      await this.#flush(stream, true);
    } finally {
      reader.wants.delete(id);
      this.#wants--;
    }
  }

  /** Packs a block into the stream, sending what is full; false when the reader is not there any more. */
  async #addBlock(stream: Stream, i: number, block: Uint8Array | undefined): Promise<boolean> {
    if (block === undefined || block.length > CONTENT_BLOCK_BYTES_MAX) {
      stream.missing.push(i);
      return true;
    }
    this.#served.blocks++;
    return this.#frames ? this.#sendFrames(stream, i, block) : this.#addParts(stream, i, block);
  }

  async #addParts(stream: Stream, i: number, block: Uint8Array): Promise<boolean> {
    let at = 0;
    do {
      if (stream.bytes >= PARTS_BYTES_MAX || stream.parts.length >= PARTS_MAX) {
        if (!(await this.#flush(stream, false))) return false;
      }
      const bytes = block.subarray(at, at + PARTS_BYTES_MAX - stream.bytes);
      stream.parts.push({ i, at, size: block.length, bytes });
      stream.bytes += bytes.length;
      at += bytes.length;
    } while (at < block.length);
    return true;
  }

  async #sendFrames(stream: Stream, i: number, block: Uint8Array): Promise<boolean> {
    const { reader, id } = stream;
    const most = frameBytesOf(block.length);
    let at = 0;
    do {
      const bytes = block.subarray(at, at + most);
      if (!(await this.#waitForWindow(reader, { id, bytes: bytes.length }))) return false;
      reader.inFlight += bytes.length;
      this.#served.bytes += bytes.length;
      const buffer = this.#buffers.pop() ?? new Uint8Array(FRAME_BYTES_MAX);
      const frame = writeBlockFrame(buffer, { want: id, part: { i, at, size: block.length, bytes } });
      if (!(await this.#send(reader, () => this.#frames!.send(reader.peer, frame)))) return false;
      this.#buffers.push(buffer);
      at += bytes.length;
    } while (at < block.length);
    return true;
  }

  async #flush(stream: Stream, done: boolean): Promise<boolean> {
    const { reader, id, parts, missing, bytes } = stream;
    if (!(await this.#waitForWindow(reader, { id, bytes }))) return false;
    reader.inFlight += bytes;
    this.#served.bytes += bytes;
    Object.assign(stream, { parts: [], bytes: 0, missing: [] });
    return this.#answer(reader, { t: 'parts', id, parts, missing, done });
  }

  /** PR5: no more than a window is under way to a reader, over all its wants. */
  async #waitForWindow(reader: Reader, flush: { id: number; bytes: number }): Promise<boolean> {
    const started = this.#clock.now();
    for (;;) {
      if (reader.gone || !reader.wants.has(flush.id)) return false;
      if (reader.inFlight + flush.bytes <= READ_WINDOW_BYTES) return true;
      const left = READER_WAIT - (this.#clock.now() - started);
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          cancel();
          reader.wake.delete(wake);
          resolve();
        };
        const cancel = this.#clock.after(left, wake);
        reader.wake.add(wake);
      });
    }
  }

  async #serveControl(reader: Reader, request: ReadRequest & { t: 'resolve' | 'blocks' | 'feedHead' }): Promise<void> {
    const { id } = request;
    const source = this.#source;
    if (request.t === 'resolve' && source.resolve !== undefined) {
      const found = await source.resolve(request.key);
      const sendable = found.ok && found.value.length <= ANSWER_BYTES_MAX;
      if (sendable) await this.#answer(reader, { t: 'resolved', id, resolution: found.value });
      else
        await this.#answer(reader, {
          t: 'resolved',
          id,
          resolution: null,
          code: found.ok ? 'too_large' : found.error.code,
        });
    } else if (request.t === 'blocks' && source.blocks !== undefined) {
      await this.#answerBlocks(reader, id, await source.blocks({ from: request.from, max: request.max }));
    } else if (request.t === 'feedHead' && source.feedHead !== undefined) {
      const head = await source.feedHead(request.device);
      await this.#answer(reader, { t: 'feedHeadIs', id, ...(head ?? { feed: null, seq: 0, head: null }) });
    } else {
      this.#refuse(reader, id, 'not_offered');
    }
  }

  /** As many as fit one message; a first one that fits none is streamed (PR8). */
  async #answerBlocks(
    reader: Reader,
    id: number,
    found: { blocks: readonly Uint8Array[]; height: number },
  ): Promise<void> {
    const { height } = found;
    const [first] = found.blocks;
    if (first !== undefined && first.length > ANSWER_BYTES_MAX) {
      if (reader.wants.size >= WANTS_PER_PEER_MAX) return this.#refuse(reader, id, 'busy');
      reader.wants.add(id);
      const stream: Stream = { reader, id, parts: [], bytes: 0, missing: [] };
      const sent = (await this.#addParts(stream, 0, first)) && (await this.#flush(stream, false));
      reader.wants.delete(id);
      if (sent) await this.#answer(reader, { t: 'blockList', id, blocks: [], height });
      return;
    }
    const blocks: Uint8Array[] = [];
    let bytes = 0;
    for (const block of found.blocks) {
      bytes += block.length + BLOCK_FRAMING_BYTES;
      if (bytes > ANSWER_BYTES_MAX) break;
      blocks.push(block);
    }
    await this.#answer(reader, { t: 'blockList', id, blocks, height });
  }

  #answer(reader: Reader, answer: ReadAnswer): Promise<boolean> {
    const message = encodeAnswer(answer);
    return this.#send(reader, () => this.#channel.send(reader.peer, message));
  }

  /** Waits while the room's queue is full; false when the reader or the room is gone. */
  async #send(reader: Reader, send: () => Promise<SendOutcome>): Promise<boolean> {
    const started = this.#clock.now();
    while (!reader.gone) {
      const sent = await send();
      if (sent !== 'queue_full') return sent === 'sent' && !reader.gone;
      if (this.#clock.now() - started > READER_WAIT) return false;
      await new Promise<void>((resolve) => this.#clock.after(QUEUE_FULL_PAUSE, resolve));
    }
    return false;
  }

  #refuse(reader: Reader, id: number, code: string): void {
    void this.#answer(reader, { t: 'refused', id, code });
  }

  /** A source that throws is a fault of this node: it is logged, and the reader need not wait. */
  #start(work: Promise<unknown>, asked: { reader: Reader; id: number }): void {
    work.catch((error: unknown) => {
      this.#log.error('read_failed', { because: messageOf(error) });
      this.#refuse(asked.reader, asked.id, 'failed');
    });
  }

  #readerOf(peer: PeerId): Reader {
    const known = this.#readers.get(peer);
    if (known !== undefined) return known;
    if (this.#readers.size >= READERS_MAX) this.#forgetOneReader();
    const reader: Reader = {
      peer,
      wants: new Set(),
      inFlight: 0,
      wake: new Set(),
      control: createTokenBucket(perMinute(requestsPerMinute(peer)), this.#clock.now()),
      gone: false,
    };
    this.#readers.set(peer, reader);
    return reader;
  }

  /** Readers leave without a word; the longest known one without a want makes room. */
  #forgetOneReader(): void {
    for (const reader of this.#readers.values()) {
      if (reader.wants.size === 0) return this.#dismiss(reader.peer);
    }
  }

  #dismiss(peer: PeerId): void {
    const reader = this.#readers.get(peer);
    if (reader === undefined) return;
    this.#readers.delete(peer);
    reader.gone = true;
    wakeAll(reader);
  }

  #dismissAll(): void {
    for (const peer of this.#readers.keys()) this.#dismiss(peer);
  }
}

/** Bytes that a block costs in a list beyond its own. */
const BLOCK_FRAMING_BYTES = 5;

/** Manifests are read one at a time: sixteen times larger than other blocks, and the small ones before say nothing about them. */
function endOfBatch(cids: readonly Cid[], from: number, most: number): number {
  const isManifest = (cid: Cid): boolean => cidCodec(cid) === 'dag-cbor';
  if (isManifest(cids[from]!)) return from + 1;
  let end = from + 1;
  while (end < cids.length && end < from + most && !isManifest(cids[end]!)) end++;
  return end;
}

function requestsPerMinute(peer: PeerId): number {
  return isRoomPeer(peer) ? GATEWAY_REQUESTS_PER_MINUTE : CONTROL_REQUESTS_PER_MINUTE;
}

function wakeAll(reader: Reader): void {
  for (const wake of reader.wake) wake();
}
