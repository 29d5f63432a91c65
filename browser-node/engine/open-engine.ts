// The engine: stores, keys, node and publisher of this origin composed into the API that tabs call (DESIGN §7, §8).

import type { WeftApi } from '../api.ts';
import type { EngineApi, EventListener } from '../transport/engine-api.ts';
import type { Link } from '../../shared/platform/ports.ts';
import type { RoomId } from '../../shared/session/room.ts';
import type { EngineContext } from './engine-context.ts';
import { parseCid } from '../../shared/codec/cid.ts';
import { LightNode } from '../../shared/node/light-node.ts';
import { createEdgeHttp } from '../../shared/platform/web/edge-http.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebHasher, createWebRandom, createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import { connectWebSocketLink } from '../../shared/platform/web/web-socket-link.ts';
import { Publisher } from '../../site-host/publisher.ts';
import { createIdbBlobStore } from '../storage/idb-blob-store.ts';
import { createIndexedDbStore } from '../storage/indexed-db-store.ts';
import { WalletVault } from '../storage/wallet-vault.ts';
import { WeftDatabase } from '../storage/weft-database.ts';
import { orThrow } from '../transport/failure-transfer.ts';
import { TrafficCount } from '../transport/traffic-count.ts';
import { createBlobCalls } from './blob-calls.ts';
import { askEdge, loadCommons, type EdgeAnswer } from './commons-entry.ts';
import { createConsoleLog } from './console-log.ts';
import { nameDevice } from './device-name.ts';
import { checkClock, measureSkew } from './edge-time.ts';
import { EngineAccount } from './engine-account.ts';
import { describePeers, describeStatus } from './engine-status.ts';
import { EventFeed } from './event-feed.ts';
import { createHandleCalls } from './handle-calls.ts';
import { JobWatch } from './job-watch.ts';
import { PuzzleSearch, yieldTask } from './puzzle-search.ts';
import { createSiteCalls, describeJob } from './site-calls.ts';
import { Wallet } from './wallet.ts';
import { createWalletCalls } from './wallet-calls.ts';

const DATABASE = 'weft';
const BLOB_DATABASE = 'weft-blobs';

export type Engine = {
  readonly api: Omit<EngineApi, 'subscribe'>;
  /** The returned function ends it. */
  subscribe(listener: EventListener): () => void;
};

export type EngineOptions = {
  /** The app's own address. */
  readonly location: URL;
  readonly userAgent: string;
  /** A later engine has the data now: this one is over. */
  readonly onDeposed: () => void;
};

/** Rejects with a failure that says why this browser cannot run a node now. */
export async function openEngine({ location, userAgent, onDeposed }: EngineOptions): Promise<Engine> {
  const { origin, hostname } = location;
  const [clock, random, hasher, log] = [createWebClock(), createWebRandom(), createWebHasher(), createConsoleLog()];
  const ask = (): Promise<EdgeAnswer | null> => askEdge({ origin, hostname });
  const [database, first, verifier] = await Promise.all([
    WeftDatabase.open({ name: DATABASE, onDeposed }),
    ask(),
    createWebVerifier(),
  ]);
  const store = createIndexedDbStore(database);
  const blobs = createIdbBlobStore(BLOB_DATABASE);
  const entry = orThrow(await loadCommons({ store, origin, answer: first }));
  const vault = await WalletVault.open(database, random);
  const edge = createEdgeHttp({ origin });
  const traffic = new TrafficCount();
  const connectRelay = createRelayConnector(entry.relays, traffic);
  let skew = 0;

  const node = await LightNode.open({
    ...entry,
    store,
    blobs,
    clock,
    random,
    verifier,
    hasher,
    edge,
    connectRelay,
    log,
    onChange: () => events.mark('status', 'peers'),
  });
  const noteTime = (answer: EdgeAnswer | null): void => {
    const { statusTime } = node.status();
    skew = measureSkew({ now: clock.now(), edgeTime: answer?.time ?? null, statusTime });
  };
  const puzzles = new PuzzleSearch(yieldTask);
  const account = new EngineAccount({ node, solve: (puzzle) => puzzles.solve(puzzle), onAttached: () => publisher.resume() });
  const wallet = new Wallet({
    vault,
    random,
    clock,
    deviceName: nameDevice(userAgent),
    onChange: async () => {
      await account.follow(wallet);
      events.mark('wallet', 'sites', 'status');
    },
  });
  const publisher = await Publisher.open({
    store,
    blobs,
    clock,
    random,
    hasher,
    log,
    account: () => account.current,
    isOnline: () => node.status().network === 'online',
    onChange: () => {
      watch.wake();
      node.have(publisher.manifests);
      events.mark('jobs', 'sites', 'status');
    },
  });
  const watch = new JobWatch(() => publisher.jobs);
  const context: EngineContext = {
    entry,
    sitesOrigin: sitesOriginOf(location, entry.suffix),
    node,
    edge,
    blobs,
    wallet,
    publisher,
    puzzles,
    clock,
    hasher,
    verifier,
    log,
    account: () => account.current,
    measureSkew: async () => {
      noteTime(await ask());
      events.mark('status');
      return checkClock(skew);
    },
    mark: (...changed) => events.mark(...changed),
  };
  const sites = createSiteCalls(context, watch);
  const status = () => describeStatus({ node, blobs, group: entry.group, device: vault.device.kind, skew });
  const events: EventFeed = new EventFeed({
    clock,
    log,
    sources: {
      status,
      wallet: async () => wallet.status(),
      sites: () => sites.mine(),
      jobs: async () => publisher.jobs.map(describeJob),
      peers: async () => describePeers(node, traffic),
    },
  });
  noteTime(first);
  node.have(publisher.manifests);
  node.start();
  await account.follow(wallet);
  const { followPublish, ...siteCalls } = sites;
  return {
    api: {
      wallet: createWalletCalls(context, vault.device.signer.key),
      handles: createHandleCalls(context),
      sites: siteCalls,
      blobs: createBlobCalls(context),
      entries: { status: (id) => entryStatus(context, id) },
      peers: { list: async () => describePeers(node, traffic) },
      status,
      followPublish,
    },
    subscribe: (listener) => events.subscribe(listener),
  };
}

/** The next relay of the list after each attempt that failed. */
function createRelayConnector(relays: readonly string[], traffic: TrafficCount): (room: RoomId) => Promise<Link> {
  let next = 0;
  return async (room) => {
    const relay = relays[next % relays.length];
    if (relay === undefined) throw new Error('the edge names no relay');
    try {
      return traffic.count(await connectWebSocketLink(`${relay}/${room}`));
    } catch (error) {
      next += 1;
      throw error;
    }
  };
}

function sitesOriginOf({ protocol, port }: URL, suffix: string): EngineContext['sitesOrigin'] {
  return {
    protocol: protocol === 'https:' ? 'https:' : 'http:',
    suffix,
    ...(port === '' ? {} : { port: Number(port) }),
  };
}

async function entryStatus(
  { account, node }: EngineContext,
  text: string,
): ReturnType<WeftApi['entries']['status']> {
  const id = orThrow(parseCid(text));
  const state = (await account()?.outbox.state(id)) ?? { state: 'unknown' as const };
  switch (state.state) {
    case 'pending':
      return { state: 'pending', id, waitingFor: node.hasSeen(id) ? 'order' : 'network' };
    case 'final':
    case 'dropped': {
      const { code, because, height } = state.outcome;
      return height === null ? { state: 'dropped', id, code, because } : { state: 'final', id, height, code, because };
    }
    case 'unknown':
      return { state: 'dropped', id, code: 'not_found', because: 'This browser has written no such entry.' };
  }
}
