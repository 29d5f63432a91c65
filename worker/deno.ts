// The edge on Deno: the same app on SQLite, folders and rooms of its own process. Settings are environment variables:
//   those of wrangler.toml (COMMONS, GENESIS, APP_HOST, SITES_SUFFIX, ICE, CHECKPOINT, POLICY, RELAYS, BLOB_CACHE_MIB), PORT (8787),
//   LISTEN (127.0.0.1), DATA (a folder to keep things in), DIST (the built files),
//   behind a proxy: ADDRESS_HEADER (where it says the client's address) and SCHEME (https where it ends TLS).

import type { Verifier } from '../shared/platform/ports.ts';
import type { Edge, EdgeClient } from './edge.ts';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createWebHasher, createWebVerifier } from '../shared/platform/web/web-crypto.ts';
import { publicRoomId } from '../shared/session/room.ts';
import { createEdgeApp } from './app.ts';
import { readConfig, readOtherRelays } from './config.ts';
import { answerAsset, createFolderBlobs } from './deno/files.ts';
import { openFileSql } from './deno/file-sql.ts';
import { createRooms } from './deno/rooms.ts';
import { BlobShelf } from './gateway/blob-shelf.ts';
import { isLocalClient, parsePolicies } from './policy.ts';
import { BlockCopy } from './relay/block-copy.ts';

const PORT = 8787;

type Settings = Readonly<Record<string, string | undefined>>;
/** The request as Deno gave it, and who sent it. */
type Arrival = { readonly request: Request; readonly client: EdgeClient };

async function startDenoEdge(settings: Settings): Promise<void> {
  const arrivals = new WeakMap<Request, Arrival>();
  const { edge, close } = await openEdge(settings, arrivals);
  const app = createEdgeApp(edge);
  const hostname = settings['LISTEN'] ?? '127.0.0.1';
  const server = Deno.serve({ port: Number(settings['PORT'] ?? PORT), hostname, onListen() {} }, (request, info) => {
    const client = readClient(request, { settings, peer: info.remoteAddr.hostname });
    const seen = settings['SCHEME'] === 'https' ? asHttps(request) : request;
    arrivals.set(seen, { request, client });
    return app.fetch(seen);
  });
  console.log(`weft relay ready ${JSON.stringify({ port: server.addr.port })}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Open sockets would keep the server for as long as their clients like.
    Deno.addSignalListener(signal, () => {
      close();
      Deno.exit(0);
    });
  }
}

async function openEdge(
  settings: Settings,
  arrivals: WeakMap<Request, Arrival>,
): Promise<{ edge: Edge; close: () => void }> {
  const config = readConfig({
    COMMONS: settings['COMMONS'] ?? '',
    GENESIS: settings['GENESIS'] ?? '',
    APP_HOST: settings['APP_HOST'] ?? 'localhost',
    SITES_SUFFIX: settings['SITES_SUFFIX'] ?? 'localhost',
    ICE: settings['ICE'] ?? '',
    CHECKPOINT: settings['CHECKPOINT'] ?? '',
  });
  const policies = parsePolicies(settings['POLICY']);
  if (!policies.ok) throw new Error(policies.error.because);
  const folder = settings['DATA'] ?? '.weft/relay';
  const blobFolder = join(folder, 'blobs');
  await mkdir(blobFolder, { recursive: true });
  const sql = openFileSql(join(folder, 'edge.sqlite'));
  const copy = new BlockCopy({ sql, config });
  const shelf = new BlobShelf({
    sql,
    remove: async (cids) => void (await Promise.all(cids.map((cid) => blobs.remove(cid as never)))),
    cacheMib: settings['BLOB_CACHE_MIB'],
  });
  const blobs = createFolderBlobs(blobFolder, shelf);
  let verifier: Verifier | null = null;
  const clientOf = (request: Request): EdgeClient => arrivals.get(request)?.client ?? { address: null, isLocal: false };
  const edge: Edge = {
    config,
    hasher: createWebHasher(),
    copy: {
      store: (block) => copy.store(block),
      blocks: async (range) => copy.blocks(range),
      feedHead: async (device) => copy.feedHead(device),
      resolution: async (key) => copy.resolution(key),
      keepResolution: async (record) => copy.keepResolution(record),
      checkpoint: async (key) => copy.checkpoint(key),
    },
    room: createRooms({
      policies: policies.value,
      publicRoom: publicRoomId(config.commons),
      sql,
      clientOf,
      upgrade: (request, options) => Deno.upgradeWebSocket(arrivals.get(request)?.request ?? request, options),
    }),
    blobs,
    readsPerMinute: policies.value.remote.readsPerMinute,
    otherRelays: readOtherRelays(settings['RELAYS']),
    client: clientOf,
    now: () => Date.now(),
    verifier: async () => (verifier ??= await createWebVerifier()),
    asset: (path, headers) => answerAsset(settings['DIST'] ?? 'dist', { path, headers }),
    later: (work) => void work.catch((error: unknown) => console.error(error)),
  };
  return { edge, close: () => sql.close() };
}

/** Only a proxy that is configured is believed about whom it speaks for. */
function readClient(
  request: Request,
  { settings, peer }: { readonly settings: Settings; readonly peer: string },
): EdgeClient {
  const named = settings['ADDRESS_HEADER'] ? request.headers.get(settings['ADDRESS_HEADER']) : null;
  // A proxy appends: the last address is the one it saw itself.
  const address = named?.split(',').at(-1)?.trim() || peer;
  return { address, isLocal: isLocalClient(address, undefined) };
}

function asHttps(request: Request): Request {
  const url = new URL(request.url);
  url.protocol = 'https:';
  return new Request(url, request);
}

await startDenoEdge(Deno.env.toObject());
