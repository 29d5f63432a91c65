import { expect, test } from 'vitest';
import { createMemoryRoom } from '../../test/simulator/memory-room.ts';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { createSimulatedClock, type SimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { cidFromDigest, cidToBytes } from '../codec/cid.ts';
import { concatBytes } from '../core/bytes.ts';
import { createDeviceCertificate } from '../crypto/device.ts';
import { verifyPure } from '../crypto/ed25519.ts';
import { identityFromKey, publicKeyBytes } from '../crypto/ids.ts';
import { startInitiator } from '../crypto/noise.ts';
import type { NoiseTransport } from '../crypto/noise-handshake.ts';
import type { Log, Verifier } from '../platform/ports.ts';
import { createSeedSigner } from '../platform/web/seed-signer.ts';
import { splitMessage } from './fragments.ts';
import { CHANNEL_SESSION } from './payload-room.ts';
import { RelayRoom } from './relay-room.ts';
import { publicRoomId } from './room.ts';
import { SessionHost } from './session-host.ts';
import { createSessionProver, type LocalNode } from './session-identity.ts';
import { encodeSessionFrame, type SessionFrame, type SessionMessage } from './session-messages.ts';
import { encodeSessionPayload, padFragment, parseSessionPayload, RECORD_FRAGMENT_BYTES_MAX } from './session-wire.ts';

const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const verifier: Verifier = { verify: (claim) => Promise.resolve(verifyPure(claim)) };
const GROUP = cidFromDigest('dag-cbor', new Uint8Array(32).fill(3));
const ROOM = publicRoomId(GROUP);
const SESSION = 77;
const SUBMIT: SessionFrame = { t: 'submit', entry: new Uint8Array(250_000) };

async function createSelf(byte: number): Promise<LocalNode> {
  const owner = createSeedSigner(new Uint8Array(32).fill(byte));
  const signer = createSeedSigner(new Uint8Array(32).fill(byte + 100));
  const certificate = await createDeviceCertificate({ signer: owner, device: signer.key, name: 'test', issued: 1 });
  return { identity: identityFromKey(publicKeyBytes(owner.key)), certificate, signer };
}

type Attack = {
  readonly clock: SimulatedClock;
  /** What the honest node heard, saw opened, and why it ended. */
  readonly heard: SessionMessage[];
  readonly ends: string[];
  readonly opened: () => number;
  /** Sends plaintext of a record, however it is made. */
  record(plaintext: Uint8Array): void;
  frame(frame: SessionFrame): void;
  identify(): Promise<void>;
};

/** A peer that did the handshake right and then sends what it likes to a node that handles nothing. */
async function attack(): Promise<Attack> {
  const clock = createSimulatedClock();
  const random = createSeededRandom(9);
  const relay = createMemoryRoom({ clock, random });
  const [home, rogue] = [0, 0].map(
    () => new RelayRoom({ connect: relay.connect, clock, random, services: 0, log: silent }),
  ) as [RelayRoom, RelayRoom];
  const heard: SessionMessage[] = [];
  const ends: string[] = [];
  let opened = 0;
  const host: SessionHost = new SessionHost({
    room: home,
    clock,
    random,
    log: {
      ...silent,
      debug: (event, fields) => void (event === 'session_ended' && ends.push(String(fields?.['code']))),
    },
    verifier,
    group: GROUP,
    roomId: ROOM,
    self: await createSelf(1),
    accepts: true,
    events: {
      open: () => void opened++,
      message: (_session, message) => {
        heard.push(message);
        return new Promise<void>(() => undefined);
      },
    },
  });
  home.wake();
  rogue.wake();
  await clock.advance(100);
  const handshake = startInitiator({
    psk: new Uint8Array(32),
    prologue: concatBytes(cidToBytes(GROUP), encodeUtf8(ROOM)),
    staticSeed: random.bytes(32),
    ephemeralSeed: random.bytes(32),
  });
  const send = (kind: 'handshake' | 'record', body: Uint8Array): void => {
    void rogue.send(home.you!, encodeSessionPayload({ kind, sender: 'initiator', session: SESSION, body }));
  };
  const write = (): Uint8Array => {
    const message = handshake.writeMessage(new Uint8Array(0));
    if (!message.ok) throw new Error('handshake');
    return message.value;
  };
  rogue.subscribe({
    payload: (_from, bytes) => {
      const payload = parseSessionPayload(bytes);
      if (bytes[0] !== CHANNEL_SESSION || !payload.ok || payload.value.kind !== 'handshake') return;
      if (handshake.readMessage(payload.value.body).ok) send('handshake', write());
    },
  });
  send('handshake', write());
  await clock.advanceUntil(() => handshake.isFinished(), 1_000);
  const transport: NoiseTransport = handshake.split();
  const record = (plaintext: Uint8Array): void => send('record', transport.send.encrypt(plaintext));
  let messageId = 0;
  const frame = (given: SessionFrame): void => {
    const bytes = encodeSessionFrame(given);
    const fragments = splitMessage(bytes, { id: messageId++, fragmentBytesMax: RECORD_FRAGMENT_BYTES_MAX });
    for (const fragment of fragments) record(padFragment(fragment));
  };
  const prover = createSessionProver({ self: await createSelf(2), verifier });
  const identify = async (): Promise<void> => {
    frame(await prover.prove({ handshakeHash: transport.handshakeHash, role: 'initiator' }));
    await clock.advance(100);
  };
  void host;
  return { clock, heard, ends, opened: () => opened, record, frame, identify };
}

test('SE3: a peer that says anything before its name is put out, and nothing of it is heard', async () => {
  for (const first of [SUBMIT, { t: 'bye', code: 'closed' }] as const) {
    const world = await attack();
    world.frame(first);
    await world.identify();
    expect(world.opened()).toBe(0);
    expect(world.heard).toEqual([]);
    expect(world.ends).toHaveLength(1);
  }
});

test('SE6: a stranger cannot make a node keep more than a little before it said who it is', async () => {
  const world = await attack();
  for (let i = 0; i < 3; i++) world.frame(SUBMIT);
  await world.clock.advance(100);
  expect(world.ends).toEqual(['flow_violation']);
});

test('SE6: more than a window, or more credit than is owed, ends the session', async () => {
  const greedy = await attack();
  await greedy.identify();
  expect(greedy.opened()).toBe(1);
  for (let i = 0; i < 8; i++) greedy.frame(SUBMIT);
  await greedy.clock.advance(100);
  expect(greedy.ends).toEqual([]);
  greedy.frame(SUBMIT);
  await greedy.clock.advance(100);
  expect(greedy.ends).toEqual(['flow_violation']);
  expect(greedy.heard).toHaveLength(1);
  const generous = await attack();
  await generous.identify();
  generous.frame({ t: 'credit', bytes: 1 });
  await generous.clock.advance(100);
  expect(generous.ends).toEqual(['flow_violation']);
});

test('SE10: records that hold no message end the session', async () => {
  const bodies: readonly Uint8Array[] = [
    new Uint8Array(0),
    Uint8Array.of(0xff, 0xff, 1),
    padFragment(Uint8Array.of(0, 0)),
    padFragment(Uint8Array.of(0, 0, 1)),
    padFragment(Uint8Array.of(0, 0, 3, 0xff)),
    padFragment(Uint8Array.of(0, 0, 3, ...encodeSessionFrame({ t: 'bye', code: 'closed' }), 0)),
  ];
  for (const body of bodies) {
    const world = await attack();
    await world.identify();
    world.record(body);
    await world.clock.advance(100);
    expect(world.ends).toEqual(['bad_message']);
  }
});

test('SE3: a second identity ends the session', async () => {
  const world = await attack();
  await world.identify();
  await world.identify();
  expect(world.ends).toEqual(['bad_message']);
});
