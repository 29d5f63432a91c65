// Numbers for peers seen through several relays: each relay draws its own, and here every one of them is told apart.

import { isRoomPeer, ROOM_PEER, type PeerId } from './relay-wire.ts';

/** Numbers kept for one relay. Peers without services come and go without a word, so the oldest make room. */
const NUMBERS_PER_PLACE_MAX = 4_096;

type Seen<Place> = { readonly child: Place; readonly peer: PeerId };

export class MeshNumbers<Place> {
  readonly #seenByNumber = new Map<PeerId, Seen<Place>>();
  readonly #numbersByPlace = new Map<Place, Map<PeerId, PeerId>>();
  readonly #onGone: (number: PeerId) => void;
  #next = 1;

  /** `onGone` hears of each number that means nothing any more. */
  constructor(onGone: (number: PeerId) => void) {
    this.#onGone = onGone;
  }

  /** The number of a relay's peer here; a new one if it has none. Rooms keep looking like rooms (isRoomPeer). */
  numberOf(child: Place, peer: PeerId): PeerId {
    const numbers = this.#numbersByPlace.get(child) ?? new Map<PeerId, PeerId>();
    this.#numbersByPlace.set(child, numbers);
    const known = numbers.get(peer);
    if (known !== undefined) return known;
    const [oldest] = numbers.keys();
    if (numbers.size >= NUMBERS_PER_PLACE_MAX && oldest !== undefined) this.drop(child, oldest);
    const number = isRoomPeer(peer) ? this.#drawRoomNumber() : (this.#next++ as PeerId);
    numbers.set(peer, number);
    this.#seenByNumber.set(number, { child, peer });
    return number;
  }

  lookUp(number: PeerId): Seen<Place> | undefined {
    return this.#seenByNumber.get(number);
  }

  drop(child: Place, peer: PeerId): void {
    const numbers = this.#numbersByPlace.get(child);
    const number = numbers?.get(peer);
    if (number === undefined) return;
    numbers?.delete(peer);
    this.#seenByNumber.delete(number);
    this.#onGone(number);
  }

  /** All peers of one relay are gone. */
  dropAll(child: Place): void {
    const numbers = this.#numbersByPlace.get(child);
    this.#numbersByPlace.delete(child);
    for (const number of numbers?.values() ?? []) this.#seenByNumber.delete(number);
    for (const number of numbers?.values() ?? []) this.#onGone(number);
  }

  /** As dropAll for all relays, without a word: the room says `offline`, which means the same. */
  forgetAll(): void {
    this.#numbersByPlace.clear();
    this.#seenByNumber.clear();
  }

  #drawRoomNumber(): PeerId {
    let number: PeerId = ROOM_PEER;
    while (isRoomPeer(number - 1) && this.#seenByNumber.has(number)) number = (number - 1) as PeerId;
    return number;
  }
}
