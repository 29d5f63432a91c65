// What the door of an open group asks of a newcomer: a function of the policy, of how many joined lately, and of time (LG128, LG129).

import { optional, struct, uint, type Infer } from '../codec/schema.ts';
import type { Millis } from '../core/brand.ts';
import { PUZZLE_BITS_MAX } from '../core/limits.ts';
import type { Policy, RecordType } from './records.ts';

/** Block time over which joins are counted: long enough that a mention somewhere is no flood, short enough to react to one. */
export const DOOR_WINDOW: Millis = 3_600_000;
/** Bits above the policy's, and rises within one window: each doubles the work, so sixteen are 65,536 times as much. */
export const DOOR_STEPS_MAX = 16;

/** `bits` in force since the last join; `joined` and `rises` count within the window that began at `since` (ms, block time); `raised`: height of the last rise. */
const doorSchema = struct({
  bits: uint({ max: PUZZLE_BITS_MAX }),
  since: uint(),
  joined: uint(),
  rises: uint({ max: DOOR_STEPS_MAX }),
  raised: optional(uint()),
});
export type Door = Infer<typeof doorSchema>;

export const DOOR: RecordType<'current', Door> = { key: (which) => `door/${which}`, schema: doorSchema };

/**
 * The door at a block time (LG129): what falls due with the windows that have passed is counted by whoever reads. A
 * reader outside gives its own clock less what clocks may differ by, since too many bits are as good and too few are none.
 */
export function doorAt(policy: Policy, known: Door | undefined, time: Millis): Door {
  const { puzzleBits: floor, joinsPerHour: target = 0 } = policy;
  if (target === 0 || known === undefined) return { bits: floor, since: time, joined: 0, rises: 0 };
  const bits = Math.max(floor, Math.min(known.bits, hardestBits(policy)));
  const windows = Math.floor((time - known.since) / DOOR_WINDOW);
  if (windows <= 0) return { ...known, bits };
  const quiet = known.joined * 2 < target ? windows : windows - 1;
  return { bits: Math.max(floor, bits - quiet), since: known.since + windows * DOOR_WINDOW, joined: 0, rises: 0 };
}

/** What a solution that names the block of this height must have: one bit less if that block is from before the last rise (LG131). */
export function bitsAsked({ bits, raised }: Door, named: number): number {
  return raised !== undefined && named < raised ? bits - 1 : bits;
}

/** LG132: nobody else gets in before the window is over. */
export function isDoorShut({ rises }: Door): boolean {
  return rises >= DOOR_STEPS_MAX;
}

/** The hardest that it gets. */
export function hardestBits({ puzzleBits }: Policy): number {
  return Math.min(puzzleBits + DOOR_STEPS_MAX, PUZZLE_BITS_MAX);
}
