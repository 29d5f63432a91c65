// Counts what goes through a room by peer, so that reports show measured bytes.

import type { PayloadRoom } from '../../shared/session/payload-room.ts';
import type { PeerId } from '../../shared/session/relay-wire.ts';

/** Rooms number their peers anew at each connection: only those of the last ones matter. */
const PEERS_MAX = 512;

export type Traffic = { readonly bytesFrom: number; readonly bytesTo: number };

export class TrafficCount {
  readonly #traffic = new Map<PeerId, { bytesFrom: number; bytesTo: number }>();

  of(peer: PeerId): Traffic {
    return this.#traffic.get(peer) ?? { bytesFrom: 0, bytesTo: 0 };
  }

  /** What comes from the room; what is sent into it, whoever sends says. */
  watch(room: Pick<PayloadRoom, 'subscribe'>): void {
    room.subscribe({
      payload: (from, payload) => this.#add(from, 'bytesFrom', payload.length),
      gone: (peer) => this.#traffic.delete(peer),
      // Numbers of one connection mean nothing in the next.
      offline: () => this.#traffic.clear(),
    });
  }

  sent(to: PeerId, bytes: number): void {
    this.#add(to, 'bytesTo', bytes);
  }

  #add(peer: PeerId, direction: 'bytesFrom' | 'bytesTo', bytes: number): void {
    const counted = this.#traffic.get(peer) ?? { bytesFrom: 0, bytesTo: 0 };
    counted[direction] += bytes;
    this.#traffic.set(peer, counted);
    if (this.#traffic.size > PEERS_MAX) this.#traffic.delete(this.#traffic.keys().next().value!);
  }
}
