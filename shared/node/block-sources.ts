// Sources of blocks: a peer of the room, and the edge.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Edge } from '../platform/ports.ts';
import type { PublicReadClient } from '../session/public-read-client.ts';
import type { PeerId } from '../session/relay-wire.ts';
import type { BlockSource } from './block-fetcher.ts';

/** A peer that sends nothing for so long has failed; the scheduler hedges much earlier. */
const PEER_SILENCE_MAX: Millis = 5_000;
/** Requests to the edge at once: what browsers allow one origin over HTTP/1.1. */
const EDGE_REQUESTS_MAX = 6;
/** Peers are asked before the edge, so that visitors learn from whom a site comes and the edge carries less. */
const PEER_RANK = 0;
const EDGE_RANK = 1;

export function peerSourceId(peer: PeerId): string {
  return `peer:${peer}`;
}

export function createPeerSource(options: { readonly reads: PublicReadClient; readonly peer: PeerId }): BlockSource {
  const { reads, peer } = options;
  return {
    id: peerSourceId(peer),
    kind: 'peer',
    rank: PEER_RANK,
    async ask(cids, onBlock) {
      const answer = await reads.wantBlocks({ peer, cids, onBlock, timeout: PEER_SILENCE_MAX });
      if (!answer.ok) throw new Error(answer.error.because);
      return answer.value.missing;
    },
  };
}

/** `rank` 0 where the edge is as good as a peer, 1 (the default) where it is the hedge. */
export function createEdgeSource(options: { readonly edge: Edge; readonly rank?: number }): BlockSource {
  const { edge, rank = EDGE_RANK } = options;
  return {
    id: 'edge',
    kind: 'edge',
    rank,
    async ask(cids, onBlock) {
      const missing: Cid[] = [];
      const queue = [...cids];
      const failures: unknown[] = [];
      const work = async (): Promise<void> => {
        for (let cid = queue.shift(); cid !== undefined; cid = queue.shift()) {
          const bytes = await edge.block(cid).catch((error: unknown) => {
            failures.push(error);
            return null;
          });
          if (bytes) await onBlock(cid, bytes);
          else missing.push(cid);
        }
      };
      await Promise.all(Array.from({ length: Math.min(EDGE_REQUESTS_MAX, cids.length) }, work));
      // One request that failed is a block this source does not have now; if all did, the source has failed.
      if (failures.length === cids.length) throw failures[0];
      return missing;
    },
  };
}
