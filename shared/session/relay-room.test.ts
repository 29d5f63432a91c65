import { expect, test } from 'vitest';
import { createMemoryRoom, type MemoryRoom } from '../../test/simulator/memory-room.ts';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { createSimulatedClock, type SimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog as silent } from '../../test/simulator/silent-log.ts';
import { cidFromDigest } from '../codec/cid.ts';
import { HAVE_TTL } from '../core/limits.ts';
import type { Link } from '../platform/ports.ts';
import type { RoomEvents } from './payload-room.ts';
import { RelayRoom, type RelayRoomOptions } from './relay-room.ts';
import { encodeError, encodeFound, encodeWelcome, type PeerId, SERVICE_READ, SERVICE_SEED } from './relay-wire.ts';

const manifest = cidFromDigest('dag-cbor', new Uint8Array(32).fill(1));

function start(seed = 1): {
  clock: SimulatedClock;
  relay: MemoryRoom;
  join: (services?: number, mode?: RelayRoomOptions['mode'], rest?: RelayRoomOptions['rest']) => RelayRoom;
} {
  const clock = createSimulatedClock();
  const random = createSeededRandom(seed);
  const relay = createMemoryRoom({ clock, random, delay: { min: 1, max: 20 } });
  const join = (services = 0, mode: RelayRoomOptions['mode'] = 'stay', rest: RelayRoomOptions['rest'] = () => null) =>
    new RelayRoom({
      connect: relay.connect,
      clock,
      random,
      services,
      log: silent,
      mode,
      rest,
    });
  return { clock, relay, join };
}

async function online(clock: SimulatedClock, ...rooms: RelayRoom[]): Promise<void> {
  for (const room of rooms) room.wake();
  await clock.advanceUntil(() => rooms.every((room) => room.online), 20_000);
  await clock.advance(100);
}

/** A link whose other end the test holds. */
function createHeldLink() {
  const sent: Uint8Array[] = [];
  let buffered = 0;
  let events: Parameters<Link['listen']>[0] | null = null;
  const link: Link = {
    send: (frame) => void sent.push(frame),
    buffered: () => buffered,
    close: () => undefined,
    listen: (given) => void (events = given),
  };
  return {
    link,
    sent,
    setBuffered: (bytes: number) => void (buffered = bytes),
    deliver: (frame: Uint8Array) => events!.frame(frame),
    end: () => events!.closed('ended'),
  };
}

/** A room whose link the test holds: connected, and not yet welcomed. */
async function createHeldRoom() {
  const clock = createSimulatedClock();
  const held = createHeldLink();
  const random = createSeededRandom(1);
  const room = new RelayRoom({ connect: () => Promise.resolve(held.link), clock, random, services: 0, log: silent });
  room.wake();
  await clock.advance(0);
  return { clock, held, room };
}

test('RL5: a room tells its members who serves, and forgets them when they leave', async () => {
  const { clock, join } = start();
  const seeder = join(SERVICE_SEED);
  const visitor = join();
  const reader = join(SERVICE_READ);
  await online(clock, seeder, visitor);
  expect(visitor.peers).toEqual([{ id: seeder.you, services: SERVICE_SEED }]);
  await online(clock, reader);
  expect(visitor.peers).toHaveLength(2);
  const left: PeerId[] = [];
  visitor.subscribe({ gone: (peer) => left.push(peer) });
  const you = seeder.you!;
  seeder.close();
  await clock.advance(100);
  expect(left).toEqual([you]);
  expect(visitor.peers).toEqual([{ id: reader.you, services: SERVICE_READ }]);
});

test('RL3: payloads arrive in order, and a sender learns that a peer is gone', async () => {
  const { clock, join } = start();
  const [alice, bob] = [join(), join()];
  await online(clock, alice, bob);
  const received: string[] = [];
  bob.subscribe({ payload: (from, payload) => received.push(`${from === alice.you}:${payload.join()}`) });
  for (let i = 0; i < 50; i++) expect(await alice.send(bob.you!, Uint8Array.of(9, i))).toBe('sent');
  await clock.advance(100);
  expect(received).toEqual(Array.from({ length: 50 }, (_, i) => `true:9,${i}`));
  const gone: PeerId[] = [];
  alice.subscribe({ gone: (peer) => gone.push(peer) });
  const lost = bob.you!;
  bob.close();
  await alice.send(lost, Uint8Array.of(1));
  await clock.advance(100);
  expect(gone).toEqual([lost]);
});

test('RL6: a seeder is found while it says have, also after its connection was cut', async () => {
  const { clock, relay, join } = start();
  const [seeder, visitor] = [join(SERVICE_SEED), join()];
  await online(clock, seeder, visitor);
  const find = async (): Promise<readonly PeerId[]> => {
    const found = visitor.find(manifest, 1_000);
    await clock.advance(1_000);
    return found;
  };
  expect(await find()).toEqual([]);
  seeder.have([manifest]);
  await clock.advance(100);
  expect(await find()).toEqual([seeder.you]);
  await clock.advance(3 * HAVE_TTL);
  expect(await find()).toEqual([seeder.you]);
  relay.cutAll();
  await clock.advance(20_000);
  expect(await find()).toEqual([seeder.you]);
  seeder.have([]);
  await clock.advance(100);
  expect(await find()).toEqual([]);
});

test('RL6: find gives up when nobody answers', async () => {
  const { clock, relay, join } = start();
  const visitor = join();
  relay.setOpen(false);
  const found = visitor.find(manifest, 3_000);
  await clock.advance(3_000);
  expect(await found).toEqual([]);
});

test('RL7: after a loss it connects again, in pauses that grow to five seconds and never beyond', async () => {
  const { clock, relay, join } = start();
  const room = join();
  const heard: string[] = [];
  room.subscribe({ online: () => heard.push('online'), offline: (because) => heard.push(`offline:${because}`) });
  await online(clock, room);
  await clock.advance(60_000);
  relay.setOpen(false);
  relay.cutAll();
  const before = relay.attempts;
  await clock.advance(60_000);
  const attempts = relay.attempts - before;
  expect(attempts).toBeGreaterThanOrEqual(12);
  expect(attempts).toBeLessThanOrEqual(30);
  expect(heard).toEqual(['online', 'offline:cut']);
  relay.setOpen(true);
  room.wake();
  await clock.advance(100);
  expect(heard).toEqual(['online', 'offline:cut', 'online']);
});

test('RL7: a room that may rest does so when it has been away for long, and looks at once when woken', async () => {
  const { clock, relay, join } = start();
  const room = join(0, 'stay', (away) => (away < 120_000 ? null : 60_000));
  await online(clock, room);
  relay.setOpen(false);
  relay.cutAll();
  await clock.advance(130_000);
  const attemptsIn = async (span: number): Promise<number> => {
    const before = relay.attempts;
    await clock.advance(span);
    return relay.attempts - before;
  };
  expect(await attemptsIn(600_000)).toBeLessThanOrEqual(10);
  room.wake();
  expect(await attemptsIn(20_000)).toBeGreaterThan(3);
  relay.setOpen(true);
  await clock.advance(6_000);
  expect(room.online).toBe(true);
});

test('RL7: an idle room sends nothing and sets no timer', async () => {
  const { clock, relay, join } = start();
  const room = join();
  await online(clock, room);
  const { frames } = relay;
  expect(clock.pending()).toBe(0);
  await clock.advance(3_600_000);
  expect(relay.frames).toBe(frames);
  expect(room.online).toBe(true);
});

test('RL7: a room on demand connects when it is asked, fails at once when the relay is away, and does not come back by itself', async () => {
  const { clock, relay, join } = start();
  const room = join(0, 'on_demand');
  await clock.advance(60_000);
  expect(relay.attempts).toBe(0);
  const first = room.whenOnline(5_000);
  await clock.advance(100);
  expect(await first).toBe(true);
  relay.setOpen(false);
  relay.cutAll();
  await clock.advance(60_000);
  expect(relay.attempts).toBe(1);
  const started = clock.now();
  const second = room.whenOnline(5_000);
  await clock.advance(0);
  expect(await second).toBe(false);
  expect(clock.now()).toBe(started);
  relay.setOpen(true);
  const third = room.whenOnline(5_000);
  await clock.advance(100);
  expect(await third).toBe(true);
});

test('RL7: a relay that never says WELCOME is given up, and a link that comes too late is closed', async () => {
  const clock = createSimulatedClock();
  const mute = createHeldLink();
  let closed = 0;
  const link = { ...mute.link, close: () => void closed++ };
  const room = new RelayRoom({
    connect: () => new Promise((resolve) => clock.after(15_000, () => resolve(link))),
    clock,
    random: createSeededRandom(1),
    services: 0,
    log: silent,
    mode: 'on_demand',
  });
  const joined = room.whenOnline(12_000);
  await clock.advance(20_000);
  expect(await joined).toBe(false);
  expect(closed).toBe(1);
});

test('RL8: what a full link cannot take waits in order, up to a bound; a sender is told', async () => {
  const { clock, held, room } = await createHeldRoom();
  held.deliver(encodeWelcome(1 as PeerId, []));
  held.setBuffered(10_000_000);
  const outcomes: string[] = [];
  for (let i = 0; i < 100; i++) {
    const payload = new Uint8Array(60_000).fill(i);
    void room.send(2 as PeerId, payload).then((outcome) => outcomes.push(outcome));
  }
  await clock.advance(1_000);
  expect(held.sent).toHaveLength(0);
  const refused = outcomes.length;
  expect(outcomes.every((outcome) => outcome === 'queue_full')).toBe(true);
  expect(refused).toBeGreaterThan(20);
  held.setBuffered(0);
  await clock.advance(10);
  expect(held.sent.map((frame) => frame[5])).toEqual(Array.from({ length: 100 - refused }, (_, i) => i));
  held.setBuffered(10_000_000);
  const waiting = room.send(2 as PeerId, Uint8Array.of(1));
  held.end();
  expect(await waiting).toBe('offline');
  expect(await room.send(2 as PeerId, Uint8Array.of(1))).toBe('offline');
});

test('RL8: a sender that the relay calls too fast pauses, and then goes on in order', async () => {
  const { clock, held, room } = await createHeldRoom();
  held.deliver(encodeWelcome(1 as PeerId, []));
  held.deliver(encodeError('peer_busy'));
  expect(await room.send(2 as PeerId, Uint8Array.of(0))).toBe('sent');
  held.deliver(encodeError('rate_limited'));
  const outcomes = [1, 2, 3].map((byte) => room.send(2 as PeerId, Uint8Array.of(byte)));
  await clock.advance(400);
  expect(held.sent).toHaveLength(1);
  await clock.advance(200);
  expect(await Promise.all(outcomes)).toEqual(['sent', 'sent', 'sent']);
  expect(held.sent.map((frame) => frame[5])).toEqual([0, 1, 2, 3]);
});

test('RL4: frames a relay has no business sending are dropped, and the room goes on', async () => {
  const clock = createSimulatedClock();
  const held = createHeldLink();
  const random = createSeededRandom(1);
  const room = new RelayRoom({ connect: () => Promise.resolve(held.link), clock, random, services: 0, log: silent });
  const told: string[] = [];
  const events: RoomEvents = {
    peer: () => told.push('peer'),
    gone: () => told.push('gone'),
    online: () => told.push('online'),
  };
  room.subscribe(events);
  room.wake();
  await clock.advance(0);
  held.deliver(encodeFound(5, []));
  expect(room.online).toBe(false);
  held.deliver(encodeWelcome(7 as PeerId, []));
  held.deliver(Uint8Array.of(0xff, 1, 2));
  held.deliver(new Uint8Array(0));
  held.deliver(encodeFound(5, []));
  held.deliver(encodeWelcome(8 as PeerId, [{ id: 3 as PeerId, services: 1 }]));
  expect(room.you).toBe(7);
  expect(room.peers).toEqual([]);
  expect(told).toEqual(['online']);
});

test('RL9: no relay can make a member remember peers without end', async () => {
  const { held, room } = await createHeldRoom();
  held.deliver(encodeWelcome(1 as PeerId, []));
  for (let id = 2; id < 5_000; id++) held.deliver(Uint8Array.of(0x12, 0, 0, id >>> 8, id & 255, SERVICE_READ));
  expect(room.peers.length).toBeLessThanOrEqual(256);
});

test('RL9: peers that came early hide nobody who comes late, and who proved itself stays', async () => {
  const { held, room } = await createHeldRoom();
  const known = 9 as PeerId;
  held.deliver(encodeWelcome(1 as PeerId, [{ id: known, services: SERVICE_READ }]));
  room.proven.add(known);
  const arrive = (id: number) => held.deliver(Uint8Array.of(0x12, 0, 0, id >>> 8, id & 255, SERVICE_READ));
  for (let id = 1_000; id < 1_300; id++) arrive(id);
  arrive(5_000);
  expect(room.peers.map(({ id }) => id)).toContain(5_000);
  for (let id = 10_000; id < 15_000; id++) arrive(id);
  expect(room.peers.map(({ id }) => id)).toContain(known);
  expect(room.peers).toHaveLength(256);
});
