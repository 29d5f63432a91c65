// The always-on node as JSON-RPC asks for it: its commons, and handles under its own identity.

import type { Founding } from '../shared/chain/genesis.ts';
import type { Clock, Store } from '../shared/platform/ports.ts';
import type { RpcNode } from '../shared/rpc/rpc-node.ts';
import type { ChainReads } from '../shared/node/chain-reads.ts';
import type { CommonsMember } from '../shared/node/commons-member.ts';
import type { Ordering } from '../shared/node/ordering.ts';
import { fail, ok } from '../shared/core/result.ts';
import { HANDLE } from '../shared/ledger/records.ts';
import { readRecord } from '../shared/ledger/state.ts';
import { createRpcChain } from '../shared/node/rpc-chain.ts';

export function createHeadlessRpc(given: {
  readonly founding: Founding;
  readonly clock: Clock;
  readonly store: Store;
  readonly ordering: Ordering;
  readonly reads: ChainReads;
  readonly member: CommonsMember;
}): RpcNode {
  const { founding, clock, ordering, member } = given;
  const chain = createRpcChain(given);
  return {
    commons: founding.group,
    async chainOf(group) {
      if (group === founding.group) return ok(chain);
      return fail('no_such_group', 'This node keeps its commons only: ask a node that is in that group.');
    },
    registerHandle: (handle) => member.register(handle),
    resolveHandle: async (handle) => ok(readRecord(ordering.state, HANDLE, handle) ?? null),
    now: () => clock.now(),
  };
}
