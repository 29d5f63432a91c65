// What a browser gives the node: its stores and keys, opened or refused, its crypto, its edge, and the commons they belong to.

import type { BlobStore, Clock, Edge, Hasher, Log, Random, Store, Verifier } from '../../shared/platform/ports.ts';
import { createEdgeHttp } from '../../shared/platform/web/edge-http.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebHasher, createWebRandom, createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import { createIdbBlobStore } from '../storage/idb-blob-store.ts';
import { createIndexedDbStore } from '../storage/indexed-db-store.ts';
import { WalletVault } from '../storage/wallet-vault.ts';
import { WeftDatabase } from '../storage/weft-database.ts';
import { orThrow } from '../transport/failure-transfer.ts';
import { askEdge, loadCommons, type CommonsEntry, type EdgeAnswer } from './commons-entry.ts';
import { createConsoleLog } from './console-log.ts';

const DATABASE = 'weft';
const BLOB_DATABASE = 'weft-blobs';

export type EnginePlatform = {
  readonly clock: Clock;
  readonly random: Random;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  readonly log: Log;
  readonly store: Store;
  readonly blobs: BlobStore;
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
  const store = createIndexedDbStore(database);
  try {
    return {
      clock: createWebClock(),
      random,
      hasher: createWebHasher(),
      verifier,
      log: createConsoleLog(),
      store,
      blobs: createIdbBlobStore(BLOB_DATABASE),
      entry: orThrow(await loadCommons({ store, origin, answer })),
      vault: await WalletVault.open(database, random),
      edge: createEdgeHttp({ origin }),
      askEdge: ask,
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
