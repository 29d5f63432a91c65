// What a browser gives the node: its stores and keys, opened or refused, its crypto, its edge, and the commons they belong to.

import type { BlobStore, Clock, Edge, Hasher, Log, Random, Store, Verifier } from '../../shared/platform/ports.ts';
import { createEdgeHttp } from '../../shared/platform/web/edge-http.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebHasher, createWebRandom, createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import { BlobKeeper } from '../../site-host/blob-keeper.ts';
import { listKeptVersions } from '../../site-host/kept-versions.ts';
import { createListedIdbBlobStore } from '../storage/idb-blob-list.ts';
import { createIndexedDbStore } from '../storage/indexed-db-store.ts';
import { WalletVault } from '../storage/wallet-vault.ts';
import { WeftDatabase } from '../storage/weft-database.ts';
import { orThrow } from '../transport/failure-transfer.ts';
import { askEdge, loadCommons, type CommonsEntry, type EdgeAnswer } from './commons-entry.ts';
import { createConsoleLog } from './console-log.ts';

const DATABASE = 'weft';
const BLOB_DATABASE = 'weft-blobs';
/** Of the space that the browser gives, for what others published and nobody here pinned. */
const CACHE_SHARE = 0.25;

export type EnginePlatform = {
  readonly clock: Clock;
  readonly random: Random;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  readonly log: Log;
  readonly store: Store;
  readonly blobs: BlobStore;
  /** Makes room on a full disk for `store` and `blobs`. */
  readonly keeper: BlobKeeper;
  readonly vault: WalletVault;
  readonly edge: Edge;
  readonly entry: CommonsEntry;
  /** What the edge says of itself now; null when it does not answer. */
  readonly askEdge: () => Promise<EdgeAnswer | null>;
};

/** Rejects with a failure that says why this browser cannot run a node now. */
export async function openPlatform(options: { location: URL; onDeposed: () => void }): Promise<EnginePlatform> {
  const { location, onDeposed } = options;
  const { origin, hostname } = location;
  const random = createWebRandom();
  const ask = () => askEdge({ origin, hostname });
  const [database, answer, verifier] = await Promise.all([
    WeftDatabase.open({ name: DATABASE, onDeposed }),
    ask(),
    createWebVerifier(),
  ]);
  const records = createIndexedDbStore(database);
  try {
    const clock = createWebClock();
    const hasher = createWebHasher();
    const log = createConsoleLog();
    const keeper = await BlobKeeper.open({
      store: records,
      blobs: createListedIdbBlobStore(BLOB_DATABASE),
      clock,
      hasher,
      log,
      roots: () => listKeptVersions(records),
      limit: async () => ((await navigator.storage.estimate()).quota ?? 0) * CACHE_SHARE,
    });
    const { store, blobs } = keeper;
    return {
      clock,
      random,
      hasher,
      verifier,
      log,
      store,
      blobs,
      keeper,
      entry: orThrow(await loadCommons({ store, origin, answer })),
      vault: await WalletVault.open(database, random),
      edge: createEdgeHttp({ origin }),
      askEdge: ask,
    };
  } catch (error) {
    await records.close();
    throw error;
  }
}
