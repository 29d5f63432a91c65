// Who is asked for the blocks of a version: the peers that say they have it, and the edge behind them (VS6).

import type { Cid } from '../shared/codec/cid.ts';
import type { Millis } from '../shared/core/brand.ts';
import type { BlockFetcher } from '../shared/node/block-fetcher.ts';
import type { Clock, Edge } from '../shared/platform/ports.ts';
import type { PublicReadClient } from '../shared/session/public-read-client.ts';
import type { RelayedRoom } from '../shared/session/payload-room.ts';
import type { PeerId } from '../shared/session/relay-wire.ts';
import { createEdgeSource, createPeerSource, peerSourceId } from '../shared/node/block-sources.ts';
import { SERVICE_READ } from '../shared/session/relay-wire.ts';

/** How long the edge holds back for peers to be found: a room on the same continent answers within. */
const PEERS_FIRST: Millis = 300;
/** Peers found later than this still help, but nothing waits for them. */
const FIND_WAIT: Millis = 3_000;
/** Enough to share the work and to outlast one that leaves. */
const PEERS_ASKED_MAX = 4;

/** Each part may be missing: offline there is no edge, and not every edge has a room. */
export type SiteNetwork = {
  readonly edge: Edge | null;
  readonly room: RelayedRoom | null;
  readonly reads: PublicReadClient | null;
};

/** Adds sources to `fetcher` as they are found, until the returned function is called. */
export function connectSources(options: {
  readonly manifest: Cid;
  readonly network: SiteNetwork;
  readonly fetcher: BlockFetcher;
  readonly clock: Clock;
}): () => void {
  const { manifest, network, fetcher, clock } = options;
  const { edge, room, reads } = network;
  const asked = new Set<PeerId>();
  let open = true;
  const addEdge = (): void => {
    if (open && edge) fetcher.addSource(createEdgeSource({ edge }));
  };
  if (!room || !reads) {
    addEdge();
    return () => (open = false);
  }
  const addPeer = (peer: PeerId): void => {
    if (!open || peer === room.you || asked.has(peer) || asked.size >= PEERS_ASKED_MAX) return;
    asked.add(peer);
    fetcher.addSource(createPeerSource({ reads, peer }));
  };
  const removePeer = (peer: PeerId): void => {
    if (asked.delete(peer)) fetcher.removeSource(peerSourceId(peer));
  };
  const unsubscribe = room.subscribe({
    gone: removePeer,
    offline: () => [...asked].forEach(removePeer),
  });
  const cancelEdge = clock.after(PEERS_FIRST, addEdge);
  void room.find(manifest, FIND_WAIT).then((found) => {
    for (const peer of found) addPeer(peer);
    // A full node answers for what it holds without having said so.
    for (const { id, services } of room.peers) if ((services & SERVICE_READ) !== 0) addPeer(id);
    cancelEdge();
    addEdge();
  });
  return () => {
    open = false;
    cancelEdge();
    unsubscribe();
  };
}
