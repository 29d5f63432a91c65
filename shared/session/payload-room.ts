// What requests, answers and sessions need of a room: payloads to and from numbered peers, and word of who is there.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { PeerId, ServingPeer } from './relay-wire.ts';

/** The first byte of a payload says which machine it belongs to (rule PR1). */
export const CHANNEL_REQUEST = 0x00;
export const CHANNEL_SESSION = 0x01;
export const CHANNEL_ANSWER = 0x02;
/** Direct links only: parts of blocks. */
export const CHANNEL_BLOCK = 0x03;

/** `offline`: not connected, or the connection ended first. `queue_full`: more is waiting than the room keeps; slow down. */
export type SendOutcome = 'sent' | 'offline' | 'queue_full';

export interface RoomEvents {
  /** `payload` may be a view of a larger buffer: copy what is kept. */
  payload?(from: PeerId, payload: Uint8Array): void;
  /** A peer offers services, or other ones than before. */
  peer?(peer: ServingPeer): void;
  /** A serving peer left, or a peer that was sent to is not there. Its number does not come back. */
  gone?(peer: PeerId): void;
  online?(): void;
  /** The connection ended, or an attempt asked for failed. Every peer is gone: numbers of one connection mean nothing in the next. */
  offline?(because: string): void;
  /** The relay has no place for more sockets in this room: newcomers are in its next shard (RL13). */
  full?(): void;
  /** A frame of an extension (its first byte says which), as it came. */
  extension?(frame: Uint8Array): void;
}

export interface PayloadRoom {
  /** Settles when the payload is on its way, which is how a sender learns to wait. Never rejects. */
  send(to: PeerId, payload: Uint8Array): Promise<SendOutcome>;
  /** The returned function ends it. */
  subscribe(events: RoomEvents): () => void;
}

/** A room on one relay, or on several at once: what a node needs of it is the same. */
export interface RelayedRoom extends PayloadRoom {
  readonly online: boolean;
  /** This node's own number where there is one: `find` may name it. */
  readonly you: PeerId | null;
  /** Serving peers, oldest first. */
  readonly peers: readonly ServingPeer[];
  /** Peers that are who this node looks for: they are not forgotten for others while they are here. */
  readonly proven: { add(peer: PeerId): unknown };
  /** Connects now: for the first time, or whatever pause was under way. */
  wake(): void;
  /** Ends the connection for good. */
  close(): void;
  /** Whether the room is online within `wait` ms; asks for a connection. */
  whenOnline(wait: Millis): Promise<boolean>;
  /** Peers that said they have `manifest`; none if nobody answers within `wait` ms. */
  find(manifest: Cid, wait: Millis): Promise<readonly PeerId[]>;
  /** Says, and keeps saying, that this node serves these manifests; a list replaces the one before. */
  have(manifests: readonly Cid[]): void;
  /** SERVICE_* bits this node offers from now on. */
  setServices(services: number): void;
}
