// Twins: one key in two places (a cloned profile), each an honest machine that knows nothing of the other.

import type { Adversary, Stage } from './adversary.ts';

/** Each body talks to a part of the others, so that both may find a quorum; what it hears comes from all. */
export function createTwin(stage: Stage): Adversary {
  const friends = new Set(stage.peers.filter(() => stage.dice.happens(0.6)));
  return { send: (to) => !friends.has(to) };
}
