// Draws from one seed in the shapes that a simulation needs.

import { createSeededRandom } from '../seeded-random.ts';

export type Dice = {
  /** A whole number, both bounds included. */
  between(least: number, most: number): number;
  /** True in this part of all cases. */
  happens(part: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** All of them in another order. */
  shuffle<T>(items: readonly T[]): T[];
};

export function createDice(seed: number): Dice {
  const chance = createSeededRandom(seed);
  const between = (least: number, most: number): number =>
    least + Math.floor(chance.fraction() * (Math.max(least, most) - least + 1));
  return {
    between,
    happens: (part) => part > 0 && chance.fraction() < part,
    pick: (from) => from[between(0, from.length - 1)]!,
    shuffle(items) {
      const mixed = [...items];
      for (let at = mixed.length - 1; at > 0; at--) {
        const other = between(0, at);
        [mixed[at], mixed[other]] = [mixed[other]!, mixed[at]!];
      }
      return mixed;
    },
  };
}
