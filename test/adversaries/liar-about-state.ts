// The liar about state: says it is ahead, or behind, and answers questions with something else than was asked.

import { testBlock } from '../../shared/chain/chain.test-kit.ts';
import type { SimplexMessage } from '../../shared/chain/simplex-state.ts';
import type { Adversary, Stage } from './adversary.ts';

export function createLiarAboutState(stage: Stage): Adversary {
  const { dice, group, peers } = stage;

  function lieAbout(finalView: number): number {
    return dice.pick([0, finalView, finalView + 1, finalView + 1_000, Math.max(0, finalView - 1)]);
  }

  function answer(message: SimplexMessage): SimplexMessage {
    // Of a certificate with its block it keeps the block back.
    if (message.kind === 'certificate' && dice.happens(0.5))
      return { kind: 'certificate', certificate: message.certificate };
    return message;
  }

  return {
    send(to, message, finalView) {
      stage.send(to, answer(message), lieAbout(finalView));
      return true;
    },
    answerBlocks(to, blocks) {
      const [first, ...rest] = blocks;
      const cases = [
        () => [],
        () => rest,
        () => blocks.toReversed(),
        // Its own block under somebody else's certificate.
        () => (first === undefined ? [] : [{ ...first, block: testBlock(group, group.tip) }, ...rest]),
        () => blocks.filter(({ certificate }) => certificate.kind !== 'finalize'),
      ];
      stage.sendWire(to, { kind: 'blocks', epoch: stage.machine().config.epoch, blocks: dice.pick(cases)() });
      return true;
    },
    tick() {
      if (peers.length === 0) return;
      stage.send(dice.pick(peers), { kind: 'status' }, lieAbout(stage.machine().final.view));
    },
  };
}
