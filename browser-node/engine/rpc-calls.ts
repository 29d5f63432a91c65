// JSON-RPC in a tab (docs/rpc.md): the commons as a light node proves it, and the groups whose chains are kept here.

import type { EngineContext } from './engine-context.ts';
import type { GroupHost } from './group-host.ts';
import type { RpcChain, RpcNode } from '../../shared/rpc/rpc-node.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { messageOf } from '../../shared/core/message-of.ts';
import type { Identity } from '../../shared/crypto/ids.ts';
import { ACCOUNT, splitBalance, type Asset } from '../../shared/ledger/account-records.ts';
import { parseEntry } from '../../shared/feeds/entry.ts';
import { HANDLE } from '../../shared/ledger/records.ts';
import { createRpcChain } from '../../shared/node/rpc-chain.ts';
import { answerRpc, type RpcAnswer } from '../../shared/rpc/json-rpc.ts';
import { createNodeMethods } from '../../shared/rpc/node-methods.ts';
import { readApiFailure } from '../transport/failure-transfer.ts';
import { readCertified, requireWriter, withinNetworkWait } from './engine-context.ts';

type Given = { readonly context: EngineContext; readonly host: GroupHost };

/** `request`: a request object of JSON-RPC 2.0, or a list of them. Null when there is nothing to answer. */
export async function answerTabRpc(given: Given, request: unknown): Promise<RpcAnswer> {
  const { log } = given.context;
  return await answerRpc(createNodeMethods(createTabNode(given)), request, (error) => {
    log.error('a call failed', { because: messageOf(error) });
  });
}

function createTabNode({ context, host }: Given): RpcNode {
  const { clock, entry, log } = context;
  return {
    commons: entry.group,
    async chainOf(group) {
      if (group === entry.group) return ok(createLightChain(context));
      if (!context.wallet.account) return fail('locked', 'The wallet is locked, or there is none: open it first.');
      const node = (await host.open()).groups.get(group);
      return node.ok ? ok(createRpcChain(node.value.order.rpc)) : node;
    },
    async registerHandle(handle) {
      try {
        const { member } = await requireWriter(context);
        return await withinNetworkWait(context, member.register(handle));
      } catch (error) {
        const { code, message } = readApiFailure(error);
        log.debug('no handle', { code });
        return fail(code, message);
      }
    },
    resolveHandle: (handle) => readCertified(context, HANDLE, handle),
    now: () => clock.now(),
  };
}

/** A light node keeps no chain of the commons: it asks for proofs, and hands entries to those who order. */
function createLightChain(context: EngineContext): RpcChain {
  const { node, clock, account } = context;
  const readBalance = async (asset: Asset, identity: Identity) => {
    const record = await readCertified(context, ACCOUNT, { asset, identity });
    return record.ok ? ok(splitBalance(record.value ?? undefined, clock.now())) : record;
  };
  return {
    async balances(identity) {
      const consumer = await readBalance('consumer', identity);
      if (!consumer.ok) return consumer;
      const industrial = await readBalance('industrial', identity);
      if (!industrial.ok) return industrial;
      const balances = { consumer: consumer.value, industrial: industrial.value };
      return ok({ height: node.status().height, balances });
    },
    async submit(wire) {
      const entry = parseEntry(wire);
      if (!entry.ok) return entry;
      const attached = account();
      // Validators talk to identities, also about entries of others.
      if (!attached) return fail('locked', 'The wallet is locked, or there is none: open it first.');
      return await attached.handIn(entry.value);
    },
    setOrdering: async () => fail('not_a_validator', 'A tab does not order the commons: name a group that it founded.'),
    metrics: async () => {
      const counts = { mempool_size: account()?.outbox.pending.length ?? 0 };
      return ok({ height: node.status().height, ordering: false, counts, rejected: {} });
    },
    async prove(key) {
      const proven = await node.resolve(key);
      if (!proven.ok) return proven;
      const { height, value, bytes } = proven.value;
      return ok({ height, value: value ?? null, proof: bytes });
    },
  };
}
