// The grinder: tries every time it may give its block, proposes for all views it will lead, as late as it can, and pushes others out of theirs.

import { CLOCK_DRIFT_MAX } from '../../shared/core/limits.ts';
import { INTERVAL } from '../../shared/chain/chain.test-kit.ts';
import { leaderOf } from '../../shared/chain/validator-set.ts';
import type { Adversary, Stage } from './adversary.ts';

const VIEWS_AHEAD = 12;

export function createGrinder(stage: Stage): Adversary {
  const { dice, peers } = stage;

  /** Of some blocks the one with the lowest id, at the edges of the time that others accept. */
  function grindBlock(view: number): void {
    const { tip, config } = stage.machine();
    const { epoch } = config;
    const least = tip.time + INTERVAL;
    const times = [
      least,
      least - 1,
      stage.clock(),
      stage.clock() + CLOCK_DRIFT_MAX,
      stage.clock() + CLOCK_DRIFT_MAX + 1_500,
    ];
    const blocks = times.map((time) => stage.createBlock(tip, { view, time, cut: stage.cutAfter(tip.id) }));
    const block = blocks.toSorted((a, b) => (a.id < b.id ? -1 : 1))[0]!;
    const vote = stage.sign({ kind: 'notarize', epoch, view, hash: block.id });
    for (const to of peers) stage.send(to, { kind: 'propose', block, vote }, stage.machine().final.view);
  }

  return {
    send: (_, message) => message.kind === 'propose' && dice.happens(0.7),
    tick() {
      const { view, final, config } = stage.machine();
      const { set, epoch, self } = config;
      for (let ahead = view; ahead < view + VIEWS_AHEAD; ahead++) {
        if (leaderOf(set, ahead) === self) {
          if (ahead > final.view && ahead > stage.machine().tip.view && dice.happens(0.3)) grindBlock(ahead);
        } else if (dice.happens(0.2)) {
          const vote = stage.sign({ kind: 'nullify', epoch, view: ahead, hash: null });
          for (const to of peers) stage.send(to, { kind: 'vote', vote }, final.view);
        }
      }
    },
  };
}
