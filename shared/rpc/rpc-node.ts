// What JSON-RPC needs of a node: its chains by group, and the handles of the commons.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Identity } from '../crypto/ids.ts';
import type { Asset, Balance } from '../ledger/account-records.ts';
import type { Handle } from '../ledger/handle-grammar.ts';
import type { HandleLease } from '../ledger/records.ts';

type Answer<T> = Promise<Result<T, Failure>>;

/** Thousandths of a token as of a final block, and what of them is locked by the node's clock. */
export type RpcBalances = { readonly height: number; readonly balances: Readonly<Record<Asset, Balance>> };

/** What became of an entry that was handed in; of a final one its code, `ok` or why it had no effect, where that is known here. */
export type RpcSubmitted = {
  readonly id: Cid;
  readonly state: 'pending' | 'final';
  readonly height?: number;
  readonly code?: string;
  readonly because?: string;
};

/** `counts`: those of docs/protocol/working-set.md, by name; `rejected` by reason. */
export type RpcMetrics = {
  readonly height: number;
  readonly ordering: boolean;
  readonly counts: Readonly<Record<string, number>>;
  readonly rejected: Readonly<Record<string, number>>;
};

/** A proven record: `proof` is a whole resolution (LC1). */
export type RpcProof = { readonly height: number; readonly value: Uint8Array | null; readonly proof: Uint8Array };

export type RpcChain = {
  balances(identity: Identity): Answer<RpcBalances>;
  /** A signed entry as it travels (EN1), of anybody. On disk when it resolves. */
  submit(wire: Uint8Array): Answer<RpcSubmitted>;
  /** Takes part in ordering from now on, or no more, until the node starts again. */
  setOrdering(on: boolean): Answer<null>;
  metrics(): Answer<RpcMetrics>;
  prove(key: string): Answer<RpcProof>;
};

export type RpcNode = {
  /** Meant where a request names no group. */
  readonly commons: Cid;
  /** Fails with `no_such_group` for a group that is not open here. */
  chainOf(group: Cid): Answer<RpcChain>;
  /** For the node's own identity; final when it resolves. */
  registerHandle(handle: Handle): Answer<HandleLease>;
  /** Null while nobody holds it. */
  resolveHandle(handle: Handle): Answer<HandleLease | null>;
  /** Ms since the epoch. */
  now(): Millis;
};
