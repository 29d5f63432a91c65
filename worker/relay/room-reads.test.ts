// Whom the gateway asks: anyone may say that they serve, and some of those do not.

import { expect, test } from 'vitest';
import type { PayloadRoom, RoomEvents } from '../../shared/session/payload-room.ts';
import type { PublicReadSource } from '../../shared/session/public-read-server.ts';
import { cidFromDigest, type Cid } from '../../shared/codec/cid.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { PublicReadServer } from '../../shared/session/public-read-server.ts';
import {
  encodeHave,
  encodeSend,
  encodeServices,
  parseRelayFrame,
  SERVICE_READ,
  SERVICE_SEED,
} from '../../shared/session/relay-wire.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog as silent } from '../../test/simulator/silent-log.ts';
import { PUBLIC_POLICY } from '../policy.ts';
import { createRoomCore, type Member } from './room-core.ts';
import { createRoomReads, type RoomReads } from './room-reads.ts';

const BLOCK = Uint8Array.of(1, 2, 3);
const CID = cidFromDigest('raw', sha256(BLOCK));
const SITE = cidFromDigest('dag-cbor', new Uint8Array(32).fill(1));
/** Done within a turn: simulated time must not pass while a real thread hashes. */
const hasher = { sha256: (bytes: Uint8Array) => Promise.resolve(new Uint8Array(sha256(bytes))) };

const HONEST: PublicReadSource = {
  getBlocks: (cids) => Promise.resolve(cids.map((cid) => (cid === CID ? BLOCK : undefined))),
  resolve: () => Promise.resolve(ok(Uint8Array.of(7))),
};
const WITHOUT: PublicReadSource = {
  getBlocks: (cids) => Promise.resolve(cids.map(() => undefined)),
  resolve: () => Promise.resolve(fail('not_found', 'nothing')),
};
const LIAR: PublicReadSource = { getBlocks: (cids) => Promise.resolve(cids.map(() => Uint8Array.of(6))) };
const SILENT: PublicReadSource = {
  getBlocks: () => new Promise(() => undefined),
  resolve: () => new Promise(() => undefined),
};

function createRoom() {
  const clock = createSimulatedClock();
  let number = 0;
  const parts: { reads?: RoomReads } = {};
  const core = createRoomCore({
    policyFor: () => PUBLIC_POLICY,
    drawNumber: () => (number += 1),
    now: () => clock.now(),
    onPayload: (from, payload) => parts.reads?.receive(from, payload),
    onLeft: (peer) => parts.reads?.forget(peer),
  });
  const reads = createRoomReads({ room: core, clock, hasher });
  parts.reads = reads;

  function enter(
    source: PublicReadSource,
    offers: { services: number; have?: readonly Cid[] },
  ): { asked: () => number } {
    const events = new Set<RoomEvents>();
    let asked = 0;
    const member: Member = core.join(
      {
        send(frame) {
          const parsed = parseRelayFrame(frame.slice());
          if (!parsed.ok || parsed.value.type !== 'from') return;
          const { from, payload } = parsed.value;
          for (const listener of events) queueMicrotask(() => listener.payload?.(from, payload));
        },
        close: () => undefined,
        remember: () => undefined,
        buffered: () => 0,
      },
      { loopback: false },
    );
    const room: PayloadRoom = {
      send(to, payload) {
        core.receive(member, encodeSend(to, payload));
        return Promise.resolve('sent');
      },
      subscribe(listener) {
        events.add(listener);
        return () => events.delete(listener);
      },
    };
    const counted: PublicReadSource = {
      ...source,
      getBlocks(cids) {
        asked++;
        return source.getBlocks(cids);
      },
    };
    const server = new PublicReadServer({ room, clock, log: silent, source: counted });
    expect(server.served.blocks).toBe(0);
    core.receive(member, encodeServices(offers.services));
    if (offers.have) core.receive(member, encodeHave(offers.have));
    return { asked: () => asked };
  }

  async function settle<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    void promise.then(() => (done = true));
    for (let turn = 0; turn < 100 && !done; turn++) await new Promise((resolve) => setImmediate(resolve));
    await clock.advanceUntil(() => done, 60_000);
    return promise;
  }

  const want = async (manifest?: Cid) =>
    (await settle(reads.want({ cids: [CID], wait: 15_000, ...(manifest && { manifest }) }))).blocks.length;
  return { clock, reads, enter, settle, want };
}

test.each([
  ['lack it', WITHOUT],
  ['lie', LIAR],
  ['are silent', SILENT],
])('ED8: sockets that say they have a site and %s do not crowd out the one that has it', async (_how, source) => {
  const room = createRoom();
  for (let i = 0; i < 9; i++) room.enter(source, { services: SERVICE_SEED, have: [SITE] });
  room.enter(HONEST, { services: SERVICE_SEED, have: [SITE] });
  let failed = 0;
  for (let i = 0; i < 12; i++) failed += 1 - (await room.want(SITE));
  // Each that failed has asked three that are asked last from then on.
  expect(failed).toBeLessThanOrEqual(3);
});

test('ED8: peers that never answer for a record do not crowd out one that does', async () => {
  const room = createRoom();
  for (let i = 0; i < 12; i++) room.enter(SILENT, { services: SERVICE_READ });
  room.enter(HONEST, { services: SERVICE_READ });
  const ask = async () =>
    (await room.settle(room.reads.resolve({ key: 'handles/a', skip: [], heard: [], wait: 30_000 }))).resolution;
  let failed = 0;
  for (let i = 0; i < 12; i++) if ((await ask()) === null) failed++;
  expect(failed).toBeLessThanOrEqual(2);
});

test('ED8: who asks for a block of a site under another name does not make its visitors wait for that', async () => {
  const room = createRoom();
  for (let i = 0; i < 3; i++) room.enter(SILENT, { services: SERVICE_READ });
  room.enter(HONEST, { services: 0, have: [SITE] });
  const hostile = room.reads.want({ cids: [CID], wait: 15_000 });
  expect(await room.want(SITE)).toBe(1);
  expect((await room.settle(hostile)).blocks).toEqual([]);
});
