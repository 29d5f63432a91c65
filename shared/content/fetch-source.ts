// What is known of one source of blocks, and which of several is asked next (rules CT9–CT11).

import type { Millis } from '../core/brand.ts';
import { BLOB_LEAF_BYTES, WANT_CIDS_MAX } from '../core/limits.ts';
import type { Cid } from '../codec/cid.ts';

/** Asked of one source and not yet here: hides the delay of a link, and is little to ask twice. */
export const BYTES_IN_FLIGHT_MAX: number = 8 * BLOB_LEAF_BYTES;
/** A second source is asked when the first was silent for twice its usual delay, within these bounds. */
export const HEDGE_AFTER_MIN = 150;
const HEDGE_AFTER_MAX = 300;
/** Before anything was measured. */
const DELAY_GUESS = 75;
/** Share of a new measurement in a source's usual delay. */
const DELAY_GAIN = 0.25;
/** A link may flip bits now and then; who lies three times is not asked again. */
const LIES_MAX = 3;
const LIE_DEMERITS = 4;
const FAILURE_DEMERITS = 1;
/** Sixteen good blocks make up for one failure. */
const BLOCK_MERIT = 1 / 16;
/** Ranks lie below this; silent and failing sources above it. */
export const RANKS = 100;

export type SourceId = string;

export type SourceState = {
  readonly id: SourceId;
  readonly rank: number;
  /** What is outstanding there, oldest first. */
  readonly askedAt: Map<Cid, Millis>;
  bytesInFlight: number;
  heardAt: Millis;
  /** From a request to its block, smoothed. */
  delay: Millis;
  demerits: number;
  lies: number;
};

export function createSource(source: { readonly id: SourceId; readonly rank: number }, now: Millis): SourceState {
  const { id, rank } = source;
  return { id, rank, askedAt: new Map(), bytesInFlight: 0, heardAt: now, delay: DELAY_GUESS, demerits: 0, lies: 0 };
}

export function noteBlock(source: SourceState, cid: Cid, now: Millis): void {
  const askedAt = source.askedAt.get(cid);
  source.heardAt = now;
  if (askedAt !== undefined) source.delay += (now - askedAt - source.delay) * DELAY_GAIN;
  source.demerits = Math.max(0, source.demerits - BLOCK_MERIT);
}

export function noteFailure(source: SourceState): void {
  source.demerits += FAILURE_DEMERITS;
}

export function noteLie(source: SourceState): void {
  source.lies += 1;
  source.demerits += LIE_DEMERITS;
}

export function isBanned(source: SourceState): boolean {
  return source.lies >= LIES_MAX;
}

/** How long a source has owed an answer without a sign of life. */
export function silenceOf(source: SourceState, now: Millis): Millis {
  const [oldest] = source.askedAt.values();
  return oldest === undefined ? 0 : now - Math.max(oldest, source.heardAt);
}

export function hedgeAfter(source: SourceState): Millis {
  return Math.min(HEDGE_AFTER_MAX, Math.max(HEDGE_AFTER_MIN, 2 * source.delay));
}

/** Asked again when half of the window is free, so that requests carry many blocks. */
export function isOpen(source: SourceState): boolean {
  if (isBanned(source)) return false;
  return source.bytesInFlight <= BYTES_IN_FLIGHT_MAX / 2 && source.askedAt.size <= WANT_CIDS_MAX / 2;
}

export type Choice = {
  readonly candidates: readonly SourceState[];
  readonly size: number;
  readonly open: ReadonlySet<SourceState>;
  readonly now: Millis;
  /** Take a worse source with room rather than wait for a better one that is full. */
  readonly spill: boolean;
};

/** The least busy of the best rank, if it has room. */
export function chooseSource({ candidates, size, open, now, spill }: Choice): SourceState | undefined {
  const withRoom = candidates.filter((source) => open.has(source) && hasRoom(source, size));
  const best = Math.min(...(spill ? withRoom : candidates).map((source) => rankNow(source, now)));
  let choice: SourceState | undefined;
  for (const source of withRoom) {
    if (rankNow(source, now) === best && (!choice || load(source) < load(choice))) choice = source;
  }
  return choice;
}

function hasRoom(source: SourceState, size: number): boolean {
  if (source.askedAt.size === 0) return true;
  return source.askedAt.size < WANT_CIDS_MAX && source.bytesInFlight + size <= BYTES_IN_FLIGHT_MAX;
}

/** Lower is asked first. */
function rankNow(source: SourceState, now: Millis): number {
  const silent = silenceOf(source, now) >= hedgeAfter(source) ? RANKS : 0;
  return source.rank + silent + RANKS * Math.ceil(source.demerits);
}

function load(source: SourceState): number {
  return (source.bytesInFlight + 1) * source.delay;
}
