// One room of one relay: stays connected (or connects on demand), knows who serves, sends with backpressure, finds seeders.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Clock, Link, Log, Random } from '../platform/ports.ts';
import type { RelayedRoom, RoomEvents, SendOutcome } from './payload-room.ts';
import type { PeerId, RelayToClientFrame, ServingPeer } from './relay-wire.ts';
import { HAVE_INTERVAL } from '../core/limits.ts';
import { messageOf } from '../core/message-of.ts';
import {
  encodeFind,
  encodeHave,
  encodeSend,
  encodeServices,
  HAVE_MANIFESTS_MAX,
  isExtensionFrame,
  parseRelayFrame,
  ROOM_FULL,
} from './relay-wire.ts';

/** A relay that has not said WELCOME by then is not going to. */
const JOIN_WAIT: Millis = 10_000;
/** First and longest pause between two attempts; each is drawn between a half and one of it. */
const RECONNECT_DELAY_MIN: Millis = 250;
const RECONNECT_DELAY_MAX: Millis = 5_000;
/** A connection that lived this long was a good one: the next loss starts from the short pause again. */
const STABLE_AFTER: Millis = 10_000;
/** Bytes handed to the link before the room queues: enough to keep a fast path busy, and no more to wait behind. */
const LINK_BUFFER_BYTES_MAX: number = 512 * 1024;
/** Bytes the room queues behind the link; beyond it a sender is told to slow down. */
const SEND_QUEUE_BYTES_MAX: number = 4 * 1024 * 1024;
/** How often a full link is looked at; links have no event for it. */
const DRAIN_INTERVAL: Millis = 5;
/** Pause after the relay dropped a frame because this node sends too fast; its buckets hold seconds of traffic. */
const RATE_LIMITED_PAUSE: Millis = 500;
/** Serving peers remembered: more than anybody asks. */
const PEERS_REMEMBERED_MAX = 256;
/** FIND requests without an answer. */
const FINDS_OPEN_MAX = 64;

export type RelayRoomOptions = {
  /** Opens the socket of this room. */
  readonly connect: () => Promise<Link>;
  readonly clock: Clock;
  readonly random: Random;
  /** SERVICE_* bits this node offers from the start. */
  readonly services: number;
  readonly log: Log;
  /** `stay` (the default) reconnects by itself after the first `wake`; `on_demand` connects only when something is asked of it. */
  readonly mode?: 'stay' | 'on_demand';
  /** A pause in place of the usual few seconds, for a room that has been away (or was last woken) so long ago; null: the usual. */
  readonly rest?: (away: Millis) => Millis | null;
};

type Connection =
  | { readonly state: 'closed' }
  | { readonly state: 'idle' }
  | { readonly state: 'waiting'; readonly cancel: () => void }
  | { readonly state: 'joining'; readonly cancel: () => void; link: Link | null }
  | { readonly state: 'online'; readonly link: Link; readonly you: PeerId; readonly since: Millis };

type Queued = { readonly frame: Uint8Array; readonly settle: (outcome: SendOutcome) => void };

export class RelayRoom implements RelayedRoom {
  readonly #options: RelayRoomOptions;
  readonly #listeners = new Set<RoomEvents>();
  readonly #peers = new Map<PeerId, ServingPeer>();
  /** Peers that are who this node looks for: they are not forgotten for others while they are here. */
  readonly proven = new Set<PeerId>();
  readonly #finds = new Map<number, (peers: readonly PeerId[]) => void>();
  readonly #queue: Queued[] = [];
  #queuedBytes = 0;
  #pausedUntil: Millis = 0;
  #connection: Connection = { state: 'idle' };
  #attempts = 0;
  /** Since when it has been away, or was last woken. */
  #awaySince: Millis = 0;
  #services: number;
  #manifests: readonly Cid[] = [];
  #cancelHave: (() => void) | null = null;
  #nextFind = 1;

  constructor(options: RelayRoomOptions) {
    this.#options = options;
    this.#services = options.services;
  }

  /** Serving peers, oldest first. */
  get peers(): readonly ServingPeer[] {
    return [...this.#peers.values()];
  }

  get online(): boolean {
    return this.#connection.state === 'online';
  }

  /** This node's number in the room while it is online. */
  get you(): PeerId | null {
    return this.#connection.state === 'online' ? this.#connection.you : null;
  }

  /** Connects now: for the first time, or whatever pause was under way. */
  wake(): void {
    this.#awaySince = this.#options.clock.now();
    if (this.#connection.state === 'waiting') this.#connection.cancel();
    if (this.#connection.state === 'waiting' || this.#connection.state === 'idle') this.#join();
  }

  /** Ends the connection for good. */
  close(): void {
    const connection = this.#connection;
    this.#connection = { state: 'closed' };
    if (connection.state === 'waiting') connection.cancel();
    if (connection.state === 'joining') {
      connection.cancel();
      connection.link?.close();
    }
    if (connection.state === 'online') connection.link.close();
    if (connection.state !== 'closed') this.#forgetConnection('closed');
  }

  /** Whether the room is online within `wait` ms; asks for a connection. */
  whenOnline(wait: Millis): Promise<boolean> {
    if (this.online) return Promise.resolve(true);
    if (this.#connection.state === 'closed') return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (online: boolean): void => {
        cancel();
        unsubscribe();
        resolve(online);
      };
      const cancel = this.#options.clock.after(wait, () => settle(false));
      const unsubscribe = this.subscribe({
        online: () => settle(true),
        // A room that stays tries again by itself within `wait`; the others say at once that it failed.
        offline: () => (this.#connection.state === 'waiting' ? undefined : settle(false)),
      });
      this.wake();
    });
  }

  subscribe(events: RoomEvents): () => void {
    this.#listeners.add(events);
    return () => this.#listeners.delete(events);
  }

  send(to: PeerId, payload: Uint8Array): Promise<SendOutcome> {
    if (this.#connection.state !== 'online') return Promise.resolve('offline');
    const { link } = this.#connection;
    const frame = encodeSend(to, payload);
    if (this.#queue.length === 0 && this.#mayWrite(link)) {
      link.send(frame);
      return Promise.resolve('sent');
    }
    if (this.#queuedBytes + frame.length > SEND_QUEUE_BYTES_MAX) return Promise.resolve('queue_full');
    this.#queuedBytes += frame.length;
    if (this.#queue.length === 0) this.#drainLater(link);
    return new Promise((settle) => this.#queue.push({ frame, settle }));
  }

  /** Hands over a frame of an extension; false when there is no connection. */
  sendExtension(frame: Uint8Array): boolean {
    if (this.#connection.state !== 'online') return false;
    this.#connection.link.send(frame);
    return true;
  }

  /** Peers that said they have `manifest`, at most FOUND_PEERS_MAX; none if nobody answers within `wait` ms. */
  async find(manifest: Cid, wait: Millis): Promise<readonly PeerId[]> {
    const { clock } = this.#options;
    const started = clock.now();
    if (!(await this.whenOnline(wait)) || this.#connection.state !== 'online') return [];
    if (this.#finds.size >= FINDS_OPEN_MAX) return [];
    const { link } = this.#connection;
    const request = this.#nextFind;
    this.#nextFind = (this.#nextFind + 1) >>> 0;
    return new Promise((resolve) => {
      const settle = (peers: readonly PeerId[]): void => {
        cancel();
        this.#finds.delete(request);
        resolve(peers);
      };
      const cancel = clock.after(Math.max(0, wait - (clock.now() - started)), () => settle([]));
      this.#finds.set(request, settle);
      link.send(encodeFind(request, manifest));
    });
  }

  /** Says, and keeps saying, that this node serves these manifests; a list replaces the one before (the first HAVE_MANIFESTS_MAX count). */
  have(manifests: readonly Cid[]): void {
    const hadSome = this.#manifests.length > 0;
    this.#manifests = manifests.slice(0, HAVE_MANIFESTS_MAX);
    if (hadSome || this.#manifests.length > 0) this.#announce();
  }

  setServices(services: number): void {
    if (services === this.#services) return;
    this.#services = services;
    if (this.#connection.state === 'online') this.#connection.link.send(encodeServices(services));
  }

  #join(): void {
    const { clock, connect, log } = this.#options;
    const cancel = clock.after(JOIN_WAIT, () => {
      if (this.#connection !== joining) return;
      joining.link?.close();
      this.#lose(joining, 'no_welcome');
    });
    const joining: Connection & { state: 'joining' } = { state: 'joining', cancel, link: null };
    this.#connection = joining;
    this.#attempts++;
    connect().then(
      (link) => {
        if (this.#connection !== joining) return link.close();
        joining.link = link;
        link.listen({
          frame: (bytes) => this.#receive(link, bytes),
          closed: (because) => this.#lostLink(link, because),
        });
      },
      (error: unknown) => {
        log.debug('relay_unreachable', { because: messageOf(error) });
        this.#lose(joining, 'unreachable');
      },
    );
  }

  #receive(link: Link, bytes: Uint8Array): void {
    const connection = this.#connection;
    if ((connection.state !== 'joining' && connection.state !== 'online') || connection.link !== link) return;
    if (connection.state === 'online' && isExtensionFrame(bytes)) {
      return this.#emit((events) => events.extension?.(bytes));
    }
    const frame = parseRelayFrame(bytes);
    if (!frame.ok) {
      this.#options.log.debug('relay_frame_dropped', { code: frame.error.code });
    } else if (connection.state === 'joining') {
      if (frame.value.type === 'welcome') this.#enter(link, frame.value);
      if (frame.value.type === 'error') this.#complain(frame.value.code);
    } else {
      this.#act(frame.value);
    }
  }

  #enter(link: Link, welcome: RelayToClientFrame & { type: 'welcome' }): void {
    if (this.#connection.state === 'joining') this.#connection.cancel();
    this.#connection = { state: 'online', link, you: welcome.you, since: this.#options.clock.now() };
    for (const peer of welcome.peers) this.#peers.set(peer.id, peer);
    if (this.#services !== 0) link.send(encodeServices(this.#services));
    if (this.#manifests.length > 0) this.#announce();
    this.#emit((events) => events.online?.());
    for (const peer of welcome.peers) this.#emit((events) => events.peer?.(peer));
  }

  #act(frame: RelayToClientFrame): void {
    switch (frame.type) {
      case 'from':
        return this.#emit((events) => events.payload?.(frame.from, frame.payload));
      case 'peer': {
        const { peer } = frame;
        if (peer.services === 0) return this.#dismiss(peer.id);
        if (this.#peers.size >= PEERS_REMEMBERED_MAX && !this.#peers.has(peer.id)) {
          // RL9: by chance, so that nobody who came early hides who comes late; a byte is as large as the list is long.
          const drawn = [...this.#peers.keys()][this.#options.random.bytes(1)[0]!]!;
          if (this.proven.has(drawn)) return;
          this.#peers.delete(drawn);
        }
        this.#peers.set(peer.id, peer);
        return this.#emit((events) => events.peer?.(peer));
      }
      case 'left':
      case 'gone':
        return this.#dismiss(frame.peer);
      case 'found':
        return this.#finds.get(frame.request)?.(frame.peers);
      case 'error':
        // Only this code is about the sender itself: a peer that takes too little must not slow down the others.
        if (frame.code === 'rate_limited') this.#pausedUntil = this.#options.clock.now() + RATE_LIMITED_PAUSE;
        return this.#complain(frame.code);
      case 'welcome':
        // One connection has one number; a second WELCOME would make every peer's bookkeeping wrong.
        return this.#options.log.debug('relay_frame_dropped', { code: 'second_welcome' });
    }
  }

  #complain(code: string): void {
    this.#options.log.warn('relay_refused', { code });
    if (code === ROOM_FULL) this.#emit((events) => events.full?.());
  }

  #dismiss(peer: PeerId): void {
    this.#peers.delete(peer);
    this.proven.delete(peer);
    this.#emit((events) => events.gone?.(peer));
  }

  #announce(): void {
    this.#cancelHave?.();
    this.#cancelHave = null;
    if (this.#connection.state !== 'online') return;
    this.#connection.link.send(encodeHave(this.#manifests));
    if (this.#manifests.length > 0) {
      this.#cancelHave = this.#options.clock.after(HAVE_INTERVAL, () => this.#announce());
    }
  }

  #lostLink(link: Link, because: string): void {
    const connection = this.#connection;
    if ((connection.state === 'joining' || connection.state === 'online') && connection.link === link) {
      this.#lose(connection, because);
    }
  }

  /** The one place that decides what follows a connection that failed or ended. */
  #lose(lost: Connection, because: string): void {
    if (this.#connection !== lost) return;
    const { clock, log, mode } = this.#options;
    if (lost.state === 'joining') lost.cancel();
    if (lost.state === 'online') this.#awaySince = clock.now();
    if (lost.state === 'online' && clock.now() - lost.since >= STABLE_AFTER) this.#attempts = 0;
    if (mode === 'on_demand') {
      this.#connection = { state: 'idle' };
    } else {
      const delay = this.#reconnectDelay();
      this.#connection = { state: 'waiting', cancel: clock.after(delay, () => this.#join()) };
      log.debug('relay_lost', { because, delay });
    }
    if (lost.state === 'online' || mode === 'on_demand') this.#forgetConnection(because);
  }

  #reconnectDelay(): Millis {
    const { clock, random, rest } = this.#options;
    const resting = rest?.(clock.now() - this.#awaySince);
    if (resting) return resting;
    const most = Math.min(RECONNECT_DELAY_MAX, RECONNECT_DELAY_MIN * 2 ** Math.min(this.#attempts, 16));
    return Math.round((most / 2) * (1 + random.bytes(1)[0]! / 255));
  }

  #forgetConnection(because: string): void {
    this.#cancelHave?.();
    this.#cancelHave = null;
    this.#peers.clear();
    this.proven.clear();
    this.#queuedBytes = 0;
    this.#pausedUntil = 0;
    for (const { settle } of this.#queue.splice(0)) settle('offline');
    for (const settle of this.#finds.values()) settle([]);
    this.#emit((events) => events.offline?.(because));
  }

  #drain(link: Link): void {
    if (this.#connection.state !== 'online' || this.#connection.link !== link) return;
    while (this.#queue.length > 0 && this.#mayWrite(link)) {
      const { frame, settle } = this.#queue.shift()!;
      this.#queuedBytes -= frame.length;
      link.send(frame);
      settle('sent');
    }
    if (this.#queue.length > 0) this.#drainLater(link);
  }

  #drainLater(link: Link): void {
    const pause = Math.max(DRAIN_INTERVAL, this.#pausedUntil - this.#options.clock.now());
    this.#options.clock.after(pause, () => this.#drain(link));
  }

  #mayWrite(link: Link): boolean {
    return link.buffered() < LINK_BUFFER_BYTES_MAX && this.#options.clock.now() >= this.#pausedUntil;
  }

  #emit(tell: (events: RoomEvents) => void): void {
    for (const events of this.#listeners) tell(events);
  }
}
