// Opens the sockets of rooms: counted, and at the next relay of the list after each attempt that failed.

import type { Link } from '../../shared/platform/ports.ts';
import type { RoomId } from '../../shared/session/room.ts';
import type { TrafficCount } from './traffic-count.ts';
import { connectWebSocketLink } from '../../shared/platform/web/web-socket-link.ts';

export function createRelayConnector(
  relays: readonly string[],
  traffic: TrafficCount,
): (room: RoomId) => Promise<Link> {
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
