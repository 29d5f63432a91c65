// Tells tabs what changed: changes are gathered, looked up once, and sent to everyone who listens (BN16).

import type { NodeEvents } from '../api.ts';
import type { Clock, Log } from '../../shared/platform/ports.ts';
import type { EventListener } from '../transport/engine-api.ts';
import { messageOf } from '../../shared/core/message-of.ts';

/** Many changes come together, such as the peers of a room; a person sees no difference below this. */
const GATHER: number = 50;

export type EventSources = { readonly [K in keyof NodeEvents]: () => Promise<NodeEvents[K]> };

export class EventFeed {
  readonly #sources: EventSources;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #listeners = new Set<EventListener>();
  readonly #changed = new Set<keyof NodeEvents>();
  #waiting = false;

  constructor(options: { sources: EventSources; clock: Clock; log: Log }) {
    this.#sources = options.sources;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** The listener hears everything once, and from then on what changes. The returned function ends it. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);
    this.mark(...(Object.keys(this.#sources) as (keyof NodeEvents)[]));
    return () => this.#listeners.delete(listener);
  }

  mark(...events: readonly (keyof NodeEvents)[]): void {
    // Nobody listens: nothing to look up, and the next listener asks for everything.
    if (this.#listeners.size === 0) return;
    for (const event of events) this.#changed.add(event);
    if (this.#waiting) return;
    this.#waiting = true;
    this.#clock.after(GATHER, () => {
      this.#waiting = false;
      const changed = [...this.#changed];
      this.#changed.clear();
      for (const event of changed) void this.#tell(event);
    });
  }

  async #tell<K extends keyof NodeEvents>(event: K): Promise<void> {
    try {
      const value = await this.#sources[event]();
      for (const listener of this.#listeners) listener(event, value);
    } catch (error) {
      this.#log.debug('event not told', { event, because: messageOf(error) });
    }
  }
}
