import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Cid } from '../../shared/codec/cid.ts';
import { cidFromDigest } from '../../shared/codec/cid.ts';
import { HAVE_TTL } from '../../shared/core/limits.ts';
import {
  encodeFind,
  encodeHave,
  encodeSend,
  encodeServices,
  parseRelayFrame,
  ROOM_PEER,
  SERVICE_READ,
  type PeerId,
  type RelayToClientFrame,
} from '../../shared/session/relay-wire.ts';
import { FUZZ_CASES, mutationsOf } from '../../test/fuzz-cases.ts';
import { PUBLIC_POLICY, type EdgePolicy } from '../policy.ts';
import { createRoomCore, type Member, type MemberRecord } from './room-core.ts';

const NOW = 1_790_000_000_000;
/** One of each kind, from the first socket to the second. */
const GOOD_FRAMES: readonly Uint8Array[] = [
  encodeSend(2 as PeerId, Uint8Array.of(1, 2, 3)),
  encodeSend(ROOM_PEER, Uint8Array.of(0, 1, 2)),
  encodeServices(SERVICE_READ),
  encodeHave([manifest(1), manifest(2)]),
  encodeFind(7, manifest(1)),
];

type Client = Member & { readonly got: RelayToClientFrame[]; readonly closedWith: number[]; record: MemberRecord };

function createRoom(policy: Partial<EdgePolicy> = {}) {
  let now = NOW;
  let number = 0;
  const heard: { from: number; payload: Uint8Array }[] = [];
  const left: number[] = [];
  const core = createRoomCore({
    policyFor: () => ({ ...PUBLIC_POLICY, ...policy }),
    drawNumber: () => (number += 1),
    now: () => now,
    onPayload: (from, payload) => heard.push({ from, payload: payload.slice() }),
    onLeft: (peer) => left.push(peer),
  });
  return {
    core,
    heard,
    left,
    wait(ms: number) {
      now += ms;
    },
    enter(buffered = 0): Client {
      const got: RelayToClientFrame[] = [];
      const closedWith: number[] = [];
      const member = core.join(
        {
          send(frame) {
            const parsed = parseRelayFrame(frame.slice());
            if (!parsed.ok) throw new Error(parsed.error.because);
            got.push(parsed.value);
          },
          close: (code) => closedWith.push(code),
          remember: () => undefined,
          buffered: () => buffered,
        },
        { loopback: false },
      );
      return Object.assign(member, { got, closedWith });
    },
  };
}

function manifest(seed: number): Cid {
  return cidFromDigest('dag-cbor', new Uint8Array(32).fill(seed));
}

function errorsOf({ got }: Client): string[] {
  return got.flatMap((frame) => (frame.type === 'error' ? [frame.code] : []));
}

test('RL5: WELCOME names 64 that serve by chance, not those that came first', () => {
  const room = createRoom();
  const serving = Array.from({ length: 100 }, () => room.enter());
  for (const member of serving) room.core.receive(member, encodeServices(SERVICE_READ));
  const [welcome] = room.enter().got;
  const named = welcome?.type === 'welcome' ? new Set(welcome.peers.map(({ id }) => id)) : new Set();
  expect(named.size).toBe(64);
  expect(serving.slice(64).some(({ record }) => named.has(record.id))).toBe(true);
});

describe('ED9: limits', () => {
  test('frames beyond the burst are dropped, the sender hears it once a second, and time gives new ones', () => {
    const room = createRoom({ framesPerSecond: 1 });
    const [a, b] = [room.enter(), room.enter()];
    const send = (): void => room.core.receive(a, encodeSend(b.record.id, Uint8Array.of(1)));
    for (let i = 0; i < 100; i++) send();
    expect(b.got.filter(({ type }) => type === 'from')).toHaveLength(10);
    expect(errorsOf(a)).toEqual(['rate_limited']);
    room.wait(3_000);
    for (let i = 0; i < 100; i++) send();
    expect(b.got.filter(({ type }) => type === 'from')).toHaveLength(13);
    expect(errorsOf(a)).toEqual(['rate_limited', 'rate_limited']);
  });

  test('bytes are limited like frames', () => {
    const room = createRoom({ bytesPerSecond: 1_000 });
    const [a, b] = [room.enter(), room.enter()];
    for (let i = 0; i < 10; i++) room.core.receive(a, encodeSend(b.record.id, new Uint8Array(995)));
    expect(b.got.filter(({ type }) => type === 'from')).toHaveLength(4);
  });

  test('senders that are faster than a receiver leave room for one that sends it little', () => {
    const room = createRoom();
    const floods = [room.enter(), room.enter(), room.enter()];
    const [quiet, target] = [room.enter(), room.enter()];
    const big = new Uint8Array(60_000);
    let heard = 0;
    for (let tenth = 0; tenth < 200; tenth++) {
      for (const flood of floods) {
        for (let i = 0; i < 40; i++) room.core.receive(flood, encodeSend(target.record.id, big));
      }
      room.core.receive(quiet, encodeSend(target.record.id, big.subarray(0, 30_000)));
      heard += target.got.filter((frame) => frame.type === 'from' && frame.from === quiet.record.id).length;
      target.got.length = 0;
      room.wait(100);
    }
    expect(heard).toBe(200);
    expect(errorsOf(quiet)).toEqual([]);
  });

  test('one receiver takes so much from all senders together; the others are not touched', () => {
    const room = createRoom({ bytesToSocketPerSecond: 1_000 });
    const target = room.enter();
    const other = room.enter();
    const senders = [room.enter(), room.enter(), room.enter()];
    for (const sender of senders) {
      for (let i = 0; i < 4; i++) room.core.receive(sender, encodeSend(target.record.id, new Uint8Array(495)));
    }
    expect(target.got.filter(({ type }) => type === 'from')).toHaveLength(8);
    expect(senders.map(errorsOf)).toEqual([[], [], ['peer_busy']]);
    room.core.receive(senders[0]!, encodeSend(other.record.id, Uint8Array.of(1)));
    expect(other.got.at(-1)).toMatchObject({ type: 'from' });
  });

  test('where the runtime tells what waits in a socket, a full one gets nothing more', () => {
    const room = createRoom();
    const [a, slow] = [room.enter(), room.enter(17 * 1024 * 1024)];
    room.core.receive(a, encodeSend(slow.record.id, Uint8Array.of(1)));
    expect(slow.got.map(({ type }) => type)).toEqual(['welcome']);
    expect(errorsOf(a)).toEqual(['peer_busy']);
  });

  test('control frames have their own limit', () => {
    const room = createRoom({ controlPerMinute: 3 });
    const client = room.enter();
    for (let i = 0; i < 10; i++) room.core.receive(client, encodeFind(i, manifest(1)));
    expect(client.got.filter(({ type }) => type === 'found')).toHaveLength(3);
    room.wait(20_000);
    room.core.receive(client, encodeFind(99, manifest(1)));
    expect(client.got.at(-1)).toEqual({ type: 'found', request: 99, peers: [] });
  });
});

test('ED5: no bytes of a client make the room throw, and none but frames reach another socket', () => {
  fc.assert(
    fc.property(mutationsOf(fc.constantFrom(...GOOD_FRAMES)), (bytes) => {
      const room = createRoom();
      const [a, b] = [room.enter(), room.enter()];
      room.core.receive(a, bytes);
      expect(b.got.every(({ type }) => ['welcome', 'peer', 'left', 'from'].includes(type))).toBe(true);
    }),
    { numRuns: FUZZ_CASES },
  );
});

describe('ED7: have', () => {
  test('expires after fifteen minutes', () => {
    const room = createRoom();
    const [seeder, seeker] = [room.enter(), room.enter()];
    room.core.receive(seeder, encodeHave([manifest(1)]));
    room.wait(HAVE_TTL - 1);
    room.core.receive(seeker, encodeFind(1, manifest(1)));
    room.wait(1);
    room.core.receive(seeker, encodeFind(2, manifest(1)));
    expect(seeker.got.slice(-2)).toEqual([
      { type: 'found', request: 1, peers: [seeder.record.id] },
      { type: 'found', request: 2, peers: [] },
    ]);
  });

  test('names eight of many', () => {
    const room = createRoom();
    const seeders = Array.from({ length: 20 }, () => room.enter());
    for (const seeder of seeders) room.core.receive(seeder, encodeHave([manifest(1)]));
    const seeker = room.enter();
    room.core.receive(seeker, encodeFind(1, manifest(1)));
    expect(seeker.got.flatMap((frame) => (frame.type === 'found' ? frame.peers : []))).toHaveLength(8);
  });
});

describe('ED8: the room as a peer', () => {
  test('what is sent to its number reaches the gateway, and it can answer', () => {
    const room = createRoom();
    const node = room.enter();
    room.core.receive(node, encodeServices(SERVICE_READ));
    expect(room.core.findReaders()).toEqual([node.record.id]);
    expect(room.core.sendAsRoom(node.record.id, encodeSend(ROOM_PEER, Uint8Array.of(3)))).toBe(true);
    expect(node.got.at(-1)).toEqual({ type: 'from', from: ROOM_PEER, payload: Uint8Array.of(3) });
    room.core.receive(node, encodeSend(ROOM_PEER, Uint8Array.of(4)));
    expect(room.heard).toEqual([{ from: node.record.id, payload: Uint8Array.of(4) }]);
    room.core.leave(node);
    expect(room.left).toEqual([node.record.id]);
    expect(room.core.sendAsRoom(node.record.id, encodeSend(ROOM_PEER, Uint8Array.of(3)))).toBe(false);
  });
});

describe('ED2: after a sleep', () => {
  test('a restored socket has its number, services and manifests', () => {
    const before = createRoom();
    const node = before.enter();
    before.core.receive(node, encodeServices(SERVICE_READ));
    before.core.receive(node, encodeHave([manifest(5)]));
    const after = createRoom();
    after.core.restore(node.socket, structuredClone(node.record));
    const late = after.enter();
    expect(late.record.id).not.toBe(node.record.id);
    expect(late.got[0]).toMatchObject({ type: 'welcome', peers: [{ id: node.record.id, services: SERVICE_READ }] });
    expect(after.core.findSeeders(manifest(5))).toEqual([node.record.id]);
  });
});
