// Handles: first come in the order of the block, leased for a year, renewed by their owner (HD4–HD8).

import { HANDLE_LEASE, HANDLES_PER_IDENTITY_MAX } from '../../core/limits.ts';
import type { Identity } from '../../crypto/ids.ts';
import type { Code } from '../codes.ts';
import { handleRegisterBody, handleRenewBody } from '../commons-bodies.ts';
import { isReservedHandle, parseHandle, type Handle } from '../handle-grammar.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import { HANDLE, OWNERSHIP, SITE } from '../records.ts';
import { readRecord, removeRecord, writeRecord, type Draft } from '../state.ts';
import { readOwnership } from './devices.ts';

export const handleRegister = defineOperation({
  ...handleRegisterBody,
  apply(context, { handle: word }) {
    const { draft, entry, blockTime } = context;
    const parsed = parseHandle(word);
    if (!parsed.ok) return 'handle_invalid';
    const handle = parsed.value;
    const held = readRecord(draft, HANDLE, handle);
    const lapsed = held !== undefined && held.lease <= blockTime;
    if (held?.owner === entry.identity) return lapsed ? renewLease(context, handle) : 'already_known';
    if (held !== undefined && !lapsed) return 'handle_taken';
    if (isReservedHandle(handle)) return 'handle_reserved';
    const alive = livingHandles(context);
    if (alive.length >= HANDLES_PER_IDENTITY_MAX) return 'account_limit';
    if (held !== undefined) {
      forgetHandle(draft, { owner: held.owner, handle });
      for (const name of held.sites) removeRecord(draft, SITE, { handle, name });
    }
    writeRecord(draft, {
      type: HANDLE,
      id: handle,
      value: {
        owner: entry.identity,
        generation: (held?.generation ?? 0) + 1,
        lease: blockTime + HANDLE_LEASE,
        sites: [],
      },
    });
    listHandles(draft, { owner: entry.identity, handles: [...alive, handle] });
    return undefined;
  },
});

/** A year from now, however much of the old lease is left (registering one's own again does the same once it ended); also after it ended, while nobody else took the handle. */
export const handleRenew = defineOperation({
  ...handleRenewBody,
  apply(context, { handle: word }) {
    const parsed = parseHandle(word);
    return parsed.ok ? renewLease(context, parsed.value) : 'handle_invalid';
  },
});

function renewLease(context: OperationContext, handle: Handle): Code | undefined {
  const { draft, entry, blockTime } = context;
  const owner = entry.identity;
  const held = readRecord(draft, HANDLE, handle);
  if (held?.owner !== owner) return 'not_owner';
  const alive = livingHandles(context);
  if (!alive.includes(handle) && alive.length >= HANDLES_PER_IDENTITY_MAX) return 'account_limit';
  writeRecord(draft, { type: HANDLE, id: handle, value: { ...held, lease: blockTime + HANDLE_LEASE } });
  if (!readOwnership(draft, owner).handles.includes(handle)) {
    listHandles(draft, { owner, handles: [...alive, handle] });
  }
  return undefined;
}

/** What the author holds now: handles whose lease has ended do not count against the limit of three. */
function livingHandles({ draft, entry, blockTime }: OperationContext): readonly Handle[] {
  return readOwnership(draft, entry.identity).handles.filter((handle) => {
    const held = readRecord(draft, HANDLE, handle);
    return held?.owner === entry.identity && held.lease > blockTime;
  });
}

function forgetHandle(draft: Draft, { owner, handle }: { owner: Identity; handle: Handle }): void {
  const handles = readOwnership(draft, owner).handles.filter((other) => other !== handle);
  listHandles(draft, { owner, handles });
}

function listHandles(draft: Draft, { owner, handles }: { owner: Identity; handles: readonly Handle[] }): void {
  writeRecord(draft, { type: OWNERSHIP, id: owner, value: { ...readOwnership(draft, owner), handles } });
}
