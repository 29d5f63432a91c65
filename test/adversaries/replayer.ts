// The replayer: keeps all it ever heard and says it again, later, to anybody, as if it were news.

import type { SimplexMessage } from '../../shared/chain/simplex-state.ts';
import type { Adversary, Stage } from './adversary.ts';

const KEPT_MAX = 400;
const REPEATED = 6;

export function createReplayer(stage: Stage): Adversary {
  const { dice, peers } = stage;
  const heard: { message: SimplexMessage; finalView: number }[] = [];
  return {
    hear(wire) {
      if (wire.kind === 'simplex' && heard.length < KEPT_MAX) heard.push(wire);
      return false;
    },
    tick() {
      for (let times = 0; times < REPEATED && heard.length > 0 && peers.length > 0; times++) {
        const { message, finalView } = dice.pick(heard);
        stage.send(dice.pick(peers), message, dice.happens(0.5) ? finalView : stage.machine().final.view);
      }
    },
  };
}
