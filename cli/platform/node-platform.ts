// The ports of a node on Node: one data folder, WebCrypto, the clock, and sockets to the edge's relay.

import type { Edge, Link, ListedBlobStore, NodePorts } from '../../shared/platform/ports.ts';
import { createEdgeHttp } from '../../shared/platform/web/edge-http.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebHasher, createWebRandom, createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import { connectWebSocketLink } from '../../shared/platform/web/web-socket-link.ts';
import type { RoomId } from '../../shared/session/room.ts';
import { openFolderBlobStore } from './folder-blob-store.ts';
import { createJsonLog, logLevelOf } from './json-log.ts';
import { openSqliteStore } from './sqlite-store.ts';

/** Opens the data folder, locked until `store.close()`; logs to standard error at WEFT_LOG (warn). Throws StoreError. */
export async function openNodePlatform(folder: string): Promise<NodePorts & { readonly blobs: ListedBlobStore }> {
  const clock = createWebClock();
  const store = openSqliteStore(folder);
  try {
    return {
      store,
      blobs: await openFolderBlobStore(folder),
      clock,
      random: createWebRandom(),
      verifier: await createWebVerifier(),
      hasher: createWebHasher(),
      log: createJsonLog({
        clock,
        level: logLevelOf(process.env['WEFT_LOG']),
        write: (line) => process.stderr.write(`${line}\n`),
      }),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

export type EdgePlatform = { readonly edge: Edge; connectRelay(room: RoomId): Promise<Link> };

/** `origin` of an edge, without a slash at the end; its relay is the same host. */
export function connectEdge(origin: string): EdgePlatform {
  const relay = origin.replace(/^http/, 'ws');
  return {
    edge: createEdgeHttp({ origin }),
    connectRelay: (room) => connectWebSocketLink(`${relay}/relay/${room}`),
  };
}
