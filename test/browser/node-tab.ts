// A tab's node without a browser: the light node and its publisher over the real relay socket and the edge's HTTP, for tests that publish.

import { createAccount } from '../simulator/local-node.ts';
import { decodeGenesis } from '../../shared/chain/genesis.ts';
import { assert } from '../../shared/core/assert.ts';
import { fail, type Failure, type Result } from '../../shared/core/result.ts';
import { parseHandle, type Handle, type SiteName } from '../../shared/ledger/handle-grammar.ts';
import { searchPuzzle, type Puzzle } from '../../shared/ledger/puzzle.ts';
import type { HandleLease } from '../../shared/ledger/records.ts';
import { LightNode, type AttachedAccount, type RoomRequest } from '../../shared/node/light-node.ts';
import { createDirectoryRoom, RelayDirectory } from '../../shared/node/relay-directory.ts';
import type { BlobStore, Clock, Edge, Log, NodePorts, Store } from '../../shared/platform/ports.ts';
import type { RelayAddress } from '../../shared/session/relay-address.ts';
import type { RelayMesh } from '../../shared/session/relay-mesh.ts';
import { createEdgeHttp } from '../../shared/platform/web/edge-http.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebHasher, createWebRandom, createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import { RelayRoom } from '../../shared/session/relay-room.ts';
import { connectWebSocketLink } from '../../shared/platform/web/web-socket-link.ts';
import type { SiteFile } from '../../site-host/bundle.ts';
import type { Job } from '../../site-host/publish-jobs.ts';
import type { PublisherProgress } from '../../site-host/publish-progress.ts';
import { Publisher } from '../../site-host/publisher.ts';
import { openFolderBlobStore } from '../../cli/platform/folder-blob-store.ts';
import { openSqliteStore } from '../../cli/platform/sqlite-store.ts';
import { createMemoryDisk } from '../simulator/memory-store.ts';
import { silentLog as silent } from '../simulator/silent-log.ts';

/** Hashes tried before the event loop has its turn: sockets must stay alive while a puzzle is solved. */
const HASHES_AT_ONCE = 1_000;
/** A tab of a test hears of a new relay soon. */
const DIRECTORY_INTERVAL = 1_000;

/** What a tab keeps: a memory disk of the simulator, or `folderDisk`. Opening the same one again goes on with it. */
export type TabDisk = { openStore(): Store; openBlobs(): BlobStore | Promise<BlobStore> };

export type NodeTabOptions = {
  /** Of an edge, such as `http://127.0.0.1:8787`. */
  readonly origin: string;
  /** Who it is: the same name has the same keys. */
  readonly name: string;
  readonly disk?: TabDisk;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Stands between the tab and the edge's HTTP. */
  readonly edge?: (edge: Edge) => Edge;
  /** On the relays of the commons, and configured with its edge's alone. */
  readonly onMesh?: boolean;
};

export type NodeTab = {
  readonly node: LightNode;
  readonly account: AttachedAccount;
  readonly publisher: Publisher;
  /** Joins if need be, then leases `handle`. */
  register(handle: string): Promise<Result<HandleLease, Failure>>;
  /** Final and held by another node when it resolves `ok`. */
  publish(site: {
    readonly handle: string;
    /** The handle's default site unless told. */
    readonly name?: string;
    readonly files: readonly SiteFile[];
    readonly onProgress?: (progress: PublisherProgress) => void;
  }): Promise<Result<Job, Failure>>;
  close(): Promise<void>;
};

/** A SQLite folder, as the headless node has it. */
export function folderDisk(folder: string): TabDisk {
  return { openStore: () => openSqliteStore(folder), openBlobs: () => openFolderBlobStore(folder) };
}

/** Connects, takes up what its disk left unfinished, and can write at once. */
export async function openNodeTab(options: NodeTabOptions): Promise<NodeTab> {
  const { origin, name, disk = createMemoryDisk(), clock = createWebClock(), log = silent } = options;
  const genesis = await readGenesis(origin);
  const founding = decodeGenesis(genesis);
  assert(founding.ok, 'an edge serves a genesis that decodes');
  const { group } = founding.value;
  const edge = createEdgeHttp({ origin });
  const store = disk.openStore();
  const parts = {
    store,
    blobs: await disk.openBlobs(),
    clock,
    random: createWebRandom(),
    hasher: createWebHasher(),
    log,
    onChange: () => undefined,
  };
  const relay = `${origin.replace(/^http/, 'ws')}/relay`;
  const mesh = options.onMesh ? await openTabMesh(relay, parts) : null;
  const node = await LightNode.open({
    ...parts,
    group,
    genesis,
    verifier: await createWebVerifier(),
    edge: options.edge?.(edge) ?? edge,
    createRoom:
      mesh?.createRoom ??
      ((request) =>
        new RelayRoom({ ...parts, ...request, connect: () => connectWebSocketLink(`${relay}/${request.roomOf(0)}`) })),
  });
  node.start();
  mesh?.start(node);
  const account = await node.attach(await createAccount(name, { issued: clock.now(), solve }));
  const publisher = await Publisher.open({
    ...parts,
    account: () => account,
    isOnline: () => node.status().network === 'online',
  });
  node.have(publisher.manifests);
  publisher.resume();
  return {
    node,
    account,
    publisher,
    register: (handle) => account.member.register(readHandle(handle)),
    publish: ({ handle, name: site = '', ...task }) =>
      publisher.publish({ ...task, handle: readHandle(handle), name: site as SiteName }),
    async close() {
      mesh?.close();
      node.close();
      await store.close();
    },
  };
}

type TabParts = Pick<NodePorts, 'store' | 'clock' | 'random' | 'log'>;

async function openTabMesh(relay: string, parts: TabParts) {
  let node: LightNode | null = null;
  let mesh: RelayMesh | null = null;
  const configured = [relay as RelayAddress];
  const directory = await RelayDirectory.open({
    ...parts,
    configured,
    resolve: async (key) => (await node?.resolve(key)) ?? fail('waiting_for_network', 'The node is not open yet.'),
    onChange: () => mesh?.update(),
    interval: DIRECTORY_INTERVAL,
  });
  return {
    createRoom: (request: RoomRequest) =>
      (mesh = createDirectoryRoom({
        ...parts,
        ...request,
        directory,
        connect: (at, room) => connectWebSocketLink(`${at}/${room}`),
      })),
    start(opened: LightNode) {
      node = opened;
      directory.start();
    },
    close: () => directory.close(),
  };
}

async function readGenesis(origin: string): Promise<Uint8Array> {
  const response = await fetch(`${origin}/.weft/genesis`);
  if (!response.ok) throw new Error(`The edge answers ${response.status} about its genesis.`);
  return new Uint8Array(await response.arrayBuffer());
}

function readHandle(text: string): Handle {
  const handle = parseHandle(text);
  assert(handle.ok, 'a test uses handles that can be');
  return handle.value;
}

async function solve(puzzle: Puzzle): Promise<Uint8Array> {
  for (let from = 0; ;) {
    const { nonce, next } = searchPuzzle({ ...puzzle, from, count: HASHES_AT_ONCE });
    if (nonce) return nonce;
    from = next;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
