// Two ends of a link in memory: frames in order, each after a delay, counted as buffered until they arrive.

import type { Millis } from '../../shared/core/brand.ts';
import type { Clock, Link, LinkEvents } from '../../shared/platform/ports.ts';

export type MemoryLinks = {
  readonly ends: readonly [Link, Link];
  /** Ends both, as a network that is gone. */
  cut(because: string): void;
};

type Pipe = { frames: Uint8Array[]; bytes: number; events: LinkEvents | null };

/** Frames wait for whoever has not listened yet. */
export function createMemoryLinks(clock: Clock, delay: Millis = 0): MemoryLinks {
  /** What is under way to each end. */
  const pipes: readonly [Pipe, Pipe] = [
    { frames: [], bytes: 0, events: null },
    { frames: [], bytes: 0, events: null },
  ];
  let open = true;

  const deliver = (to: 0 | 1): void => {
    const pipe = pipes[to];
    while (open && pipe.events && pipe.frames.length > 0) {
      const frame = pipe.frames.shift()!;
      pipe.bytes -= frame.length;
      pipe.events.frame(frame);
      if (pipe.bytes === 0) pipes[to === 0 ? 1 : 0].events?.drained?.();
    }
  };
  const cut = (because: string): void => {
    if (!open) return;
    open = false;
    for (const { events } of pipes) clock.after(0, () => events?.closed(because));
  };
  const endOf = (here: 0 | 1): Link => {
    const there = here === 0 ? 1 : 0;
    return {
      send(frame) {
        if (!open) return;
        pipes[there].frames.push(frame.slice());
        pipes[there].bytes += frame.length;
        clock.after(delay, () => deliver(there));
      },
      buffered: () => pipes[there].bytes,
      // What was sent before still arrives, as on a socket.
      close: () => void clock.after(delay, () => cut('closed')),
      listen(events) {
        pipes[here].events = events;
        if (!open) return events.closed('closed');
        deliver(here);
      },
    };
  };
  return { ends: [endOf(0), endOf(1)], cut };
}
