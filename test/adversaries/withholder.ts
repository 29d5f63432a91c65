// The withholder: votes and proposes as everybody, but tells only some; certificates, answers and entries it keeps for itself.

import type { Adversary, Stage } from './adversary.ts';

export function createWithholder(stage: Stage): Adversary {
  const { dice, peers } = stage;
  // Just enough to get a notarization that most have not heard of, or nobody at all.
  const told = new Set(dice.shuffle(peers).slice(0, dice.between(0, Math.ceil(peers.length / 2))));
  return {
    send(to, message) {
      if (message.kind === 'certificate' || message.kind === 'status') return dice.happens(0.9);
      return !told.has(to);
    },
    hear: (wire) => wire.kind === 'wanted' && dice.happens(0.9),
    answerBlocks: () => dice.happens(0.9),
    tick() {
      // Its next block orders what nobody else has, or one other.
      if (!dice.happens(0.2)) return;
      const upTo = stage.makeEntries(dice.between(1, 3));
      if (peers.length > 0 && dice.happens(0.3)) stage.sendWire(dice.pick(peers), { kind: 'entries', upTo });
    },
  };
}
