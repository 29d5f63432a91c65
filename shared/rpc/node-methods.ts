// The methods that a node offers over JSON-RPC: their parameters read, and their results in plain JSON with units named.

import { fromHex, toHex } from '../codec/base.ts';
import { parseCid } from '../codec/cid.ts';
import { ENTRY_BYTES_MAX, STATE_KEY_BYTES_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { parseIdentity } from '../crypto/ids.ts';
import type { Asset } from '../ledger/account-records.ts';
import { parseHandle, type Handle } from '../ledger/handle-grammar.ts';
import type { HandleLease } from '../ledger/records.ts';
import { formatTokens } from '../ledger/token-text.ts';
import type { RpcBalances, RpcChain, RpcNode } from './rpc-node.ts';
import { INVALID_PARAMS, type RpcMethod, type RpcMethods, type RpcParams } from './json-rpc.ts';

/** An amount in both units, as text: numbers of JSON are floats to many readers. */
export type RpcAmount = { readonly tokens: string; readonly thousandths: string };

/** T09, with TB's names and shapes; `state_proof` is ours. `group` may be left out for the commons. */
export function createNodeMethods(node: RpcNode): RpcMethods {
  return new Map<string, RpcMethod>([
    ['balance', { params: ['address', 'group'], call: (params) => readBalance(node, params) }],
    ['submit_tx', { params: ['tx', 'group'], call: (params) => submitTx(node, params) }],
    ['start_mining', { params: ['group'], call: (params) => setMining(node, params, true) }],
    ['stop_mining', { params: ['group'], call: (params) => setMining(node, params, false) }],
    ['metrics', { params: ['group'], call: (params) => readMetrics(node, params) }],
    ['register_handle', { params: ['handle'], call: (params) => registerHandle(node, params) }],
    ['resolve_handle', { params: ['handle'], call: (params) => resolveHandle(node, params) }],
    ['state_proof', { params: ['key', 'group'], call: (params) => proveState(node, params) }],
  ]);
}

async function readBalance(node: RpcNode, params: RpcParams): Promise<Result<unknown, Failure>> {
  const address = readText(params, 'address');
  if (!address.ok) return address;
  const identity = parseIdentity(address.value);
  if (!identity.ok) return fail(INVALID_PARAMS, 'address is written did:key:z….');
  return await onChain(node, params, async (chain) => {
    const read = await chain.balances(identity.value);
    if (!read.ok) return read;
    const { height } = read.value;
    const spendable = describeBalances(read.value, 'free');
    return ok({ address: identity.value, height, ...spendable, vesting: describeBalances(read.value, 'vesting') });
  });
}

async function submitTx(node: RpcNode, params: RpcParams): Promise<Result<unknown, Failure>> {
  const text = readText(params, 'tx');
  if (!text.ok) return text;
  if (text.value.length > 2 * ENTRY_BYTES_MAX) return fail('too_large', 'An entry has at most 256 KiB: split it.');
  const wire = fromHex(text.value);
  if (!wire.ok) return fail(INVALID_PARAMS, 'tx is an entry as it travels, in lower-case hex.');
  return await onChain(node, params, async (chain) => {
    const submitted = await chain.submit(wire.value);
    return submitted.ok ? ok({ status: 'ok', ...submitted.value }) : submitted;
  });
}

async function setMining(node: RpcNode, params: RpcParams, on: boolean): Promise<Result<unknown, Failure>> {
  return await onChain(node, params, async (chain) => {
    const set = await chain.setOrdering(on);
    return set.ok ? ok({ status: 'ok', ordering: on }) : set;
  });
}

async function readMetrics(node: RpcNode, params: RpcParams): Promise<Result<unknown, Failure>> {
  return await onChain(node, params, async (chain) => {
    const read = await chain.metrics();
    if (!read.ok) return read;
    const { height, ordering, counts, rejected } = read.value;
    return ok({ height, ordering, ...counts, tx_rejected_total: rejected });
  });
}

async function registerHandle(node: RpcNode, params: RpcParams): Promise<Result<unknown, Failure>> {
  const handle = readHandle(params);
  if (!handle.ok) return handle;
  const lease = await node.registerHandle(handle.value);
  return lease.ok ? ok(describeLease(handle.value, lease.value)) : lease;
}

/** A handle whose lease has ended resolves to nobody: anyone may take it. */
async function resolveHandle(node: RpcNode, params: RpcParams): Promise<Result<unknown, Failure>> {
  const handle = readHandle(params);
  if (!handle.ok) return handle;
  const lease = await node.resolveHandle(handle.value);
  if (!lease.ok) return lease;
  if (lease.value === null || lease.value.lease <= node.now()) return ok({ handle: handle.value, address: null });
  return ok(describeLease(handle.value, lease.value));
}

async function proveState(node: RpcNode, params: RpcParams): Promise<Result<unknown, Failure>> {
  const key = readText(params, 'key');
  if (!key.ok) return key;
  if (!/^[!-~]+$/.test(key.value) || key.value.length > STATE_KEY_BYTES_MAX)
    return fail(INVALID_PARAMS, `key is ASCII text of 1 to ${STATE_KEY_BYTES_MAX} bytes.`);
  return await onChain(node, params, async (chain, group) => {
    const proven = await chain.prove(key.value);
    if (!proven.ok) return proven;
    const { height, value, proof } = proven.value;
    return ok({ group, key: key.value, height, value: value && toHex(value), proof: toHex(proof) });
  });
}

async function onChain(
  node: RpcNode,
  { group: text }: RpcParams,
  call: (chain: RpcChain, group: string) => Promise<Result<unknown, Failure>>,
): Promise<Result<unknown, Failure>> {
  const group = text === undefined ? ok(node.commons) : parseCid(typeof text === 'string' ? text : '');
  if (!group.ok) return fail(INVALID_PARAMS, 'group is the id of a group, as a CID in base32.');
  const chain = await node.chainOf(group.value);
  return chain.ok ? await call(chain.value, group.value) : chain;
}

function readText(params: RpcParams, name: string): Result<string, Failure> {
  const value = params[name];
  return typeof value === 'string' ? ok(value) : fail(INVALID_PARAMS, `${name} is missing, or is no text.`);
}

/** `alice` or `@alice`. */
function readHandle(params: RpcParams): Result<Handle, Failure> {
  const text = readText(params, 'handle');
  return text.ok ? parseHandle(text.value.replace(/^@/, '')) : text;
}

function describeLease(handle: Handle, { owner, lease, generation }: HandleLease): unknown {
  return { handle, address: owner, lease_until_ms: lease, generation };
}

function describeBalances({ balances }: RpcBalances, part: 'free' | 'vesting'): Record<Asset, RpcAmount> {
  const { consumer, industrial } = balances;
  return { consumer: describeAmount(consumer[part]), industrial: describeAmount(industrial[part]) };
}

function describeAmount(thousandths: bigint): RpcAmount {
  return { tokens: formatTokens(thousandths), thousandths: thousandths.toString() };
}
