// Messages larger than a frame: split by the sender, put together by the receiver within fixed bounds.
//
//   fragment = [message u16][flags u8: 1 last, 2 first][bytes]
//
// Links keep order, so fragments carry no offset; those of several messages may be interleaved.

import type { Failure, Result } from '../core/result.ts';
import { assert } from '../core/assert.ts';
import { concatBytes } from '../core/bytes.ts';
import { MESSAGE_BYTES_MAX } from '../core/limits.ts';
import { fail, ok } from '../core/result.ts';

const FRAGMENT_HEADER_BYTES = 3;
/** Messages that one peer may leave unfinished. */
export const OPEN_MESSAGES_MAX = 8;
/** Fragments of one message: 17 full ones carry the largest; more would be a way to waste memory. */
const FRAGMENTS_PER_MESSAGE_MAX = 64;
/** Unfinished bytes of all peers together. */
const UNFINISHED_BYTES_MAX: number = 32 * 1024 * 1024;
/** What keeping a fragment costs beyond its bytes, so that empty ones are not free. */
const FRAGMENT_COST_BYTES = 256;

const LAST = 1;
const FIRST = 2;

export type FragmentFailure = Failure<'bad_fragment' | 'message_too_large' | 'too_many_messages'>;

/** Where fragments go: how large one may be (its header included), and what stands before each of them. */
export type FragmentForm = {
  /** Not in use by an unfinished message of this sender. */
  readonly id: number;
  readonly fragmentBytesMax: number;
  readonly before?: Uint8Array;
};

export function splitMessage(message: Uint8Array, form: FragmentForm): Uint8Array<ArrayBuffer>[] {
  assert(message.length <= MESSAGE_BYTES_MAX, 'a message is bounded');
  const start = form.before?.length ?? 0;
  const room = form.fragmentBytesMax - FRAGMENT_HEADER_BYTES;
  const count = Math.max(1, Math.ceil(message.length / room));
  assert(count <= FRAGMENTS_PER_MESSAGE_MAX, 'fragments are not tiny');
  const fragments: Uint8Array<ArrayBuffer>[] = [];
  for (let i = 0; i < count; i++) {
    const bytes = message.subarray(i * room, (i + 1) * room);
    const fragment = new Uint8Array(start + FRAGMENT_HEADER_BYTES + bytes.length);
    if (form.before !== undefined) fragment.set(form.before);
    fragment[start] = form.id >>> 8;
    fragment[start + 1] = form.id;
    fragment[start + 2] = (i === 0 ? FIRST : 0) | (i === count - 1 ? LAST : 0);
    fragment.set(bytes, start + FRAGMENT_HEADER_BYTES);
    fragments.push(fragment);
  }
  return fragments;
}

type OpenMessage = { readonly parts: Uint8Array[]; length: number };
type OpenMessages = { readonly byId: Map<number, OpenMessage>; cost: number };

/** Puts messages together, for any number of peers, in bounded memory. */
export class Reassembler {
  readonly #openByPeer = new Map<number, OpenMessages>();
  #cost = 0;

  /**
   * Takes the next fragment of `peer`: the message if it is complete, else null.
   * On a failure the message it belongs to is forgotten; what the peer deserves is the caller's business.
   */
  push(peer: number, fragment: Uint8Array): Result<Uint8Array | null, FragmentFailure> {
    const flags = fragment[2];
    if (flags === undefined || flags > (FIRST | LAST)) return badFragment('has an unknown form');
    const id = (fragment[0]! << 8) | fragment[1]!;
    const bytes = fragment.subarray(FRAGMENT_HEADER_BYTES);
    if ((flags & FIRST) !== 0) {
      this.#forgetMessage(peer, id);
      if ((flags & LAST) !== 0) return ok(bytes);
    }
    return this.#append({ peer, id, bytes, flags });
  }

  /** Forgets what a peer left unfinished. */
  forget(peer: number): void {
    this.#cost -= this.#openByPeer.get(peer)?.cost ?? 0;
    this.#openByPeer.delete(peer);
  }

  clear(): void {
    this.#openByPeer.clear();
    this.#cost = 0;
  }

  #append(input: {
    peer: number;
    id: number;
    bytes: Uint8Array;
    flags: number;
  }): Result<Uint8Array | null, FragmentFailure> {
    const { peer, id, bytes, flags } = input;
    const open = this.#openByPeer.get(peer) ?? { byId: new Map<number, OpenMessage>(), cost: 0 };
    let message = open.byId.get(id);
    if ((flags & FIRST) !== 0) {
      if (open.byId.size >= OPEN_MESSAGES_MAX) return tooManyMessages();
      message = { parts: [], length: 0 };
      open.byId.set(id, message);
      this.#openByPeer.set(peer, open);
    }
    if (message === undefined) return badFragment('continues a message that is not open');
    if (message.length + bytes.length > MESSAGE_BYTES_MAX || message.parts.length >= FRAGMENTS_PER_MESSAGE_MAX) {
      this.#forgetMessage(peer, id);
      return fail(
        'message_too_large',
        `A message holds at most ${MESSAGE_BYTES_MAX} bytes in ${FRAGMENTS_PER_MESSAGE_MAX} fragments.`,
      );
    }
    if ((flags & LAST) !== 0) {
      this.#forgetMessage(peer, id);
      return ok(concatBytes(...message.parts, bytes));
    }
    // A copy: a view would keep alive whatever larger buffer the host received it in.
    message.parts.push(bytes.slice());
    message.length += bytes.length;
    open.cost += bytes.length + FRAGMENT_COST_BYTES;
    this.#cost += bytes.length + FRAGMENT_COST_BYTES;
    if (this.#cost > UNFINISHED_BYTES_MAX) this.#forgetLargest();
    return ok(null);
  }

  #forgetMessage(peer: number, id: number): void {
    const open = this.#openByPeer.get(peer);
    const message = open?.byId.get(id);
    if (open === undefined || message === undefined) return;
    const cost = message.length + message.parts.length * FRAGMENT_COST_BYTES;
    open.byId.delete(id);
    open.cost -= cost;
    this.#cost -= cost;
    if (open.byId.size === 0) this.#openByPeer.delete(peer);
  }

  /** Memory is full: whoever holds most of it pays, so that many honest peers outlive one greedy one. */
  #forgetLargest(): void {
    let largest: { peer: number; cost: number } | undefined;
    for (const [peer, { cost }] of this.#openByPeer) {
      if (largest === undefined || cost > largest.cost) largest = { peer, cost };
    }
    if (largest !== undefined) this.forget(largest.peer);
  }
}

function badFragment(what: string): Result<never, FragmentFailure> {
  return fail('bad_fragment', `A fragment ${what}; it was dropped.`);
}

function tooManyMessages(): Result<never, FragmentFailure> {
  return fail('too_many_messages', `A peer may leave ${OPEN_MESSAGES_MAX} messages unfinished; finish one first.`);
}
