// The flooder: votes for blocks that do not exist in views far ahead, questions without end, and everything twice.

import { testCid } from '../../shared/chain/chain.test-kit.ts';
import type { SimplexMessage } from '../../shared/chain/simplex-state.ts';
import { VIEW_WINDOW } from '../../shared/chain/simplex.ts';
import type { VoteKind } from '../../shared/chain/vote.ts';
import type { Adversary, Stage } from './adversary.ts';

const MESSAGES_A_TICK = 24;
const NOWHERE = testCid('a block that does not exist');

export function createFlooder(stage: Stage): Adversary {
  const { dice, peers } = stage;

  function drawMessage(): SimplexMessage {
    const { view, config } = stage.machine();
    const what = dice.between(0, 5);
    if (what === 0) return { kind: 'getCerts', above: dice.between(0, view) };
    if (what === 1) return { kind: 'getBlocks', from: dice.between(0, 3) };
    const kind = dice.pick<VoteKind>(['notarize', 'nullify', 'finalize']);
    const at = Math.max(1, view + dice.between(-3, 2 * VIEW_WINDOW));
    const hash = kind === 'nullify' ? null : NOWHERE;
    return { kind: 'vote', vote: stage.sign({ kind, epoch: config.epoch, view: at, hash }) };
  }

  return {
    tick() {
      for (let times = 0; times < MESSAGES_A_TICK && peers.length > 0; times++) {
        stage.send(dice.pick(peers), drawMessage(), stage.machine().final.view);
      }
    },
  };
}
