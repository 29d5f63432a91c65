// Frames that come before anybody listens, kept in order and bounded; then whatever the link says goes straight on.

import type { LinkEvents } from '../../shared/platform/ports.ts';

/** A caller listens as soon as it has the link, and a peer that is not known yet sends little before. */
const EARLY_BYTES_MAX: number = 1024 * 1024;

export class EarlyFrames {
  #events: LinkEvents | null = null;
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #ended: string | null = null;

  get ended(): boolean {
    return this.#ended !== null;
  }

  /** False when nobody listens and too much waits already: the link ends then. */
  frame(bytes: Uint8Array): boolean {
    if (this.#ended !== null) return true;
    if (this.#events) {
      this.#events.frame(bytes);
      return true;
    }
    this.#earlyBytes += bytes.length;
    if (this.#earlyBytes > EARLY_BYTES_MAX) return false;
    this.#early.push(bytes);
    return true;
  }

  drained(): void {
    if (this.#ended === null) this.#events?.drained?.();
  }

  /** The first reason counts. */
  end(because: string): void {
    if (this.#ended !== null) return;
    this.#ended = because;
    this.#events?.closed(because);
  }

  listen(events: LinkEvents): void {
    this.#events = events;
    for (const frame of this.#early.splice(0)) events.frame(frame);
    if (this.#ended !== null) events.closed(this.#ended);
  }
}
