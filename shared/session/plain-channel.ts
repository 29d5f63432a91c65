// Whole messages over a room without a session: one channel to send on, the other to receive from.

import type { PayloadRoom, SendOutcome } from './payload-room.ts';
import type { PeerId } from './relay-wire.ts';
import { Reassembler, splitMessage } from './fragments.ts';
import { PAYLOAD_BYTES_MAX } from './relay-wire.ts';

const MESSAGE_ID_MAX = 0xffff;

export type PlainChannelEvents = {
  message(from: PeerId, message: Uint8Array): void;
  gone(peer: PeerId): void;
  /** All peers are gone at once. */
  offline(): void;
};

export class PlainChannel {
  readonly #room: PayloadRoom;
  readonly #sendOn: number;
  readonly #unfinished = new Reassembler();
  readonly #unsubscribe: () => void;
  #nextMessageId = 0;

  constructor(room: PayloadRoom, channels: { send: number; receive: number }, events: PlainChannelEvents) {
    this.#room = room;
    this.#sendOn = channels.send;
    this.#unsubscribe = room.subscribe({
      payload: (from, payload) => {
        if (payload[0] !== channels.receive) return;
        const message = this.#unfinished.push(from, payload.subarray(1));
        if (message.ok && message.value !== null) events.message(from, message.value);
      },
      gone: (peer) => {
        this.#unfinished.forget(peer);
        events.gone(peer);
      },
      offline: () => {
        this.#unfinished.clear();
        events.offline();
      },
    });
  }

  /** All fragments at once, so that messages to one peer are not interleaved. */
  async send(to: PeerId, message: Uint8Array): Promise<SendOutcome> {
    const id = this.#nextMessageId;
    this.#nextMessageId = (id + 1) & MESSAGE_ID_MAX;
    const before = Uint8Array.of(this.#sendOn);
    const payloads = splitMessage(message, { id, fragmentBytesMax: PAYLOAD_BYTES_MAX - before.length, before });
    const outcomes = await Promise.all(payloads.map((payload) => this.#room.send(to, payload)));
    return outcomes.find((outcome) => outcome !== 'sent') ?? 'sent';
  }

  close(): void {
    this.#unsubscribe();
    this.#unfinished.clear();
  }
}
