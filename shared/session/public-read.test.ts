import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createMemoryRoom, type MemoryRoomOptions } from '../../test/simulator/memory-room.ts';
import { createSeededRandom, type SeededRandom } from '../../test/simulator/seeded-random.ts';
import { createSimulatedClock, type SimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog as silent } from '../../test/simulator/silent-log.ts';
import { cidFromDigest, type Cid } from '../codec/cid.ts';
import { BLOB_LEAF_BYTES, MANIFEST_BYTES_MAX } from '../core/limits.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { FeedId, PublicKey } from '../crypto/ids.ts';
import { CHANNEL_ANSWER, CHANNEL_REQUEST } from './payload-room.ts';
import { PlainChannel } from './plain-channel.ts';
import { PublicReadClient, type ReadFailure } from './public-read-client.ts';
import {
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  READ_WINDOW_BYTES,
  type ReadAnswer,
} from './public-read-messages.ts';
import { PublicReadServer, type PublicReadSource } from './public-read-server.ts';
import { RelayRoom } from './relay-room.ts';
import { SERVICE_READ, type PeerId } from './relay-wire.ts';

type World = {
  readonly clock: SimulatedClock;
  readonly random: SeededRandom;
  readonly reader: RelayRoom;
  readonly node: RelayRoom;
  readonly client: PublicReadClient;
  readonly peer: PeerId;
};

/** What is larger than a leaf is a manifest. */
function cidOf(bytes: Uint8Array): Cid {
  return cidFromDigest(
    bytes.length > BLOB_LEAF_BYTES ? 'dag-cbor' : 'raw',
    createHash('sha256').update(bytes).digest(),
  );
}

async function createWorld(given: Partial<MemoryRoomOptions> = {}): Promise<World> {
  const clock = createSimulatedClock();
  const random = createSeededRandom(3);
  const relay = createMemoryRoom({ clock, random, delay: { min: 1, max: 5 }, ...given });
  const join = (services: number) => new RelayRoom({ connect: relay.connect, clock, random, services, log: silent });
  const [reader, node] = [join(0), join(SERVICE_READ)];
  reader.wake();
  node.wake();
  await clock.advance(1_000);
  return { clock, random, reader, node, client: new PublicReadClient({ room: reader, clock }), peer: node.you! };
}

function serve(world: World, blocks: readonly Uint8Array[], more: Partial<PublicReadSource> = {}): PublicReadServer {
  const byCid = new Map(blocks.map((bytes) => [cidOf(bytes), bytes]));
  const getBlocks = (cids: readonly Cid[]) => Promise.resolve(cids.map((cid) => byCid.get(cid)));
  return new PublicReadServer({ room: world.node, clock: world.clock, log: silent, source: { getBlocks, ...more } });
}

/** A peer that answers whatever a test makes of a request. */
function serveLies(world: World, answers: (id: number) => readonly (ReadAnswer | Uint8Array)[]): void {
  const channels = { send: CHANNEL_ANSWER, receive: CHANNEL_REQUEST };
  const channel: PlainChannel = new PlainChannel(world.node, channels, {
    message(from, message) {
      const request = decodeRequest(message);
      if (!request.ok || !('id' in request.value) || request.value.t === 'stop') return;
      for (const answer of answers(request.value.id)) {
        void channel.send(from, answer instanceof Uint8Array ? answer : encodeAnswer(answer));
      }
    },
    gone: () => undefined,
    offline: () => undefined,
  });
}

/** Lets time pass until the promise settles. */
async function settled<T>(clock: SimulatedClock, promise: Promise<T>, most = 120_000): Promise<T> {
  let done = false;
  promise.then(
    () => (done = true),
    () => (done = true),
  );
  await clock.advanceUntil(() => done, most);
  return promise;
}

async function readAll(world: World, cids: readonly Cid[], timeout = 5_000) {
  const blocks = new Map<Cid, Uint8Array>();
  const outcome = await settled(
    world.clock,
    world.client.wantBlocks({ peer: world.peer, cids, timeout, onBlock: (cid, bytes) => void blocks.set(cid, bytes) }),
  );
  return { outcome, blocks };
}

function codeOf(outcome: Result<unknown, ReadFailure>): string {
  return outcome.ok ? 'ok' : outcome.error.code;
}

test('PR4: 1,000 small blocks arrive whole, packed in few messages', async () => {
  let frames = 0;
  const world = await createWorld({
    tamper: (frame, direction) => {
      if (direction === 'to_client' && frame[0] === 1) frames++;
      return [frame];
    },
  });
  const blocks = Array.from({ length: 1_000 }, (_, i) => world.random.bytes(i * 4));
  const server = serve(world, blocks);
  const { outcome, blocks: read } = await readAll(world, blocks.map(cidOf));
  expect(outcome).toEqual({ ok: true, value: { missing: [] } });
  expect(read.size).toBe(1_000);
  for (const [cid, bytes] of read) expect(cidOf(bytes)).toBe(cid);
  const total = blocks.reduce((sum, block) => sum + block.length, 0);
  expect(server.served).toEqual({ blocks: 1_000, bytes: total });
  expect(frames).toBeLessThan(2 * (total / 60_000) + 20);
});

test('PR4: a manifest of 4 MiB is streamed like any block, each in a buffer of its own', async () => {
  const world = await createWorld();
  const manifest = world.random.bytes(MANIFEST_BYTES_MAX);
  const small = world.random.bytes(10);
  serve(world, [manifest, small]);
  const { outcome, blocks } = await readAll(world, [cidOf(manifest), cidOf(small)]);
  expect(outcome.ok).toBe(true);
  expect(Buffer.compare(blocks.get(cidOf(manifest))!, manifest)).toBe(0);
  expect(blocks.get(cidOf(small))!.buffer.byteLength).toBe(10);
});

test('PR4: what a peer does not have is named, the rest is read', async () => {
  const world = await createWorld();
  const blocks = Array.from({ length: 20 }, () => world.random.bytes(100_000));
  serve(
    world,
    blocks.filter((_, i) => i % 2 === 0),
  );
  const { outcome, blocks: read } = await readAll(world, blocks.map(cidOf));
  expect(outcome).toEqual({ ok: true, value: { missing: blocks.filter((_, i) => i % 2 === 1).map(cidOf) } });
  expect(read.size).toBe(10);
});

test('PR5: no more than a window is under way, and a slow reader slows the peer down', async () => {
  const world = await createWorld();
  const blocks = Array.from({ length: 40 }, () => world.random.bytes(200_000));
  const server = serve(world, blocks);
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  let read = 0;
  const wanted = world.client.wantBlocks({
    peer: world.peer,
    cids: blocks.map(cidOf),
    timeout: 20_000,
    onBlock: async () => {
      await gate;
      read++;
    },
  });
  await world.clock.advance(10_000);
  expect(server.served.bytes).toBeGreaterThan(READ_WINDOW_BYTES / 2);
  expect(server.served.bytes).toBeLessThan(2 * READ_WINDOW_BYTES);
  expect(read).toBe(0);
  release();
  expect((await settled(world.clock, wanted)).ok).toBe(true);
  expect(read).toBe(40);
});

test('PR5: a reader that never says more gets one window and no further byte', async () => {
  const world = await createWorld();
  const blocks = Array.from({ length: 100 }, () => world.random.bytes(256 * 1024));
  const server = serve(world, blocks);
  world.client.close();
  const mute = new PlainChannel(
    world.reader,
    { send: CHANNEL_REQUEST, receive: CHANNEL_ANSWER },
    { message: () => undefined, gone: () => undefined, offline: () => undefined },
  );
  for (let id = 0; id < 20; id++) {
    void mute.send(world.peer, encodeRequest({ t: 'want', id, cids: blocks.map(cidOf) }));
  }
  await world.clock.advance(120_000);
  expect(server.served.bytes).toBeLessThanOrEqual(READ_WINDOW_BYTES);
});

test('PR6: a peer that leaves fails its wants at once, and offline fails all', async () => {
  const world = await createWorld();
  serveLies(world, () => []);
  const want = { peer: world.peer, cids: [cidOf(Uint8Array.of(1))], timeout: 60_000, onBlock: () => undefined };
  const first = world.client.wantBlocks(want);
  await world.clock.advance(1_000);
  const before = world.clock.now();
  world.node.close();
  expect(codeOf(await settled(world.clock, first))).toBe('peer_gone');
  expect(world.clock.now() - before).toBeLessThan(1_000);
  expect(codeOf(await settled(world.clock, world.client.wantBlocks(want)))).toBe('peer_gone');
  const second = world.client.resolve({ peer: world.peer, key: 'handles/a', timeout: 60_000 });
  world.reader.close();
  expect(codeOf(await settled(world.clock, second))).toBe('offline');
  expect(codeOf(await settled(world.clock, world.client.wantBlocks(want)))).toBe('offline');
});

test('PR6: silence and empty answers both end in a timeout', async () => {
  for (const answers of [
    () => [],
    (id: number) => [{ t: 'parts', id, parts: [], missing: [], done: false } as const],
  ]) {
    const world = await createWorld();
    serveLies(world, answers);
    const { outcome } = await readAll(world, [cidOf(Uint8Array.of(1))], 5_000);
    expect(codeOf(outcome)).toBe('timeout');
  }
});

test('PR6: parts out of order, too large, twice, or not asked for are a bad answer', async () => {
  const part = { i: 0, at: 0, size: 4, bytes: Uint8Array.of(1, 2) };
  const parts = (id: number, list: readonly (typeof part)[], rest: { missing?: number[]; done?: boolean } = {}) =>
    ({ t: 'parts', id, parts: list, missing: rest.missing ?? [], done: rest.done ?? false }) as const;
  const lies: ((id: number) => ReadAnswer | Uint8Array)[] = [
    (id) => parts(id, [{ ...part, at: 2 }]),
    (id) => parts(id, [part, { ...part, at: 1 }]),
    (id) => parts(id, [part, { ...part, at: 2, size: 5 }]),
    (id) => parts(id, [part, { ...part, at: 2, bytes: Uint8Array.of(1, 2, 3) }]),
    (id) => parts(id, [{ ...part, i: 1 }]),
    (id) => parts(id, [{ ...part, size: MANIFEST_BYTES_MAX + 1 }]),
    (id) =>
      parts(id, [
        { ...part, size: 2 },
        { ...part, size: 2 },
      ]),
    (id) => parts(id, [part, { ...part, at: 2, bytes: new Uint8Array(0) }]),
    (id) => parts(id, [], { missing: [1] }),
    (id) => parts(id, [], { missing: [0, 0] }),
    (id) => parts(id, [part], { missing: [0] }),
    (id) => parts(id, [part], { done: true }),
    (id) => parts(id, [], { done: true }),
    (id) => ({ t: 'blockList', id, blocks: [], height: 1 }),
    () => Uint8Array.of(0xff),
  ];
  for (const lie of lies) {
    const world = await createWorld();
    serveLies(world, (id) => [lie(id)]);
    const { outcome } = await readAll(world, [cidOf(Uint8Array.of(1))]);
    expect(codeOf(outcome)).toBe('bad_answer');
  }
});

test('PR6: an answer counts only from the peer that was asked', async () => {
  const world = await createWorld();
  serveLies(world, () => []);
  const stranger = new PlainChannel(
    world.node,
    { send: CHANNEL_ANSWER, receive: CHANNEL_REQUEST },
    { message: () => undefined, gone: () => undefined, offline: () => undefined },
  );
  const absent = (world.peer ^ 1) as PeerId;
  const resolved = world.client.resolve({ peer: absent, key: 'handles/a', timeout: 5_000 });
  for (let id = 0; id < 5; id++) {
    void stranger.send(world.reader.you!, encodeAnswer({ t: 'resolved', id, resolution: Uint8Array.of(1) }));
  }
  expect(codeOf(await settled(world.clock, resolved))).toBe('peer_gone');
});

test('PR6: a reader can end a want early; what it throws comes back to it', async () => {
  const world = await createWorld();
  const blocks = Array.from({ length: 200 }, () => world.random.bytes(100_000));
  const server = serve(world, blocks);
  const want = { peer: world.peer, cids: blocks.map(cidOf), timeout: 5_000 };
  expect(codeOf(await settled(world.clock, world.client.wantBlocks({ ...want, onBlock: () => false })))).toBe(
    'stopped',
  );
  await world.clock.advance(10_000);
  expect(server.served.bytes).toBeLessThan(5_000_000);
  const thrown = world.client.wantBlocks({ ...want, onBlock: () => Promise.reject(new Error('disk full')) });
  await expect(settled(world.clock, thrown)).rejects.toThrow('disk full');
  const { outcome } = await readAll(world, want.cids);
  expect(outcome.ok).toBe(true);
});

test('PR7: records, blocks and feed heads are answered, and so is their absence', async () => {
  const world = await createWorld();
  const device = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a' as PublicKey;
  const head = { feed: '0011223344556677' as FeedId, seq: 4, head: cidOf(Uint8Array.of(4)) };
  const chain = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)];
  serve(world, [], {
    resolve: (key) =>
      Promise.resolve(key === 'handles/a' ? ok(Uint8Array.of(7)) : fail('handle_unknown', 'nobody has it')),
    blocks: ({ from, max }) => Promise.resolve({ blocks: chain.slice(from - 1, from - 1 + max), height: 3 }),
    feedHead: (asked) => Promise.resolve(asked === device ? head : null),
  });
  const { clock, client, peer } = world;
  const timeout = 5_000;
  expect(await settled(clock, client.resolve({ peer, timeout, key: 'handles/a' }))).toEqual(ok(Uint8Array.of(7)));
  expect(await settled(clock, client.resolve({ peer, timeout, key: 'handles/b' }))).toEqual(
    fail('not_found', 'handle_unknown'),
  );
  const two = await settled(clock, client.blocks({ peer, timeout, from: 2, max: 5 }));
  expect(two).toEqual(ok({ blocks: chain.slice(1), height: 3 }));
  expect(await settled(clock, client.feedHead({ peer, timeout, device }))).toEqual(ok(head));
});

test('PR7: what a node does not offer it refuses', async () => {
  const world = await createWorld();
  serve(world, []);
  const asked = { peer: world.peer, timeout: 5_000, key: 'handles/a' };
  expect(await settled(world.clock, world.client.resolve(asked))).toMatchObject({
    error: { code: 'refused', because: expect.stringContaining('not_offered') as string },
  });
});

test('PR7: a source that throws is a refusal, and the node goes on', async () => {
  const world = await createWorld();
  serve(world, [], {
    resolve: () => Promise.reject(new Error('disk')),
    getBlocks: () => Promise.reject(new Error('disk')),
  });
  const asked = { peer: world.peer, timeout: 5_000, key: 'handles/a' };
  expect(codeOf(await settled(world.clock, world.client.resolve(asked)))).toBe('refused');
  expect(codeOf((await readAll(world, [cidOf(Uint8Array.of(1))])).outcome)).toBe('refused');
});

test('PR8: as many certified blocks as fit a message come in it; one that fits none is streamed', async () => {
  const world = await createWorld();
  const chain = [world.random.bytes(3_000_000), world.random.bytes(600_000), world.random.bytes(600_000)];
  serve(world, [], {
    blocks: ({ from, max }) => Promise.resolve({ blocks: chain.slice(from - 1, from - 1 + max), height: 3 }),
  });
  const ask = (from: number) =>
    settled(world.clock, world.client.blocks({ peer: world.peer, timeout: 5_000, from, max: 10 }));
  for (const from of [1, 2, 3]) {
    const outcome = await ask(from);
    expect(outcome.ok && outcome.value.height).toBe(3);
    expect(outcome.ok && outcome.value.blocks.map((block) => Buffer.compare(block, chain[from - 1]!))).toEqual([0]);
  }
});

test('PR9: control requests are limited to 100 a minute and peer; wants are not counted', async () => {
  const world = await createWorld();
  const block = world.random.bytes(10);
  serve(world, [block], { resolve: () => Promise.resolve(ok(Uint8Array.of(1))) });
  const ask = () => world.client.resolve({ peer: world.peer, key: 'handles/a', timeout: 5_000 });
  const outcomes = await settled(world.clock, Promise.all(Array.from({ length: 150 }, ask)));
  const refused = outcomes.filter((outcome) => !outcome.ok).length;
  expect(refused).toBeGreaterThanOrEqual(49);
  expect(refused).toBeLessThanOrEqual(50);
  expect(outcomes.find((outcome) => !outcome.ok)).toMatchObject({
    error: { code: 'refused', because: expect.stringContaining('rate_limited') as string },
  });
  for (let i = 0; i < 200; i++) expect((await readAll(world, [cidOf(block)])).outcome.ok).toBe(true);
  await world.clock.advance(60_000);
  expect((await settled(world.clock, ask())).ok).toBe(true);
});

test('PR4: a want of many manifests does not make a node hold more than one of them at a time', async () => {
  const world = await createWorld();
  const small = Array.from({ length: 40 }, (_, at) => Uint8Array.of(at));
  const large = Array.from({ length: 20 }, (_, at) => cidFromDigest('dag-cbor', new Uint8Array(32).fill(at)));
  const asked: number[] = [];
  const getBlocks = (cids: readonly Cid[]) => {
    asked.push(cids.filter((cid) => large.includes(cid)).length);
    return Promise.resolve(cids.map(() => new Uint8Array(1_000)));
  };
  serve(world, [], { getBlocks });
  const { outcome, blocks } = await readAll(world, [...small.map(cidOf), ...large]);
  expect(outcome.ok).toBe(true);
  expect(blocks.size).toBe(60);
  expect(Math.max(...asked)).toBe(1);
});

test('CT1: a peer that announces a leaf larger than leaves are has failed before it has sent it', async () => {
  const world = await createWorld();
  const size = BLOB_LEAF_BYTES + 1;
  const part = { i: 0, at: 0, size, bytes: new Uint8Array(1_000) };
  serveLies(world, (id) => [{ t: 'parts', id, parts: [part], missing: [], done: false }]);
  const { outcome } = await readAll(world, [cidOf(Uint8Array.of(1))]);
  expect(outcome).toMatchObject({ error: { code: 'bad_answer' } });
});
