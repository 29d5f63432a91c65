// One room on several relays at once (RL12, RL13): whoever is on one of them can be reached, and either may die.
//
// 1. A peer has one number per relay and shard, made unique here; the same node seen twice is told apart by nobody but its session.
// 2. A relay that goes takes its peers along (`gone`), and those seen elsewhere are announced again, so that whoever
//    needs them dials there at once. Only when the last relay is gone the room is `offline`.
// 3. Nothing is sent twice and nothing is kept: what a dead relay swallowed is sent again by the session above.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Clock, Link, Log, Random } from '../platform/ports.ts';
import type { MailAddress } from './mail-wire.ts';
import type { RelayedRoom, RoomEvents, SendOutcome } from './payload-room.ts';
import type { RelayAddress } from './relay-address.ts';
import type { PeerId, ServingPeer } from './relay-wire.ts';
import type { RoomId } from './room.ts';
import { MailClient } from './mail-client.ts';
import { digestMail } from './mail-wire.ts';
import { MeshNumbers } from './mesh-numbers.ts';
import { RelayRoom, type RelayRoomOptions } from './relay-room.ts';
import { SERVICE_READ, SERVICE_VALIDATE } from './relay-wire.ts';

/** Shards of a room on one relay; sixteen of 200 sockets are more than a validator can serve. */
const SHARDS_MAX = 16;
/** After the first relay said who has a manifest, the others have so long to add to it. */
const FIND_GRACE: Millis = 200;

export type RelayMeshOptions = Pick<RelayRoomOptions, 'services' | 'mode' | 'rest'> & {
  /** The relays this room lives on now (chooseRelays); asked again by `update` and whenever one is lost. */
  readonly relays: () => readonly RelayAddress[];
  readonly roomOf: (shard: number) => RoomId;
  readonly connect: (relay: RelayAddress, room: RoomId) => Promise<Link>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** A payload was handed over for a peer: for whoever counts. */
  readonly onSent?: (to: PeerId, bytes: number) => void;
};

export type RelayStatus = { readonly relay: RelayAddress; readonly shard: number; readonly online: boolean };

export type RelayMesh = RelayedRoom & {
  readonly relays: readonly RelayStatus[];
  /** The list of relays may have changed: joins the new ones and leaves those that are not on it. */
  update(): void;
  /** Which relay a peer is seen through. */
  relayOf(peer: PeerId): RelayAddress | null;
  /** Leaves `bytes` (sealed already) for somebody who is away, on every relay of the room; whether one holds them. */
  postMail(to: MailAddress, bytes: Uint8Array): Promise<boolean>;
  /** What waits there, each once; it goes on waiting until it is dropped. */
  takeMail(address: MailAddress): Promise<Uint8Array[]>;
  dropMail(address: MailAddress, mails: readonly Uint8Array[]): Promise<void>;
};

export function createRelayMesh(options: RelayMeshOptions): RelayMesh {
  return new Mesh(options);
}

type Child = {
  readonly relay: RelayAddress;
  readonly shard: number;
  readonly room: RelayRoom;
  readonly mail: MailClient;
  readonly unsubscribe: () => void;
};

class Mesh implements RelayMesh {
  readonly #options: RelayMeshOptions;
  readonly #listeners = new Set<RoomEvents>();
  readonly #childrenByName = new Map<string, Child>();
  readonly #numbers = new MeshNumbers<Child>((peer) => this.#emit((events) => events.gone?.(peer)));
  #services: number;
  #manifests: readonly Cid[] = [];
  #state: 'idle' | 'awake' | 'closed' = 'idle';
  #online = false;

  constructor(options: RelayMeshOptions) {
    this.#options = options;
    this.#services = options.services;
    this.update();
  }

  get online(): boolean {
    return this.#online;
  }

  /** It has one number per relay, and `find` leaves them all out. */
  get you(): null {
    return null;
  }

  get peers(): readonly ServingPeer[] {
    return this.#children.flatMap((child) =>
      child.room.peers.map(({ id, services }) => ({ id: this.#numbers.numberOf(child, id), services })),
    );
  }

  get relays(): readonly RelayStatus[] {
    return this.#children.map(({ relay, shard, room }) => ({ relay, shard, online: room.online }));
  }

  readonly proven = {
    add: (peer: PeerId): void => {
      const seen = this.#numbers.lookUp(peer);
      seen?.child.room.proven.add(seen.peer);
    },
  };

  relayOf(peer: PeerId): RelayAddress | null {
    return this.#numbers.lookUp(peer)?.child.relay ?? null;
  }

  wake(): void {
    if (this.#state === 'closed') return;
    this.#state = 'awake';
    this.update();
    for (const { room } of this.#children) room.wake();
  }

  update(): void {
    if (this.#state === 'closed') return;
    const wanted = this.#options.relays();
    for (const child of this.#children) if (!wanted.includes(child.relay)) this.#remove(child);
    const present = new Set(this.#children.map(({ relay }) => relay));
    for (const relay of wanted) if (!present.has(relay)) this.#open(relay, 0);
  }

  close(): void {
    this.#state = 'closed';
    for (const child of this.#children) this.#remove(child);
  }

  async whenOnline(wait: Millis): Promise<boolean> {
    if (this.#online) return true;
    this.wake();
    const waits = this.#children.map(async ({ room }) => {
      if (!(await room.whenOnline(wait))) throw new Error('offline');
    });
    return Promise.any(waits).then(
      () => true,
      () => false,
    );
  }

  subscribe(events: RoomEvents): () => void {
    this.#listeners.add(events);
    return () => this.#listeners.delete(events);
  }

  send(to: PeerId, payload: Uint8Array): Promise<SendOutcome> {
    const seen = this.#numbers.lookUp(to);
    this.#options.onSent?.(to, payload.length);
    return seen ? seen.child.room.send(seen.peer, payload) : Promise.resolve('offline');
  }

  async find(manifest: Cid, wait: Millis): Promise<readonly PeerId[]> {
    const { clock } = this.#options;
    const started = clock.now();
    if (!(await this.whenOnline(wait))) return [];
    const found: PeerId[] = [];
    const left = Math.max(0, wait - (clock.now() - started));
    const asked = this.#children
      .filter(({ room }) => room.online)
      .map(async (child) => {
        const peers = await child.room.find(manifest, left);
        const others = peers.filter((peer) => peer !== child.room.you);
        found.push(...others.map((peer) => this.#numbers.numberOf(child, peer)));
        return others.length;
      });
    await new Promise<void>((resolve) => {
      let cancel = (): void => undefined;
      void Promise.all(asked).then(() => {
        cancel();
        resolve();
      });
      for (const one of asked) {
        void one.then((count) => {
          if (count === 0) return;
          cancel();
          cancel = clock.after(FIND_GRACE, resolve);
        });
      }
    });
    return [...found];
  }

  have(manifests: readonly Cid[]): void {
    this.#manifests = manifests;
    for (const { room } of this.#children) room.have(manifests);
  }

  setServices(services: number): void {
    this.#services = services;
    for (const { room } of this.#children) room.setServices(services);
  }

  async postMail(to: MailAddress, bytes: Uint8Array): Promise<boolean> {
    const posted = await Promise.all(this.#children.map(({ mail }) => mail.post(to, bytes)));
    return posted.includes(true);
  }

  async takeMail(address: MailAddress): Promise<Uint8Array[]> {
    const taken = await Promise.all(this.#children.map(({ mail }) => mail.take(address)));
    const mailsByDigest = new Map(taken.flat().map((mail) => [digestMail(mail), mail]));
    return [...mailsByDigest.values()];
  }

  async dropMail(address: MailAddress, mails: readonly Uint8Array[]): Promise<void> {
    await Promise.all(this.#children.map(({ mail }) => mail.drop(address, mails)));
  }

  get #children(): Child[] {
    return [...this.#childrenByName.values()];
  }

  /** RL13: full nodes listen in all shards in use, so that everybody reaches one; others are in one shard only. */
  get #listensEverywhere(): boolean {
    return (this.#services & (SERVICE_READ | SERVICE_VALIDATE)) !== 0;
  }

  #open(relay: RelayAddress, shard: number): void {
    const name = nameOf(relay, shard);
    if (this.#childrenByName.has(name) || shard >= SHARDS_MAX) return;
    const { connect, roomOf, clock, random, log, mode = 'stay', rest } = this.#options;
    const room = new RelayRoom({
      connect: () => connect(relay, roomOf(shard)),
      clock,
      random,
      services: this.#services,
      log,
      mode,
      ...(rest && { rest }),
    });
    const child: Child = {
      relay,
      shard,
      room,
      mail: new MailClient({ room, clock }),
      unsubscribe: room.subscribe({
        payload: (from, payload) => {
          const number = this.#numbers.numberOf(child, from);
          this.#emit((events) => events.payload?.(number, payload));
        },
        peer: ({ id, services }) => this.#announce(child, { id, services }),
        gone: (peer) => this.#numbers.drop(child, peer),
        online: () => this.#cameOnline(),
        offline: (because) => this.#lost(child, because),
        full: () => this.#overflowed(child),
      }),
    };
    this.#childrenByName.set(name, child);
    if (this.#manifests.length > 0) room.have(this.#manifests);
    if (this.#state === 'awake') room.wake();
  }

  #remove(child: Child): void {
    if (!this.#childrenByName.delete(nameOf(child.relay, child.shard))) return;
    child.unsubscribe();
    child.mail.close();
    const wasOnline = child.room.online;
    child.room.close();
    if (wasOnline) this.#settleLoss(child, 'left');
    else this.#numbers.dropAll(child);
  }

  #cameOnline(): void {
    if (this.#online) return;
    this.#online = true;
    this.#emit((events) => events.online?.());
  }

  #lost(child: Child, because: string): void {
    this.#settleLoss(child, because);
    // Whoever was sent on to a later shard looks for a place from the first again: rooms fill up in order.
    if (child.shard > 0 && !this.#listensEverywhere) {
      this.#remove(child);
      this.#open(child.relay, 0);
    }
    this.update();
  }

  #settleLoss(child: Child, because: string): void {
    const left = this.#children.some(({ room }) => room.online);
    if (left) {
      this.#numbers.dropAll(child);
      for (const other of this.#children) for (const peer of other.room.peers) this.#announce(other, peer);
      return;
    }
    this.#numbers.forgetAll();
    const wasOnline = this.#online;
    this.#online = false;
    // A room that connects on demand says of every attempt that it failed.
    if (wasOnline || this.#options.mode === 'on_demand') this.#emit((events) => events.offline?.(because));
  }

  #announce(child: Child, { id, services }: ServingPeer): void {
    const number = this.#numbers.numberOf(child, id);
    this.#emit((events) => events.peer?.({ id: number, services }));
  }

  #overflowed(child: Child): void {
    this.#open(child.relay, child.shard + 1);
    if (!this.#listensEverywhere && child.shard + 1 < SHARDS_MAX) this.#remove(child);
  }

  #emit(tell: (events: RoomEvents) => void): void {
    for (const events of this.#listeners) tell(events);
  }
}

function nameOf(relay: RelayAddress, shard: number): string {
  return `${relay}#${shard}`;
}
