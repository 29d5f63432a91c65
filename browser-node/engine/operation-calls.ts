// Operations of a group's ledger, as whoever uses the API writes them.

import type { WeftApi } from '../api.ts';
import type { EngineContext } from './engine-context.ts';
import type { GroupHost } from './group-host.ts';
import { ENTRY_OPERATIONS_MAX } from '../../shared/core/limits.ts';
import { OPERATIONS } from '../../shared/ledger/families.ts';
import { orThrow, reject } from '../transport/failure-transfer.ts';
import { requireIdentity } from './engine-context.ts';

const KINDS: ReadonlySet<string> = new Set(OPERATIONS.map(({ kind }) => kind));

export function createOperationCalls(given: {
  readonly context: EngineContext;
  readonly host: GroupHost;
}): Pick<WeftApi['entries'], 'submit'> {
  const { context, host } = given;
  return {
    async submit(groupId, operations) {
      requireIdentity(context);
      if (operations.length === 0 || operations.length > ENTRY_OPERATIONS_MAX) {
        return reject('bad_encoding', `An entry holds 1 to ${ENTRY_OPERATIONS_MAX} operations: split it.`);
      }
      const unknown = operations.find(({ kind }) => !KINDS.has(kind));
      if (unknown) {
        return reject('bad_encoding', `There is no operation "${unknown.kind}": look at docs/protocol/ledger.md.`);
      }
      const { groups } = await host.open();
      return { id: await orThrow(groups.get(groupId)).submit(operations) };
    },
  };
}
