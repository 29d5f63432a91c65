// Blocks that members send: those of one member that follow each other while others are taken are taken in one go (SY3).

import type { Log } from '../platform/ports.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import { BLOCK_BYTES_MAX } from '../core/limits.ts';
import { decodeHeader } from '../chain/block.ts';
import { decodeFinality, encodeCertifiedBlock, type CertifiedBlock } from '../chain/certified-block.ts';
import { decodeValidatorSet } from '../chain/validator-set.ts';
import { assembleBlock, BlockStash, type StashedEntries } from './block-stash.ts';
import type { SyncChain } from './group-sync.ts';
import { bestOf, raise, type Peer } from './sync-peer.ts';

/** Blocks of a run: with a write for each, a member that was away for an hour would wait for its disk for as long as for all else. */
const RUN_BLOCKS_MAX = 64;
/** Bytes of them and of what came for them; one block may have more. Beyond it nothing more of that member is read before its turn. */
const RUN_BYTES_MAX: number = 2 * 1024 * 1024;
/** Of all members' runs whose turn has not come; beyond it each has one block there. */
const RUNS_BYTES_MAX: number = 4 * BLOCK_BYTES_MAX;

type Given = Omit<CertifiedBlock, 'entries'> & { readonly stash: StashedEntries };
/** `done`: all of them were taken, or are not going to be. */
type Run = { readonly blocks: Given[]; bytes: number; done: Promise<void> };
/** Of one member. `waiting`: its turn has not come; `last`: the one begun last, which may be under way. */
type Sender = { waiting: Run | null; last: Run | null; paying: Promise<void> };

export type SyncBlocksOptions = {
  readonly chain: SyncChain;
  readonly log: Log;
  readonly sayState: (peer: Peer) => void;
};

export class SyncBlocks {
  readonly #options: SyncBlocksOptions;
  readonly #stash = new BlockStash();
  readonly #senders = new Map<Peer, Sender>();
  /** Runs are taken one after the other, whoever sent them. */
  #turn: Promise<void> = Promise.resolve();
  #bytes = 0;

  constructor(options: SyncBlocksOptions) {
    this.#options = options;
  }

  /** What came for a block of this member is not waited for any more. */
  forget(peer: Peer): void {
    this.#stash.take(peer.device);
    this.#senders.delete(peer);
  }

  takeEntries(peer: Peer, message: Extract<SessionMessage, { t: 'blockEntries' }>): void {
    if (message.height === this.#heightOf(peer) + 1) this.#stash.add(peer.device, message);
  }

  /** Settles when the next message of the member may be read: while there is room, before the block is taken. */
  async take(peer: Peer, message: Extract<SessionMessage, { t: 'block' }>): Promise<void> {
    const block = decodeHeader(message.header);
    const finality = decodeFinality(message);
    const next = message.nextSet && decodeValidatorSet(message.nextSet);
    if (!block.ok || !finality.ok || next?.ok === false) return bestOf(peer.sessions)?.close('bad_block');
    const certified = { block: block.value, ...finality.value, ...(next && { nextSet: next.value }) };
    const given: Given = { ...certified, stash: this.#stash.take(peer.device) };
    const sender = this.#senderOf(peer);
    await sender.paying;
    for (let run = sender.waiting; run && !mayFollow(run, given); run = sender.waiting) await run.done;
    const run = sender.waiting ?? this.#begin(peer, sender);
    run.blocks.push(given);
    const bytes = sizeOf(message, given.stash);
    run.bytes += bytes;
    this.#bytes += bytes;
    if (isFull(run) || this.#bytes > RUNS_BYTES_MAX) await run.done;
  }

  /** What a member says after its blocks is judged after them. */
  async settled(peer: Peer): Promise<void> {
    const sender = this.#senders.get(peer);
    await sender?.last?.done;
    await sender?.paying;
  }

  /** How far it is with all that is under way of this member. */
  #heightOf(peer: Peer): number {
    const last = this.#senders.get(peer)?.last?.blocks.at(-1)?.block.header.height ?? 0;
    return Math.max(this.#options.chain.height, last);
  }

  #senderOf(peer: Peer): Sender {
    const sender = this.#senders.get(peer) ?? { waiting: null, last: null, paying: Promise.resolve() };
    this.#senders.set(peer, sender);
    return sender;
  }

  #begin(peer: Peer, sender: Sender): Run {
    const run: Run = { blocks: [], bytes: 0, done: Promise.resolve() };
    run.done = this.#turn.then(async () => {
      sender.waiting = null;
      this.#bytes -= run.bytes;
      const untaken = await this.#takeRun(peer, run.blocks);
      if (sender.last === run) sender.last = null;
      if (untaken > 0) sender.paying = peer.allowance.refused(untaken);
    });
    sender.waiting = run;
    sender.last = run;
    this.#turn = run.done;
    return run;
  }

  /** Another block of the height that this node has reached goes to the chain, which says what that means. */
  #isNew({ block: { id, header } }: Given): boolean {
    const { height, tip } = this.#options.chain;
    return header.height > height || (header.height === height && id !== tip);
  }

  /** How many of them were for nothing. */
  async #takeRun(peer: Peer, run: readonly Given[]): Promise<number> {
    const { log, sayState } = this.#options;
    const news = run.filter((given) => this.#isNew(given));
    try {
      await this.#takeNew(peer, news);
    } catch (error) {
      log.warn('block not taken', { code: 'store_failed', because: String(error) });
      // In a new session each says how far it is.
      for (const session of [...peer.sessions]) session.close('store_failed');
    }
    const untaken = news.filter((given) => this.#isNew(given)).length;
    // What it could not judge before, it may now: the other side hears how far this one is, and sends it again.
    if (peer.missed && untaken < news.length) {
      sayState(peer);
      peer.missed = false;
    }
    return untaken;
  }

  async #takeNew(peer: Peer, news: readonly Given[]): Promise<void> {
    const { chain, sayState } = this.#options;
    const wires: Uint8Array[] = [];
    let bytes = 0;
    for (const { stash, ...certified } of news) {
      const { block } = certified;
      const { height, cut } = block.header;
      if (height > chain.height + 1 + wires.length) {
        sayState(peer);
        break;
      }
      const entries = assembleBlock(block, (id) => chain.get(id) ?? stash.get(id));
      if (!entries) {
        peer.queue.push({ kind: 'message', message: { t: 'getBlocks', from: height } });
        break;
      }
      if (entries.reduce((sum, { length }) => sum + length, 0) > BLOCK_BYTES_MAX) break;
      const wire = encodeCertifiedBlock({ ...certified, entries });
      wires.push(wire);
      bytes += wire.length;
      // It has what it sends, and gets none of it back.
      if (peer.height < height) peer.height = height;
      for (const { feed, to } of cut) raise(peer.known, { feed, seq: to });
      // Whoever certified nothing may name all that waits here in each of them.
      if (bytes < RUN_BYTES_MAX) continue;
      if (!(await this.#give(peer, wires.splice(0)))) return;
      bytes = 0;
    }
    await this.#give(peer, wires);
  }

  /** False when one of them cannot be taken: nothing that follows it can. */
  async #give(peer: Peer, wires: readonly Uint8Array[]): Promise<boolean> {
    const { chain, log } = this.#options;
    if (wires.length === 0) return true;
    const applied = await chain.takeBlocks(wires);
    if (applied.ok) peer.gave.blocks += applied.value;
    else log.warn('block not taken', { code: applied.error.code, height: chain.height + 1 });
    return applied.ok;
  }
}

/** Headers as well: those of a run can be larger than all that came for its blocks. */
function sizeOf({ header, after = [] }: Extract<SessionMessage, { t: 'block' }>, stash: StashedEntries): number {
  const parts = [header, ...after, ...[...stash.values()].map(({ bytes }) => bytes)];
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function isFull({ blocks, bytes }: Run): boolean {
  return blocks.length >= RUN_BLOCKS_MAX || bytes >= RUN_BYTES_MAX;
}

function mayFollow(run: Run, { block }: Given): boolean {
  return !isFull(run) && block.header.parent === run.blocks.at(-1)?.block.id;
}
