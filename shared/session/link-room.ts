// A link as a room with one other peer: what sessions and public reads need when no relay is in between.

import type { Millis } from '../core/brand.ts';
import type { Clock, Link } from '../platform/ports.ts';
import type { PayloadRoom, RoomEvents, SendOutcome } from './payload-room.ts';
import type { PeerId } from './relay-wire.ts';

/** The other end of the link. */
export const LINK_PEER = 1 as PeerId;

/** DL9: bytes handed to the link before the room queues. 128 to 256 KiB are fastest, 4 MiB stall for seconds (measured). */
export const LINK_SEND_BYTES_MAX: number = 256 * 1024;
/** Bytes the room queues behind the link; beyond it a sender is told to slow down. */
const SEND_QUEUE_BYTES_MAX: number = 4 * 1024 * 1024;
/** How often a full link is looked at that does not say by itself when it has room. */
const DRAIN_INTERVAL: Millis = 5;

export type LinkRoom = PayloadRoom & {
  /** Ends the link and, for those who listen, the room. */
  close(): void;
};

type Queued = { readonly payload: Uint8Array; readonly settle: (outcome: SendOutcome) => void };

/** Frames that come before the first subscriber wait in the link. Payloads may fill a whole frame. */
export function createLinkRoom(link: Link, clock: Clock): LinkRoom {
  const listeners = new Set<RoomEvents>();
  const queue: Queued[] = [];
  let queuedBytes = 0;
  let cancelDrain: (() => void) | null = null;
  let listening = false;
  let ended: string | null = null;

  const mayWrite = (): boolean => link.buffered() < LINK_SEND_BYTES_MAX;

  const drain = (): void => {
    cancelDrain?.();
    cancelDrain = null;
    while (queue.length > 0 && mayWrite()) {
      const { payload, settle } = queue.shift()!;
      queuedBytes -= payload.length;
      link.send(payload);
      settle('sent');
    }
    if (queue.length > 0) cancelDrain = clock.after(DRAIN_INTERVAL, drain);
  };

  const end = (because: string): void => {
    if (ended !== null) return;
    ended = because;
    cancelDrain?.();
    for (const { settle } of queue.splice(0)) settle('offline');
    for (const events of [...listeners]) events.offline?.(because);
  };

  const listen = (): void => {
    listening = true;
    link.listen({
      frame: (bytes) => {
        for (const events of [...listeners]) events.payload?.(LINK_PEER, bytes);
      },
      closed: end,
      drained: drain,
    });
  };

  return {
    send(to, payload) {
      if (ended !== null || to !== LINK_PEER) return Promise.resolve('offline');
      if (queue.length === 0 && mayWrite()) {
        link.send(payload);
        return Promise.resolve('sent');
      }
      if (queuedBytes + payload.length > SEND_QUEUE_BYTES_MAX) return Promise.resolve('queue_full');
      queuedBytes += payload.length;
      cancelDrain ??= clock.after(DRAIN_INTERVAL, drain);
      return new Promise((settle) => queue.push({ payload, settle }));
    },
    subscribe(events) {
      listeners.add(events);
      if (!listening) listen();
      return () => listeners.delete(events);
    },
    close() {
      if (ended !== null) return;
      link.close();
      end('closed here');
    },
  };
}
