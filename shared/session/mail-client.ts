// The mailbox of a room on one relay, as a member uses it: leave something for somebody, take what waits, drop what was taken.

import type { Millis } from '../core/brand.ts';
import type { Clock } from '../platform/ports.ts';
import type { MailAddress, MailOutcome } from './mail-wire.ts';
import type { RelayRoom } from './relay-room.ts';
import { encodeDropMail, encodePostMail, encodeTakeMail, MAILS_PER_ADDRESS_MAX, parseRelayMail } from './mail-wire.ts';

/** A relay that has not answered by then keeps no mail. */
const ANSWER_WAIT: Millis = 5_000;
const REQUESTS_OPEN_MAX = 64;

type Open = { readonly mails: Uint8Array[]; readonly settle: (outcome: MailOutcome | null) => void };

export class MailClient {
  readonly #room: RelayRoom;
  readonly #clock: Clock;
  readonly #open = new Map<number, Open>();
  readonly #unsubscribe: () => void;
  #nextRequest = 1;

  constructor({ room, clock }: { readonly room: RelayRoom; readonly clock: Clock }) {
    this.#room = room;
    this.#clock = clock;
    this.#unsubscribe = room.subscribe({
      extension: (frame) => this.#receive(frame),
      offline: () => {
        for (const { settle } of this.#open.values()) settle(null);
      },
    });
  }

  /** Whether the relay holds it now. `bytes` are sealed already. */
  async post(to: MailAddress, bytes: Uint8Array): Promise<boolean> {
    const { outcome } = await this.#ask((request) => encodePostMail({ request, address: to }, bytes));
    return outcome === 'done';
  }

  /** What waits, oldest first; it goes on waiting until it is dropped. */
  async take(address: MailAddress): Promise<Uint8Array[]> {
    const { mails } = await this.#ask((request) => encodeTakeMail({ request, address }));
    return mails;
  }

  async drop(address: MailAddress, mails: readonly Uint8Array[]): Promise<void> {
    for (let at = 0; at < mails.length; at += MAILS_PER_ADDRESS_MAX) {
      const some = mails.slice(at, at + MAILS_PER_ADDRESS_MAX);
      await this.#ask((request) => encodeDropMail({ request, address }, some));
    }
  }

  close(): void {
    this.#unsubscribe();
    for (const { settle } of this.#open.values()) settle(null);
  }

  /** `outcome` is null when nobody answered. */
  #ask(encode: (request: number) => Uint8Array): Promise<{ outcome: MailOutcome | null; mails: Uint8Array[] }> {
    const request = this.#nextRequest;
    this.#nextRequest = (this.#nextRequest + 1) >>> 0;
    const mails: Uint8Array[] = [];
    return new Promise((resolve) => {
      const settle = (outcome: MailOutcome | null): void => {
        cancel();
        this.#open.delete(request);
        resolve({ outcome, mails });
      };
      const cancel = this.#clock.after(ANSWER_WAIT, () => settle(null));
      this.#open.set(request, { mails, settle });
      if (this.#open.size > REQUESTS_OPEN_MAX || !this.#room.sendExtension(encode(request))) settle(null);
    });
  }

  #receive(bytes: Uint8Array): void {
    const frame = parseRelayMail(bytes);
    const open = frame.ok ? this.#open.get(frame.value.request) : undefined;
    if (!frame.ok || open === undefined) return;
    if (frame.value.type === 'done') return open.settle(frame.value.outcome);
    if (open.mails.length < MAILS_PER_ADDRESS_MAX) open.mails.push(frame.value.bytes.slice());
  }
}
