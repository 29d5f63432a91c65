// What a room is on any host: its rules under the edge's limits, and the gateway's questions to the peers in it.

import type { EdgePolicies } from '../policy.ts';
import type { RoomMail } from './mail-shelf.ts';
import type { RoomCore } from './room-core.ts';
import type { RoomReads } from './room-reads.ts';
import { encodeUtf8, toHex } from '../../shared/codec/base.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebHasher } from '../../shared/platform/web/web-crypto.ts';
import { createRoomCore } from './room-core.ts';
import { createRoomReads } from './room-reads.ts';

export const CLOSE_NORMAL = 1000;
export const CLOSE_TEXT_REFUSED = 1003;
/** ED5: a keep-alive and its answer; the only text there is. */
export const PING = 'ping';
export const PONG = 'pong';

const ADDRESS_TAG_BYTES = 8;

export type RoomParts = { readonly core: RoomCore; readonly reads: RoomReads };

export function createRoomParts(policies: EdgePolicies, mail?: RoomMail): RoomParts {
  const clock = createWebClock();
  const core = createRoomCore({
    policyFor: (record) => (record.loopback ? policies.loopback : policies.remote),
    drawNumber: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
    now: () => clock.now(),
    onPayload: (from, payload) => reads.receive(from, payload),
    onLeft: (peer) => reads.forget(peer),
    ...(mail && { mail }),
  });
  const reads = createRoomReads({ room: core, clock, hasher: createWebHasher() });
  return { core, reads };
}

/** Counts sockets of one address without keeping the address: salted with the room, shortened, gone with the socket. */
export async function tagAddress(room: string, address: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', encodeUtf8(`${room} ${address}`));
  return toHex(new Uint8Array(digest, 0, ADDRESS_TAG_BYTES));
}

export function refuseConnection(limit: number): Response {
  const because = `This edge allows ${limit} connections per address and room: close one first.`;
  return Response.json({ code: 'too_many_connections', because }, { status: 429 });
}
