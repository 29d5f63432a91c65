// What requests, answers and sessions need of a room: payloads to and from numbered peers, and word of who is there.

import type { PeerId, ServingPeer } from './relay-wire.ts';

/** The first byte of a payload says which machine it belongs to (rule PR1). */
export const CHANNEL_REQUEST = 0x00;
export const CHANNEL_SESSION = 0x01;
export const CHANNEL_ANSWER = 0x02;

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
}

export interface PayloadRoom {
  /** Settles when the payload is on its way, which is how a sender learns to wait. Never rejects. */
  send(to: PeerId, payload: Uint8Array): Promise<SendOutcome>;
  /** The returned function ends it. */
  subscribe(events: RoomEvents): () => void;
}
