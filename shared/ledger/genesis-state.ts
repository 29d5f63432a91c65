// The state before block 1: the policy, founders and granted handles of a genesis (ST5).

import type { Genesis } from '../chain/genesis.ts';
import { HANDLE_LEASE } from '../core/limits.ts';
import { err, ok, type Failure, type Result } from '../core/result.ts';
import { becauseOf } from './codes.ts';
import { readOwnership } from './families/devices.ts';
import { parseHandle } from './handle-grammar.ts';
import { HANDLE, MEMBER, OWNERSHIP, POLICY } from './records.ts';
import { commitDraft, openDraft, writeRecord, type State } from './state.ts';

/** Granted handles may be reserved words; their lease of a year starts when the group was created. */
export function createGenesisState(
  genesis: Pick<Genesis, 'created' | 'join' | 'policy' | 'members' | 'handles'>,
): Result<State, Failure<'handle_invalid'>> {
  const draft = openDraft();
  const { created, join, policy, members, handles } = genesis;
  writeRecord(draft, { type: POLICY, id: 'current', value: { join, ...policy } });
  for (const { identity, role } of members) {
    writeRecord(draft, { type: MEMBER, id: identity, value: { role, since: 0 } });
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
