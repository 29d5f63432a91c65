// History on demand (SN15–SN18): a node that began with a snapshot asks other members for the blocks before it when somebody looks,
// keeps what it gets, and gives it on.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Founding } from '../chain/genesis.ts';
import type { Clock, Compressor, Log, Store, Verifier } from '../platform/ports.ts';
import type { Session } from '../session/session.ts';
import type { Ordering } from './ordering.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, list } from '../codec/schema.ts';
import { assert } from '../core/assert.ts';
import { concatBytes } from '../core/bytes.ts';
import { HISTORY_ANSWER_BYTES, HISTORY_BLOCKS_MAX, HISTORY_BYTES_MAX } from '../core/limits.ts';
import { messageOf } from '../core/message-of.ts';
import { fail, ok } from '../core/result.ts';
import { describeReceipt } from '../ledger/receipts.ts';
import { SECTION_BYTES_MAX, type SessionMessage } from '../session/session-messages.ts';
import { hasRightSignatures, readBlockSection } from './block-section.ts';
import {
  findEntryHeight,
  loadBlock,
  loadOlder,
  loadReceipts,
  loadSeals,
  writeOlder,
  type OlderRecord,
} from './chain-store.ts';
import { BLOCK_SECTION_MAX, encodeBlockSection, type BlockSection } from './snapshot-sections.ts';
import { createSyncAllowance, type SyncAllowance } from './sync-allowance.ts';

/** Without a message in this time another member is asked. */
const PATIENCE: Millis = 30_000;
/** Whoever had nothing older is asked again after this: it may have got some meanwhile. */
const REFUSED_FOR: Millis = 60_000;
/** Unpacked. */
const ANSWER_BYTES_MAX: number = BLOCK_SECTION_MAX + HISTORY_ANSWER_BYTES;

const answerSchema = list(bytes({ max: BLOCK_SECTION_MAX }), { min: 1, max: HISTORY_BLOCKS_MAX });

export type HistoryMessage = Extract<SessionMessage, { t: 'getHistory' | 'history' | 'noHistory' }>;

/**
 * `whole`: every block from the first on is here; `there`: older ones can be asked for; `fetching`: they are; `nobody`: no member
 * that is here has them; `full`: no more of them are kept here.
 */
type OlderState = 'whole' | 'there' | 'fetching' | 'nobody' | 'full';

const OLDER_WORDS: Readonly<Record<OlderState, string>> = {
  whole: 'Everything that happened in this group is here.',
  there: 'What happened before this device joined is not here yet.',
  fetching: 'Older blocks are being fetched from other members.',
  nobody:
    'What happened before this device joined is not here, and no member who is here now has it: it comes when one is.',
  full: 'Older blocks are not kept here: there is no room for more of them.',
};

/** For a person. */
export function describeOlder(state: OlderState): string {
  return OLDER_WORDS[state];
}

/** What became of an entry; of any member. */
type OlderOutcome = { readonly height: number; readonly code: string; readonly because: string };

type OlderBlocksOptions = {
  /** The part of it that holds the chain. */
  readonly store: Store;
  readonly chain: Pick<Ordering, 'tip' | 'last'>;
  readonly founding: Founding;
  readonly verifier: Verifier;
  readonly compressor: Compressor;
  readonly mayReadAll: (session: Session) => boolean;
  /** There are older blocks, or none can be had now. */
  readonly onOlder: () => void;
  readonly clock: Clock;
  readonly log: Log;
  /** Bytes of older blocks that are kept; `HISTORY_BYTES_MAX` if absent. */
  readonly keep?: number;
};

type Peer = { readonly allowance: SyncAllowance; refusedAt: Millis | null; gives: boolean };
type Question = { readonly session: Session; readonly below: number; readonly pieces: Uint8Array[]; size: number };

export class OlderBlocks {
  readonly #options: OlderBlocksOptions;
  readonly #peers = new Map<Session, Peer>();
  #older: OlderRecord | null = null;
  #question: Question | null = null;
  #cancel = (): void => undefined;
  /** Somebody looked, and has not got what was there to get. */
  #wanted = false;
  #isFull = false;

  constructor(options: OlderBlocksOptions) {
    this.#options = options;
  }

  /** The lowest height down to which every block is here. */
  async lowest(): Promise<number> {
    return (await this.#load()).lowest;
  }

  async state(): Promise<OlderState> {
    if ((await this.#load()).lowest === 1) return 'whole';
    if (this.#isFull) return 'full';
    if (this.#question) return 'fetching';
    return this.#wanted ? 'nobody' : 'there';
  }

  /** Asks for one answer more, unless one is under way: whoever looks calls again once it is there. */
  async want(): Promise<void> {
    this.#wanted = true;
    await this.#ask();
  }

  /** Of an entry in a block that is here. */
  async outcomeOf(id: Cid): Promise<OlderOutcome | null> {
    const { store } = this.#options;
    const height = await findEntryHeight(store, id);
    if (height === undefined) return null;
    const receipt = (await loadReceipts(store, height)).find(({ entry }) => entry === id);
    assert(receipt, 'a final entry has a receipt');
    return { height, code: receipt.code, because: describeReceipt(receipt) };
  }

  /** For whoever asked for an entry that is in no block here. */
  async whyNotFound(): Promise<string> {
    const state = await this.state();
    const none = 'This browser has written no such entry, and no block that is here holds it.';
    return state === 'whole' ? none : `${none} ${describeOlder(state)}`;
  }

  opened(session: Session): void {
    this.#peers.set(session, { allowance: createSyncAllowance(this.#options.clock), refusedAt: null, gives: false });
    if (this.#wanted) this.#go(this.#ask());
  }

  closed(session: Session): void {
    this.#peers.get(session)?.allowance.close();
    this.#peers.delete(session);
    if (this.#question?.session === session) this.#askNext();
  }

  /** The next message of the session waits until this settles. */
  async message(session: Session, message: HistoryMessage): Promise<void> {
    const peer = this.#peers.get(session);
    if (!peer) return;
    switch (message.t) {
      case 'getHistory':
        return peer.allowance.ask(() => this.#go(this.#give(session, message.below)));
      case 'noHistory':
        if (this.#question?.session === session && this.#question.below === message.below) this.#refused(session);
        return;
      case 'history':
        return await this.#take(session, message);
    }
  }

  close(): void {
    this.#wanted = false;
    this.#end();
    for (const { allowance } of this.#peers.values()) allowance.close();
    this.#peers.clear();
  }

  async #load(): Promise<OlderRecord> {
    // Before the first block nothing says yet how this chain begins.
    if (!this.#options.chain.last) return { lowest: 1, bytes: 0 };
    return (this.#older ??= await loadOlder(this.#options.store));
  }

  async #ask(): Promise<void> {
    const { clock, keep = HISTORY_BYTES_MAX } = this.#options;
    const { lowest, bytes: kept } = await this.#load();
    if (lowest === 1 || this.#question || !this.#wanted) return;
    this.#isFull ||= kept >= keep;
    const since = clock.now() - REFUSED_FOR;
    const next = [...this.#peers].findLast(([, { refusedAt }]) => refusedAt === null || refusedAt < since);
    if (this.#isFull || !next) return;
    const [session] = next;
    this.#question = { session, below: lowest, pieces: [], size: 0 };
    this.#wait();
    this.#options.onOlder();
    await session.send({ t: 'getHistory', below: lowest });
  }

  #wait(): void {
    const question = this.#question;
    this.#cancel();
    this.#cancel = this.#options.clock.after(PATIENCE, () => {
      if (question && this.#question === question) this.#refused(question.session);
    });
  }

  #end(): void {
    this.#cancel();
    this.#question = null;
  }

  #refused(session: Session): void {
    const peer = this.#peers.get(session);
    if (peer) peer.refusedAt = this.#options.clock.now();
    this.#askNext();
  }

  #askNext(): void {
    this.#end();
    this.#go(this.#ask().then(() => this.#question ?? this.#options.onOlder()));
  }

  async #take(session: Session, message: Extract<HistoryMessage, { t: 'history' }>): Promise<void> {
    const question = this.#question;
    if (question?.session !== session || question.below !== message.below) return;
    this.#cancel();
    const read = await this.#read(question, message);
    if (this.#question !== question) return;
    if (!read.ok) {
      this.#options.log.warn('history not taken', { because: read.error.because });
      this.#refused(session);
      return session.close('bad_history');
    }
    if (read.value === null) return this.#wait();
    await this.#keep(question.below, read.value);
    if (this.#question === question) this.#end();
    this.#options.onOlder();
  }

  /** Null while more of the answer is to come. */
  async #read(
    question: Question,
    { from, bytes: piece, last }: Extract<HistoryMessage, { t: 'history' }>,
  ): Promise<Result<readonly BlockSection[] | null, Failure>> {
    if (from !== question.size) return fail('bad_history', 'A piece came that was not its turn.');
    question.size += piece.length;
    if (question.size > ANSWER_BYTES_MAX) return fail('bad_history', 'The answer is too large.');
    question.pieces.push(piece);
    if (!last) return ok(null);
    const unpacked = await this.#options.compressor.inflate(concatBytes(...question.pieces), ANSWER_BYTES_MAX);
    const sections = unpacked && decodeCanonical(answerSchema, unpacked, { max: ANSWER_BYTES_MAX });
    if (!sections?.ok) return fail('bad_history', 'The answer cannot be unpacked.');
    return await this.#check(question.below, sections.value);
  }

  /** SN16: each is the parent that the one above it names. */
  async #check(below: number, sections: readonly Uint8Array[]): Promise<Result<readonly BlockSection[], Failure>> {
    const { store, verifier } = this.#options;
    const above = await loadBlock(store, below);
    assert(above, 'the lowest block is here');
    const { header: known } = above.block;
    let { parent } = known;
    // A block that hands over is itself of the epoch that it ends.
    const seals = await loadSeals(store, known.epoch);
    const blocks: BlockSection[] = [];
    for (const section of sections) {
      const block = await readBlockSection(section, { ...this.#options, seals });
      if (!block.ok) return block;
      const { id, header } = block.value.certified.block;
      if (id !== parent) return fail('bad_history', 'A block is not the one before those that are here.');
      if (!(await hasRightSignatures(block.value, verifier))) return fail('bad_history', 'A signature does not hold.');
      blocks.push(block.value);
      parent = header.parent;
    }
    return ok(blocks);
  }

  async #keep(below: number, blocks: readonly BlockSection[]): Promise<void> {
    const { store, log } = this.#options;
    const { lowest, bytes: before } = await this.#load();
    // They came from two members, after a link was lost.
    if (lowest !== below) return;
    const size = blocks.reduce((sum, block) => sum + encodeBlockSection(block).length, before);
    const older = { lowest: lowest - blocks.length, bytes: size };
    const kept = blocks.map((block) => ({ ...block, entryIds: block.receipts.map(({ entry }): Cid => entry) }));
    try {
      await writeOlder(store, kept, older);
      this.#older = older;
      this.#wanted = false;
    } catch (error) {
      // Nobody needs them as much as what is written now.
      this.#isFull = true;
      log.warn('history not kept', { because: messageOf(error) });
    }
  }

  /** One answer at a time to each: whoever asks again meanwhile has heard nothing of the first. */
  async #give(session: Session, below: number): Promise<void> {
    const peer = this.#peers.get(session);
    if (!peer || peer.gives) return;
    const sections = this.#options.mayReadAll(session) ? await this.#collect(below) : [];
    if (sections.length === 0) return void (await session.send({ t: 'noHistory', below }));
    peer.gives = true;
    try {
      const deflated = await this.#options.compressor.deflate(encodeCanonical(answerSchema, sections));
      for (let from = 0; from < deflated.length; from += SECTION_BYTES_MAX) {
        const piece = deflated.slice(from, from + SECTION_BYTES_MAX);
        const last = from + piece.length === deflated.length;
        const sent = await session.send({ t: 'history', below, from, bytes: piece, last });
        if (!sent.ok) return;
      }
    } finally {
      peer.gives = false;
    }
  }

  async #collect(below: number): Promise<Uint8Array[]> {
    const { store, chain } = this.#options;
    const sections: Uint8Array[] = [];
    let size = 0;
    const highest = Math.min(below - 1, chain.tip.height);
    for (let height = highest; height > 0 && sections.length < HISTORY_BLOCKS_MAX; height--) {
      const certified = await loadBlock(store, height);
      if (!certified) break;
      const section = encodeBlockSection({ certified, receipts: await loadReceipts(store, height) });
      size += section.length;
      if (sections.length > 0 && size > HISTORY_ANSWER_BYTES) break;
      sections.push(section);
    }
    return sections;
  }

  #go(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#options.log.warn('history failed', { because: messageOf(error) }));
  }
}

export function isOfHistory(message: SessionMessage): message is HistoryMessage {
  return ['getHistory', 'history', 'noHistory'].includes(message.t);
}
