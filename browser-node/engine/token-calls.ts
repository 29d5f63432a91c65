// The calls on a group's tokens: balances and figures, previews, sending, minting, and what happened so far.

import type {
  GroupTokens,
  GroupTokensApi,
  TokenAsset,
  TokenBalance,
  TokenEvent,
  TokenMint,
  TokenPreview,
  TokenTransfer,
} from '../group-api.ts';
import type { Identity } from '../../shared/crypto/ids.ts';
import type { Operation } from '../../shared/feeds/entry.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { describeOlder } from '../../shared/node/older-blocks.ts';
import type { HistoryEntry } from '../../shared/node/token-history.ts';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { MEMO_BYTES_MAX } from '../../shared/core/limits.ts';
import { parseIdentity } from '../../shared/crypto/ids.ts';
import { ACCOUNT, type Balance } from '../../shared/ledger/account-records.ts';
import { accountTransfer, transferFee } from '../../shared/ledger/families/accounts.ts';
import { tokenMint } from '../../shared/ledger/families/supply.ts';
import { describeChanges, describeEntry, describePending } from '../../shared/ledger/receipt-words.ts';
import { readRecord } from '../../shared/ledger/state.ts';
import { orThrow, reject } from '../transport/failure-transfer.ts';
import type { EngineContext } from './engine-context.ts';
import { previewOperations, submitOperations } from './entry-outcome.ts';
import { findGroup } from './find-group.ts';
import type { GroupHost } from './group-host.ts';
import { nameOf } from './group-views.ts';
import { byAsset, readAmount, readAsset } from './token-fields.ts';

const HISTORY_LENGTH = 50;
const HISTORY_LENGTH_MAX = 1_000;

/** What an entry would do, and what of its amount the receiver gets. */
type Plan = {
  readonly op: Operation;
  readonly amount: bigint;
  readonly kept: bigint;
  readonly mintable: bigint | null;
};

export function createTokenCalls(given: { readonly context: EngineContext; readonly host: GroupHost }): GroupTokensApi {
  const find = (groupId: string) => findGroup(given, groupId);
  return {
    async money(groupId) {
      const { node, self } = await find(groupId);
      return describeTokens(node, self);
    },
    async previewTransfer(groupId, transfer) {
      const { node } = await find(groupId);
      return preview(node, planTransfer(node, transfer));
    },
    async transfer(groupId, transfer) {
      const { node } = await find(groupId);
      return await submitOperations(node, [planTransfer(node, transfer).op]);
    },
    async previewMint(groupId, mint) {
      const { node } = await find(groupId);
      return preview(node, planMint(node, mint));
    },
    async mint(groupId, mint) {
      const { node } = await find(groupId);
      return await submitOperations(node, [planMint(node, mint).op]);
    },
    async history(groupId, { limit = HISTORY_LENGTH } = {}) {
      const { node, self } = await find(groupId);
      const entries = await node.money.history(Math.min(limit, HISTORY_LENGTH_MAX));
      return entries.map((entry) => describeEvent(node, { entry, self }));
    },
    async older(groupId, { want = false } = {}) {
      const { older } = (await find(groupId)).node;
      if (want) await older.want();
      const state = await older.state();
      return { state, sentence: describeOlder(state) };
    },
  };
}

function describeTokens(node: GroupNode, self: Identity): GroupTokens | null {
  const stats = node.money.stats();
  if (stats === undefined) return null;
  const held = node.money.balancesOf(self);
  const balanceOf = (asset: TokenAsset): TokenBalance => {
    const locks = readRecord(node.chain.state, ACCOUNT, { asset, identity: self })?.vesting ?? [];
    const until = held[asset].vesting === 0n ? null : Math.max(...locks.map((lock) => lock.until));
    return { ...describeBalance(held[asset]), until };
  };
  const figuresOf = (asset: TokenAsset) => {
    const { total, treasury, escrow, mintable, emittedPerDay } = stats.byAsset[asset];
    return {
      total: `${total}`,
      treasury: `${treasury}`,
      escrow: `${escrow}`,
      mintable: `${mintable}`,
      emittedPerDay: `${emittedPerDay}`,
    };
  };
  const { policy, next } = stats;
  const { transferable, transferFeeBps } = policy;
  const announced = next ? { from: next.from, changes: describeChanges(policy, next.policy) } : null;
  return { balances: byAsset(balanceOf), figures: byAsset(figuresOf), transferable, transferFeeBps, announced };
}

function planTransfer(node: GroupNode, { asset, to, amount, memo }: TokenTransfer): Plan {
  const body = {
    asset: readAsset(asset),
    to: orThrow(parseIdentity(to)),
    amount: readAmount(amount),
    ...readMemo(memo),
  };
  const kept = transferFee(body.amount, node.money.stats()?.policy.transferFeeBps ?? 0);
  return { op: accountTransfer.create(body), amount: body.amount, kept, mintable: null };
}

function planMint(node: GroupNode, { asset, to, amount, memo }: TokenMint): Plan {
  const receiver = to === undefined ? {} : { to: orThrow(parseIdentity(to)) };
  const body = { asset: readAsset(asset), amount: readAmount(amount), ...receiver, ...readMemo(memo) };
  const left = (node.money.stats()?.byAsset[body.asset].mintable ?? 0n) - body.amount;
  return { op: tokenMint.create(body), amount: body.amount, kept: 0n, mintable: left > 0n ? left : 0n };
}

function preview(node: GroupNode, { op, amount, kept, mintable }: Plan): TokenPreview {
  const { code, because, fee, after } = previewOperations(node, [op]);
  return {
    ...{ code, because, fee },
    arrives: `${amount - kept}`,
    kept: `${kept}`,
    mintable: mintable === null ? null : `${mintable}`,
    after: byAsset((asset) => describeBalance(after[asset])),
  };
}

function describeEvent(node: GroupNode, { entry, self }: { entry: HistoryEntry; self: Identity }): TokenEvent {
  const { id, body, identity, time: at, final } = entry;
  const reader = {
    self,
    nameOf: (one: Identity) => nameOf(node, one),
    taskOf: (task: string) => node.money.taskOf(task, final?.height ?? Number.MAX_SAFE_INTEGER),
  };
  if (final === null) {
    return { id, state: 'pending', code: 'ok', sentence: describePending(body, reader), at, height: null };
  }
  const { height, receipt } = final;
  const sentence = describeEntry({ receipt, body, identity }, reader);
  return { id, state: 'final', code: receipt.code, sentence, at, height };
}

function describeBalance({ free, vesting }: Balance): Omit<TokenBalance, 'until'> {
  return { free: `${free}`, vesting: `${vesting}` };
}

function readMemo(memo: string | undefined): { memo?: string } {
  if (memo === undefined || memo === '') return {};
  if (memo.isWellFormed() && encodeUtf8(memo).length <= MEMO_BYTES_MAX) return { memo };
  return reject('too_large', `A memo has at most ${MEMO_BYTES_MAX} bytes: shorten it.`);
}
