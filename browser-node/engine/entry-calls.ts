// The calls on entries: write operations of a group's ledger, and what became of an own entry.

import type { EntryStatus, WeftApi } from '../api.ts';
import type { EntryState } from '../../shared/node/outbox.ts';
import type { EngineContext } from './engine-context.ts';
import type { GroupHost } from './group-host.ts';
import { parseCid } from '../../shared/codec/cid.ts';
import { ENTRY_OPERATIONS_MAX } from '../../shared/core/limits.ts';
import { OPERATIONS } from '../../shared/ledger/families.ts';
import { orThrow, reject } from '../transport/failure-transfer.ts';
import { requireAccount, requireIdentity } from './engine-context.ts';

const KINDS: ReadonlySet<string> = new Set(OPERATIONS.map(({ kind }) => kind));

export function createEntryCalls(given: {
  readonly context: EngineContext;
  readonly host: GroupHost;
}): WeftApi['entries'] {
  const { context, host } = given;
  return {
    async submit(groupId, operations) {
      requireIdentity(context);
      if (operations.length === 0 || operations.length > ENTRY_OPERATIONS_MAX) {
        return reject('bad_encoding', `An entry holds 1 to ${ENTRY_OPERATIONS_MAX} operations: split it.`);
      }
      const unknown = operations.find(({ kind }) => !KINDS.has(kind));
      if (unknown)
        return reject('bad_encoding', `There is no operation "${unknown.kind}": look at docs/protocol/ledger.md.`);
      const { groups } = await host.open();
      return { id: await orThrow(groups.get(groupId)).submit(operations) };
    },
    async status(text, groupId) {
      const id = orThrow(parseCid(text));
      if (groupId === undefined) {
        const { outbox } = requireAccount(context);
        return describe(id, await outbox.state(id), context.node.hasSeen(id));
      }
      requireIdentity(context);
      const { groups } = await host.open();
      const node = orThrow(groups.get(groupId));
      return describe(id, await node.outbox.state(id), node.isOrdered);
    },
  };
}

function describe(id: string, entry: EntryState, seen: boolean): EntryStatus {
  switch (entry.state) {
    case 'pending':
      return { state: 'pending', id, waitingFor: seen ? 'order' : 'network' };
    case 'final':
    case 'dropped': {
      const { code, because, height } = entry.outcome;
      return height === null ? { state: 'dropped', id, code, because } : { state: 'final', id, height, code, because };
    }
    case 'unknown':
      return { state: 'dropped', id, code: 'not_found', because: 'This browser has written no such entry.' };
  }
}
