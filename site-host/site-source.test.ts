// What a visitor believes about a site, and fetches of it: from a room of peers in memory and an edge that may lie.

import { expect, test } from 'vitest';
import { pureVerifier as verifier } from '../test/simulator/pure-verifier.ts';
import { createMemoryRoom } from '../test/simulator/memory-room.ts';
import { createMemoryDisk } from '../test/simulator/memory-store.ts';
import { createSeededRandom } from '../test/simulator/seeded-random.ts';
import { createSimulatedClock, type SimulatedClock } from '../test/simulator/simulated-clock.ts';
import { silentLog as log } from '../test/simulator/silent-log.ts';
import type { Cid } from '../shared/codec/cid.ts';
import { equalBytes } from '../shared/core/bytes.ts';
import { ok } from '../shared/core/result.ts';
import { sha256 } from '../shared/crypto/sha256.ts';
import type { BlobStore, Edge } from '../shared/platform/ports.ts';
import { StoreError } from '../shared/platform/ports.ts';
import { PublicReadClient } from '../shared/session/public-read-client.ts';
import { PublicReadServer } from '../shared/session/public-read-server.ts';
import { RelayRoom } from '../shared/session/relay-room.ts';
import { SERVICE_READ, SERVICE_SEED } from '../shared/session/relay-wire.ts';
import { createSiteWorld, type SiteWorld } from './site-source.test-kit.ts';
import { SiteSource, type RecordMemory } from './site-source.ts';
import { SiteVersion } from './site-source-version.ts';
import type { SiteNetwork } from './site-source-peers.ts';
import { visitSite } from './visit-site.ts';

/** Hashes and signatures at once: work in threads would not wait for a clock that a test moves. */
const hasher = { sha256: async (bytes: Uint8Array) => sha256(bytes) };
const FILES = {
  '/index.html': '<p>hello</p>',
  '/a.txt': 'a',
  '/big.bin': new Uint8Array(700_000).map((_, at) => at * 7),
};

function createMemory(): RecordMemory & { bytes: Uint8Array | undefined } {
  return {
    bytes: undefined,
    async load() {
      return this.bytes;
    },
    async save(bytes) {
      this.bytes = bytes;
    },
  };
}

type Lies = { resolve?: () => Promise<Uint8Array | null>; block?: (cid: string) => Uint8Array | null | undefined };

async function createSetting({ files = FILES }: { files?: Record<string, string | Uint8Array> } = {}) {
  const clock = createSimulatedClock(Date.now());
  const world = createSiteWorld({ now: clock.now() });
  const manifest = await world.publish(files);
  const lies: Lies = {};
  const asked: string[] = [];
  const edge: Edge = {
    resolve: () => lies.resolve?.() ?? world.resolution(clock.now()),
    async block(cid) {
      asked.push(cid);
      const lie = lies.block?.(cid);
      return lie === undefined ? (world.blocks.get(cid as Cid) ?? null) : lie;
    },
    blocks: () => Promise.reject(new Error('not asked for')),
    storeBlock: () => Promise.reject(new Error('not asked for')),
    feedHead: () => Promise.reject(new Error('not asked for')),
  };
  const network: SiteNetwork = { edge, room: null, reads: null };
  const memory = createMemory();
  const { group, genesis, site } = world;
  const createSource = (over: Partial<SiteNetwork> = {}): SiteSource =>
    new SiteSource({ group, genesis, site, clock, verifier, memory, network: { ...network, ...over } });
  const openVersion = (over: { blobs?: BlobStore; network?: SiteNetwork; isNew?: boolean } = {}) =>
    SiteVersion.open({ cid: manifest, blobs: createMemoryDisk().openBlobs(), clock, hasher, network, ...over });
  return { clock, world, manifest, lies, asked, edge, network, memory, createSource, openVersion };
}

/** Peers in one room of memory: each serves what it is told to. */
function createRoom(clock: SimulatedClock, world: SiteWorld) {
  const random = createSeededRandom(7);
  const memory = createMemoryRoom({ clock, random });
  const join = (services: number): RelayRoom =>
    new RelayRoom({ connect: () => memory.connect(), clock, random, services, log });
  return {
    async addPeer(manifest: Cid, change: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes): Promise<void> {
      const room = join(SERVICE_READ | SERVICE_SEED);
      const read = (cid: Cid): Uint8Array | undefined => {
        const bytes = world.blocks.get(cid);
        return bytes && change(bytes);
      };
      new PublicReadServer({
        room,
        clock,
        log,
        source: {
          getBlocks: async (cids) => cids.map(read),
          resolve: async () => ok(await world.resolution(clock.now())),
        },
      });
      room.wake();
      await clock.advanceUntil(() => room.online, 1_000);
      room.have([manifest]);
      await clock.advance(10);
    },
    async enter(): Promise<Pick<SiteNetwork, 'room' | 'reads'>> {
      const room = join(0);
      const reads = new PublicReadClient({ room, clock });
      room.wake();
      await clock.advanceUntil(() => room.online, 1_000);
      await clock.advance(10);
      return { room, reads };
    },
  };
}

/** 30 s in steps that are short beside every time-out. */
const STEP = 20;
const STEPS_MAX = 1_500;

/** Moves time on until `work` is done. */
async function finish<T>(clock: SimulatedClock, work: Promise<T>): Promise<T> {
  let done = false;
  const watched = work.finally(() => (done = true));
  watched.catch(() => undefined);
  for (let step = 0; step < STEPS_MAX && !done; step++) await clock.advance(STEP);
  expect(done, 'the work ends').toBe(true);
  return await watched;
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: number[] = [];
  for await (const chunk of chunks) for (const byte of chunk) parts.push(byte);
  return Uint8Array.from(parts);
}

const flip = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes, (byte, at) => (at === 0 ? byte ^ 1 : byte));

test('VS1: a record from the edge is verified, and says manifest, owner and generation', async () => {
  const { createSource, manifest, clock } = await createSetting();
  const source = createSource();
  const record = await finish(clock, source.check());
  expect(record.ok && source.read(record.value)).toMatchObject({
    ok: true,
    value: { manifest, seq: 1, generation: 1 },
  });
  expect(record.ok && record.value.from).toBe('edge');
});

test('VS1: with a lying edge the record comes from a peer; with nobody else its failure is named', async () => {
  const { createSource, manifest, world, lies, clock } = await createSetting();
  const forged = flip(await world.resolution(clock.now()));
  lies.resolve = async () => forged;
  const alone = await finish(clock, createSource().check());
  expect(alone).toMatchObject({ ok: false, error: { code: 'bad_encoding' } });
  const room = createRoom(clock, world);
  await room.addPeer(manifest);
  const source = createSource(await room.enter());
  expect(await finish(clock, source.check())).toMatchObject({ ok: true, value: { from: 'peer' } });
  expect(source.refused).toEqual([{ source: 'edge', code: 'bad_encoding' }]);
});

test('VS3: what was kept is verified again when it comes back, and nothing older replaces it', async () => {
  const { createSource, world, lies, memory, clock } = await createSetting();
  const old = await world.resolution(clock.now());
  await world.publish({ '/index.html': 'second' });
  const first = createSource();
  await finish(clock, first.check());
  await first.keep();

  const second = createSource();
  expect((await second.restore())?.resolved.height).toBe(world.height());
  lies.resolve = async () => old;
  expect(await finish(clock, second.check())).toMatchObject({ ok: false, error: { code: 'older_than_seen' } });
  expect(second.record?.resolved.height).toBe(world.height());

  memory.bytes = flip(memory.bytes!);
  const third = createSource();
  expect(await third.restore()).toBeNull();
  expect(third.refused).toEqual([{ source: 'disk', code: 'bad_encoding' }]);
});

test('VS3: a check that is faster than the disk does not make an older answer good', async () => {
  const { createSource, world, lies, clock } = await createSetting();
  const old = await world.resolution(clock.now());
  await world.publish({ '/index.html': 'second' });
  const first = createSource();
  await finish(clock, first.check());
  await first.keep();

  const second = createSource();
  lies.resolve = async () => old;
  await finish(clock, second.check());
  expect((await second.restore())?.resolved.height).toBe(world.height());
  expect(second.record).toMatchObject({ from: 'disk', checkedAt: 0 });
  expect(await finish(clock, second.check())).toMatchObject({ ok: false, error: { code: 'older_than_seen' } });
});

test('VS10: what was kept says who was here before, and a check that is faster than the disk does not', async () => {
  const { createSource, world, memory, clock } = await createSetting();
  const unknown = createSource();
  await finish(clock, unknown.check());
  expect(await unknown.restore()).toBeNull();
  await unknown.keep();

  world.setLease({ generation: 2 });
  await world.publish({ '/index.html': 'of the new owner' });
  const next = createSource();
  await finish(clock, next.check());
  const kept = await next.restore();
  expect(kept && next.generationOf(kept)).toBe(1);
  expect(next.record && next.generationOf(next.record)).toBe(2);
  await next.keep();
  expect(memory.bytes).toBe(next.record?.bytes);
});

test('VS3: offline the kept record stands, and says that it was only remembered', async () => {
  const { createSource, clock } = await createSetting();
  const first = createSource();
  await finish(clock, first.check());
  await first.keep();
  const offline = createSource({ edge: null });
  await offline.restore();
  expect(await finish(clock, offline.check())).toMatchObject({ ok: false, error: { code: 'waiting_for_network' } });
  expect(offline.record).toMatchObject({ from: 'disk', checkedAt: 0 });
});

test('VS4: lease and publication are judged by the clock of the reader, the generation always', async () => {
  const { createSource, world, clock } = await createSetting();
  const source = createSource();
  world.setLease({ generation: 4, lease: clock.now() + 60_000 });
  const held = await finish(clock, source.check());
  expect(held.ok && source.read(held.value).ok).toBe(true);
  await clock.advance(60_000);
  expect(held.ok && source.read(held.value)).toMatchObject({ ok: false, error: { code: 'lease_expired' } });
  expect(held.ok && source.generationOf(held.value)).toBe(4);
});

test('VS5, VS7: files are read whole and in ranges; a bad copy on disk is dropped, named and fetched anew', async () => {
  const { openVersion, clock, manifest } = await createSetting();
  const disk = createMemoryDisk();
  const first = await finish(clock, openVersion({ blobs: disk.openBlobs() }));
  if (!first.ok) throw new Error(first.error.because);
  expect((await finish(clock, first.value.ensureWhole())).state).toBe('whole');
  const { resources } = first.value.manifest;
  const [small, big] = [resources.get('/index.html')!, resources.get('/big.bin')!];
  await disk.openBlobs().putMany([{ cid: small.src, bytes: new Uint8Array(12) }]);

  const second = await finish(clock, openVersion({ blobs: disk.openBlobs() }));
  if (!second.ok) throw new Error(second.error.because);
  const origins: string[] = [];
  const onOrigin = (origin: string) => void origins.push(origin);
  const text = await finish(clock, readAll(second.value.readFile(small, { onOrigin })));
  expect(new TextDecoder().decode(text)).toBe(FILES['/index.html']);
  expect(origins).toEqual(['edge']);
  expect(second.value.counters.failures).toEqual([{ cid: small.src, source: 'disk' }]);
  const range = { from: 300_000, to: 300_010 };
  expect(await finish(clock, readAll(second.value.readFile(big, { range })))).toEqual(
    FILES['/big.bin'].slice(300_000, 300_010),
  );
  expect(await finish(clock, readAll(second.value.readFile(small, { range: { from: 3, to: 8 } })))).toHaveLength(5);
  expect(second.value.cid).toBe(manifest);
});

test('VS5: a file that only comes wrong is block_corrupt, one that nobody has is block_missing; both name the block', async () => {
  const { openVersion, clock, lies } = await createSetting();
  const version = await finish(clock, openVersion());
  if (!version.ok) throw new Error(version.error.because);
  const small = version.value.manifest.resources.get('/a.txt')!;
  lies.block = (cid) => (cid === small.src ? Uint8Array.of(9) : undefined);
  const corrupt = await finish(
    clock,
    readAll(version.value.readFile(small)).catch((error: unknown) => error),
  );
  expect(corrupt).toMatchObject({ code: 'block_corrupt', cid: small.src });
  const other = version.value.manifest.resources.get('/index.html')!;
  lies.block = (cid) => (cid === other.src ? null : undefined);
  const missing = await finish(
    clock,
    readAll(version.value.readFile(other)).catch((error: unknown) => error),
  );
  expect(missing).toMatchObject({ code: 'block_missing', cid: other.src });
});

test('VS6: with peers in the room the edge is not asked for a block', async () => {
  const { openVersion, world, manifest, network, asked, clock } = await createSetting();
  const room = createRoom(clock, world);
  await room.addPeer(manifest);
  const version = await finish(clock, openVersion({ network: { ...network, ...(await room.enter()) } }));
  if (!version.ok) throw new Error(version.error.because);
  expect((await finish(clock, version.value.ensureWhole())).state).toBe('whole');
  expect(asked).toEqual([]);
  expect(version.value.counters).toMatchObject({ bytes: { edge: 0 }, failures: [] });
  expect(version.value.counters.peers).toHaveLength(1);
});

test('VS8: preloaded files are read without the disk, and a whole version without the network', async () => {
  const { openVersion, asked, clock } = await createSetting();
  const disk = createMemoryDisk();
  const first = await finish(clock, openVersion({ blobs: disk.openBlobs() }));
  await finish(clock, first.ok ? first.value.ensureWhole() : Promise.reject(new Error('not opened')));
  const before = asked.length;
  const blobs = disk.openBlobs();
  let reads = 0;
  const counted: BlobStore = { ...blobs, get: (cid) => (reads++, blobs.get(cid)) };
  const second = await finish(clock, openVersion({ blobs: counted }));
  if (!second.ok) throw new Error(second.error.because);
  await second.value.preload();
  reads = 0;
  for (const path of ['/index.html', '/a.txt'])
    await readAll(second.value.readFile(second.value.manifest.resources.get(path)!));
  expect(reads).toBe(0);
  expect(asked.length).toBe(before);
});

test('VS8: of a new version nothing waits for the disk, each block comes once, and all are stored', async () => {
  const { openVersion, asked, clock, world } = await createSetting();
  const disk = createMemoryDisk().openBlobs();
  let reads = 0;
  const blobs: BlobStore = {
    ...disk,
    get: (cid) => (reads++, disk.get(cid)),
    has: (cids) => (reads++, disk.has(cids)),
  };
  const opened = await finish(clock, openVersion({ blobs, isNew: true }));
  if (!opened.ok) throw new Error(opened.error.because);
  const version = opened.value;
  const whole = version.ensureWhole();
  const read = readAll(version.readFile(version.manifest.resources.get('/big.bin')!));
  expect(await finish(clock, whole)).toMatchObject({ state: 'whole' });
  expect(equalBytes(await finish(clock, read), FILES['/big.bin'])).toBe(true);
  expect(reads).toBe(0);
  expect(asked.toSorted()).toEqual([...new Set(asked)].toSorted());
  expect((await disk.stats()).blocks).toBe(world.blocks.size);
});

test('VS8: a store that refuses everything leaves a site that is read from the network, and says it is not kept', async () => {
  const { openVersion, clock } = await createSetting();
  const refuse = () => Promise.reject(new StoreError('storage_refused', 'this browser keeps nothing'));
  const blobs: BlobStore = {
    get: refuse,
    getMany: refuse,
    has: refuse,
    putMany: refuse,
    remove: refuse,
    stats: refuse,
  };
  const version = await finish(clock, openVersion({ blobs }));
  if (!version.ok) throw new Error(version.error.because);
  expect(await finish(clock, version.value.ensureWhole())).toEqual({
    state: 'not_kept',
    because: 'this browser keeps nothing',
  });
  await version.value.preload();
  const big = await finish(clock, readAll(version.value.readFile(version.value.manifest.resources.get('/big.bin')!)));
  expect(equalBytes(big, FILES['/big.bin'])).toBe(true);
});

test('VS9: a visit counts files, bytes by source, peers and what failed', async () => {
  const { world, manifest, edge, clock } = await createSetting();
  const room = createRoom(clock, world);
  await room.addPeer(manifest);
  await room.addPeer(manifest, flip);
  const { group, genesis, site } = world;
  const network = { edge, ...(await room.enter()) };
  const visit = await finish(clock, visitSite({ group, genesis, site, clock, hasher, verifier, network }));
  if (!visit.ok) throw new Error(visit.error.because);
  const { files, bytes, bytesBySource, verified, failed } = visit.value;
  expect({ files, verified }).toEqual({ files: 3, verified: world.blocks.size });
  const all = [...world.blocks.values()].reduce((sum, block) => sum + block.length, 0);
  expect(bytes).toBe(all);
  expect(bytesBySource.peer + bytesBySource.edge).toBe(all);
  expect(bytesBySource.disk).toBe(0);
  expect(failed).toBeGreaterThan(0);
});

test('VS9: a visit to nothing says why', async () => {
  const { world, lies, edge, clock } = await createSetting();
  const { group, genesis, site } = world;
  const visit = () =>
    finish(
      clock,
      visitSite({ group, genesis, site, clock, hasher, verifier, network: { edge, room: null, reads: null } }),
    );
  lies.block = () => null;
  expect(await visit()).toMatchObject({ ok: false, error: { code: 'manifest_missing' } });
  world.unpublish();
  expect(await visit()).toMatchObject({ ok: false, error: { code: 'site_unknown' } });
});
