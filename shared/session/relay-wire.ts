// Frames between a client and a room of a relay (docs/protocol/relay.md): binary, bounded, parsed before anything is done.
//
//   client → relay   0x01 SEND [to u32][payload]     0x02 HAVE [cid 36]…           0x03 SERVICES [bits u8]
//                    0x04 FIND [request u32][cid 36]
//   relay → client   0x01 FROM [from u32][payload]   0x11 WELCOME [you u32]([id u32][bits u8])…
//                    0x12 PEER [id u32][bits u8]     0x13 FOUND [request u32][id u32]…
//                    0x14 LEFT [id u32]              0x15 GONE [id u32]            0x1f ERROR [code, ASCII]
//
// Integers are big-endian. SEND and FROM differ in the meaning of the id only, so a relay forwards by rewriting it in place.

import type { Brand } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Cid } from '../codec/cid.ts';
import { assert } from '../core/assert.ts';
import { FRAME_BYTES_MAX } from '../core/limits.ts';
import { fail, ok } from '../core/result.ts';
import { cidFromBytes, cidToBytes } from '../codec/cid.ts';

/** A socket of a room, numbered by its relay: u32, never 0; a number means nothing on another connection. */
export type PeerId = Brand<number, 'PeerId'>;

/** The room itself as a peer: the gateway asks through it (ED8). No socket gets this number. */
export const ROOM_PEER = 0xffff_ffff as PeerId;

/** What a socket offers, as bits. Sockets without a service are not announced. */
export const SERVICE_READ = 1;
export const SERVICE_VALIDATE = 2;
export const SERVICE_SEED = 4;
const SERVICES_ALL = SERVICE_READ | SERVICE_VALIDATE | SERVICE_SEED;

/**
 * Rooms as peers have the last numbers: a node in one room on several relays has one for each of them. No socket gets
 * one of these.
 */
const ROOM_PEERS_MAX = 256;

export function isRoomPeer(peer: number): boolean {
  return peer > ROOM_PEER - ROOM_PEERS_MAX;
}

/** The code of an ERROR that sends newcomers to the next shard of a room (RL13). */
export const ROOM_FULL = 'room_full';

export type ServingPeer = { readonly id: PeerId; readonly services: number };

/** Type byte and id in front of a payload. */
const SEND_HEADER_BYTES = 5;
const CID_BYTES = 36;
/** Largest payload that one SEND carries. */
export const PAYLOAD_BYTES_MAX: number = FRAME_BYTES_MAX - SEND_HEADER_BYTES;
/** Manifests in one HAVE: they fit a frame, and a seeder pins fewer. */
export const HAVE_MANIFESTS_MAX = 1_024;
/** Serving peers named in one WELCOME: enough to choose from. */
export const WELCOME_PEERS_MAX = 64;
/** Peers named in one FOUND: a want goes to three, the rest are spares. */
export const FOUND_PEERS_MAX = 8;
/** Longest code in an ERROR. */
const ERROR_CODE_BYTES_MAX = 64;

const SEND = 0x01;
const HAVE = 0x02;
const SERVICES = 0x03;
const FIND = 0x04;
const WELCOME = 0x11;
const PEER = 0x12;
const FOUND = 0x13;
const LEFT = 0x14;
const GONE = 0x15;
const ERROR = 0x1f;

export type ClientToRelayFrame =
  /** `frame` is the whole frame, so that `readdressSend` can turn it into a FROM without a copy. */
  | { readonly type: 'send'; readonly to: PeerId; readonly frame: Uint8Array }
  | { readonly type: 'have'; readonly manifests: readonly Cid[] }
  | { readonly type: 'services'; readonly services: number }
  | { readonly type: 'find'; readonly request: number; readonly manifest: Cid };

export type RelayToClientFrame =
  | { readonly type: 'from'; readonly from: PeerId; readonly payload: Uint8Array }
  | { readonly type: 'welcome'; readonly you: PeerId; readonly peers: readonly ServingPeer[] }
  | { readonly type: 'peer'; readonly peer: ServingPeer }
  | { readonly type: 'found'; readonly request: number; readonly peers: readonly PeerId[] }
  | { readonly type: 'left'; readonly peer: PeerId }
  | { readonly type: 'gone'; readonly peer: PeerId }
  | { readonly type: 'error'; readonly code: string };

/** First bytes of extensions: their frames are read by whoever knows them (mail-wire.ts), so that others need not carry them. */
const EXTENSION_FIRST = 0x20;
const EXTENSION_LAST = 0x2f;

export function isExtensionFrame(bytes: Uint8Array): boolean {
  return bytes[0]! >= EXTENSION_FIRST && bytes[0]! <= EXTENSION_LAST && bytes.length <= FRAME_BYTES_MAX;
}

export type FrameFailure = Failure<'bad_frame' | 'frame_too_large'>;

/** Bytes from a client → frame. Nothing is copied; `frame` is `bytes`. */
export function parseClientFrame(bytes: Uint8Array): Result<ClientToRelayFrame, FrameFailure> {
  const checked = checkSize(bytes);
  if (!checked.ok) return checked;
  const at = viewOf(bytes);
  switch (bytes[0]) {
    case SEND: {
      if (bytes.length <= SEND_HEADER_BYTES || at.getUint32(1) === 0) return badFrame('SEND');
      return ok({ type: 'send', to: at.getUint32(1) as PeerId, frame: bytes });
    }
    case HAVE:
      return parseHave(bytes);
    case SERVICES: {
      if (bytes.length !== 2 || (bytes[1]! & ~SERVICES_ALL) !== 0) return badFrame('SERVICES');
      return ok({ type: 'services', services: bytes[1]! });
    }
    case FIND: {
      if (bytes.length !== 5 + CID_BYTES) return badFrame('FIND');
      const manifest = cidFromBytes(bytes.subarray(5));
      if (!manifest.ok) return badFrame('FIND');
      return ok({ type: 'find', request: at.getUint32(1), manifest: manifest.value });
    }
    default:
      return badFrame('client');
  }
}

/** Bytes from a relay → frame. `payload` is a view of `bytes`. */
export function parseRelayFrame(bytes: Uint8Array): Result<RelayToClientFrame, FrameFailure> {
  const checked = checkSize(bytes);
  if (!checked.ok) return checked;
  const at = viewOf(bytes);
  if (bytes[0] === ERROR) return parseError(bytes);
  if (bytes.length < 5) return badFrame('relay');
  const id = at.getUint32(1) as PeerId;
  if (id === 0 && bytes[0] !== FOUND) return badFrame('relay');
  switch (bytes[0]) {
    case SEND: {
      if (bytes.length === SEND_HEADER_BYTES) return badFrame('FROM');
      return ok({ type: 'from', from: id, payload: bytes.subarray(SEND_HEADER_BYTES) });
    }
    case WELCOME:
      return parseWelcome(bytes);
    case PEER: {
      if (bytes.length !== 6 || (bytes[5]! & ~SERVICES_ALL) !== 0) return badFrame('PEER');
      return ok({ type: 'peer', peer: { id, services: bytes[5]! } });
    }
    case FOUND:
      return parseFound(bytes);
    case LEFT:
      return bytes.length === 5 ? ok({ type: 'left', peer: id }) : badFrame('LEFT');
    case GONE:
      return bytes.length === 5 ? ok({ type: 'gone', peer: id }) : badFrame('GONE');
    default:
      return badFrame('relay');
  }
}

/** Turns a SEND into the FROM of `sender` in place: `frame` is what the receiver gets. */
export function readdressSend(frame: Uint8Array, sender: PeerId): void {
  assert(frame[0] === SEND && frame.length > SEND_HEADER_BYTES, 'only a parsed SEND is readdressed');
  viewOf(frame).setUint32(1, sender);
}

export function encodeSend(to: PeerId, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  assert(payload.length > 0 && payload.length <= PAYLOAD_BYTES_MAX, 'a payload fits a frame');
  const frame = startFrame(SEND, SEND_HEADER_BYTES + payload.length, to);
  frame.set(payload, SEND_HEADER_BYTES);
  return frame;
}

export function encodeHave(manifests: readonly Cid[]): Uint8Array<ArrayBuffer> {
  assert(manifests.length <= HAVE_MANIFESTS_MAX, 'HAVE is bounded');
  const frame = new Uint8Array(1 + CID_BYTES * manifests.length);
  frame[0] = HAVE;
  manifests.forEach((manifest, i) => frame.set(cidToBytes(manifest), 1 + CID_BYTES * i));
  return frame;
}

export function encodeServices(services: number): Uint8Array<ArrayBuffer> {
  assert((services & ~SERVICES_ALL) === 0, 'services are known bits');
  return Uint8Array.of(SERVICES, services);
}

export function encodeFind(request: number, manifest: Cid): Uint8Array<ArrayBuffer> {
  const frame = startFrame(FIND, 5 + CID_BYTES, request);
  frame.set(cidToBytes(manifest), 5);
  return frame;
}

export function encodeWelcome(you: PeerId, peers: readonly ServingPeer[]): Uint8Array<ArrayBuffer> {
  assert(peers.length <= WELCOME_PEERS_MAX, 'WELCOME is bounded');
  const frame = startFrame(WELCOME, 5 + 5 * peers.length, you);
  const at = viewOf(frame);
  peers.forEach((peer, i) => {
    at.setUint32(5 + 5 * i, peer.id);
    at.setUint8(9 + 5 * i, peer.services);
  });
  return frame;
}

/** A peer that serves now, or whose services changed; services 0 is said with LEFT. */
export function encodePeer(peer: ServingPeer): Uint8Array<ArrayBuffer> {
  const frame = startFrame(PEER, 6, peer.id);
  frame[5] = peer.services;
  return frame;
}

export function encodeFound(request: number, peers: readonly PeerId[]): Uint8Array<ArrayBuffer> {
  assert(peers.length <= FOUND_PEERS_MAX, 'FOUND is bounded');
  const frame = startFrame(FOUND, 5 + 4 * peers.length, request);
  const at = viewOf(frame);
  peers.forEach((peer, i) => at.setUint32(5 + 4 * i, peer));
  return frame;
}

export function encodeLeft(peer: PeerId): Uint8Array<ArrayBuffer> {
  return startFrame(LEFT, 5, peer);
}

export function encodeGone(peer: PeerId): Uint8Array<ArrayBuffer> {
  return startFrame(GONE, 5, peer);
}

/** `code` is a stable code: lowercase letters, digits and underscores. */
export function encodeError(code: string): Uint8Array<ArrayBuffer> {
  assert(code.length <= ERROR_CODE_BYTES_MAX && /^[a-z0-9_]+$/.test(code), 'an error frame carries a code');
  return Uint8Array.from([ERROR, ...Array.from(code, (letter) => letter.charCodeAt(0))]);
}

function parseHave(bytes: Uint8Array): Result<ClientToRelayFrame, FrameFailure> {
  const count = (bytes.length - 1) / CID_BYTES;
  if (!Number.isInteger(count) || count > HAVE_MANIFESTS_MAX) return badFrame('HAVE');
  const manifests: Cid[] = [];
  for (let start = 1; start < bytes.length; start += CID_BYTES) {
    const manifest = cidFromBytes(bytes.subarray(start, start + CID_BYTES));
    if (!manifest.ok) return badFrame('HAVE');
    manifests.push(manifest.value);
  }
  return ok({ type: 'have', manifests });
}

function parseWelcome(bytes: Uint8Array): Result<RelayToClientFrame, FrameFailure> {
  const at = viewOf(bytes);
  const count = (bytes.length - 5) / 5;
  if (!Number.isInteger(count) || count > WELCOME_PEERS_MAX) return badFrame('WELCOME');
  const peers: ServingPeer[] = [];
  for (let start = 5; start < bytes.length; start += 5) {
    const id = at.getUint32(start) as PeerId;
    const services = at.getUint8(start + 4);
    if (id === 0 || services === 0 || (services & ~SERVICES_ALL) !== 0) return badFrame('WELCOME');
    peers.push({ id, services });
  }
  return ok({ type: 'welcome', you: at.getUint32(1) as PeerId, peers });
}

function parseFound(bytes: Uint8Array): Result<RelayToClientFrame, FrameFailure> {
  const at = viewOf(bytes);
  const count = (bytes.length - 5) / 4;
  if (!Number.isInteger(count) || count > FOUND_PEERS_MAX) return badFrame('FOUND');
  const peers: PeerId[] = [];
  for (let start = 5; start < bytes.length; start += 4) {
    const id = at.getUint32(start);
    if (id === 0) return badFrame('FOUND');
    peers.push(id as PeerId);
  }
  return ok({ type: 'found', request: at.getUint32(1), peers });
}

function parseError(bytes: Uint8Array): Result<RelayToClientFrame, FrameFailure> {
  if (bytes.length > 1 + ERROR_CODE_BYTES_MAX) return badFrame('ERROR');
  const code = String.fromCharCode(...bytes.subarray(1));
  return /^[a-z0-9_]+$/.test(code) ? ok({ type: 'error', code }) : badFrame('ERROR');
}

function checkSize(bytes: Uint8Array): Result<null, FrameFailure> {
  if (bytes.length === 0) return badFrame('empty');
  if (bytes.length <= FRAME_BYTES_MAX) return ok(null);
  return fail('frame_too_large', `A frame holds at most ${FRAME_BYTES_MAX} bytes; split the message.`);
}

function badFrame(which: string): Result<never, FrameFailure> {
  return fail('bad_frame', `These bytes are no valid ${which} frame; the sender may run another version.`);
}

function startFrame(type: number, length: number, id: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(length);
  frame[0] = type;
  viewOf(frame).setUint32(1, id);
  return frame;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
