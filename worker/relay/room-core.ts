// A room: sockets that name each other by number. It forwards what it cannot read, and knows who serves what.
// Rules ED1…ED9, ED40 and ED41 of docs/protocol/edge.md; the host gives sockets, time and chance.

import type { Millis } from '../../shared/core/brand.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import type { ClientToRelayFrame, PeerId, ServingPeer } from '../../shared/session/relay-wire.ts';
import type { EdgePolicy } from '../policy.ts';
import type { RoomMail } from './mail-shelf.ts';
import type { TokenBucket } from '../../shared/core/token-bucket.ts';
import { FRAME_BYTES_MAX, HAVE_TTL } from '../../shared/core/limits.ts';
import { createTokenBucket, spendTokens } from '../../shared/core/token-bucket.ts';
import { cidDigest } from '../../shared/codec/cid.ts';
import {
  FOUND_PEERS_MAX,
  ROOM_PEER,
  ROOM_FULL,
  SERVICE_READ,
  SERVICE_SEED,
  SERVICE_VALIDATE,
  WELCOME_PEERS_MAX,
  encodeError,
  encodeFound,
  encodeGone,
  encodeLeft,
  encodePeer,
  encodeWelcome,
  isExtensionFrame,
  isRoomPeer,
  parseClientFrame,
  readdressSend,
} from '../../shared/session/relay-wire.ts';
import { answerMail } from './mail-shelf.ts';

/**
 * What is kept of a manifest's digest: 1,024 manifests then fit the 16 KB that a sleeping socket may remember.
 * A collision costs a useless question, since every answer is checked by CID.
 */
const HAVE_KEY_BYTES = 12;
/** SEND header: type and id. */
const SEND_HEADER_BYTES = 5;
const ERROR_INTERVAL: Millis = 1_000;
const CLOSE_PROTOCOL = 1002;
const CLOSE_TOO_BIG = 1009;
const CLOSE_TRY_LATER = 1013;
/** Beyond what a room takes of anybody: full nodes, which listen in all shards, and those that are about to leave. */
const SPARE_SOCKETS = 56;
/** How often full nodes of a room are told that it has a next shard, at most. */
const OVERFLOW_INTERVAL: Millis = 60_000;
/** So long after the last newcomer was sent on, others may still be in the next shard. */
const OVERFLOW_REMEMBERED: Millis = 24 * 60 * 60 * 1_000;

/** What a socket remembers while the room sleeps; plain data, below 16 KB. */
export type MemberRecord = {
  readonly id: PeerId;
  readonly services: number;
  /** Keys of the manifests it has, HAVE_KEY_BYTES each. */
  readonly have: Uint8Array;
  readonly haveUntil: Millis;
  readonly loopback: boolean;
};

export interface RoomSocket {
  send(frame: Uint8Array): void;
  close(code: number, reason: string): void;
  remember(record: MemberRecord): void;
  /** Bytes not yet on the wire, where the runtime tells; else 0, and the receiver's bucket bounds them. */
  buffered(): number;
}

export type Member = {
  record: MemberRecord;
  readonly socket: RoomSocket;
  readonly frames: TokenBucket;
  readonly bytes: TokenBucket;
  readonly bytesTo: TokenBucket;
  /** What it may send to sockets that are nearly full. */
  readonly reserve: TokenBucket;
  readonly control: TokenBucket;
  errorAt: Millis;
};

export type RoomOptions = {
  policyFor(record: MemberRecord): EdgePolicy;
  /** A random u32. */
  drawNumber(): number;
  now(): Millis;
  /** A payload that a socket sent to the room itself. */
  onPayload(from: PeerId, payload: Uint8Array): void;
  /** A socket is gone, so no answer of it is coming. */
  onLeft(peer: PeerId): void;
  /** Where mail rests; without it the room takes none. */
  readonly mail?: RoomMail;
};

/** Bytes that may wait in one socket where the runtime tells; beyond, the receiver is too slow to help. */
const SOCKET_BUFFER_MAX = 16 * 1024 * 1024;

/** The share of a receiver's burst that is kept for those who send little, and among how many it is shared out. */
const RESERVED_SHARE = 1 / 8;
const RESERVE_SENDERS = 16;

export type RoomCore = ReturnType<typeof createRoomCore>;

export function createRoomCore(options: RoomOptions) {
  const members = new Map<PeerId, Member>();
  let overflowAt: Millis = -OVERFLOW_REMEMBERED;

  function drawId(): PeerId {
    for (;;) {
      const id = options.drawNumber() as PeerId;
      if (id !== 0 && !isRoomPeer(id) && !members.has(id)) return id;
    }
  }

  function add(socket: RoomSocket, record: MemberRecord): Member {
    const policy = options.policyFor(record);
    const now = options.now();
    const member: Member = {
      record,
      socket,
      frames: createTokenBucket({ perSecond: policy.framesPerSecond, burstSeconds: 10 }, now),
      bytes: createTokenBucket({ perSecond: policy.bytesPerSecond, burstSeconds: 4 }, now),
      bytesTo: createTokenBucket({ perSecond: policy.bytesToSocketPerSecond, burstSeconds: 4 }, now),
      reserve: createReserve(policy, now),
      control: createTokenBucket({ perSecond: policy.controlPerMinute / 60, burstSeconds: 60 }, now),
      errorAt: 0,
    };
    members.set(record.id, member);
    return member;
  }

  /** A new socket: it learns its number and who serves. */
  function join(socket: RoomSocket, { loopback }: { loopback: boolean }): Member {
    const record: MemberRecord = { id: drawId(), services: 0, have: new Uint8Array(0), haveUntil: 0, loopback };
    const member = add(socket, record);
    remember(member, record);
    const serving: ServingPeer[] = [];
    for (const { record: other } of members.values()) {
      if (other.services !== 0) serving.push({ id: other.id, services: other.services });
    }
    // Whoever came first must not be all that newcomers hear of.
    const named = serving.length > WELCOME_PEERS_MAX ? shuffle(serving).slice(0, WELCOME_PEERS_MAX) : serving;
    const { socketsPerRoom } = options.policyFor(record);
    if (members.size > socketsPerRoom + SPARE_SOCKETS) {
      // Its own close event takes it out.
      trySend(member, encodeError(ROOM_FULL));
      socket.close(CLOSE_TRY_LATER, ROOM_FULL);
      return member;
    }
    trySend(member, encodeWelcome(record.id, named));
    if (members.size > socketsPerRoom) overflow(member);
    return member;
  }

  /** RL13: the newcomer decides whether it is one that listens in all shards, and leaves if not. */
  function overflow(newcomer: Member): void {
    const now = options.now();
    trySend(newcomer, encodeError(ROOM_FULL));
    if (now - overflowAt < OVERFLOW_INTERVAL) return;
    overflowAt = now;
    for (const member of members.values()) {
      if (member !== newcomer && listensEverywhere(member.record.services)) trySend(member, encodeError(ROOM_FULL));
    }
  }

  /** A socket that was here before the room slept. */
  function restore(socket: RoomSocket, record: MemberRecord): Member {
    return add(socket, record);
  }

  function leave(member: Member): void {
    if (members.get(member.record.id) !== member) return;
    members.delete(member.record.id);
    if (member.record.services !== 0) broadcast(member, encodeLeft(member.record.id));
    options.onLeft(member.record.id);
  }

  function receive(member: Member, bytes: Uint8Array): void {
    const now = options.now();
    if (!spendTokens(member.frames, 1, now) || !spendTokens(member.bytes, bytes.length, now)) {
      return complain(member, 'rate_limited', now);
    }
    if (isExtensionFrame(bytes)) return receiveMail(member, bytes, now);
    const parsed = parseClientFrame(bytes);
    if (!parsed.ok) {
      complain(member, parsed.error.code, now);
      const tooLarge = parsed.error.code === 'frame_too_large';
      return member.socket.close(tooLarge ? CLOSE_TOO_BIG : CLOSE_PROTOCOL, parsed.error.code);
    }
    const frame = parsed.value;
    if (frame.type === 'send') return forward(member, frame, now);
    if (!spendTokens(member.control, 1, now)) return complain(member, 'rate_limited', now);
    receiveControl(member, frame, now);
  }

  function forward(member: Member, { to, frame }: { to: PeerId; frame: Uint8Array }, now: Millis): void {
    if (to === ROOM_PEER) return options.onPayload(member.record.id, frame.subarray(SEND_HEADER_BYTES));
    const target = members.get(to);
    if (!target) return void trySend(member, encodeGone(to));
    if (!mayReach(member, target, { bytes: frame.length, now }) || target.socket.buffered() > SOCKET_BUFFER_MAX) {
      return complain(member, 'peer_busy', now);
    }
    readdressSend(frame, member.record.id);
    if (!trySend(target, frame)) trySend(member, encodeGone(to));
  }

  function receiveControl(
    member: Member,
    frame: Exclude<ClientToRelayFrame, { readonly type: 'send' }>,
    now: Millis,
  ): void {
    const { record } = member;
    switch (frame.type) {
      case 'have': {
        const have = new Uint8Array(frame.manifests.length * HAVE_KEY_BYTES);
        frame.manifests.forEach((manifest, i) => have.set(haveKey(manifest), i * HAVE_KEY_BYTES));
        return remember(member, { ...record, have, haveUntil: now + HAVE_TTL });
      }
      case 'services': {
        if (frame.services === record.services) return;
        remember(member, { ...record, services: frame.services });
        const { id } = record;
        const hasNext = now - overflowAt < OVERFLOW_REMEMBERED;
        if (hasNext && listensEverywhere(frame.services)) trySend(member, encodeError(ROOM_FULL));
        return broadcast(member, frame.services === 0 ? encodeLeft(id) : encodePeer({ id, services: frame.services }));
      }
      case 'find':
        return void trySend(member, encodeFound(frame.request, findSeeders(frame.manifest).slice(0, FOUND_PEERS_MAX)));
    }
  }

  function receiveMail(member: Member, bytes: Uint8Array, now: Millis): void {
    if (!spendTokens(member.control, 1, now)) return complain(member, 'rate_limited', now);
    const { mailBytesPerRoom } = options.policyFor(member.record);
    const answers = answerMail(bytes, { mail: options.mail, bytesMax: mailBytesPerRoom, now });
    if (answers.ok) return answers.value.forEach((frame) => void trySend(member, frame));
    complain(member, answers.error.code, now);
    member.socket.close(CLOSE_PROTOCOL, answers.error.code);
  }

  /** Sockets that said within 15 minutes that they have this manifest, in random order. */
  function findSeeders(manifest: Cid): PeerId[] {
    const key = haveKey(manifest);
    const now = options.now();
    const found: PeerId[] = [];
    for (const { record } of members.values()) {
      if (record.haveUntil > now && includesKey(record.have, key)) found.push(record.id);
    }
    return shuffle(found);
  }

  /** Sockets that answer plain reads, headless nodes and seeders alike, in random order. */
  function findReaders(): PeerId[] {
    const found: PeerId[] = [];
    for (const { record } of members.values()) {
      if ((record.services & (SERVICE_READ | SERVICE_SEED)) !== 0) found.push(record.id);
    }
    return shuffle(found);
  }

  /** Sends a frame that already carries the room's own number; false when that socket is gone. */
  function sendAsRoom(to: PeerId, frame: Uint8Array): boolean {
    const target = members.get(to);
    return target !== undefined && trySend(target, frame);
  }

  function broadcast(except: Member, frame: Uint8Array): void {
    for (const member of members.values()) if (member !== except) trySend(member, frame);
  }

  /** At most one ERROR a second and socket, so that complaints cost less than what caused them. */
  function complain(member: Member, code: string, now: Millis): void {
    if (now - member.errorAt < ERROR_INTERVAL) return;
    member.errorAt = now;
    trySend(member, encodeError(code));
  }

  function remember(member: Member, record: MemberRecord): void {
    member.record = record;
    member.socket.remember(record);
  }

  function shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = options.drawNumber() % (i + 1);
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
    return items;
  }

  function countMembers(): { sockets: number; serving: number } {
    let serving = 0;
    for (const { record } of members.values()) if (record.services !== 0) serving += 1;
    return { sockets: members.size, serving };
  }

  return { join, restore, leave, receive, findSeeders, findReaders, sendAsRoom, countMembers };
}

function listensEverywhere(services: number): boolean {
  return (services & (SERVICE_READ | SERVICE_VALIDATE)) !== 0;
}

function createReserve({ bytesToSocketPerSecond }: EdgePolicy, now: Millis): TokenBucket {
  const perSecond = bytesToSocketPerSecond / RESERVE_SENDERS;
  return createTokenBucket({ perSecond, burstSeconds: Math.max(4, FRAME_BYTES_MAX / perSecond) }, now);
}

/** The last of what a socket can take is shared out evenly: two senders as fast as the receiver would leave nothing to others. */
function mayReach(sender: Member, target: Member, { bytes, now }: { bytes: number; now: Millis }): boolean {
  spendTokens(target.bytesTo, 0, now);
  const isCrowded = target.bytesTo.tokens - bytes < target.bytesTo.capacity * RESERVED_SHARE;
  if (isCrowded && !spendTokens(sender.reserve, bytes, now)) return false;
  return spendTokens(target.bytesTo, bytes, now);
}

/** A socket that closed a moment ago throws; its close event follows and does the rest. */
function trySend(member: Member, frame: Uint8Array): boolean {
  try {
    member.socket.send(frame);
    return true;
  } catch {
    return false;
  }
}

function haveKey(manifest: Cid): Uint8Array {
  return cidDigest(manifest).subarray(0, HAVE_KEY_BYTES);
}

function includesKey(have: Uint8Array, key: Uint8Array): boolean {
  for (let start = 0; start < have.length; start += HAVE_KEY_BYTES) {
    let i = 0;
    while (i < HAVE_KEY_BYTES && have[start + i] === key[i]) i += 1;
    if (i === HAVE_KEY_BYTES) return true;
  }
  return false;
}
