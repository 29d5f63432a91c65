// Sessions whose keys the platform agrees on, beside everything else: what comes meanwhile waits, and not for ever.

import { expect, test } from 'vitest';
import { createMemoryRoom } from '../../test/simulator/memory-room.ts';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog } from '../../test/simulator/silent-log.ts';
import { pureVerifier } from '../../test/simulator/pure-verifier.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { cidFromDigest, cidToBytes } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import { concatBytes } from '../core/bytes.ts';
import { startInitiator } from '../crypto/noise.ts';
import { agreeOnSecret, sealingKeyOfSeed } from '../crypto/x25519.ts';
import type { Clock, KeyAgreement } from '../platform/ports.ts';
import { RelayRoom } from './relay-room.ts';
import { publicRoomId } from './room.ts';
import { SessionHost } from './session-host.ts';
import type { SessionMessage } from './session-messages.ts';
import { encodeSessionPayload, parseSessionPayload } from './session-wire.ts';
import { testNode } from './session.test-kit.ts';
import type { Session } from './session.ts';

const GROUP = cidFromDigest('dag-cbor', new Uint8Array(32).fill(3));
const PIN: SessionMessage = { t: 'pin', manifest: GROUP, handle: 'alice', name: '' };

/** `alice`, `bob`: how long the platform of each takes to agree on one key; undefined: they compute it themselves. */
async function createWorld(slow: { readonly alice?: Millis; readonly bob?: Millis }) {
  const clock = createSimulatedClock();
  const random = createSeededRandom(5);
  const room = createMemoryRoom({ clock, random });
  const createNode = async (byte: number, wait: Millis | undefined) => {
    const joined = new RelayRoom({ connect: room.connect, clock, random, services: 0, log: silentLog });
    joined.wake();
    const opened: Session[] = [];
    const received: SessionMessage[] = [];
    const host = new SessionHost({
      ...{ room: joined, clock, random, log: silentLog, verifier: pureVerifier },
      agreement: wait === undefined ? null : createSlowAgreement(clock, wait),
      group: GROUP,
      roomId: publicRoomId(GROUP),
      self: await testNode(byte),
      accepts: true,
      events: {
        open: (session) => void opened.push(session),
        message: (_session, message) => void received.push(message),
      },
    });
    return { host, room: joined, opened, received };
  };
  const [alice, bob] = [await createNode(1, slow.alice), await createNode(2, slow.bob)];
  await clock.advance(100);
  return { clock, alice, bob };
}

function createSlowAgreement(clock: Clock, wait: Millis): KeyAgreement {
  return {
    async agree({ seed, remoteKey }) {
      await new Promise<void>((resolve) => clock.after(wait, resolve));
      return remoteKey === undefined ? sealingKeyOfSeed(seed) : agreeOnSecret({ seed, remoteKey });
    },
  };
}

test.each([
  ['both', { alice: 20, bob: 20 }],
  ['who dials', { alice: 20 }],
  // The proof of who dials comes while the other still computes.
  ['who is dialled', { bob: 500 }],
])('SE1: a session opens while the platform agrees on keys: %s', async (_who, slow) => {
  const { clock, alice, bob } = await createWorld(slow);
  void alice.host.dial(bob.room.you!);
  await clock.advance(5_000);
  expect([alice.opened.length, bob.opened.length]).toEqual([1, 1]);
  for (const [session] of [alice.opened, bob.opened]) void session!.send(PIN);
  await clock.advance(100);
  expect([alice.received, bob.received]).toEqual([[PIN], [PIN]]);
});

test('SE5: who does not wait for the handshake fills nothing, and its session ends', async () => {
  const { clock, alice, bob } = await createWorld({ bob: 1_000 });
  const seed = new Uint8Array(32).fill(1);
  const prologue = concatBytes(cidToBytes(GROUP), encodeUtf8(publicRoomId(GROUP)));
  const keys = { psk: new Uint8Array(32), prologue, staticSeed: seed, ephemeralSeed: seed };
  const first = startInitiator(keys).writeMessage(new Uint8Array(0));
  if (!first.ok) throw new Error(first.error.because);
  const kinds: (string | null)[] = [];
  alice.room.subscribe({
    payload: (_from, bytes) => {
      const payload = parseSessionPayload(bytes);
      kinds.push(payload.ok ? payload.value.kind : null);
    },
  });
  const say = (kind: 'handshake' | 'record', body: Uint8Array): void =>
    void alice.room.send(bob.room.you!, encodeSessionPayload({ kind, sender: 'initiator', session: 7, body }));
  say('handshake', first.value);
  for (let at = 0; at < 4; at++) say('record', seed);
  await clock.advance(500);
  expect(kinds).toEqual([]);
  // One more than there is room for: long before anything is agreed on the session is gone, and that is said when asked.
  for (let at = 0; at < 2; at++) say('record', seed);
  await clock.advance(100);
  expect(kinds).toEqual(['unknown']);
  await clock.advance(10_000);
  expect([kinds, bob.opened]).toEqual([['unknown'], []]);
});
