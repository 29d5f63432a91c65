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
  const next = setOf({ keys: freshKeys(draft, change.keys, blockTime), f: change.f });
  removeRecord(draft, VALIDATOR_CHANGE, 'next');
  if (next.id === setOf(current).id) return null;
  const { keys, f } = next;
  writeRecord(draft, {
    type: VALIDATOR_EPOCH,
    id: 'current',
    value: { epoch: current.epoch + 1, keys, f, sealed: blockTime },
  });
  retireKeys(draft, current.keys, keys);
  return next;
}

/** A device that has offered another key goes on with that one, so that the old one can be erased. */
function freshKeys(draft: Draft, keys: readonly PublicKey[], blockTime: Millis): PublicKey[] {
  const fresh = new Set(keys);
  for (const key of keys) {
    const device = readRecord(draft, VALIDATOR, key)?.device;
    const offered = device && readRecord(draft, CANDIDATE, device)?.key;
    const offer = offered && readRecord(draft, VALIDATOR, offered);
    if (!offered || !offer || offer.removed !== undefined || fresh.has(offered)) continue;
    if (offer.ready === undefined || offer.ready < blockTime) continue;
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
