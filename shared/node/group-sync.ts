// Sync between members of a group (docs/protocol/sync.md): exchange how far each is, send what the other lacks, then every new
// entry and block as it comes.

import type { Cid } from '../codec/cid.ts';
import type { Failure, Result } from '../core/result.ts';
import type { FeedId, Identity, PublicKey } from '../crypto/ids.ts';
import type { ParsedEntry, VerifiedEntry } from '../feeds/entry.ts';
import type { Clock, Log } from '../platform/ports.ts';
import type { Session } from '../session/session.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import type { CertifiedBlock } from '../chain/certified-block.ts';
import { SNAPSHOT_BLOCKS_MIN } from '../core/limits.ts';
import { parseEntry } from '../feeds/entry.ts';
import { codeWaits, isCode } from '../ledger/codes.ts';
import type { LinkedEntry } from './block-stash.ts';
import { SyncBlocks } from './sync-blocks.ts';
import { bestOf, createPeer, raise, type Peer, type SyncPeer } from './sync-peer.ts';
import { takeMessageful, type SyncItem } from './sync-queue.ts';

/** Signals to one member that it has not taken: those that follow are not sent, and its other messages have room. */
const SIGNALS_WAITING_MAX = 16;

/** What sync needs of the group's chain: the host verifies everything it hands over. */
export type SyncChain = {
  readonly height: number;
  readonly tip: Cid;
  /** Entries that are not final, those of one feed in order. */
  pending(): Iterable<VerifiedEntry>;
  /** Whether half of what one device may have waiting is free. */
  isHalfFreeFor(device: PublicKey): boolean;
  /** The last final number of a feed; 0 before the first. */
  finalSeq(feed: FeedId): number;
  /** A verified entry that is not final. */
  get(id: Cid): LinkedEntry | undefined;
  /** Outcomes stand in the order of the entries. */
  submit(entries: readonly ParsedEntry[]): Promise<readonly Result<unknown, Failure>[]>;
  /** Of blocks that follow each other; to how many were new. */
  takeBlocks(blocks: readonly Uint8Array[]): Promise<Result<number, Failure>>;
  loadBlock(height: number): Promise<CertifiedBlock | undefined>;
};

export type SyncOptions = {
  readonly chain: SyncChain;
  /** Of this node: its entries are given to everyone, also to those whom it may not show the rest yet. */
  readonly device: PublicKey;
  /** Whether this node is in the group as far as it knows itself: a newcomer knows nobody yet. */
  readonly isMember: () => boolean;
  /** Own entries that are owed to the group, also those the own chain does not take yet. */
  readonly owed: () => readonly { readonly id: Cid; readonly bytes: Uint8Array }[];
  /** The last height that this device of this identity may see: Infinity, and all that is pending, for who is in the group. */
  readonly readLimit: (peer: { readonly identity: Identity; readonly device: PublicKey }) => number;
  /** Whether what this identity says about an own entry is believed. */
  readonly mayRefuse: (identity: Identity) => boolean;
  readonly onRefused: (id: Cid, failure: Failure) => void;
  readonly onSignal: (from: Session, signal: Extract<SessionMessage, { t: 'signal' }>) => void;
  readonly onChange: () => void;
  /** Whether this node asks for a snapshot where many blocks are missing. */
  readonly leaps: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
};

export class GroupSync {
  readonly #options: SyncOptions;
  readonly #peers = new Map<PublicKey, Peer>();
  readonly #blocks: SyncBlocks;

  constructor(options: SyncOptions) {
    this.#options = options;
    this.#blocks = new SyncBlocks({ ...options, sayState: (peer) => this.#sayState(peer) });
  }

  /** Members with an open session, this node's own device not among them. */
  get peers(): readonly SyncPeer[] {
    return [...this.#peers.values()].flatMap(({ device, identity, sessions, queue, height, gave }) => {
      const session = bestOf(sessions);
      return session
        ? [{ device, identity, session, sessions: [...sessions], waiting: queue.bytes, height, gave: { ...gave } }]
        : [];
    });
  }

  opened(session: Session): void {
    const { device } = session;
    if (device === this.#options.device) return;
    let peer = this.#peers.get(device);
    if (!peer) {
      const made = createPeer(session, { clock: this.#options.clock, next: () => this.#nextFor(made) });
      peer = made;
      this.#peers.set(device, peer);
    }
    peer.sessions.add(session);
    this.#forgetGiven(peer);
    this.#sayState(peer);
    if (this.#mayHave(peer)) this.#giveOwed(peer);
    this.#options.onChange();
  }

  closed(session: Session): void {
    const peer = this.#peers.get(session.device);
    if (!peer?.sessions.delete(session)) return;
    if (peer.sessions.size === 0) {
      peer.queue.clear();
      peer.allowance.close();
      this.#blocks.forget(peer);
      this.#peers.delete(peer.device);
    } else {
      // What was under way on that one may be lost: the other side says again how far it is, and so does this one.
      this.#forgetGiven(peer);
      this.#sayState(peer);
      if (this.#mayHave(peer)) this.#giveOwed(peer);
    }
    this.#options.onChange();
  }

  /** An own entry is on disk. */
  give(bytes: Uint8Array): void {
    for (const peer of this.#peers.values()) {
      if (!this.#mayHave(peer)) continue;
      if (peer.queue.pulling || !peer.queue.push({ kind: 'entry', bytes })) this.#giveOwed(peer);
    }
  }

  /** An entry was verified and is pending here: whoever lacks it gets it. Also a stranger's join makes it a reader. */
  pending(entry: VerifiedEntry): void {
    const { feed, seq, device } = entry.body;
    for (const peer of this.#peers.values()) {
      if (peer.identity === entry.identity && !peer.served) this.#serve(peer);
      if (device === this.#options.device || device === peer.device) continue;
      if (!peer.said || !this.#mayReadAll(peer) || (peer.known.get(feed) ?? 0) >= seq) continue;
      if (peer.queue.pulling || !peer.queue.push({ kind: 'entry', bytes: entry.bytes })) peer.queue.pull();
      else peer.known.set(feed, seq);
    }
  }

  /** A block became final here. */
  final(block: CertifiedBlock, entries: readonly VerifiedEntry[]): void {
    const { height } = block.block.header;
    for (const peer of this.#peers.values()) {
      // What it gave in vain for want of room may come again: it hears how far this one is, and not after every block.
      if (peer.missed && this.#options.chain.isHalfFreeFor(peer.device)) {
        peer.missed = false;
        this.#sayState(peer);
      }
      if (!peer.said || this.#options.readLimit(peer) < height) continue;
      // The block made it a reader: whoever was away knows those who joined meanwhile only now.
      if (!peer.served) {
        this.#serve(peer);
        this.#giveOwed(peer);
      }
      if (peer.height >= height) continue;
      if (peer.queue.pulling || peer.height < height - 1) {
        peer.queue.pull();
        continue;
      }
      const lacks = entries.filter(({ body }) => body.device !== peer.device && !this.#isKnown(peer, body));
      if (!peer.queue.push({ kind: 'block', block, missing: lacks.map(({ bytes }) => bytes) })) {
        peer.queue.pull();
        continue;
      }
      for (const { body } of entries) raise(peer.known, body);
      peer.height = height;
    }
  }

  /** A validator lacks final blocks from this height on. */
  sendBlocks(device: PublicKey, from: number): void {
    const peer = this.#peers.get(device);
    if (!peer) return;
    peer.height = Math.min(peer.height, from - 1);
    peer.allowance.ask(() => this.#answer(peer));
  }

  /** Goes to everyone who may read, over the best session, and is not repeated. */
  signal(message: Extract<SessionMessage, { t: 'signal' }>): void {
    for (const peer of this.#peers.values()) {
      if (!this.#mayReadAll(peer) || peer.signals >= SIGNALS_WAITING_MAX) continue;
      peer.signals++;
      void bestOf(peer.sessions)
        ?.send(message)
        .finally(() => peer.signals--);
    }
  }

  /** The next message of the session waits until this settles. */
  async message(session: Session, message: SessionMessage): Promise<void> {
    const peer = this.#peers.get(session.device);
    if (!peer) return;
    if (message.t === 'block') return await this.#blocks.take(peer, message);
    if (message.t === 'blockEntries') return this.#blocks.takeEntries(peer, message);
    await this.#blocks.settled(peer);
    switch (message.t) {
      case 'state':
        // What it sent since it opened went with a session that only it knew to be lost: it hears how far this side is.
        if (peer.said && message.height > this.#options.chain.height) this.#sayState(peer);
        // The first one after an opening was said before what was given since then was heard; a later one may miss it.
        if (!peer.fresh) peer.given.clear();
        peer.fresh = false;
        peer.said = message;
        peer.served = false;
        return peer.allowance.ask(() => this.#answer(peer));
      case 'entries':
        return await this.#takeEntries(peer, message.entries);
      case 'getBlocks':
        return this.sendBlocks(peer.device, message.from);
      case 'refused':
        if (this.#options.mayRefuse(peer.identity)) this.#options.onRefused(message.id, message);
        return;
      case 'signal':
        if (peer.allowance.maySignal()) this.#options.onSignal(session, message);
        return;
      default:
        return;
    }
  }

  /** To everyone: this node has leapt, or takes blocks from now on. */
  restate(): void {
    for (const peer of this.#peers.values()) this.#sayState(peer);
  }

  #sayState(peer: Peer): void {
    peer.queue.push({ kind: 'made', make: () => this.#describe(peer) });
  }

  /** Whoever may not read hears nothing of what waits here, and can still say what this node lacks. */
  #describe(peer: Peer): Extract<SessionMessage, { t: 'state' }> {
    const { chain, readLimit } = this.#options;
    const last = new Map<FeedId, number>();
    if (this.#mayHave(peer)) for (const { body } of chain.pending()) raise(last, body);
    const height = this.#isOut(peer) ? Math.min(chain.height, readLimit(peer)) : chain.height;
    const feeds = [...last].map(([feed, seq]) => ({ feed, seq }));
    return { t: 'state', height, feeds, ...(this.#options.leaps() && { leaps: true }) };
  }

  #answer(peer: Peer): void {
    if (peer.served) peer.queue.pull();
    else this.#serve(peer);
  }

  /** SY1: everything the other side lacks by what it said last. */
  #serve(peer: Peer): void {
    const { said } = peer;
    if (!said || this.#options.readLimit(peer) === 0) return;
    peer.served = true;
    peer.known.clear();
    for (const { feed, seq } of said.feeds) peer.known.set(feed, seq);
    peer.height = said.height;
    peer.queue.pull();
  }

  /** What was sent may be lost with the session that took it. */
  #forgetGiven(peer: Peer): void {
    peer.given.clear();
    peer.fresh = true;
  }

  #giveOwed(peer: Peer): void {
    if (peer.owed) peer.owed.again = true;
    else peer.owed = { wires: this.#owedWires(peer), again: false };
    peer.queue.pull();
  }

  *#owedWires(peer: Peer): Generator<Uint8Array> {
    for (const { id, bytes } of this.#options.owed()) {
      if (isNew(peer.given, id)) yield bytes;
    }
  }

  /** Blocks first, then what is pending, then own entries that may be pending nowhere yet. */
  async #nextFor(peer: Peer): Promise<SyncItem | null> {
    const { chain, readLimit } = this.#options;
    const leaps = peer.said?.leaps === true && chain.height - peer.height >= SNAPSHOT_BLOCKS_MIN;
    while (!leaps && peer.served && peer.height < Math.min(chain.height, readLimit(peer))) {
      const height = peer.height + 1;
      const block = await chain.loadBlock(height);
      if (!block) break;
      // It may have said another state meanwhile.
      if (peer.height !== height - 1) continue;
      peer.height = height;
      return { kind: 'block', block, missing: block.entries };
    }
    const lacking = leaps ? [] : takeMessageful(this.#lackingWires(peer));
    if (lacking.length > 0) return { kind: 'message', message: { t: 'entries', entries: lacking } };
    while (peer.owed && this.#mayHave(peer)) {
      const owed = takeMessageful(peer.owed.wires);
      if (owed.length > 0) return { kind: 'message', message: { t: 'entries', entries: owed } };
      peer.owed = peer.owed.again ? { wires: this.#owedWires(peer), again: false } : null;
    }
    return null;
  }

  /** Each counts as sent once it was taken. */
  *#lackingWires(peer: Peer): Generator<Uint8Array> {
    if (!peer.served || !this.#mayReadAll(peer)) return;
    for (const { id, body, bytes } of this.#options.chain.pending()) {
      if (this.#isKnown(peer, body)) continue;
      raise(peer.known, body);
      if (body.device === this.#options.device && !isNew(peer.given, id)) continue;
      yield bytes;
    }
  }

  #mayReadAll(peer: Peer): boolean {
    return this.#options.readLimit(peer) === Infinity;
  }

  /** Own entries: who is in the group gives them to readers; a newcomer, who knows nobody, to all but those it knows to be out. */
  #mayHave(peer: Peer): boolean {
    return this.#mayReadAll(peer) || (!this.#options.isMember() && !this.#isOut(peer));
  }

  /** Removed or revoked. */
  #isOut(peer: Peer): boolean {
    const limit = this.#options.readLimit(peer);
    return limit > 0 && limit < Infinity;
  }

  #isKnown(peer: Peer, { feed, seq }: { feed: FeedId; seq: number }): boolean {
    const final = peer.height >= this.#options.chain.height ? this.#options.chain.finalSeq(feed) : 0;
    return Math.max(final, peer.known.get(feed) ?? 0) >= seq;
  }

  async #takeEntries(peer: Peer, wires: readonly Uint8Array[]): Promise<void> {
    const entries = wires.flatMap((wire) => {
      const entry = parseEntry(wire);
      return entry.ok ? [entry.value] : [];
    });
    const taken = await this.#options.chain.submit(entries);
    for (const [at, outcome] of taken.entries()) {
      const { id, body } = entries[at]!;
      if (outcome.ok) {
        peer.gave.entries++;
        raise(peer.known, body);
        continue;
      }
      const { code, because } = outcome.error;
      this.#options.log.debug('entry not taken', { code });
      peer.missed = true;
      // Its author hears why; of others' entries nobody needs to.
      const final = !isCode(code) || !codeWaits(code);
      if (final && body.device === peer.device) {
        peer.queue.push({ kind: 'message', message: { t: 'refused', id, code, because } });
      }
    }
    const refused = wires.length - taken.filter(({ ok }) => ok).length;
    if (refused > 0) await peer.allowance.refused(refused);
  }
}

/** Adds it. */
function isNew<T>(known: Set<T>, value: T): boolean {
  return known.size < known.add(value).size;
}
