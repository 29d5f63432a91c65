// What the groups of calls share: the node, its account, its stores, and the questions that several of them ask.

import type { NodeEvents } from '../api.ts';
import type { BlobStore, Clock, Edge, Hasher, Log, Random, Store, Verifier } from '../../shared/platform/ports.ts';
import type { Failure, Result } from '../../shared/core/result.ts';
import type { Identity } from '../../shared/crypto/ids.ts';
import type { BlockSource } from '../../shared/node/block-fetcher.ts';
import type { AttachedAccount, LightNode } from '../../shared/node/light-node.ts';
import type { RecordType } from '../../shared/ledger/records.ts';
import type { BlobKeeper } from '../../site-host/blob-keeper.ts';
import type { Publisher } from '../../site-host/publisher.ts';
import type { SitesOrigin } from '../../site-host/local-url.ts';
import type { CommonsEntry } from './commons-entry.ts';
import type { PuzzleSearch } from './puzzle-search.ts';
import type { Wallet } from './wallet.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { NETWORK_WAIT } from '../../shared/core/limits.ts';
import { decodeRecord } from '../../shared/ledger/records.ts';
import { orThrow, reject } from '../transport/failure-transfer.ts';

/** How often a call that waits for the network looks whether it has been alone for too long. */
const ALONE_CHECK = 1_000;

export type EngineContext = {
  readonly entry: CommonsEntry;
  readonly sitesOrigin: SitesOrigin;
  readonly node: LightNode;
  readonly edge: Edge;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly keeper: BlobKeeper;
  readonly wallet: Wallet;
  readonly publisher: Publisher;
  readonly puzzles: PuzzleSearch;
  readonly clock: Clock;
  readonly random: Random;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  readonly log: Log;
  /** Who writes now; null while there is no wallet, or it is locked. */
  readonly account: () => AttachedAccount | null;
  /** Measures how far this clock is off; fails when nothing may be signed with it. */
  readonly checkTime: () => Promise<Result<null, Failure>>;
  /** Members of groups that content can be asked of directly. */
  readonly directSources: () => Promise<readonly BlockSource[]>;
  readonly mark: (...events: readonly (keyof NodeEvents)[]) => void;
};

/** Whose wallet is open here, or a rejection that says how to open one. */
export function requireIdentity({ wallet }: EngineContext): Identity {
  const { account } = wallet;
  if (account) return account.self.identity;
  return wallet.about ? rejectLocked() : rejectMissing();
}

/** The account, or a rejection that says how to get one. */
export function requireAccount({ account, wallet }: EngineContext): AttachedAccount {
  const attached = account();
  if (attached) return attached;
  return wallet.about ? rejectLocked() : rejectMissing();
}

function rejectLocked(): never {
  return reject('locked', 'The wallet is locked: unlock it, then try again.');
}

function rejectMissing(): never {
  return reject('wallet_missing', 'There is no wallet in this browser yet: create or restore one.');
}

/** An account that may sign now: its clock is right. */
export async function requireWriter(context: EngineContext): Promise<AttachedAccount> {
  const account = requireAccount(context);
  orThrow(await context.checkTime());
  return account;
}

/** The certified record, null if it is certain that there is none. */
export async function readCertified<Id, T>(
  { node }: EngineContext,
  type: RecordType<Id, T>,
  id: Id,
): Promise<Result<T | null, Failure>> {
  const resolved = await node.resolve(type.key(id));
  if (!resolved.ok) return resolved;
  if (resolved.value.value === undefined) return ok(null);
  const record = decodeRecord(type, resolved.value.value);
  return record.ok ? record : fail('wrong_state', 'A record of the commons cannot be read: reload to update weft.');
}

/** What the work brings; `waiting_for_network` after 30 s in a row without anybody, while the work goes on. */
export async function withinNetworkWait<T>({ node, clock }: EngineContext, work: Promise<T>): Promise<T> {
  let done = false;
  const settled = work.finally(() => (done = true));
  const alone = async (): Promise<never> => {
    let since: number | null = null;
    for (;;) {
      await new Promise<void>((resolve) => clock.after(ALONE_CHECK, resolve));
      if (done) return await new Promise(() => {});
      since = node.status().network === 'online' ? null : (since ?? clock.now());
      if (since !== null && clock.now() - since >= NETWORK_WAIT) {
        return reject(
          'waiting_for_network',
          'Nobody is reachable. What you did is stored here and goes out by itself as soon as somebody is.',
        );
      }
    }
  };
  return await Promise.race([settled, alone()]);
}
