// The state before block 1: the policy, founders and granted handles of a genesis (ST5).

import { GENESIS_EPOCH, type Genesis } from '../chain/genesis.ts';
import { HANDLE_LEASE } from '../core/limits.ts';
import { err, ok, type Failure, type Result } from '../core/result.ts';
import { ASSETS, SUPPLY, TOKEN_POLICY } from './account-records.ts';
import { becauseOf } from './codes.ts';
import { readOwnership } from './families/devices.ts';
import { parseHandle } from './handle-grammar.ts';
import { GROUP_RECORD, KEY } from './group-records.ts';
import { HANDLE, MEMBER, OWNERSHIP, POLICY } from './records.ts';
import { commitDraft, openDraft, writeRecord, type State } from './state.ts';
import { findBrokenBound } from './token-bounds.ts';
import { VALIDATOR, VALIDATOR_EPOCH } from './validator-records.ts';

/** Granted handles may be reserved words; their lease of a year starts when the group was created. */
export function createGenesisState(
  genesis: Pick<Genesis, 'created' | 'join' | 'policy' | 'members' | 'handles' | 'validators' | 'f'>,
): Result<State, Failure<'handle_invalid' | 'policy_violation'>> {
  const draft = openDraft();
  const { created, join, policy, members, handles } = genesis;
  const { read, tokens, ...limits } = policy;
  writeRecord(draft, { type: POLICY, id: 'current', value: { join, ...limits } });
  if (read !== undefined) {
    const admins = members.filter(({ role }) => role === 'admin').length;
    writeRecord(draft, { type: GROUP_RECORD, id: 'current', value: { read, admins } });
    if (read === 'members') writeRecord(draft, { type: KEY, id: 'current', value: { epoch: 0 } });
  }
  if (tokens !== undefined) {
    const broken = findBrokenBound(tokens);
    if (broken !== undefined) return err({ code: 'policy_violation', because: `The genesis: ${broken}.` });
    writeRecord(draft, { type: TOKEN_POLICY, id: 'tokens', value: tokens });
    const value = { minted: 0n, burned: 0n, escrow: 0n, emittedUntil: created };
    for (const asset of ASSETS) writeRecord(draft, { type: SUPPLY, id: asset, value });
  }
  const keys = [...genesis.validators].sort();
  writeRecord(draft, { type: VALIDATOR_EPOCH, id: 'current', value: { epoch: GENESIS_EPOCH, f: genesis.f, keys } });
  for (const key of keys) writeRecord(draft, { type: VALIDATOR, id: key, value: { since: 0 } });
  for (const { identity, ...member } of members) {
    writeRecord(draft, { type: MEMBER, id: identity, value: { ...member, since: 0 } });
    writeRecord(draft, { type: OWNERSHIP, id: identity, value: { devices: [], handles: [] } });
  }
  for (const { handle: word, owner } of handles) {
    const handle = parseHandle(word);
    if (!handle.ok) return err({ code: 'handle_invalid', because: `${word}: ${becauseOf('handle_invalid')}` });
    const lease = { owner, generation: 1, lease: created + HANDLE_LEASE, sites: [] };
    writeRecord(draft, { type: HANDLE, id: handle.value, value: lease });
    const owned = readOwnership(draft, owner);
    writeRecord(draft, {
      type: OWNERSHIP,
      id: owner,
      value: { ...owned, handles: [...owned.handles, handle.value] },
    });
  }
  return ok(commitDraft(draft));
}
