import { expect, test } from 'vitest';
import { testNode } from './session.test-kit.ts';
import { createMemoryRoom } from '../../test/simulator/memory-room.ts';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { createSimulatedClock, type SimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog as silent } from '../../test/simulator/silent-log.ts';
import { pureVerifier as verifier } from '../../test/simulator/pure-verifier.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { cidFromDigest, cidToBytes } from '../codec/cid.ts';
import { concatBytes } from '../core/bytes.ts';
import { HANDSHAKES_PER_MINUTE } from '../core/limits.ts';
import { startInitiator } from '../crypto/noise.ts';
import type { NoiseTransport } from '../crypto/noise-handshake.ts';
import type { Log, Random } from '../platform/ports.ts';
import { splitMessage } from './fragments.ts';
import { RelayRoom } from './relay-room.ts';
import { publicRoomId } from './room.ts';
import { SessionHost } from './session-host.ts';
import { createSessionProver } from './session-identity.ts';
import { encodeSessionFrame, type SessionFrame, type SessionMessage } from './session-messages.ts';
import { encodeSessionPayload, padFragment, parseSessionPayload, RECORD_FRAGMENT_BYTES_MAX } from './session-wire.ts';
import type { SessionRole } from './session-wire.ts';
const GROUP = cidFromDigest('dag-cbor', new Uint8Array(32).fill(3));
const ROOM = publicRoomId(GROUP);
const SESSION = 77;
const SUBMIT: SessionFrame = { t: 'submit', entry: new Uint8Array(250_000) };

type Attack = {
  readonly clock: SimulatedClock;
  /** What the honest node heard, saw opened, and why it ended. */
  readonly heard: SessionMessage[];
  readonly ends: string[];
  readonly opened: () => number;
  /** Sends plaintext of a record, however it is made. */
  record(plaintext: Uint8Array): void;
  frame(frame: SessionFrame): void;
  identify(role?: SessionRole): Promise<void>;
};

type Home = { readonly room: RelayRoom; readonly ends: string[]; readonly heard: SessionMessage[]; opened: number };

/** An honest node that accepts everybody and never finishes with a message. */
async function createHome(join: () => RelayRoom, clock: SimulatedClock): Promise<Home> {
  const home: Home = { room: join(), ends: [], heard: [], opened: 0 };
  const debug: Log['debug'] = (event, fields) =>
    void (event === 'session_ended' && home.ends.push(String(fields?.['code'])));
  const host = new SessionHost({
    room: home.room,
    clock,
    random: createSeededRandom(10),
    log: { ...silent, debug },
    verifier,
    group: GROUP,
    roomId: ROOM,
    self: await testNode(1),
    accepts: true,
    events: {
      open: () => void home.opened++,
      message: (_session, message) => {
        home.heard.push(message);
        return new Promise<void>(() => undefined);
      },
    },
  });
  expect(host.sessions).toEqual([]);
  return home;
}

function createRelay() {
  const clock = createSimulatedClock();
  const random = createSeededRandom(9);
  const relay = createMemoryRoom({ clock, random });
  const join = (): RelayRoom => {
    const room = new RelayRoom({ connect: relay.connect, clock, random, services: 0, log: silent });
    room.wake();
    return room;
  };
  return { clock, random, join };
}

function startRogue(random: Random, payload: Uint8Array) {
  const handshake = startInitiator({
    psk: new Uint8Array(32),
    prologue: concatBytes(cidToBytes(GROUP), encodeUtf8(ROOM)),
    staticSeed: random.bytes(32),
    ephemeralSeed: random.bytes(32),
  });
  const write = (): Uint8Array => {
    const message = handshake.writeMessage(payload);
    if (!message.ok) throw new Error(message.error.because);
    return message.value;
  };
  return { handshake, write };
}

/** Sends `count` first messages, and counts what is answered with a second. */
function dialHalfway(rogue: RelayRoom, home: Home, given: { count: number; random: Random; payload?: Uint8Array }) {
  const answers = { count: 0 };
  rogue.subscribe({
    payload: (_from, bytes) => {
      const payload = parseSessionPayload(bytes);
      if (payload.ok && payload.value.kind === 'handshake') answers.count++;
    },
  });
  for (let session = 0; session < given.count; session++) {
    const body = startRogue(given.random, given.payload ?? new Uint8Array(0)).write();
    const payload = encodeSessionPayload({ kind: 'handshake', sender: 'initiator', session, body });
    void rogue.send(home.room.you!, payload);
  }
  return answers;
}

/** Does everything right, so that the session opens. */
async function dialWhole(
  rogue: RelayRoom,
  home: Home,
  given: { session: number; random: Random; clock: SimulatedClock },
) {
  const { session, random, clock } = given;
  const { handshake, write } = startRogue(random, new Uint8Array(0));
  const send = (kind: 'handshake' | 'record', body: Uint8Array): void =>
    void rogue.send(home.room.you!, encodeSessionPayload({ kind, sender: 'initiator', session, body }));
  const unsubscribe = rogue.subscribe({
    payload: (_from, bytes) => {
      const payload = parseSessionPayload(bytes);
      if (!payload.ok || payload.value.kind !== 'handshake' || payload.value.session !== session) return;
      if (handshake.readMessage(payload.value.body).ok) send('handshake', write());
    },
  });
  send('handshake', write());
  await clock.advance(100);
  unsubscribe();
  if (!handshake.isFinished()) return;
  const { send: sender, handshakeHash } = handshake.split();
  const prover = createSessionProver({ self: await testNode(2), verifier });
  const identity = encodeSessionFrame(await prover.prove({ handshakeHash, role: 'initiator' }));
  for (const fragment of splitMessage(identity, { id: 0, fragmentBytesMax: RECORD_FRAGMENT_BYTES_MAX })) {
    send('record', sender.encrypt(padFragment(fragment)));
  }
  await clock.advance(100);
}

/** A peer that did the handshake right and then sends what it likes to a node that handles nothing. */
async function attack(): Promise<Attack> {
  const { clock, random, join } = createRelay();
  const home = await createHome(join, clock);
  const rogue = join();
  await clock.advance(100);
  const { handshake, write } = startRogue(random, new Uint8Array(0));
  const send = (kind: 'handshake' | 'record', body: Uint8Array): void => {
    void rogue.send(home.room.you!, encodeSessionPayload({ kind, sender: 'initiator', session: SESSION, body }));
  };
  rogue.subscribe({
    payload: (_from, bytes) => {
      const payload = parseSessionPayload(bytes);
      if (!payload.ok || payload.value.kind !== 'handshake') return;
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
  const prover = createSessionProver({ self: await testNode(2), verifier });
  const identify = async (role: SessionRole = 'initiator'): Promise<void> => {
    frame(await prover.prove({ handshakeHash: transport.handshakeHash, role }));
    await clock.advance(100);
  };
  return { clock, heard: home.heard, ends: home.ends, opened: () => home.opened, record, frame, identify };
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

test('SE4: a signature made for the other role is refused, so none can be sent back to its maker', async () => {
  const world = await attack();
  await world.identify('responder');
  expect(world.opened()).toBe(0);
  expect(world.ends).toEqual(['bad_identity']);
});

test('SE3: a second identity ends the session', async () => {
  const world = await attack();
  await world.identify();
  await world.identify();
  expect(world.ends).toEqual(['bad_message']);
});

test('SE5: a node keeps four unfinished handshakes of one peer and 64 in all; the oldest make room', async () => {
  const { clock, random, join } = createRelay();
  const home = await createHome(join, clock);
  const rogues = Array.from({ length: 20 }, join);
  await clock.advance(100);
  const answered = rogues.map((rogue) => dialHalfway(rogue, home, { count: 6, random }));
  await clock.advance(100);
  expect(answered.every(({ count }) => count === 6)).toBe(true);
  expect(home.ends).toEqual(Array.from({ length: 20 * 6 - 64 }, () => 'too_many_sessions'));
  await clock.advance(20_000);
  expect(home.ends.slice(20 * 6 - 64)).toEqual(Array.from({ length: 64 }, () => 'handshake_timeout'));
});

test('SE5: whoever finishes gets its session, however many handshakes others leave open', async () => {
  const { clock, random, join } = createRelay();
  const home = await createHome(join, clock);
  const rogues = Array.from({ length: 16 }, join);
  const honest = join();
  await clock.advance(100);
  for (const rogue of rogues) dialHalfway(rogue, home, { count: 4, random });
  await clock.advance(100);
  await dialWhole(honest, home, { session: 0, random, clock });
  expect(home.opened).toBe(1);
  for (const rogue of rogues) dialHalfway(rogue, home, { count: 4, random });
  await clock.advance(100);
  expect(home.ends).not.toContain('closed');
  await dialWhole(honest, home, { session: 1, random, clock });
  expect(home.opened).toBe(2);
});

test('SE5: handshakes of one peer are answered at a rate, whatever it leaves or finishes', async () => {
  const { clock, random, join } = createRelay();
  const home = await createHome(join, clock);
  const rogue = join();
  await clock.advance(100);
  const answered = dialHalfway(rogue, home, { count: HANDSHAKES_PER_MINUTE + 20, random });
  await clock.advance(100);
  expect(answered.count).toBe(HANDSHAKES_PER_MINUTE);
  await clock.advance(20_000);
  const later = dialHalfway(rogue, home, { count: 2, random });
  await clock.advance(100);
  expect(later.count).toBe(2);
});

test('SE5: one peer has eight sessions here and no more, so it cannot take the place of all others', async () => {
  const { clock, random, join } = createRelay();
  const home = await createHome(join, clock);
  const [rogue, other] = [join(), join()];
  await clock.advance(100);
  for (let session = 0; session < 10; session++) await dialWhole(rogue, home, { session, random, clock });
  expect(home.opened).toBe(8);
  await dialWhole(other, home, { session: 0, random, clock });
  expect(home.opened).toBe(9);
});

test('SE2: a handshake message that carries something is refused', async () => {
  const { clock, random, join } = createRelay();
  const home = await createHome(join, clock);
  const rogue = join();
  await clock.advance(100);
  const answered = dialHalfway(rogue, home, { count: 1, random, payload: Uint8Array.of(1) });
  await clock.advance(100);
  expect(answered.count).toBe(0);
  expect(home.ends).toEqual(['bad_handshake']);
});
