// The replayer: keeps all it ever heard and says it again, later, to anybody, as if it were news.

import type { Wire } from '../simulator/validators/wire.ts';
import type { Adversary, Stage } from './adversary.ts';

const KEPT_MAX = 400;
const REPEATED = 6;

export function createReplayer(stage: Stage): Adversary {
  const { dice, peers } = stage;
  const heard: Extract<Wire, { readonly kind: 'simplex' }>[] = [];
  return {
    hear(wire) {
      if (wire.kind === 'simplex' && heard.length < KEPT_MAX) heard.push(wire);
      return false;
    },
    tick() {
      for (let times = 0; times < REPEATED && heard.length > 0 && peers.length > 0; times++) {
        const wire = dice.pick(heard);
        const finalView = dice.happens(0.5) ? wire.finalView : stage.machine().final.view;
        stage.sendWire(dice.pick(peers), { ...wire, finalView });
      }
    },
  };
}
