// Rooms in one process: every room lives while a socket is in it, with the same rules as a Durable Object (ED1…ED9).

import type { EdgeClient, EdgeRoom } from '../edge.ts';
import type { EdgePolicies } from '../policy.ts';
import type { EdgeSql } from '../sql.ts';
import type { RoomSocket } from '../relay/room-core.ts';
import type { RoomParts } from '../relay/room-parts.ts';
import type { RoomId } from '../../shared/session/room.ts';
import { MailShelf } from '../relay/mail-shelf.ts';
import { CLOSE_TEXT_REFUSED, createRoomParts, PING, PONG, refuseConnection, tagAddress } from '../relay/room-parts.ts';

/** Seconds without a sign of life after which Deno asks the client, and gives it up without an answer. */
const IDLE_TIMEOUT = 60;

type LiveRoom = RoomParts & { sockets: number; readonly socketsByTag: Map<string, number> };

export type RoomsOptions = {
  readonly policies: EdgePolicies;
  readonly publicRoom: RoomId;
  /** The one database of all rooms' mail. */
  readonly sql: EdgeSql;
  clientOf(request: Request): EdgeClient;
  /** The request as the server got it: only that one can be upgraded. */
  upgrade(request: Request, options: { idleTimeout: number }): { socket: WebSocket; response: Response };
};

export function createRooms({ policies, publicRoom, sql, clientOf, upgrade }: RoomsOptions): EdgeRoom {
  const rooms = new Map<RoomId, LiveRoom>();

  function open(name: RoomId): LiveRoom {
    const room = rooms.get(name) ?? {
      ...createRoomParts(policies, new MailShelf({ sql, room: name })),
      sockets: 0,
      socketsByTag: new Map(),
    };
    rooms.set(name, room);
    return room;
  }

  /** The first socket of a room makes it, and the last one takes it along: nothing in it outlives its sockets. */
  function count(name: RoomId, { tag, change }: { tag: string; change: 1 | -1 }): void {
    const room = open(name);
    const ofTag = (room.socketsByTag.get(tag) ?? 0) + change;
    if (ofTag > 0) room.socketsByTag.set(tag, ofTag);
    else room.socketsByTag.delete(tag);
    room.sockets += change;
    if (room.sockets === 0) rooms.delete(name);
  }

  async function connect(name: RoomId, request: Request): Promise<Response> {
    const client = clientOf(request);
    const limit = (client.isLocal ? policies.loopback : policies.remote).connectionsPerAddress;
    const tag = await tagAddress(name, client.address ?? '');
    if ((rooms.get(name)?.socketsByTag.get(tag) ?? 0) >= limit) return refuseConnection(limit);
    const { socket, response } = upgrade(request, { idleTimeout: IDLE_TIMEOUT });
    socket.binaryType = 'arraybuffer';
    count(name, { tag, change: 1 });
    const { core } = open(name);
    let leave = (): void => undefined;
    socket.addEventListener('open', () => {
      const member = core.join(adaptSocket(socket), { loopback: client.isLocal });
      leave = () => core.leave(member);
      socket.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer | string>) => {
        if (data === PING) socket.send(PONG);
        else if (typeof data === 'string') socket.close(CLOSE_TEXT_REFUSED, 'bad_frame');
        else core.receive(member, new Uint8Array(data));
      });
    });
    // A socket that fails closes too.
    socket.addEventListener('close', () => {
      leave();
      count(name, { tag, change: -1 });
    });
    return response;
  }

  return {
    connect,
    // An empty room is asked too: it answers that nobody is there.
    want: (question) => (rooms.get(publicRoom) ?? createRoomParts(policies)).reads.want(question),
    resolve: (question) => (rooms.get(publicRoom) ?? createRoomParts(policies)).reads.resolve(question),
    count: () => Promise.resolve(rooms.get(publicRoom)?.core.countMembers() ?? { sockets: 0, serving: 0 }),
  };
}

/** A process that ends takes its rooms along: there is nothing to remember a socket by. */
function adaptSocket(socket: WebSocket): RoomSocket {
  return {
    send(frame) {
      if (socket.readyState !== WebSocket.OPEN) throw new Error('the socket is closed');
      socket.send(frame as Uint8Array<ArrayBuffer>);
    },
    close: (code, reason) => socket.close(code, reason),
    remember: () => undefined,
    buffered: () => socket.bufferedAmount,
  };
}
