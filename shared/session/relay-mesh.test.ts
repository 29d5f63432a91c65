import { describe, expect, test } from 'vitest';
import { createMemoryRoom, type MemoryRoom } from '../../test/simulator/memory-room.ts';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog as silent } from '../../test/simulator/silent-log.ts';
import { openFileSql } from '../../worker/deno/file-sql.ts';
import { LOOPBACK_POLICY } from '../../worker/policy.ts';
import { MAIL_TTL, MailShelf } from '../../worker/relay/mail-shelf.ts';
import { cidFromDigest } from '../codec/cid.ts';
import { mailAddressOf, MAILS_PER_ADDRESS_MAX } from './mail-wire.ts';
import type { RelayAddress } from './relay-address.ts';
import { createRelayMesh, type RelayMesh } from './relay-mesh.ts';
import { isRoomPeer, SERVICE_READ, SERVICE_SEED, type PeerId } from './relay-wire.ts';
import type { RoomId } from './room.ts';

const A = 'wss://a.example' as RelayAddress;
const B = 'wss://b.example' as RelayAddress;
const C = 'wss://c.example' as RelayAddress;
const manifest = cidFromDigest('dag-cbor', new Uint8Array(32).fill(1));
const roomOf = (shard: number): RoomId => shard.toString(16).padStart(32, '0') as RoomId;

/** Relays with as many rooms as are asked for. */
function start({ seed = 1, socketsPerRoom = 200 }: { seed?: number; socketsPerRoom?: number } = {}) {
  const clock = createSimulatedClock();
  const random = createSeededRandom(seed);
  const sql = openFileSql(':memory:');
  const rooms = new Map<string, MemoryRoom>();
  const down = new Set<RelayAddress>();
  const roomAt = (relay: RelayAddress, room: RoomId): MemoryRoom => {
    const name = `${relay}/${room}`;
    const known =
      rooms.get(name) ??
      createMemoryRoom({
        clock,
        random,
        delay: { min: 1, max: 20 },
        policy: { ...LOOPBACK_POLICY, socketsPerRoom },
        mail: new MailShelf({ sql, room: name }),
      });
    rooms.set(name, known);
    return known;
  };
  const kill = (relay: RelayAddress): void => {
    down.add(relay);
    for (const [name, room] of rooms) if (name.startsWith(relay)) room.cutAll();
  };
  const join = (relays: readonly RelayAddress[] | (() => readonly RelayAddress[]), services = 0): RelayMesh => {
    const mesh = createRelayMesh({
      relays: typeof relays === 'function' ? relays : () => relays,
      roomOf,
      connect: (relay, room) => (down.has(relay) ? Promise.reject(new Error('down')) : roomAt(relay, room).connect()),
      clock,
      random,
      services,
      log: silent,
    });
    mesh.wake();
    return mesh;
  };
  const settle = async (...meshes: RelayMesh[]): Promise<void> => {
    await clock.advanceUntil(() => meshes.every((mesh) => mesh.relays.every(({ online }) => online)), 20_000);
    await clock.advance(200);
  };
  return { clock, join, settle, kill, revive: (relay: RelayAddress) => down.delete(relay) };
}

function listen(mesh: RelayMesh) {
  const heard = { payloads: [] as { from: PeerId; text: string }[], gone: [] as PeerId[], states: [] as string[] };
  mesh.subscribe({
    payload: (from, payload) => heard.payloads.push({ from, text: String(payload[0]) }),
    gone: (peer) => heard.gone.push(peer),
    online: () => heard.states.push('online'),
    offline: () => heard.states.push('offline'),
  });
  return heard;
}

describe('RL12: a room on two relays', () => {
  test('everybody is seen once per relay, under numbers of their own', async () => {
    const { join, settle } = start();
    const [server, client] = [join([A, B], SERVICE_SEED), join([A, B])];
    await settle(server, client);
    expect(client.peers).toHaveLength(2);
    expect(new Set(client.peers.map(({ id }) => id)).size).toBe(2);
    expect(client.peers.map(({ id }) => client.relayOf(id)).toSorted()).toEqual([A, B]);
    const heard = listen(server);
    for (const { id } of client.peers) expect(await client.send(id, Uint8Array.of(7))).toBe('sent');
    await settle();
    expect(heard.payloads.map(({ text }) => text)).toEqual(['7', '7']);
    expect(new Set(heard.payloads.map(({ from }) => from)).size).toBe(2);
    expect(heard.payloads.some(({ from }) => isRoomPeer(from))).toBe(false);
  });

  test('who is on one relay in common is reached', async () => {
    const { join, settle } = start();
    const [server, client] = [join([A, B], SERVICE_SEED), join([B, C])];
    await settle(server, client);
    expect(client.peers.map(({ id }) => client.relayOf(id))).toEqual([B]);
  });

  test('find asks all relays, and does not name this node itself', async () => {
    const { clock, join, settle } = start();
    const [server, client] = [join([A, B], SERVICE_SEED), join([A, B], SERVICE_SEED)];
    await settle(server, client);
    for (const mesh of [server, client]) mesh.have([manifest]);
    await settle();
    const found = client.find(manifest, 1_000);
    await clock.advance(1_000);
    const ids = client.peers.map(({ id }) => id);
    expect([...(await found)].toSorted()).toEqual(ids.toSorted());
  });

  test('a new relay on the list is joined, one that is gone from it is left', async () => {
    const { join, settle } = start();
    let relays = [A];
    const [server, client] = [join([A, B], SERVICE_SEED), join(() => relays)];
    await settle(server, client);
    const heard = listen(client);
    const [before] = client.peers;
    relays = [B];
    client.update();
    await settle(client);
    expect(client.relays.map(({ relay }) => relay)).toEqual([B]);
    expect(client.peers.map(({ id }) => client.relayOf(id))).toEqual([B]);
    expect(client.peers[0]!.id).not.toBe(before!.id);
    expect(heard.states.at(-1)).toBe('online');
  });
});

describe('RL12: when a relay dies', () => {
  test('its peers are gone, the others are announced again, and the room stays online', async () => {
    const { clock, join, settle, kill } = start();
    const [server, client] = [join([A, B], SERVICE_SEED), join([A, B])];
    await settle(server, client);
    const lost = client.peers.find(({ id }) => client.relayOf(id) === A)!;
    const left = client.peers.find(({ id }) => client.relayOf(id) === B)!;
    const heard = listen(client);
    const again: PeerId[] = [];
    client.subscribe({ peer: ({ id }) => again.push(id) });
    kill(A);
    await clock.advanceUntil(() => heard.gone.length > 0, 1_000);
    expect(heard.gone).toEqual([lost.id]);
    expect(again).toEqual([left.id]);
    expect(heard.states).toEqual([]);
    expect(client.online).toBe(true);
    expect(await client.send(lost.id, Uint8Array.of(1))).toBe('offline');
    expect(await client.send(left.id, Uint8Array.of(1))).toBe('sent');
  });

  test('and comes back, it is used again within 5 s of being there', async () => {
    const { clock, join, settle, kill, revive } = start();
    const [server, client] = [join([A, B], SERVICE_SEED), join([A, B])];
    await settle(server, client);
    kill(A);
    await clock.advance(60_000);
    revive(A);
    await clock.advance(5_000);
    expect(client.relays.map(({ online }) => online)).toEqual([true, true]);
    await settle(server, client);
    expect(client.peers).toHaveLength(2);
  });

  test('with the last one the room is offline, and online with the first that is back', async () => {
    const { clock, join, settle, kill, revive } = start();
    const mesh = join([A, B]);
    await settle(mesh);
    const heard = listen(mesh);
    kill(A);
    kill(B);
    await clock.advance(1_000);
    expect([mesh.online, heard.states]).toEqual([false, ['offline']]);
    revive(B);
    await clock.advance(5_000);
    expect([mesh.online, heard.states]).toEqual([true, ['offline', 'online']]);
  });

  test('a message that it accepted and lost is the sender’s to repeat: seeds with deaths at any moment lose none', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { clock, join, settle, kill, revive } = start({ seed });
      const [server, client] = [join([A, B], SERVICE_SEED), join([A, B])];
      await settle(server, client);
      const received = new Set<number>();
      const acknowledged = new Set<number>();
      server.subscribe({
        payload(from, payload) {
          received.add(payload[0]!);
          void server.send(from, payload.slice());
        },
      });
      client.subscribe({ payload: (_, payload) => void acknowledged.add(payload[0]!) });
      // What a session does: whatever is not acknowledged is sent again to whoever is there.
      for (let number = 0; number < 60; number++) {
        if (number === 20) kill(seed % 2 === 0 ? A : B);
        if (number === 40) revive(seed % 2 === 0 ? A : B);
        for (let tries = 0; !acknowledged.has(number) && tries < 50; tries++) {
          const peer = client.peers[tries % Math.max(1, client.peers.length)];
          if (peer) void client.send(peer.id, Uint8Array.of(number));
          await clock.advance(60);
        }
      }
      expect([received.size, acknowledged.size], `seed ${seed}`).toEqual([60, 60]);
    }
  });
});

describe('RL13: shards', () => {
  test('who finds a room full goes on to the next; full nodes are in all, so that everybody reaches them', async () => {
    const { clock, join, settle } = start({ socketsPerRoom: 4 });
    const server = join([A], SERVICE_READ);
    await settle(server);
    const tabs: RelayMesh[] = [];
    for (let i = 0; i < 8; i++) {
      const tab = join([A], SERVICE_SEED);
      tabs.push(tab);
      await clock.advance(3_000);
    }
    const shards = tabs.map((tab) => tab.relays.map(({ shard }) => shard));
    expect(shards).toEqual([[0], [0], [0], [1], [1], [1], [2], [2]]);
    expect(server.relays.map(({ shard, online }) => [shard, online])).toEqual([
      [0, true],
      [1, true],
      [2, true],
    ]);
    for (const tab of tabs) {
      expect(tab.peers.filter(({ services }) => services === SERVICE_READ)).toHaveLength(1);
    }
  });

  test('a full node that comes later hears of the next shard too', async () => {
    const { clock, join } = start({ socketsPerRoom: 2 });
    for (let i = 0; i < 3; i++) {
      join([A]);
      await clock.advance(1_000);
    }
    const server = join([A], SERVICE_READ);
    await clock.advance(1_000);
    expect(server.relays.map(({ shard }) => shard)).toEqual([0, 1]);
  });

  test('who lost a later shard looks for a place from the first again', async () => {
    const { clock, join, kill, revive } = start({ socketsPerRoom: 1 });
    const first = join([A]);
    await clock.advance(1_000);
    const second = join([A]);
    await clock.advance(1_000);
    expect(second.relays.map(({ shard }) => shard)).toEqual([1]);
    first.close();
    kill(A);
    revive(A);
    await clock.advance(10_000);
    expect(second.relays).toEqual([{ relay: A, shard: 0, online: true }]);
  });
});

describe('RL14: mail', () => {
  const address = mailAddressOf(new Uint8Array(32).fill(5));
  const letter = (number: number): Uint8Array => new Uint8Array(300).fill(number);

  /** Runs the clock until `work` is through. */
  async function run<T>(clock: ReturnType<typeof start>['clock'], work: Promise<T>): Promise<T> {
    let through = false;
    void work.finally(() => (through = true));
    await clock.advanceUntil(() => through, 10_000);
    return await work;
  }

  test('rests on both relays while its receiver is away, comes once, and goes when it was dropped', async () => {
    const { clock, join, settle, kill } = start();
    const sender = join([A, B]);
    await settle(sender);
    for (const number of [1, 2]) expect(await run(clock, sender.postMail(address, letter(number)))).toBe(true);
    sender.close();
    const receiver = join([A, B]);
    await settle(receiver);
    expect(await run(clock, receiver.takeMail(address))).toEqual([letter(1), letter(2)]);
    expect(await run(clock, receiver.takeMail(mailAddressOf(new Uint8Array(32))))).toEqual([]);
    kill(A);
    await clock.advance(100);
    expect(await run(clock, receiver.takeMail(address))).toEqual([letter(1), letter(2)]);
    await run(clock, receiver.dropMail(address, [letter(1)]));
    expect(await run(clock, receiver.takeMail(address))).toEqual([letter(2)]);
  });

  test('is bounded per address, and gone after two weeks', async () => {
    const { clock, join, settle } = start();
    const mesh = join([A]);
    await settle(mesh);
    for (let number = 0; number < MAILS_PER_ADDRESS_MAX; number++) {
      expect(await run(clock, mesh.postMail(address, letter(number)))).toBe(true);
    }
    expect(await run(clock, mesh.postMail(address, letter(0)))).toBe(true);
    expect(await run(clock, mesh.postMail(address, letter(200)))).toBe(false);
    expect(await run(clock, mesh.takeMail(address))).toHaveLength(MAILS_PER_ADDRESS_MAX);
    await clock.advance(MAIL_TTL);
    expect(await run(clock, mesh.takeMail(address))).toEqual([]);
  });
});
