// The rooms of this browser: each on the relays that the commons names for it, and on the edge's own (RL12).

import type { Clock, Log, Random, Store } from '../../shared/platform/ports.ts';
import type { RoomRequest } from '../../shared/node/light-node.ts';
import type { RelayMesh } from '../../shared/session/relay-mesh.ts';
import { createDirectoryRoom, RelayDirectory, type RelayDirectoryOptions } from '../../shared/node/relay-directory.ts';
import { connectWebSocketLink } from '../../shared/platform/web/web-socket-link.ts';
import { parseRelayAddress } from '../../shared/session/relay-address.ts';
import { TrafficCount } from './traffic-count.ts';

export type RelayRoomsOptions = {
  /** As the edge named them, or pinned at an earlier start. */
  readonly relays: readonly string[];
  readonly resolve: RelayDirectoryOptions['resolve'];
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
};

export type RelayRooms = {
  open(request: RoomRequest): RelayMesh;
  /** Of all rooms together: peers have one number in each. */
  readonly traffic: TrafficCount;
  /** Once the commons can be asked. */
  start(): void;
};

export async function openRelayRooms(options: RelayRoomsOptions): Promise<RelayRooms> {
  const { relays, resolve, store, clock, random, log } = options;
  const rooms = new Set<RelayMesh>();
  const traffic = new TrafficCount();
  const directory = await RelayDirectory.open({
    configured: relays.flatMap((url) => {
      const relay = parseRelayAddress(url);
      return relay.ok ? [relay.value] : [];
    }),
    resolve,
    store,
    clock,
    onChange: () => {
      for (const room of rooms) room.update();
    },
  });
  return {
    open(request) {
      // The commons' room comes first, and is the one whose traffic is shown by number.
      const isFirst = rooms.size === 0;
      const room = createDirectoryRoom({
        ...request,
        directory,
        connect: (relay, id) => connectWebSocketLink(`${relay}/${id}`),
        clock,
        random,
        log,
        ...(isFirst && { onSent: (to, bytes) => traffic.sent(to, bytes) }),
      });
      if (isFirst) traffic.watch(room);
      rooms.add(room);
      return room;
    },
    traffic,
    start: () => directory.start(),
  };
}
