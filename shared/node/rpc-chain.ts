// A chain that this node keeps, as JSON-RPC asks for it.

import type { Clock, Store } from '../platform/ports.ts';
import type { RpcChain } from '../rpc/rpc-node.ts';
import type { ChainReads } from './chain-reads.ts';
import type { Ordering } from './ordering.ts';
import { fail, ok } from '../core/result.ts';
import { balanceOf } from '../ledger/funds.ts';
import { describeReceipt } from '../ledger/receipts.ts';
import { readValue } from '../ledger/state.ts';
import { loadReceipts } from './chain-store.ts';
import { describeOlder, type OlderBlocks } from './older-blocks.ts';

export type RpcChainOptions = {
  readonly ordering: Ordering;
  /** That of the chain. */
  readonly store: Store;
  /** Null where this node signs no status, so that it proves nothing to strangers. */
  readonly reads: ChainReads | null;
  readonly clock: Clock;
  /** Absent where the chain began with its first block. */
  readonly older?: OlderBlocks;
};

export function createRpcChain({ ordering, store, reads, clock, older }: RpcChainOptions): RpcChain {
  return {
    async balances(identity) {
      const { state, tip } = ordering;
      const of = (asset: 'consumer' | 'industrial') => balanceOf(state, { asset, identity, blockTime: clock.now() });
      return ok({ height: tip.height, balances: { consumer: of('consumer'), industrial: of('industrial') } });
    },
    async submit(wire) {
      const submitted = await ordering.submit(wire);
      if (!submitted.ok && submitted.error.code === 'seq_used' && older && (await older.lowest()) > 1) {
        // It may be the very entry that has the number, in a block that is not here.
        await older.want();
        return fail('older_missing', `What became of it cannot be said yet. ${describeOlder(await older.state())}`);
      }
      if (!submitted.ok || submitted.value.state === 'pending') return submitted;
      const { id, height } = submitted.value;
      const receipt = (await loadReceipts(store, height)).find(({ entry }) => entry === id);
      return ok({ ...submitted.value, ...(receipt && { code: receipt.code, because: describeReceipt(receipt) }) });
    },
    async setOrdering(on) {
      if (!ordering.signer)
        return fail('not_a_validator', 'This node has no key that orders the group: it only follows.');
      if (on) ordering.start();
      else await ordering.rest();
      return ok(null);
    },
    async metrics() {
      const { rejected, ...counts } = ordering.counts;
      return ok({ height: ordering.tip.height, ordering: ordering.isRunning, counts, rejected });
    },
    async prove(key) {
      if (!reads)
        return fail('not_provable', 'This node signs no status of that group, and without one a proof has no time.');
      const { state, tip } = ordering;
      const proof = await reads.resolve(key);
      return proof.ok ? ok({ height: tip.height, value: readValue(state, key) ?? null, proof: proof.value }) : proof;
    },
  };
}
