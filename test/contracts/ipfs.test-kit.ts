// What tests of the IPFS gateway stand on: an edge in workerd, and a peer in its room that has the blocks it is given.

import type { Cid } from '../../shared/codec/cid.ts';
import { assert } from '../../shared/core/assert.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebRandom } from '../../shared/platform/web/web-crypto.ts';
import { connectWebSocketLink } from '../../shared/platform/web/web-socket-link.ts';
import { PublicReadServer } from '../../shared/session/public-read-server.ts';
import { RelayRoom } from '../../shared/session/relay-room.ts';
import { SERVICE_READ } from '../../shared/session/relay-wire.ts';
import { publicRoomId } from '../../shared/session/room.ts';
import { createTestCommons, startTestEdge, type TestCommons, type TestEdge } from './edge.test-kit.ts';
import { silentLog as silent } from '../simulator/silent-log.ts';

export type IpfsStand = {
  readonly edge: TestEdge;
  readonly commons: TestCommons;
  /** What the peer has; more may be put in at any time. */
  readonly blocks: Map<Cid, Uint8Array>;
  /** Every block that the peer was asked for. */
  readonly asked: Cid[];
  stop(): Promise<void>;
};

export async function startIpfsStand(): Promise<IpfsStand> {
  const commons = await createTestCommons();
  const edge = await startTestEdge({ commons });
  const asked: Cid[] = [];
  const clock = createWebClock();
  const room = new RelayRoom({
    connect: () => connectWebSocketLink(edge.socketUrl(publicRoomId(commons.group))),
    clock,
    random: createWebRandom(),
    services: SERVICE_READ,
    log: silent,
  });
  const server = new PublicReadServer({
    room,
    clock,
    log: silent,
    source: {
      async getBlocks(cids) {
        asked.push(...cids);
        return cids.map((cid) => commons.blocks.get(cid));
      },
      resolve: async (key) => (key === '' ? fail('not_found', 'no key') : ok(await commons.resolve(key))),
    },
  });
  assert(await room.whenOnline(5_000), 'the edge lets a peer in');
  // The room answers in order: once it does, it has announced the peer.
  await room.find(commons.group, 5_000);
  return {
    edge,
    commons,
    blocks: commons.blocks,
    asked,
    async stop() {
      server.close();
      room.close();
      await edge.stop();
    },
  };
}
