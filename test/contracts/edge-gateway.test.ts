// The gateway in real workerd, with peers on real sockets that serve a real chain, or lie about it.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { testCid } from '../../shared/chain/chain.test-kit.ts';
import { cidFromDigest, type Cid } from '../../shared/codec/cid.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { assert } from '../../shared/core/assert.ts';
import { equalBytes } from '../../shared/core/bytes.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebRandom, createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import { connectWebSocketLink } from '../../shared/platform/web/web-socket-link.ts';
import { PublicReadServer, type PublicReadSource } from '../../shared/session/public-read-server.ts';
import { RelayRoom } from '../../shared/session/relay-room.ts';
import { SERVICE_READ } from '../../shared/session/relay-wire.ts';
import { publicRoomId } from '../../shared/session/room.ts';
import { verifyResolution } from '../../shared/light-client/verify-resolution.ts';
import {
  createTestCommons,
  fileOf,
  siteKey,
  startTestEdge,
  type HttpAnswer,
  type TestCommons,
  type TestEdge,
} from './edge.test-kit.ts';
import { silentLog as silent } from '../simulator/silent-log.ts';

const ASSETS = {
  'site/loader.html': '<!doctype html><title>loader</title>',
  'site/sw.js': 'self.site = WEFT.commons;',
  'site/pure.js': 'self.pure = 1;',
};
const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
const BIG = new Uint8Array(700_000).map((_, i) => i % 251);

type Peer = { stop(): void };

let commons: TestCommons;
let edge: TestEdge;
let manifest: Cid;
const peers: Peer[] = [];

beforeAll(async () => {
  commons = await createTestCommons();
  edge = await startTestEdge({ commons, assets: ASSETS });
  const site = [
    fileOf('index.html', '<h1>hello</h1>'),
    fileOf('about/index.html', 'about'),
    { path: 'big.bin', body: BIG },
    fileOf('404.html', 'nothing here'),
  ];
  ({ manifest } = await commons.publish('alice', site));
});

afterEach(() => {
  for (const peer of peers.splice(0)) peer.stop();
});

afterAll(async () => {
  await edge?.stop();
});

describe('records', () => {
  test('ED30: with no node there is a sentence and a 503, and nothing is remembered of it', async () => {
    const answer = await edge.ask(`/.weft/resolve?key=${siteKey('alice')}`);
    expect([answer.status, JSON.parse(answer.body.toString()).code]).toEqual([503, 'nobody_answers']);
    const page = await edge.ask('/', { host: 'alice.localhost' });
    expect([page.status, page.headers['weft-code']]).toEqual([503, 'nobody_answers']);
  });

  test('ED30: a peer that lies is passed over for one that can prove it', async () => {
    const liar = { resolve: async () => ok(await otherCommonsRecord(siteKey('alice'))) };
    await serve(liar);
    const refused = await edge.ask(`/.weft/resolve?key=${siteKey('alice')}`);
    expect([refused.status, JSON.parse(refused.body.toString()).code]).toEqual([503, 'not_verified']);
    await serve();
    const answer = await edge.ask(`/.weft/resolve?key=${siteKey('alice')}`);
    expect(answer.status).toBe(200);
    const verified = await verifyResolution({
      group: commons.group,
      genesis: commons.genesis,
      resolution: new Uint8Array(answer.body),
      now: Date.now(),
      verifier: await createWebVerifier(),
      key: siteKey('alice'),
    });
    expect(verified.ok).toBe(true);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
  });

  test('ED30: a handle that nobody holds is a page that says how to claim it', async () => {
    await serve();
    const page = await edge.ask('/', { host: 'nobody-yet.localhost' });
    expect([page.status, page.headers['weft-code']]).toEqual([404, 'handle_unknown']);
    expect(page.body.toString()).toContain(`http://localhost:${edge.port}/`);
  });
});

describe('a site', () => {
  const visit = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> =>
    edge.ask(path, { host: 'alice.localhost', headers });

  test('ED31: a peer that sends other bytes than the CID names is passed over', async () => {
    await serve({ getBlocks: async (cids) => cids.map(() => encodeUtf8('<h1>evil</h1>')) });
    const refused = await visit('/');
    expect([refused.status, refused.headers['weft-code']]).toEqual([503, 'manifest_missing']);
    await serve();
    expect((await visit('/')).body.toString()).toBe('<h1>hello</h1>');
    expect((await visit('/about/')).body.toString()).toBe('about');
    const missing = await visit('/missing');
    expect([missing.status, missing.body.toString()]).toEqual([404, 'nothing here']);
  });

  test('ED31: files of many leaves come whole or by range, and say whence', async () => {
    await serve();
    const whole = await visit('/big.bin');
    expect(whole.status).toBe(200);
    expect(equalBytes(whole.body, BIG)).toBe(true);
    const part = await visit('/big.bin', { range: 'bytes=300000-300099' });
    expect([part.status, part.headers['content-range']]).toEqual([206, `bytes 300000-300099/${BIG.length}`]);
    expect(new Uint8Array(part.body)).toEqual(BIG.slice(300_000, 300_100));
    expect(part.headers['server-timing']).toContain('verified');
  });

  test('SI25: no digest is claimed of bytes that something in front of the worker may encode', async () => {
    await serve();
    const plain = await visit('/');
    expect(plain.headers['content-digest']).toMatch(/^sha-256=:/);
    const packed = await visit('/', { 'accept-encoding': 'gzip, deflate, br' });
    expect([packed.headers['content-digest'], packed.headers['repr-digest']]).toEqual([undefined, undefined]);
  });

  test('ED32: what was fetched stays when every peer is gone', async () => {
    const page = await visit('/');
    expect([page.status, page.body.toString()]).toEqual([200, '<h1>hello</h1>']);
    expect((await visit('/missing')).status).toBe(404);
    expect((await visit('/about')).status).toBe(301);
    expect((await visit('/', { 'if-none-match': page.headers.etag ?? '' })).status).toBe(304);
  });

  test('ED32: record and blobs outlive the edge’s process and its peers', async () => {
    const persist = await mkdtemp(join(tmpdir(), 'edge-kept-'));
    const ask = (at: TestEdge): Promise<HttpAnswer> => at.ask('/', { host: 'alice.localhost' });
    try {
      const before = await startTestEdge({ commons, persist });
      await serve({}, before);
      expect((await ask(before)).status).toBe(200);
      for (const peer of peers.splice(0)) peer.stop();
      // Storing goes on after the answer: manifest and page.
      await expect.poll(async () => (await (await before.blobs()).list()).length, { timeout: 10_000 }).toBe(2);
      await before.stop();
      const after = await startTestEdge({ commons, persist });
      const page = await ask(after);
      await after.stop();
      expect([page.status, page.body.toString()]).toEqual([200, '<h1>hello</h1>']);
      expect(page.headers['server-timing']).toContain('source;desc="cache"');
    } finally {
      await rm(persist, { recursive: true, force: true });
    }
  });

  test('ED33: only a first navigation gets the loader; the marker asks for the content', async () => {
    const loader = await visit('/about/', NAVIGATION);
    expect(loader.body.toString()).toContain('loader');
    expect(loader.headers['cache-control']).toBe('no-store');
    expect((await visit('/about/?weft-direct=1', NAVIGATION)).body.toString()).toBe('about');
    expect((await visit('/about/', { ...NAVIGATION, 'sec-fetch-dest': 'iframe' })).body.toString()).toBe('about');
    const redirect = await visit('/about?a=1&weft-direct', NAVIGATION);
    expect([redirect.status, redirect.headers.location]).toEqual([301, '/about/?a=1']);
  });

  test('ED34: the platform’s service worker carries the commons, and no other script may become one', async () => {
    const script = await visit('/.weft/sw.js', { 'service-worker': 'script' });
    expect(script.headers['service-worker-allowed']).toBe('/');
    const [constants, rest] = script.body.toString().split('\n');
    expect(JSON.parse(constants!.replace(/^const WEFT = |;$/g, ''))).toEqual({
      commons: commons.group,
      genesis: Buffer.from(commons.genesis).toString('base64'),
    });
    expect(rest).toBe(ASSETS['site/sw.js']);
    for (const path of ['/big.bin', '/.weft/pure.js', `/.weft/block/${manifest}`, '/sw.js']) {
      expect((await visit(path, { 'service-worker': 'script' })).status, path).toBe(403);
    }
    expect((await visit('/.weft/pure.js')).body.toString()).toBe(ASSETS['site/pure.js']);
  });

  test('ED36: cookies change nothing and are never set', async () => {
    const page = await visit('/', { cookie: `a=${'x'.repeat(4_000)}` });
    expect(page.status).toBe(200);
    expect(page.headers['set-cookie']).toBeUndefined();
  });

  test('ED36: /.weft/ belongs to the platform, and a site only reads', async () => {
    expect((await visit('/.weft/anything')).status).toBe(404);
    expect((await edge.ask('/', { host: 'alice.localhost', method: 'POST' })).status).toBe(405);
    expect((await edge.ask('/ipfs/x?format=raw', { host: 'alice.localhost' })).status).toBe(404);
  });
});

describe('blocks by CID', () => {
  test('ED17: raw bytes for anyone, never as a page', async () => {
    for (const path of [`/ipfs/${manifest}?format=raw`, `/.weft/block/${manifest}`]) {
      const answer = await edge.ask(path);
      expect(cidFromDigest('dag-cbor', sha256(new Uint8Array(answer.body)))).toBe(manifest);
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': '*',
        'content-type': 'application/vnd.ipld.raw',
        'x-content-type-options': 'nosniff',
      });
    }
    expect((await edge.ask(`/ipfs/${manifest}`)).headers.location).toContain(`//${manifest}.localhost:`);
    expect((await edge.ask('/.weft/block/not-a-cid')).status).toBe(400);
    expect((await edge.ask(`/.weft/block/${testCid('nobody has it')}`)).status).toBe(404);
  });

  test('ED8: what several visitors want at once is asked of a peer once', async () => {
    const body = encodeUtf8('wanted by three at once');
    const cid = cidFromDigest('raw', sha256(body));
    const asked: Cid[] = [];
    await serve({
      async getBlocks(cids) {
        asked.push(...cids);
        await new Promise((resolve) => setTimeout(resolve, 50));
        return cids.map((wanted) => (wanted === cid ? body : undefined));
      },
    });
    const answers = await Promise.all([1, 2, 3].map(() => edge.ask(`/.weft/block/${cid}`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(asked).toEqual([cid]);
  });

  test('ED8: a peer that says nothing is given company by the next', async () => {
    const body = encodeUtf8('only the second peer answers');
    const cid = cidFromDigest('raw', sha256(body));
    await serve({ getBlocks: () => new Promise(() => undefined) });
    await serve({ getBlocks: async (cids) => cids.map((wanted) => (wanted === cid ? body : undefined)) });
    expect((await edge.ask(`/.weft/block/${cid}`)).status).toBe(200);
  });

  test('ED17: a spoiled cache is noticed, and the block comes from a peer', async () => {
    const blobs = await edge.blobs();
    const body = encodeUtf8('a block that this edge has never seen');
    const cid = cidFromDigest('raw', sha256(body));
    await blobs.put(cid, encodeUtf8('other bytes'));
    expect((await edge.ask(`/.weft/block/${cid}`)).status).toBe(404);
    await blobs.put(cid, encodeUtf8('other bytes'));
    commons.blocks.set(cid, body);
    await serve();
    expect(new Uint8Array((await edge.ask(`/.weft/block/${cid}`)).body)).toEqual(body);
    expect((await edge.ask('/metrics')).body.toString()).toContain('weft_edge_rejected_total{kind="cached_block"} 2');
  });
});

test('ED37: the blob cache holds what it may and no more: the oldest blocks make room', async () => {
  const small = await startTestEdge({ commons, cacheMib: 1 });
  try {
    const bodies = Array.from({ length: 8 }, (_, at) => new Uint8Array(200_000).fill(at));
    const cids = bodies.map((body) => cidFromDigest('raw', sha256(body)));
    await serve({ getBlocks: async (wanted) => wanted.map((cid) => bodies[cids.indexOf(cid)]) }, small);
    const blobs = await small.blobs();
    // One after the other, so that the oldest is known.
    for (const cid of cids) {
      expect((await small.ask(`/.weft/block/${cid}`)).status).toBe(200);
      await expect.poll(() => blobs.list(), { timeout: 10_000 }).toContain(cid);
    }
    expect((await blobs.list()).toSorted()).toEqual(cids.slice(-5).toSorted());
  } finally {
    for (const peer of peers.splice(0)) peer.stop();
    await small.stop();
  }
}, 60_000);

/** A true answer of a commons that is not this one. */
async function otherCommonsRecord(key: string): Promise<Uint8Array> {
  other ??= await createOther();
  return other.resolve(key);
}

let other: TestCommons | undefined;

async function createOther(): Promise<TestCommons> {
  const made = await createTestCommons();
  await made.publish('alice', [fileOf('index.html', 'another world')]);
  return made;
}

/** A node in the commons' room; honest unless told otherwise. Resolves once the room has announced it. */
async function serve(change: Partial<PublicReadSource> = {}, at: TestEdge = edge): Promise<void> {
  const clock = createWebClock();
  const room = new RelayRoom({
    connect: () => connectWebSocketLink(at.socketUrl(publicRoomId(commons.group))),
    clock,
    random: createWebRandom(),
    services: SERVICE_READ,
    log: silent,
  });
  const source: PublicReadSource = {
    getBlocks: async (cids) => cids.map((cid) => commons.blocks.get(cid)),
    resolve: async (key) => (key === '' ? fail('not_found', 'no key') : ok(await commons.resolve(key))),
    ...change,
  };
  const server = new PublicReadServer({ room, clock, log: silent, source });
  peers.push({
    stop() {
      server.close();
      room.close();
    },
  });
  assert(await room.whenOnline(5_000), 'the edge lets a peer in');
  // FIND is answered after SERVICES was taken.
  await room.find(manifest, 5_000);
}
