// What becomes of own entries: in the commons, and in a group.

import type { EntryStatus, WeftApi } from '../api.ts';
import type { EntryState } from '../../shared/node/outbox.ts';
import type { EngineContext } from './engine-context.ts';
import type { GroupHost } from './group-host.ts';
import { parseCid, type Cid } from '../../shared/codec/cid.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { orThrow } from '../transport/failure-transfer.ts';
import { requireAccount, requireIdentity } from './engine-context.ts';

export function createEntryCalls(given: {
  readonly context: EngineContext;
  readonly host: GroupHost;
}): Pick<WeftApi['entries'], 'status'> {
  const { context, host } = given;
  return {
    async status(text, groupId) {
      const id = orThrow(parseCid(text));
      if (groupId === undefined) {
        const { outbox } = requireAccount(context);
        return describe(id, await outbox.state(id), context.node.hasSeen(id));
      }
      requireIdentity(context);
      const { groups } = await host.open();
      const node = orThrow(groups.get(groupId));
      const state = await node.outbox.state(id);
      return state.state === 'unknown' ? await describeOther(id, node) : describe(id, state, node.isOrdered);
    },
  };
}

/** Of another member, or of another device of one's own. */
async function describeOther(id: Cid, { older }: GroupNode): Promise<EntryStatus> {
  const outcome = await older.outcomeOf(id);
  if (outcome) return { state: 'final', id, ...outcome };
  if ((await older.lowest()) > 1) await older.want();
  return { state: 'dropped', id, code: 'not_found', because: await older.whyNotFound() };
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
