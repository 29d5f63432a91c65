import { expect, test } from 'vitest';
import { createMemoryNetwork, type MemoryNetwork } from '../../test/simulator/memory-connector.ts';
import { createMemoryRoom, type MemoryRoom } from '../../test/simulator/memory-room.ts';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { createSimulatedClock, type SimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog } from '../../test/simulator/silent-log.ts';
import { pureVerifier } from '../../test/simulator/pure-verifier.ts';
import { cidFromDigest } from '../codec/cid.ts';
import { DirectLinks, type DirectLinksOptions } from './direct-links.ts';
import type { DirectConnector } from './direct-pipe.ts';
import { RelayRoom } from './relay-room.ts';
import { publicRoomId } from './room.ts';
import { SessionHost } from './session-host.ts';
import type { SessionMessage } from './session-messages.ts';
import type { Session } from './session.ts';
import { testNode } from './session.test-kit.ts';

const GROUP = cidFromDigest('dag-cbor', new Uint8Array(32).fill(3));
const WAIT = 60_000;

type Node = {
  readonly links: DirectLinks;
  readonly connector: DirectConnector & { broken: boolean };
  readonly relay: RelayRoom;
  readonly host: SessionHost;
  readonly received: SessionMessage[];
  readonly closed: string[];
  readonly rtc: SessionMessage[];
};
type World = {
  readonly clock: SimulatedClock;
  readonly network: MemoryNetwork;
  readonly room: MemoryRoom;
  nodes: Node[];
};
type NodeChange = Partial<DirectLinksOptions> & {
  /** What a man in the middle makes of descriptions this node takes. */
  readonly twist?: (sdp: string) => string;
};

async function createNode(world: World, byte: number, change: NodeChange): Promise<Node> {
  const { clock, network, room } = world;
  const { twist = (sdp: string) => sdp, ...more } = change;
  const random = createSeededRandom(byte);
  const self = await testNode(byte);
  const shared = {
    clock,
    random,
    log: silentLog,
    verifier: pureVerifier,
    group: GROUP,
    roomId: publicRoomId(GROUP),
    self,
  };
  const [received, closed, rtc]: [SessionMessage[], string[], SessionMessage[]] = [[], [], []];
  const connector = network.createConnector();
  const links = new DirectLinks({
    ...shared,
    connector,
    direct: 'members',
    mayConnect: () => true,
    events: {
      message: (_session, message) => void received.push(message),
      closed: (_session, end) => void closed.push(end.code),
    },
    ...more,
  });
  const relay = new RelayRoom({ connect: room.connect, clock, random, services: 0, log: silentLog });
  relay.wake();
  const host = new SessionHost({
    ...shared,
    room: relay,
    accepts: true,
    events: {
      open: (session) => links.relayOpened(session),
      closed: (session) => links.relayClosed(session),
      message: (session, message) => {
        if (message.t !== 'rtc') return;
        rtc.push(message);
        links.take(session, { ...message, sdp: twist(message.sdp) });
      },
    },
  });
  return { links, connector, relay, host, received, closed, rtc };
}

async function createWorld(...changes: NodeChange[]): Promise<World> {
  const clock = createSimulatedClock();
  const room = createMemoryRoom({ clock, random: createSeededRandom(1), delay: { min: 1, max: 20 } });
  const world: World = { clock, room, network: createMemoryNetwork(clock), nodes: [] };
  for (const [i, change] of changes.entries()) world.nodes.push(await createNode(world, i + 1, change));
  await clock.advance(100);
  return world;
}

/** The first dials the second over the relay. */
async function dial({ nodes, clock }: World): Promise<Session> {
  const dialled = nodes[0]!.host.dial(nodes[1]!.relay.you!);
  await clock.advance(500);
  const session = await dialled;
  if (!session.ok) throw new Error(session.error.code);
  return session.value;
}

const openOf = (world: World): number[] => world.nodes.map(({ links }) => links.sessions.length);
const bothOpen = (world: World) => (): boolean => openOf(world).every((count) => count === 1);

test('DL1, DL2: a session over a relay is followed by one direct session, and messages go both ways', async () => {
  const world = await createWorld({}, {});
  const { clock, nodes, network } = world;
  await dial(world);
  await clock.advanceUntil(bothOpen(world), WAIT);
  const [one, two] = nodes.map(({ links }) => links.sessions[0]!.session);
  expect([one!.via, two!.via]).toEqual(['direct', 'direct']);
  expect(one!.identity).toBe((await testNode(2)).identity);
  const message: SessionMessage = { t: 'submit', entry: new Uint8Array(200_000).fill(1) };
  for (const session of [one!, two!]) void session.send(message);
  await clock.advance(1_000);
  expect(nodes.map(({ received }) => received)).toEqual([[message], [message]]);
  expect(nodes.map(({ rtc }) => rtc.length).toSorted()).toEqual([1, 1]);
  expect(network.opened).toBe(1);
  // The one over the relay stays.
  expect(nodes[0]!.host.sessions).toHaveLength(1);
});

test('DL4: who swaps the fingerprints on the way is noticed, and nobody says who they are', async () => {
  const twist = (sdp: string): string => sdp.replace(/sha-256 (\w\w)/, 'sha-256 77');
  for (const changes of [
    [{ twist }, {}],
    [{}, { twist }],
    [{ twist }, { twist }],
  ] as const) {
    const world = await createWorld(...changes);
    await dial(world);
    await world.clock.advance(WAIT);
    expect(world.network.opened).toBeGreaterThan(0);
    expect(openOf(world)).toEqual([0, 0]);
    expect(world.nodes.map(({ closed }) => closed)).toEqual([[], []]);
  }
});

test('DL3: a description with two fingerprints is refused before a browser sees it', async () => {
  const twist = (sdp: string): string => sdp.replace(/(a=fingerprint.*)/, '$1\r\n$1');
  const world = await createWorld({ twist }, { twist });
  await dial(world);
  await world.clock.advance(WAIT);
  expect(world.network.opened).toBe(0);
  expect(openOf(world)).toEqual([0, 0]);
});

test('DL5: another device at the end of the direct link is refused', async () => {
  const nodes = await Promise.all([1, 2, 9, 10, 11, 12].map(testNode));
  const [first, second] = nodes.map(({ signer }) => signer.key);
  // One that would offer where the second does, and wait where it waits.
  const stranger = nodes.slice(2).find(({ signer }) => signer.key < first! === second! < first!)!;
  const world = await createWorld({}, { self: stranger });
  await dial(world);
  await world.clock.advance(WAIT);
  expect(world.network.opened).toBeGreaterThan(0);
  expect(openOf(world)).toEqual([0, 0]);
});

test('DL6: a lost direct session is opened again at once, and messages flow over the relay meanwhile', async () => {
  const world = await createWorld({}, {});
  const { clock, nodes, network } = world;
  const relayed = await dial(world);
  await clock.advanceUntil(bothOpen(world), WAIT);
  await clock.advance(15_000);
  network.cutAll();
  await clock.advance(1);
  expect(nodes.map(({ closed }) => closed)).toEqual([['offline'], ['offline']]);
  expect((await relayed.send({ t: 'held', manifest: GROUP })).ok).toBe(true);
  const lostAt = clock.now();
  await clock.advanceUntil(bothOpen(world), WAIT);
  expect(clock.now() - lostAt).toBeLessThan(2_000);
});

test('DL6: where no channel opens, attempts end after 20 s and grow rarer', async () => {
  const world = await createWorld({}, {});
  const { clock, network } = world;
  network.reachable = false;
  await dial(world);
  await clock.advance(60 * 60_000);
  expect(openOf(world)).toEqual([0, 0]);
  const offers = network.offers;
  expect(offers).toBeGreaterThan(10);
  expect(offers).toBeLessThan(50);
  network.reachable = true;
  await clock.advanceUntil(bothOpen(world), 10 * 60_000);
});

test('a host without direct links stays with the relay', async () => {
  for (const broken of [0, 1]) {
    const world = await createWorld({}, {});
    world.nodes[broken]!.connector.broken = true;
    const relayed = await dial(world);
    await world.clock.advance(WAIT);
    expect(openOf(world)).toEqual([0, 0]);
    expect(relayed.state).toBe('open');
  }
});

test('DL8: who turned direct links off, or may not connect, declines and is asked no more', async () => {
  for (const change of [{ direct: 'off' as const }, { mayConnect: () => false }]) {
    for (const changes of [
      [change, {}],
      [{}, change],
    ]) {
      const world = await createWorld(...changes);
      await dial(world);
      await world.clock.advance(10 * WAIT);
      expect(openOf(world)).toEqual([0, 0]);
      expect(world.network.offers).toBeLessThanOrEqual(1);
    }
  }
});

test('DL8: turning them off ends what is open', async () => {
  const world = await createWorld({}, {});
  const { clock, nodes } = world;
  const relayed = await dial(world);
  await clock.advanceUntil(bothOpen(world), WAIT);
  nodes[0]!.links.setMode('off');
  await clock.advance(10 * WAIT);
  expect(openOf(world)).toEqual([0, 0]);
  expect(relayed.state).toBe('open');
});

test('DL7: a direct session outlives the relay', async () => {
  const world = await createWorld({}, {});
  const { clock, nodes, room } = world;
  await dial(world);
  await clock.advanceUntil(bothOpen(world), WAIT);
  room.setOpen(false);
  room.cutAll();
  await clock.advance(WAIT);
  expect(openOf(world)).toEqual([1, 1]);
  const message: SessionMessage = { t: 'held', manifest: GROUP };
  void nodes[0]!.links.sessions[0]!.session.send(message);
  await clock.advance(100);
  expect(nodes[1]!.received).toEqual([message]);
});

test('DL2: answers and declines of another attempt are ignored', async () => {
  const world = await createWorld({}, {});
  const { clock, nodes } = world;
  const relayed = await dial(world);
  await clock.advanceUntil(bothOpen(world), WAIT);
  for (const kind of ['answer', 'decline'] as const) void relayed.send({ t: 'rtc', kind, attempt: 7, sdp: '' });
  await clock.advance(WAIT);
  expect(openOf(world)).toEqual([1, 1]);
  expect(nodes.map(({ closed }) => closed)).toEqual([[], []]);
});

test('DL2: a flood of offers is declined, and opens no more than its share', async () => {
  const world = await createWorld({}, {});
  const { clock, network } = world;
  const relayed = await dial(world);
  await clock.advanceUntil(bothOpen(world), WAIT);
  const [lower] = [await testNode(1), await testNode(2)].map(({ signer }) => signer.key).toSorted();
  const offerer = world.nodes.find((node) => node.links.sessions[0]!.session.device !== lower)!;
  const sender = offerer.host.sessions[0] ?? relayed;
  const before = network.offers;
  const { sdp } = await network.createConnector().offer();
  for (let attempt = 0; attempt < 100; attempt++) void sender.send({ t: 'rtc', kind: 'offer', attempt, sdp });
  await clock.advance(1_000);
  expect(network.offers - before).toBeLessThan(20);
});

test('nothing is left running when all is closed', async () => {
  const world = await createWorld({}, {});
  const { clock, nodes } = world;
  await dial(world);
  await clock.advanceUntil(bothOpen(world), WAIT);
  for (const { links, host, relay } of nodes) {
    links.close();
    host.close();
    relay.close();
  }
  await clock.advance(WAIT);
  expect(clock.pending()).toBe(0);
});
