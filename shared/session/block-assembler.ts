// Puts the parts of streamed blocks together: in order, one block at a time, never more memory than has arrived.

import type { Part } from './public-read-messages.ts';
import { concatBytes } from '../core/bytes.ts';

type OpenBlock = { readonly i: number; readonly size: number; readonly parts: Uint8Array[]; received: number };

export class BlockAssembler {
  readonly #sizeMax: number;
  readonly #settled: boolean[];
  #open: OpenBlock | null = null;

  constructor(bounds: { count: number; sizeMax: number }) {
    this.#settled = Array.from({ length: bounds.count }, () => false);
    this.#sizeMax = bounds.sizeMax;
  }

  /** The block that this part completes, null when more is to come, or undefined when the part is out of order (PR6). */
  push(part: Part): Uint8Array<ArrayBuffer> | null | undefined {
    if (this.#open === null) {
      if (part.at !== 0 || part.size > this.#sizeMax || this.#settled[part.i] !== false) return undefined;
      this.#open = { i: part.i, size: part.size, parts: [], received: 0 };
    }
    const open = this.#open;
    if (part.i !== open.i || part.at !== open.received || part.size !== open.size) return undefined;
    if (part.bytes.length === 0 && open.size > 0) return undefined;
    open.parts.push(part.bytes);
    open.received += part.bytes.length;
    if (open.received > open.size) return undefined;
    if (open.received < open.size) return null;
    this.#open = null;
    this.#settled[part.i] = true;
    return concatBytes(...open.parts);
  }

  /** The peer does not have block `i`; false when it said something else before. */
  miss(i: number): boolean {
    if (this.#settled[i] !== false || this.#open?.i === i) return false;
    this.#settled[i] = true;
    return true;
  }

  /** Blocks that were neither completed nor missed. */
  get unsettled(): readonly number[] {
    return this.#settled.flatMap((settled, i) => (settled ? [] : [i]));
  }
}
