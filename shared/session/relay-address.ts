// Where a relay is, and which relays a room lives on: chosen alike by everybody who knows the same relays (RL11, RL12).

import type { Brand } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { RoomId } from './room.ts';
import { encodeUtf8, toHex } from '../codec/base.ts';
import { fail, ok } from '../core/result.ts';
import { sha256 } from '../crypto/sha256.ts';

/** `ws://` or `wss://`, host, perhaps port and path; rooms are at `<address>/<room id>`. One spelling per relay. */
export type RelayAddress = Brand<string, 'RelayAddress'>;

export const RELAY_ADDRESS_BYTES_MAX = 128;
/** Relays that a room lives on: one may die at any time. */
const RELAYS_PER_ROOM = 2;

const ADDRESS =
  /^wss?:\/\/(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[1-9]\d{0,4})?(?:\/[A-Za-z0-9._~-]+)*$/;
const HOST = /^wss?:\/\/(\[[^\]]+\]|[^/:]+)/;
/** Names and ranges of one machine or one home: nobody elsewhere may send a browser there. */
const PRIVATE_HOST =
  /^(?:localhost|.+\.(?:localhost|local|internal)|127\..+|10\..+|192\.168\..+|169\.254\..+|172\.(?:1[6-9]|2\d|3[01])\..+|0\..*|\[(?:::1?|::ffff:.*|f[cd].*|fe80.*)\])$/;

export function parseRelayAddress(text: string): Result<RelayAddress, Failure<'relay_invalid'>> {
  if (text.length <= RELAY_ADDRESS_BYTES_MAX && ADDRESS.test(text)) return ok(text as RelayAddress);
  return fail('relay_invalid', 'A relay has an address such as wss://relay.example/relay, in lower case.');
}

export type KnownRelays = {
  /** From certified state. */
  readonly announced: readonly RelayAddress[];
  /** What this node was told when it was set up; the first is its own edge. */
  readonly configured: readonly RelayAddress[];
};

/**
 * RL12: the announced relays that rank highest for this room, so that all who know the same list meet; where fewer are
 * announced, configured ones join them. `count` is RELAYS_PER_ROOM, or more for a node that serves those who know less.
 */
export function chooseRelays(
  room: RoomId,
  { announced, configured }: KnownRelays,
  count: number = RELAYS_PER_ROOM,
): readonly RelayAddress[] {
  // A member of the commons could announce somebody's router: only who is at home there already follows.
  const atHome = configured.some(isPrivate);
  const usable = [...new Set(announced)].filter((relay) => atHome || !isPrivate(relay));
  const ranked = usable
    .map((relay) => ({ relay, rank: rankOf(room, relay) }))
    .toSorted((a, b) => (a.rank < b.rank ? 1 : -1))
    .map(({ relay }) => relay);
  const chosen = ranked.slice(0, count);
  const spare = configured.filter((relay) => !chosen.includes(relay));
  return [...chosen, ...spare.slice(0, Math.max(0, count - chosen.length))];
}

/** Rendezvous hash: hex of SHA-256(room id ‖ 0x00 ‖ address), compared as text. */
function rankOf(room: RoomId, relay: RelayAddress): string {
  return toHex(sha256(encodeUtf8(`${room}\0${relay}`)));
}

function isPrivate(relay: RelayAddress): boolean {
  return PRIVATE_HOST.test(HOST.exec(relay)?.[1] ?? '');
}
