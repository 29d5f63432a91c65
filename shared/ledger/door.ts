// The door of an open group: who joins is counted, and a rush makes the puzzle harder for those who come after (LG128–LG132).

import type { Millis } from '../core/brand.ts';
import { DOOR, doorAt, DOOR_STEPS_MAX, hardestBits, type Door } from './door-records.ts';
import { POLICY } from './records.ts';
import { readRecord, writeRecord, type Draft, type State } from './state.ts';

/** In force at a block time; undefined in a world without policy. */
export function readDoor(from: State | Draft, time: Millis): Door | undefined {
  const policy = readRecord(from, POLICY, 'current');
  return policy && doorAt(policy, readRecord(from, DOOR, 'current'), time);
}

/** One more has joined; what it costs the next one is decided at the end of the block. */
export function countJoin(draft: Draft, blockTime: Millis): void {
  const door = readDoor(draft, blockTime);
  if (door === undefined || !(readRecord(draft, POLICY, 'current')?.joinsPerHour ?? 0)) return;
  writeRecord(draft, { type: DOOR, id: 'current', value: { ...door, joined: door.joined + 1 } });
}

/**
 * At the end of a block, after all its entries (LG130): within a block everybody is asked the same, so that nobody is
 * refused for coming after others in an order that no newcomer can know.
 */
export function raiseDoor(draft: Draft, { blockTime, height }: { blockTime: Millis; height: number }): void {
  const policy = readRecord(draft, POLICY, 'current');
  const known = readRecord(draft, DOOR, 'current');
  if (policy === undefined || known === undefined || !policy.joinsPerHour) return;
  const door = doorAt(policy, known, blockTime);
  const rises = Math.min(Math.floor(door.joined / policy.joinsPerHour), DOOR_STEPS_MAX);
  if (rises <= door.rises) return;
  const bits = Math.min(door.bits + rises - door.rises, hardestBits(policy));
  const raised = bits > door.bits ? { raised: height } : {};
  writeRecord(draft, { type: DOOR, id: 'current', value: { ...door, bits, rises, ...raised } });
}
