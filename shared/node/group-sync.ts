// Sync between members of a group (docs/protocol/sync.md): exchange how far each is, send what the other lacks, then every new
// entry and block as it comes.

import type { Cid } from '../codec/cid.ts';
import type { CutItem, CertifiedBlock, Block } from '../chain/block.ts';
import type { Failure, Result } from '../core/result.ts';
import type { FeedId, Identity, PublicKey } from '../crypto/ids.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import type { Log } from '../platform/ports.ts';
import type { Session } from '../session/session.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import { BLOCK_BYTES_MAX } from '../core/limits.ts';
import { decodeHeader, encodeCertifiedBlock } from '../chain/block.ts';
import { decodeCertificate } from '../chain/certificate.ts';
import { parseEntry } from '../feeds/entry.ts';
import { codeWaits, isCode } from '../ledger/codes.ts';
import { SyncQueue } from './sync-queue.ts';

/** What sync needs of the group's chain: the host verifies everything it hands over. */
export type SyncChain = {
  readonly height: number;
  readonly tip: Cid;
  /** Entries that are not final, those of one feed in order. */
  pending(): Iterable<VerifiedEntry>;
  /** The last final number of a feed; 0 before the first. */
  finalSeq(feed: FeedId): number;
  /** The verified entries `from`…`to` of a feed that are not final, or undefined while one is missing. */
  range(item: CutItem): readonly Uint8Array[] | undefined;
  submit(wire: Uint8Array): Promise<Result<unknown, Failure>>;
  takeBlock(block: Uint8Array): Promise<Result<number, Failure>>;
  loadBlock(height: number): Promise<CertifiedBlock | undefined>;
};

export type SyncOptions = {
  readonly chain: SyncChain;
  /** Of this node: its entries are given to everyone, also to those whom it may not show the rest yet. */
  readonly device: PublicKey;
  /** Own entries that are owed to the group, also those the own chain does not take yet. */
  readonly owed: () => readonly { readonly bytes: Uint8Array }[];
  /** The last height that this device of this identity may see: Infinity, and all that is pending, for who is in the group. */
  readonly readLimit: (peer: { readonly identity: Identity; readonly device: PublicKey }) => number;
  /** Whether what this identity says about an own entry is believed. */
  readonly mayRefuse: (identity: Identity) => boolean;
  readonly onRefused: (id: Cid, failure: Failure) => void;
  readonly onSignal: (from: Session, signal: Extract<SessionMessage, { t: 'signal' }>) => void;
  readonly onChange: () => void;
  readonly log: Log;
};

/** Another member's device. `session`: the best of those that are open; `gave`: what came from it and was taken. */
export type SyncPeer = {
  readonly device: PublicKey;
  readonly identity: Identity;
  readonly session: Session;
  readonly sessions: readonly Session[];
  readonly gave: { readonly entries: number; readonly blocks: number };
};

type Peer = {
  readonly device: PublicKey;
  readonly identity: Identity;
  readonly sessions: Set<Session>;
  readonly queue: SyncQueue;
  /** What it said last; null until then, or while it may not read. */
  said: Extract<SessionMessage, { t: 'state' }> | null;
  /** Its final height as far as known, with what was sent to it. */
  height: number;
  /** By feed the last number it has or was sent. */
  readonly known: Map<FeedId, number>;
  /** Entries of the block that comes next, by feed and number. */
  readonly stash: Map<string, Uint8Array>;
  stashBytes: number;
  /** Whether it was sent all it lacks by what it said last. */
  served: boolean;
  /** An entry of it could not be judged yet. */
  missed: boolean;
  readonly gave: { entries: number; blocks: number };
};

export class GroupSync {
  readonly #options: SyncOptions;
  readonly #peers = new Map<PublicKey, Peer>();
  /** Blocks are taken one after the other, whoever sent them. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  /** Members with an open session, this node's own device not among them. */
  get peers(): readonly SyncPeer[] {
    return [...this.#peers.values()].flatMap(({ device, identity, sessions, gave }) => {
      const session = bestOf(sessions);
      return session ? [{ device, identity, session, sessions: [...sessions], gave: { ...gave } }] : [];
    });
  }

  opened(session: Session): void {
    const { device, identity } = session;
    if (device === this.#options.device) return;
    let peer = this.#peers.get(device);
    if (!peer) {
      const sessions = new Set<Session>();
      const queue = new SyncQueue(() => bestOf(sessions));
      peer = {
        device,
        identity,
        sessions,
        queue,
        said: null,
        height: 0,
        known: new Map(),
        stash: new Map(),
        stashBytes: 0,
        served: false,
        missed: false,
        gave: { entries: 0, blocks: 0 },
      };
      this.#peers.set(device, peer);
    }
    peer.sessions.add(session);
    this.#sayState(peer);
    if (!this.#isOut(peer)) for (const { bytes } of this.#options.owed()) peer.queue.push({ kind: 'entry', bytes });
    this.#options.onChange();
  }

  closed(session: Session): void {
    const peer = this.#peers.get(session.device);
    if (!peer?.sessions.delete(session)) return;
    if (peer.sessions.size === 0) {
      peer.queue.clear();
      this.#peers.delete(peer.device);
    } else {
      // What was under way on that one may be lost: the other side says again how far it is, and so does this one.
      this.#sayState(peer);
    }
    this.#options.onChange();
  }

  /** An own entry is on disk. */
  give(bytes: Uint8Array): void {
    for (const peer of this.#peers.values()) if (!this.#isOut(peer)) peer.queue.push({ kind: 'entry', bytes });
  }

  /** An entry was verified and is pending here: whoever lacks it gets it. Also a stranger's join makes it a reader. */
  pending(entry: VerifiedEntry): void {
    const { feed, seq, device } = entry.body;
    for (const peer of this.#peers.values()) {
      if (peer.identity === entry.identity && !peer.served) this.#serve(peer);
      if (device === this.#options.device || device === peer.device) continue;
      if (!peer.said || !this.#mayReadAll(peer) || (peer.known.get(feed) ?? 0) >= seq) continue;
      peer.known.set(feed, seq);
      peer.queue.push({ kind: 'entry', bytes: entry.bytes });
    }
  }

  /** A block became final here. */
  final(block: CertifiedBlock, entries: readonly VerifiedEntry[]): void {
    const { height } = block.block.header;
    for (const peer of this.#peers.values()) {
      if (!peer.said || peer.height !== height - 1 || this.#options.readLimit(peer) < height) continue;
      const missing = entries.filter(({ body }) => body.device !== peer.device && !this.#isKnown(peer, body));
      for (const { body } of entries) raise(peer.known, body);
      peer.height = height;
      peer.queue.push({ kind: 'block', block, missing: missing.map(({ bytes }) => bytes) });
    }
  }

  /** Goes to everyone who may read, over the best session, and is not repeated. */
  signal(message: Extract<SessionMessage, { t: 'signal' }>): void {
    for (const peer of this.#peers.values()) {
      if (this.#mayReadAll(peer)) void bestOf(peer.sessions)?.send(message);
    }
  }

  /** The next message of the session waits until this settles. */
  async message(session: Session, message: SessionMessage): Promise<void> {
    const peer = this.#peers.get(session.device);
    if (!peer) return;
    switch (message.t) {
      case 'state':
        peer.said = message;
        peer.served = false;
        return this.#serve(peer);
      case 'entries':
        return await this.#takeEntries(peer, message.entries);
      case 'blockEntries':
        return this.#stash(peer, message);
      case 'block':
        return await this.#takeBlock(peer, message);
      case 'getBlocks':
        peer.height = Math.min(peer.height, message.from - 1);
        return this.#sendHistory(peer);
      case 'refused':
        if (this.#options.mayRefuse(peer.identity)) this.#options.onRefused(message.id, message);
        return;
      case 'signal':
        return this.#options.onSignal(session, message);
      default:
        return;
    }
  }

  #sayState(peer: Peer): void {
    peer.queue.push({ kind: 'message', message: this.#describe() });
  }

  #describe(): Extract<SessionMessage, { t: 'state' }> {
    const last = new Map<FeedId, number>();
    for (const { body } of this.#options.chain.pending()) raise(last, body);
    return { t: 'state', height: this.#options.chain.height, feeds: [...last].map(([feed, seq]) => ({ feed, seq })) };
  }

  /** SY1: everything the other side lacks by what it said last. */
  #serve(peer: Peer): void {
    const { said } = peer;
    if (!said || this.#options.readLimit(peer) === 0) return;
    peer.served = true;
    peer.known.clear();
    for (const { feed, seq } of said.feeds) peer.known.set(feed, seq);
    peer.height = said.height;
    this.#sendHistory(peer);
    if (!this.#mayReadAll(peer)) return;
    for (const { body, bytes } of this.#options.chain.pending()) {
      if (this.#isKnown(peer, body)) continue;
      raise(peer.known, body);
      peer.queue.push({ kind: 'entry', bytes });
    }
  }

  #sendHistory(peer: Peer): void {
    const { chain, readLimit } = this.#options;
    const end = (): number => Math.min(chain.height, readLimit(peer));
    if (peer.height >= end()) return;
    peer.queue.push({
      kind: 'history',
      next: async () => {
        if (peer.height >= end()) return null;
        const block = await chain.loadBlock(peer.height + 1);
        if (block) peer.height += 1;
        return block ?? null;
      },
    });
  }

  #mayReadAll(peer: Peer): boolean {
    return this.#options.readLimit(peer) === Infinity;
  }

  /** Removed or revoked. A stranger may be somebody whom only those who are ahead know. */
  #isOut(peer: Peer): boolean {
    const limit = this.#options.readLimit(peer);
    return limit > 0 && limit < Infinity;
  }

  #isKnown(peer: Peer, { feed, seq }: { feed: FeedId; seq: number }): boolean {
    const final = peer.height >= this.#options.chain.height ? this.#options.chain.finalSeq(feed) : 0;
    return Math.max(final, peer.known.get(feed) ?? 0) >= seq;
  }

  async #takeEntries(peer: Peer, wires: readonly Uint8Array[]): Promise<void> {
    const taken = await Promise.all(wires.map((wire) => this.#options.chain.submit(wire)));
    for (const [at, outcome] of taken.entries()) {
      const entry = parseEntry(wires[at]!);
      if (!entry.ok) continue;
      const { id, body } = entry.value;
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
  }

  #stash(peer: Peer, { height, entries }: Extract<SessionMessage, { t: 'blockEntries' }>): void {
    if (height !== this.#options.chain.height + 1) return;
    for (const wire of entries) {
      const parsed = parseEntry(wire);
      if (!parsed.ok || peer.stashBytes + wire.length > BLOCK_BYTES_MAX) continue;
      peer.stash.set(placeOf(parsed.value.body), wire);
      peer.stashBytes += wire.length;
    }
  }

  async #takeBlock(peer: Peer, message: Extract<SessionMessage, { t: 'block' }>): Promise<void> {
    const block = decodeHeader(message.header);
    const certificate = decodeCertificate(message.certificate);
    if (!block.ok || !certificate.ok) return bestOf(peer.sessions)?.close('bad_block');
    const stash = new Map(peer.stash);
    peer.stash.clear();
    peer.stashBytes = 0;
    const { height, cut } = block.value.header;
    const taken = this.#turn.then(async () => {
      const { chain, log } = this.#options;
      if (height <= chain.height && (height < chain.height || block.value.id === chain.tip)) return;
      if (height > chain.height + 1) return this.#sayState(peer);
      const entries = this.#assemble(block.value, stash);
      if (!entries) {
        peer.queue.push({ kind: 'message', message: { t: 'getBlocks', from: height } });
        return;
      }
      const wire = encodeCertifiedBlock({ block: block.value, certificate: certificate.value, entries });
      const applied = await chain.takeBlock(wire);
      if (!applied.ok) return log.warn('block not taken', { code: applied.error.code, height });
      peer.gave.blocks += applied.value;
      if (peer.height < height) peer.height = height;
      for (const { feed, to } of cut) raise(peer.known, { feed, seq: to });
      // What it could not judge before, it may now: the other side hears how far this one is, and sends it again.
      if (peer.missed) this.#sayState(peer);
      peer.missed = false;
    });
    this.#turn = taken.catch(() => undefined);
    await taken;
  }

  #assemble({ header }: Block, stash: ReadonlyMap<string, Uint8Array>): Uint8Array[] | null {
    const entries: Uint8Array[] = [];
    for (const item of header.cut) {
      const known = this.#options.chain.range(item);
      if (known) {
        entries.push(...known);
        continue;
      }
      for (let seq = item.from; seq <= item.to; seq++) {
        const place = { feed: item.feed, from: seq, to: seq, head: item.head };
        const wire = stash.get(placeOf({ feed: item.feed, seq })) ?? this.#options.chain.range(place)?.[0];
        if (!wire) return null;
        entries.push(wire);
      }
    }
    return entries;
  }
}

function bestOf(sessions: ReadonlySet<Session>): Session | undefined {
  let best: Session | undefined;
  for (const session of sessions) if (!best || rankOf(session) >= rankOf(best)) best = session;
  return best;
}

function rankOf(session: Session): number {
  return session.via === 'relay' ? 0 : 1;
}

function raise(known: Map<FeedId, number>, { feed, seq }: { feed: FeedId; seq: number }): void {
  if ((known.get(feed) ?? 0) < seq) known.set(feed, seq);
}

function placeOf({ feed, seq }: { feed: FeedId; seq: number }): string {
  return `${feed}/${seq}`;
}
