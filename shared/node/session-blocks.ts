// Blocks over a direct session: serves this node's to the other side, and asks there for what is wanted here. Public reads
// (docs/protocol/public-reads.md) on the bulk channel, which the session authenticated.

import type { PublicKey } from '../platform/ports.ts';
import type { Clock, Log } from '../platform/ports.ts';
import type { DirectSession } from '../session/direct-attempt.ts';
import type { PublicReadSource } from '../session/public-read-server.ts';
import type { BlockSource } from './block-fetcher.ts';
import { LINK_PEER } from '../session/link-room.ts';
import { PublicReadClient } from '../session/public-read-client.ts';
import { PublicReadServer } from '../session/public-read-server.ts';
import { createPeerSource } from './block-sources.ts';
import { gatherReads } from './gathered-reads.ts';

/** One read of the store: 2 MiB of leaves, which is what a reader has under way (PR5). */
const READ_BLOCKS_MAX = 8;

export type SessionBlocks = {
  /** For a BlockFetcher, which hashes what comes. */
  readonly source: BlockSource;
  readonly reads: PublicReadClient;
  /** Blocks that came from the other side and passed the check. */
  readonly gave: number;
  /** Blocks sent so far, and their bytes. */
  readonly served: PublicReadServer['served'];
  close(): void;
};

function directSourceId(device: PublicKey): string {
  return `direct:${device}`;
}

/** As soon as the session is open, so that no request of the other side is missed. Ends with the link. */
export function openSessionBlocks(options: {
  readonly direct: DirectSession;
  readonly clock: Clock;
  readonly log: Log;
  /** What this node offers. */
  readonly serve: PublicReadSource;
}): SessionBlocks {
  const { direct, clock, log } = options;
  const serve = { ...options.serve, getBlocks: gatherReads((cids) => options.serve.getBlocks(cids), READ_BLOCKS_MAX) };
  const server = new PublicReadServer({ room: direct.bulk, clock, log, source: serve, frames: true });
  const reads = new PublicReadClient({ room: direct.bulk, clock, frames: true });
  let gave = 0;
  return {
    source: {
      ...createPeerSource({ reads, peer: LINK_PEER }),
      id: directSourceId(direct.session.device),
      onVerified: () => (gave += 1),
    },
    reads,
    get gave() {
      return gave;
    },
    get served() {
      return server.served;
    },
    close() {
      reads.close();
      server.close();
    },
  };
}
