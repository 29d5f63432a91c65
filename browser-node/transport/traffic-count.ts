// Counts what goes through a relay's link by peer, so that reports show measured bytes.

import type { Link } from '../../shared/platform/ports.ts';
import type { PeerId } from '../../shared/session/relay-wire.ts';

/** SEND to the relay and FROM it have one layout: this byte, the peer's number, the payload (docs/protocol/relay.md). */
const PAYLOAD_FRAME = 0x01;
const HEAD_BYTES = 5;
/** Rooms number their sockets anew at each connection: only those of the last ones matter. */
const PEERS_MAX = 512;

export type Traffic = { readonly bytesFrom: number; readonly bytesTo: number };

export class TrafficCount {
  readonly #traffic = new Map<PeerId, { bytesFrom: number; bytesTo: number }>();

  of(peer: PeerId): Traffic {
    return this.#traffic.get(peer) ?? { bytesFrom: 0, bytesTo: 0 };
  }

  /** The same link, counted. A new connection starts from nothing: its peers have new numbers. */
  count(link: Link): Link {
    this.#traffic.clear();
    return {
      ...link,
      send: (frame) => {
        this.#add(frame, 'bytesTo');
        link.send(frame);
      },
      listen: (events) =>
        link.listen({
          ...events,
          frame: (bytes) => {
            this.#add(bytes, 'bytesFrom');
            events.frame(bytes);
          },
        }),
    };
  }

  #add(frame: Uint8Array, direction: 'bytesFrom' | 'bytesTo'): void {
    if (frame[0] !== PAYLOAD_FRAME || frame.length < HEAD_BYTES) return;
    const peer = new DataView(frame.buffer, frame.byteOffset).getUint32(1) as PeerId;
    const counted = this.#traffic.get(peer) ?? { bytesFrom: 0, bytesTo: 0 };
    counted[direction] += frame.length - HEAD_BYTES;
    this.#traffic.set(peer, counted);
    if (this.#traffic.size > PEERS_MAX) this.#traffic.delete(this.#traffic.keys().next().value!);
  }
}
