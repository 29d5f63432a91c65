// The policy of tokens in force at a time: what was announced takes effect by block time, without anybody doing anything (LG67).

import type { TokenPolicy } from '../chain/token-policy.ts';
import type { Millis } from '../core/brand.ts';
import { NEXT_TOKEN_POLICY, TOKEN_POLICY } from './account-records.ts';
import { readRecord, removeRecord, writeRecord, type Draft, type State } from './state.ts';

/** For readers, by their own clock; undefined in a group without tokens. */
export function readTokenPolicy(from: State | Draft, time: Millis): TokenPolicy | undefined {
  const next = readRecord(from, NEXT_TOKEN_POLICY, 'next');
  return next !== undefined && next.from < time ? next.policy : readRecord(from, TOKEN_POLICY, 'tokens');
}

/** At the start of a block, so that one policy holds for all of its entries. */
export function beginPolicy(draft: Draft, blockTime: Millis): TokenPolicy | undefined {
  const present = readRecord(draft, TOKEN_POLICY, 'tokens');
  if (present === undefined) return undefined;
  const next = readRecord(draft, NEXT_TOKEN_POLICY, 'next');
  if (next === undefined || next.from >= blockTime) return present;
  writeRecord(draft, { type: TOKEN_POLICY, id: 'tokens', value: next.policy });
  removeRecord(draft, NEXT_TOKEN_POLICY, 'next');
  return next.policy;
}
