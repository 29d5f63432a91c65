// When a block is a seal: the set that its successors have, as a function of the state it leaves, so that every validator comes to the same (LG124–LG126).

import { createValidatorSet, type ValidatorSet } from '../chain/validator-set.ts';
import { assert } from '../core/assert.ts';
import type { Millis } from '../core/brand.ts';
import type { PublicKey } from '../crypto/ids.ts';
import { readRecord, removeRecord, writeRecord, type Draft, type State } from './state.ts';
import { CANDIDATE, VALIDATOR, VALIDATOR_CHANGE, VALIDATOR_EPOCH, type EpochRecord } from './validator-records.ts';

/** Block time between two seals: each begins an epoch, with a machine and perhaps keys of its own, and is kept for readers for ever. */
export const SEAL_INTERVAL: Millis = 3_600_000;

/** Whose votes count after this state; undefined in a world without validators. */
export function readEpoch(state: State): { readonly epoch: number; readonly set: ValidatorSet } | undefined {
  const current = readRecord(state, VALIDATOR_EPOCH, 'current');
  return current && { epoch: current.epoch, set: setOf(current) };
}

/** At the end of a block, after all its entries. The set it must name as the next one; null when it is no seal. */
export function sealIfDue(draft: Draft, { blockTime }: { readonly blockTime: Millis }): ValidatorSet | null {
  const change = readRecord(draft, VALIDATOR_CHANGE, 'next');
  if (change === undefined) return null;
  const current = readRecord(draft, VALIDATOR_EPOCH, 'current');
  assert(current, 'a change changes something');
  const { sealed } = current;
  if (!change.urgent && sealed !== undefined && blockTime < sealed + SEAL_INTERVAL) return null;
  const next = setOf({ keys: freshKeys(draft, change.keys), f: change.f });
  removeRecord(draft, VALIDATOR_CHANGE, 'next');
  if (next.id === setOf(current).id) return null;
  beginEpoch(draft, { current, next, blockTime });
  return next;
}

/**
 * LG134: in a recovery the identities name whoever orders next; a set with a key that was taken out for contradicting
 * itself is none (null), and what was planned is void.
 */
export function recoverSet(
  draft: Draft,
  { next, blockTime, height }: { readonly next: ValidatorSet; readonly blockTime: Millis; readonly height: number },
): ValidatorSet | null {
  const current = readRecord(draft, VALIDATOR_EPOCH, 'current');
  const { keys, f } = next;
  const known = keys.map((key) => readRecord(draft, VALIDATOR, key));
  if (current === undefined || known.some((validator) => validator?.removed !== undefined)) return null;
  removeRecord(draft, VALIDATOR_CHANGE, 'next');
  for (const [at, key] of keys.entries()) {
    if (known[at] === undefined) writeRecord(draft, { type: VALIDATOR, id: key, value: { since: height } });
  }
  beginEpoch(draft, { current, next: { keys, f }, blockTime });
  return next;
}

function beginEpoch(
  draft: Draft,
  given: { readonly current: EpochRecord; readonly next: Pick<ValidatorSet, 'keys' | 'f'>; readonly blockTime: Millis },
): void {
  const { current, next, blockTime } = given;
  const value = { epoch: current.epoch + 1, keys: [...next.keys], f: next.f, sealed: blockTime };
  writeRecord(draft, { type: VALIDATOR_EPOCH, id: 'current', value });
  retireKeys(draft, current.keys, next.keys);
}

/** A device that has offered another key goes on with that one, so that the old one can be erased; it is there and votes, so its offer has no end. */
function freshKeys(draft: Draft, keys: readonly PublicKey[]): PublicKey[] {
  const fresh = new Set(keys);
  for (const key of keys) {
    const device = readRecord(draft, VALIDATOR, key)?.device;
    const offered = device && readRecord(draft, CANDIDATE, device)?.key;
    const offer = offered && readRecord(draft, VALIDATOR, offered);
    if (!offered || !offer || offer.removed !== undefined || fresh.has(offered)) continue;
    fresh.delete(key);
    fresh.add(offered);
  }
  return [...fresh];
}

/** Of a key that proved to contradict itself a record stays, so that it never comes back. */
function retireKeys(draft: Draft, before: readonly PublicKey[], after: readonly PublicKey[]): void {
  for (const key of before) {
    if (after.includes(key) || readRecord(draft, VALIDATOR, key)?.removed !== undefined) continue;
    removeRecord(draft, VALIDATOR, key);
  }
  for (const key of after) {
    const device = readRecord(draft, VALIDATOR, key)?.device;
    if (device !== undefined && readRecord(draft, CANDIDATE, device)?.key === key)
      removeRecord(draft, CANDIDATE, device);
  }
}

function setOf({ keys, f }: Pick<EpochRecord, 'keys' | 'f'>): ValidatorSet {
  const set = createValidatorSet({ keys, f });
  assert(set.ok, 'only sets that hold get into state');
  return set.value;
}
