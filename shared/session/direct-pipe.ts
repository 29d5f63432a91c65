// What opens direct links for DirectLinks: descriptions to exchange, and two channels once both sides have them.

import type { Link } from '../platform/ports.ts';

/** DL9: both open. */
export type DirectPipe = {
  readonly session: Link;
  /** For public reads, so that a block under way holds no edit back. */
  readonly bulk: Link;
};

export type DirectOffer = {
  /** What the other side needs to answer. */
  readonly sdp: string;
  /** Rejects when the channels do not open. */
  accept(answer: string): Promise<DirectPipe>;
  /** Gives up; after the channels are open, they are their owner's to close. */
  cancel(): void;
};

export type DirectAnswer = {
  readonly sdp: string;
  /** Rejects when the channels do not open. */
  readonly pipe: Promise<DirectPipe>;
  cancel(): void;
};

/** Both reject where this host has no direct links. */
export interface DirectConnector {
  offer(): Promise<DirectOffer>;
  answer(offer: string): Promise<DirectAnswer>;
}
