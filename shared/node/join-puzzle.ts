// The puzzle that lets a newcomer into the commons: which one is asked now, and solved anew while it gets out of date (LG6, LG128).

import type { Cid } from '../codec/cid.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Identity } from '../crypto/ids.ts';
import type { Clock } from '../platform/ports.ts';
import { CLOCK_DRIFT_MAX, COMMONS_BLOCK_INTERVAL_MIN, RECENT_BLOCKS } from '../core/limits.ts';
import { fail, ok } from '../core/result.ts';
import { bitsAsked, DOOR, doorAt } from '../ledger/door-records.ts';
import type { Puzzle } from '../ledger/puzzle.ts';
import { decodeRecord, POLICY } from '../ledger/records.ts';

/**
 * How long one block's puzzle is searched: three quarters of the time in which the busiest commons moves on by as many
 * blocks as count. Each hash is as likely to be the one, whatever was tried before, so a newer block costs nothing.
 */
const SOLVE_SPAN: number = (COMMONS_BLOCK_INTERVAL_MIN * RECENT_BLOCKS * 3) / 4;

/** What is certified about a key now, and the block that says so. */
export type CertifiedRecord = { readonly value: Uint8Array | null; readonly height: number; readonly block: Cid };

/** Finds a nonce, or null once it is to give up, after which the same puzzle goes on where it stopped; must not block. */
export type SolvePuzzle = (puzzle: Puzzle, giveUp: () => boolean) => Promise<Uint8Array | null>;

export type JoinPuzzleOptions = {
  readonly group: Cid;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly read: (key: string) => Promise<Result<CertifiedRecord, Failure>>;
  readonly solve: SolvePuzzle;
};

/** For the newest block that can be proven. */
export async function solveJoin(
  options: JoinPuzzleOptions,
): Promise<Result<{ readonly block: Cid; readonly nonce: Uint8Array }, Failure>> {
  const { group, identity, clock, solve } = options;
  for (;;) {
    const asked = await readAsked(options);
    if (!asked.ok) return asked;
    const { block, bits } = asked.value;
    const until = clock.now() + SOLVE_SPAN;
    const nonce = await solve({ group, identity, block, bits }, () => clock.now() >= until);
    if (nonce) return ok({ block, nonce });
  }
}

async function readAsked({
  read,
  clock,
}: JoinPuzzleOptions): Promise<Result<{ readonly block: Cid; readonly bits: number }, Failure>> {
  const [policy, door] = await Promise.all([read(POLICY.key('current')), read(DOOR.key('current'))]);
  if (!policy.ok) return policy;
  if (!door.ok) return door;
  const current = policy.value.value && decodeRecord(POLICY, policy.value.value);
  const known = door.value.value ? decodeRecord(DOOR, door.value.value) : ok(undefined);
  if (!current?.ok || !known.ok) return fail('wrong_state', 'The policy of the commons cannot be read: update weft.');
  // The older of the two, should a block have come between: what has risen since then is one step, which LG131 grants.
  const { block, height } = policy.value.height <= door.value.height ? policy.value : door.value;
  // By a clock that may be ahead, too many bits are as good, and too few are none.
  const now = doorAt(current.value, known.value, clock.now() - CLOCK_DRIFT_MAX);
  return ok({ block, bits: bitsAsked(now, height) });
}
