import fc from 'fast-check';
import { expect, test } from 'vitest';
import { testNode } from './session.test-kit.ts';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { createMemoryRoom, type MemoryRoomOptions } from '../../test/simulator/memory-room.ts';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { createSimulatedClock, type SimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog as silent } from '../../test/simulator/silent-log.ts';
import { pureVerifier as verifier } from '../../test/simulator/pure-verifier.ts';
import { cidFromDigest } from '../codec/cid.ts';
import type { Result } from '../core/result.ts';
import { publicKeyBytes } from '../crypto/ids.ts';
import { CHANNEL_SESSION } from './payload-room.ts';
import { RelayRoom } from './relay-room.ts';
import { publicRoomId } from './room.ts';
import { SessionHost, type SessionHostOptions } from './session-host.ts';
import type { LocalNode } from './session-identity.ts';
import type { SessionMessage } from './session-messages.ts';
import type { Session, SessionEnd } from './session.ts';
const GROUP = cidFromDigest('dag-cbor', new Uint8Array(32).fill(3));
const MANIFEST = cidFromDigest('dag-cbor', new Uint8Array(32).fill(4));
/** A SEND's header, then channel, kind and session: what the relay reads anyway. */
const FRAME_HEADER_BYTES = 5;

type Node = {
  readonly host: SessionHost;
  readonly room: RelayRoom;
  readonly opened: Session[];
  readonly received: SessionMessage[];
  readonly closed: SessionEnd[];
};

type World = { readonly clock: SimulatedClock; readonly alice: Node; readonly bob: Node };

async function createWorld(
  relay: Partial<MemoryRoomOptions> & { seed?: number } = {},
  change: { alice?: Partial<SessionHostOptions>; bob?: Partial<SessionHostOptions> } = {},
): Promise<World> {
  const clock = createSimulatedClock();
  const random = createSeededRandom(relay.seed ?? 5);
  const room = createMemoryRoom({ clock, random, ...relay });
  const createNode = async (byte: number, more: Partial<SessionHostOptions> = {}): Promise<Node> => {
    const joined = new RelayRoom({ connect: room.connect, clock, random, services: 0, log: silent });
    joined.wake();
    const [opened, received, closed]: [Session[], SessionMessage[], SessionEnd[]] = [[], [], []];
    const host = new SessionHost({
      room: joined,
      clock,
      random,
      log: silent,
      verifier,
      group: GROUP,
      roomId: publicRoomId(GROUP),
      self: await testNode(byte),
      accepts: true,
      events: {
        open: (session) => void opened.push(session),
        message: (_session, message) => void received.push(message),
        closed: (_session, end) => void closed.push(end),
      },
      ...more,
    });
    return { host, room: joined, opened, received, closed };
  };
  const alice = await createNode(1, change.alice);
  const bob = await createNode(2, change.bob);
  await clock.advance(100);
  return { clock, alice, bob };
}

async function dial(world: World): Promise<Result<Session, SessionEnd>> {
  const dialled = world.alice.host.dial(world.bob.room.you!);
  let done = false;
  void dialled.then(() => (done = true));
  await world.clock.advanceUntil(() => done, 60_000);
  return dialled;
}

async function open(world: World): Promise<Session> {
  const session = await dial(world);
  if (!session.ok) throw new Error(session.error.code);
  return session.value;
}

function isSessionFrame(frame: Uint8Array): boolean {
  return frame[0] === 0x01 && frame[FRAME_HEADER_BYTES] === CHANNEL_SESSION;
}

test('SE1: two nodes open a session, know each other, and exchange messages both ways', async () => {
  const world = await createWorld({ delay: { min: 1, max: 30 } });
  const { alice, bob, clock } = world;
  const session = await open(world);
  await clock.advance(100);
  expect(session.identity).toBe((await testNode(2)).identity);
  expect(session.device).toBe((await testNode(2)).signer.key);
  expect(bob.opened.map(({ identity, role }) => ({ identity, role }))).toEqual([
    { identity: (await testNode(1)).identity, role: 'responder' },
  ]);
  const submit: SessionMessage = { t: 'submit', entry: new Uint8Array(256 * 1024).fill(9) };
  const pin: SessionMessage = { t: 'pin', manifest: MANIFEST, handle: 'alice', name: '' };
  void session.send(submit);
  void session.send(pin);
  const answer: SessionMessage = {
    t: 'outcome',
    id: MANIFEST,
    header: Uint8Array.of(1),
    certificate: Uint8Array.of(2),
    receipt: Uint8Array.of(3),
    proof: Uint8Array.of(4),
  };
  void bob.opened[0]!.send({ t: 'held', manifest: MANIFEST });
  void bob.opened[0]!.send(answer);
  await clock.advance(1_000);
  expect(bob.received).toEqual([submit, pin]);
  expect(alice.received).toEqual([{ t: 'held', manifest: MANIFEST }, answer]);
});

test('SE1: a second dial of the same peer gives the same session, a later one a new one', async () => {
  const world = await createWorld();
  const session = await open(world);
  expect(await open(world)).toBe(session);
  session.close();
  const next = await open(world);
  expect(next).not.toBe(session);
  await world.clock.advance(100);
  expect(world.bob.closed).toMatchObject([{ code: 'ended_by_peer' }]);
  expect(world.bob.host.sessions).toHaveLength(1);
});

test('SE3: names travel only inside the encryption', async () => {
  const seen: Uint8Array[] = [];
  const world = await createWorld({
    tamper: (frame) => {
      seen.push(frame);
      return [frame];
    },
  });
  await open(world);
  await world.clock.advance(100);
  const wire = Buffer.concat(seen);
  for (const byte of [1, 2]) {
    const { certificate, signer } = await testNode(byte);
    expect(wire.includes(Buffer.from(publicKeyBytes(signer.key)))).toBe(false);
    expect(wire.includes(Buffer.from(certificate.subarray(20, 60)))).toBe(false);
  }
});

test('SE4: a certificate for another device, another identity, or a signature of another handshake or role is refused', async () => {
  const [one, two] = [await testNode(1), await testNode(2)];
  const HASH_AT = 'weft/session/v1'.length + 1;
  const signOther = (change: (message: Uint8Array) => Uint8Array) => ({
    key: one.signer.key,
    sign: (message: Uint8Array) => one.signer.sign(change(message)),
  });
  const ofAnotherHandshake = signOther((message) => message.map((byte, at) => (at === HASH_AT ? byte ^ 1 : byte)));
  const ofTheOtherRole = signOther((message) => {
    const role = Buffer.from(message.subarray(HASH_AT + 32)).toString() === 'initiator' ? 'responder' : 'initiator';
    return Buffer.concat([message.subarray(0, HASH_AT + 32), Buffer.from(role)]);
  });
  const liars: LocalNode[] = [
    { ...one, certificate: two.certificate },
    { ...one, identity: two.identity },
    { ...one, signer: two.signer },
    { ...one, certificate: new Uint8Array(10) },
    { ...one, signer: ofAnotherHandshake },
    { ...one, signer: ofTheOtherRole },
  ];
  for (const self of liars) {
    const world = await createWorld({}, { bob: { self } });
    expect(await dial(world)).toMatchObject({ ok: false, error: { code: 'bad_identity' } });
    const reverse = await createWorld({}, { alice: { self } });
    const outcome = await dial(reverse);
    expect(outcome.ok).toBe(false);
    expect(reverse.bob.opened).toHaveLength(0);
  }
});

test('SE2: nodes of another group or room do not understand each other', async () => {
  const other = cidFromDigest('dag-cbor', new Uint8Array(32).fill(8));
  for (const bob of [{ group: other }, { roomId: publicRoomId(other) }]) {
    const world = await createWorld({}, { bob });
    expect((await dial(world)).ok).toBe(false);
    expect(world.bob.opened).toHaveLength(0);
  }
});

test('SE5: a handshake that stays unfinished ends after 10 s, on both sides', async () => {
  const world = await createWorld({ tamper: (frame) => (frame[6] === 0x81 ? [] : [frame]) });
  const started = world.clock.now();
  expect(await dial(world)).toMatchObject({ ok: false, error: { code: 'handshake_timeout' } });
  expect(world.clock.now() - started).toBe(10_000);
  await world.clock.advance(1_000);
  expect(world.clock.pending()).toBe(0);
});

test('SE5: a node that accepts nobody says so at once', async () => {
  const world = await createWorld({}, { bob: { accepts: false } });
  const started = world.clock.now();
  expect(await dial(world)).toMatchObject({ ok: false, error: { code: 'unknown_session' } });
  expect(world.clock.now() - started).toBeLessThan(1_000);
});

test('SE6: a slow handler slows the sender down, and nothing is lost', async () => {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  let handled = 0;
  const message = async (): Promise<void> => {
    await gate;
    handled++;
  };
  const world = await createWorld({}, { bob: { events: { message } } });
  const session = await open(world);
  const outcomes: boolean[] = [];
  for (let i = 0; i < 20; i++) {
    void session.send({ t: 'submit', entry: new Uint8Array(200_000) }).then((sent) => outcomes.push(sent.ok));
  }
  await world.clock.advance(1_000);
  expect(outcomes.length).toBeGreaterThan(5);
  expect(outcomes.length).toBeLessThan(12);
  expect(handled).toBe(0);
  for (let i = 0; i < 20; i++) void session.send({ t: 'submit', entry: new Uint8Array(250_000) });
  expect(await session.send({ t: 'submit', entry: new Uint8Array(250_000) })).toMatchObject({
    error: { code: 'busy' },
  });
  release();
  await world.clock.advance(1_000);
  expect(outcomes).toEqual(Array.from({ length: 20 }, () => true));
  expect(handled).toBeGreaterThanOrEqual(20);
  expect(session.state).toBe('open');
});

test('SE7: every record makes a frame of one of five lengths', async () => {
  const lengths = new Set<number>();
  const world = await createWorld({
    tamper: (frame) => {
      if (isSessionFrame(frame) && (frame[6]! & 0x7f) === 2) lengths.add(frame.length);
      return [frame];
    },
  });
  const session = await open(world);
  for (const length of [1, 100, 300, 900, 3_000, 10_000, 60_000, 150_000]) {
    void session.send({ t: 'submit', entry: new Uint8Array(length) });
  }
  await world.clock.advance(1_000);
  expect(world.bob.received).toHaveLength(8);
  expect([...lengths].sort((a, b) => a - b)).toEqual([256, 1_024, 4_096, 16_384, 65_536]);
});

test('SE8: when a peer leaves or the relay is lost, both sides hear why', async () => {
  const world = await createWorld();
  const session = await open(world);
  await world.clock.advance(100);
  world.bob.room.close();
  expect(world.bob.closed).toMatchObject([{ code: 'offline' }]);
  expect((await session.send({ t: 'seen', id: MANIFEST })).ok).toBe(true);
  await world.clock.advance(100);
  expect(world.alice.closed).toMatchObject([{ code: 'peer_gone' }]);
  expect(await session.send({ t: 'seen', id: MANIFEST })).toMatchObject({ error: { code: 'peer_gone' } });
});

test('SE8: a node that forgot a session says so', async () => {
  const world = await createWorld();
  const session = await open(world);
  await world.clock.advance(100);
  world.bob.opened[0]!.end('closed', 'forgotten by the test');
  void session.send({ t: 'seen', id: MANIFEST });
  await world.clock.advance(100);
  expect(world.alice.closed).toMatchObject([{ code: 'unknown_session' }]);
});

const SENT: readonly SessionMessage[] = [
  { t: 'submit', entry: new Uint8Array(700).fill(1) },
  { t: 'pin', manifest: MANIFEST, handle: 'alice', name: 'blog' },
  { t: 'submit', entry: new Uint8Array(70_000).fill(2) },
  { t: 'seen', id: MANIFEST },
];

/** Runs a whole session against an attacker on the wire; what came out must be a beginning of what went in. */
async function runAttacked(attack: (frame: Uint8Array, index: number) => readonly Uint8Array[], seed = 5) {
  let index = 0;
  const world = await createWorld({
    seed,
    tamper: (frame, direction) =>
      direction === 'to_relay' && isSessionFrame(frame) ? attack(frame, index++) : [frame],
  });
  const outcome = await dial(world);
  if (outcome.ok) {
    for (const message of SENT) void outcome.value.send(message);
    await world.clock.advance(11_000);
    // Whatever was lost on the way shows with the next record.
    if (outcome.value.state === 'open') void outcome.value.send({ t: 'held', manifest: MANIFEST });
    for (const session of world.bob.host.sessions) void session.send({ t: 'held', manifest: MANIFEST });
    await world.clock.advance(11_000);
  }
  const { received } = world.bob;
  expect(received).toEqual([...SENT, { t: 'held', manifest: MANIFEST }].slice(0, received.length));
  const untouched = outcome.ok && world.alice.closed.length === 0 && world.bob.closed.length === 0;
  return { noticed: !untouched, frames: index };
}

/** Handshakes are slow: a fifth of the cases. */
const SESSION_CASES = Math.max(50, Math.floor(FUZZ_CASES / 5));

test('SE9: a relay that flips any bit of any session frame is noticed, and no message is altered', async () => {
  const calm = await runAttacked((frame) => [frame]);
  expect(calm.noticed).toBe(false);
  await fc.assert(
    fc.asyncProperty(fc.nat(calm.frames - 3), fc.nat(), fc.nat(7), async (target, place, bit) => {
      const { noticed } = await runAttacked((frame, index) => {
        if (index !== target) return [frame];
        const changed = frame.slice();
        // After the relay's own header: whom a frame goes to is the relay's to say.
        const at = FRAME_HEADER_BYTES + (place % (frame.length - FRAME_HEADER_BYTES));
        changed[at]! ^= 1 << bit;
        return [changed];
      });
      expect(noticed).toBe(true);
    }),
    { numRuns: SESSION_CASES },
  );
});

test('SE9: a frame repeated, dropped or swapped with the next is noticed, and no message is altered or repeated', async () => {
  const { frames } = await runAttacked((frame) => [frame]);
  for (let target = 0; target < frames - 2; target++) {
    const repeated = await runAttacked((frame, index) => (index === target ? [frame, frame.slice()] : [frame]));
    expect(repeated.noticed).toBe(true);
    const dropped = await runAttacked((frame, index) => (index === target ? [] : [frame]));
    expect(dropped.noticed).toBe(true);
    let held: Uint8Array | null = null;
    const swapped = await runAttacked((frame, index) => {
      if (index === target) held = frame;
      if (index === target) return [];
      const released = held;
      held = null;
      return released === null ? [frame] : [frame, released];
    });
    expect(swapped.noticed).toBe(true);
  }
});

test('SE9: frames of one session replayed into a later one are noticed', async () => {
  const recorded: Uint8Array[] = [];
  await runAttacked((frame) => {
    recorded.push(frame.slice());
    return [frame];
  });
  for (let target = 0; target < recorded.length; target++) {
    const replayed = await runAttacked((frame, index) => {
      if (index !== target) return [frame];
      // The relay's header, kind and session are those of the new one: only what was encrypted is old.
      const old = recorded[index]!.slice();
      old.set(frame.subarray(0, FRAME_HEADER_BYTES + 6));
      return [old];
    }, 6);
    expect(replayed.noticed).toBe(true);
  }
});
