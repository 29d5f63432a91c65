// The IPFS side of the gateway on a real edge: a site's directory, what is refused, and how much is taken on.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CarReader } from '@ipld/car';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { cidFromDigest, type Cid } from '../../shared/codec/cid.ts';
import { encodeDirectory } from '../../shared/content/dag-node.ts';
import { addFile } from '../../shared/content/unixfs.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { createWebHasher } from '../../shared/platform/web/web-crypto.ts';
import { decodeManifest } from '../../site-host/manifest.ts';
import { siteDirectory } from '../../site-host/site-directory.ts';
import { fileOf, type HttpAnswer } from './edge.test-kit.ts';
import { startIpfsStand, type IpfsStand } from './ipfs.test-kit.ts';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const BIG = new Uint8Array(2_500_000).map((_, at) => (at * 7) % 253);

let stand: IpfsStand;
let manifest: Cid;
let root: Cid;

beforeAll(async () => {
  stand = await startIpfsStand();
  const files = [fileOf('index.html', '<h1>hello</h1>'), fileOf('a/b.txt', 'b'), { path: 'big.bin', body: BIG }];
  ({ manifest } = await stand.commons.publish('alice', files));
  const decoded = decodeManifest(stand.blocks.get(manifest)!);
  const made = decoded.ok && (await siteDirectory(decoded.value, createWebHasher()));
  if (!made || !made.ok) throw new Error('the site of the test is good');
  root = made.value.root;
});

afterAll(async () => {
  await stand?.stop();
});

const ask = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> =>
  stand.edge.ask(path, { headers });
const codeOf = ({ status, body }: HttpAnswer): [number, string] => [status, JSON.parse(body.toString()).code];

async function cidsOf(answer: HttpAnswer): Promise<string[]> {
  expect([answer.status, answer.headers['content-type']]).toEqual([
    200,
    expect.stringContaining('application/vnd.ipld.car'),
  ]);
  const reader = await CarReader.fromBytes(answer.body);
  const cids: string[] = [];
  for await (const { cid } of reader.blocks()) cids.push(cid.toString());
  return cids;
}

describe('ED55: the directory of a site', () => {
  test('is unknown until the site is opened here, and found from then on', async () => {
    expect(codeOf(await ask(`/ipfs/${root}?format=raw`))).toEqual([404, 'block_missing']);
    expect((await stand.edge.ask('/', { host: 'alice.localhost' })).status).toBe(200);
    const block = await ask(`/ipfs/${root}?format=raw`);
    expect(cidFromDigest('dag-pb', sha256(new Uint8Array(block.body)))).toBe(root);
    const file = await ask(`/ipfs/${root}/a/b.txt?format=raw`);
    expect(file.body.toString()).toBe('b');
    expect(String(file.headers['x-ipfs-roots']).split(',')).toHaveLength(3);
    // It is content like any other now, and outlives the manifest's place in memory.
    const blobs = await stand.edge.blobs();
    await expect.poll(() => blobs.list(), { timeout: 10_000 }).toContain(root);
  });

  test('is exported whole: every block once, each proven by its CID', async () => {
    const answer = await ask(`/ipfs/${root}?format=car`);
    const reader = await CarReader.fromBytes(answer.body);
    let bytes = 0;
    for await (const { cid, bytes: block } of reader.blocks()) {
      expect([...cid.multihash.digest]).toEqual([...sha256(block)]);
      bytes += block.length;
    }
    expect(bytes).toBeGreaterThan(BIG.length);
    expect(new Set(await cidsOf(answer)).size).toBe((await cidsOf(answer)).length);
  });

  test('its manifest leads to the same files, and its CAR is one version', async () => {
    const file = await ask(`/ipfs/${manifest}/a/b.txt?format=raw`);
    expect(file.body.toString()).toBe('b');
    const cids = await cidsOf(await ask(`/ipfs/${manifest}?format=car`));
    expect(cids[0]).toBe(manifest);
    expect(cids.length).toBeGreaterThan(12);
    expect(await cidsOf(await ask(`/ipfs/${manifest}?format=car&dag-scope=entity`))).toEqual([manifest]);
  });
});

test('SI42: the command line writes a site to a CAR file, once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'weft-export-'));
  try {
    const file = join(folder, 'alice.car');
    const edge = `http://127.0.0.1:${stand.edge.port}`;
    const args = ['--disable-warning=ExperimentalWarning', MAIN, 'export', '@alice.site', '--to', file, '--edge', edge];
    const { stdout } = await promisify(execFile)(process.execPath, [...args, '--json']);
    const car = await readFile(file);
    expect(JSON.parse(stdout)).toMatchObject({ handle: 'alice', manifest, root, file, files: 3, bytes: car.length });
    const reader = await CarReader.fromBytes(car);
    expect((await reader.getRoots()).map(String)).toEqual([root]);
    const again = promisify(execFile)(process.execPath, [...args, '--json']);
    await expect(again).rejects.toMatchObject({ code: 1, stdout: expect.stringContaining('file_exists') });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

describe('ED54, ED57: a version on a host of its own', () => {
  const visit = (path: string, cid: Cid = manifest, headers = {}): Promise<HttpAnswer> =>
    stand.edge.ask(path, { host: `${cid}.localhost`, headers });

  test('the app’s host sends there, with the rest of the address', async () => {
    const answer = await ask(`/ipfs/${manifest}/a/b.txt?x=1`);
    expect([answer.status, answer.headers.location]).toEqual([
      301,
      `http://${manifest}.localhost:${stand.edge.port}/a/b.txt?x=1`,
    ]);
  });

  test('a site is what it was when published, for ever', async () => {
    const page = await visit('/');
    expect([page.status, page.body.toString()]).toEqual([200, '<h1>hello</h1>']);
    expect(page.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'x-ipfs-path': `/ipfs/${root}/`,
      'access-control-allow-origin': '*',
    });
    const missing = await visit('/nothing');
    expect([missing.status, missing.headers['cache-control']]).toEqual([404, 'no-store']);
    expect((await visit('/big.bin', manifest, { range: 'bytes=1000000-1000009' })).body).toEqual(
      Buffer.from(BIG.slice(1_000_000, 1_000_010)),
    );
  });

  test('its directory shows the same files', async () => {
    expect((await visit('/', root)).body.toString()).toBe('<h1>hello</h1>');
    expect((await visit('/big.bin', root)).body.equals(Buffer.from(BIG))).toBe(true);
    expect((await visit('/a', root)).headers.location).toBe('/a/');
    expect((await visit('/a/', root)).body.toString()).toContain('>b.txt</a>');
  });

  test('no script becomes a service worker there, nothing is changed there, and no name is shared with others', async () => {
    expect((await visit('/index.html', root, { 'service-worker': 'script' })).status).toBe(403);
    expect((await stand.edge.ask('/', { host: `${root}.localhost`, method: 'POST' })).status).toBe(405);
    expect((await stand.edge.ask('/', { host: `${root}.localhost`, method: 'OPTIONS' })).status).toBe(204);
    const shared = await stand.edge.ask('/a/', { host: `${root}.ipfs.localhost` });
    expect([shared.status, shared.headers.location]).toEqual([301, `http://${root}.localhost:${stand.edge.port}/a/`]);
  });

  test('an address cannot lead to another host', async () => {
    const inner = await putDirectory([]);
    const evil = await putDirectory([{ name: 'evil.example', cid: inner, total: 4 }]);
    expect((await visit('//evil.example', evil)).headers.location).toBe('/evil.example/');
  });
});

describe('ED52: what is not true is not passed on', () => {
  test('a tree that lies about sizes breaks off, and a CAR with a missing block is an error', async () => {
    const { blocks } = await addFile(new Uint8Array(600_000).fill(3), createWebHasher());
    const [first, , , file] = blocks;
    for (const { cid, bytes } of [first!, file!]) stand.blocks.set(cid, bytes);
    expect(codeOf(await ask(`/ipfs/${file!.cid}?format=car`))).toEqual([404, 'block_missing']);
    const part = await cidsOf(await ask(`/ipfs/${file!.cid}?format=car&dag-scope=entity&entity-bytes=0:1000`));
    expect(part).toEqual([file!.cid, first!.cid]);
  });

  test('a block that is no UnixFS is given as a block and as nothing else', async () => {
    const body = encodeUtf8('no protobuf at all');
    const cid = cidFromDigest('dag-pb', sha256(body));
    stand.blocks.set(cid, body);
    expect((await ask(`/ipfs/${cid}?format=raw`)).body.toString()).toBe('no protobuf at all');
    expect(codeOf(await ask(`/ipfs/${cid}?format=car`))).toEqual([502, 'tree_invalid']);
    expect((await stand.edge.ask('/', { host: `${cid}.localhost` })).status).toBe(502);
  });

  test('graphs that unfold without end are cut off', async () => {
    let cid = await putDirectory([]);
    for (let depth = 0; depth < 40; depth++) {
      cid = await putDirectory([
        { name: 'a', cid, total: 1 },
        { name: 'b', cid, total: 1 },
      ]);
    }
    expect(await cidsOf(await ask(`/ipfs/${cid}?format=car`))).toHaveLength(41);
    // Each block once more for each way that leads to it: 2^40 of them. The connection breaks, or what came is no whole CAR.
    const endless = ask(`/ipfs/${cid}?format=car&car-dups=y`).then(({ body }) => CarReader.fromBytes(body));
    await expect(endless).rejects.toThrow();
  });
});

test('ED51: requests that make no sense are refused with a reason', async () => {
  expect(codeOf(await ask('/ipfs/QmInvalidCID?format=raw'))).toEqual([400, 'bad_cid']);
  expect(codeOf(await ask(`/ipfs/${root}?format=tar`))).toEqual([406, 'format_unknown']);
  expect(codeOf(await ask(`/ipfs/${root}?format=car&dag-scope=some`))).toEqual([400, 'bad_request']);
  expect(codeOf(await ask(`/ipfs/${root}?format=car&entity-bytes=1-2`))).toEqual([400, 'bad_request']);
  expect(codeOf(await ask(`/ipfs/${root}?format=car&car-version=2`))).toEqual([400, 'bad_request']);
  expect(codeOf(await ask(`/ipfs/${root}/nowhere?format=raw`))).toEqual([404, 'not_found']);
  expect(codeOf(await ask('/ipfs/?uri=https://example.org/'))).toEqual([400, 'bad_cid']);
});

describe('ED56: who has content', () => {
  test('this gateway, of what it can give', async () => {
    const answer = await ask(`/routing/v1/providers/${root}`);
    expect(answer.headers['content-type']).toBe('application/json');
    const { Providers } = JSON.parse(answer.body.toString());
    expect(Providers).toEqual([
      {
        Schema: 'peer',
        ID: expect.stringMatching(/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/),
        Addrs: [`/dns/localhost/tcp/${stand.edge.port}/http`],
        Protocols: ['transport-ipfs-gateway-http'],
      },
    ]);
    const lines = await ask(`/routing/v1/providers/${root}`, { accept: 'application/x-ndjson' });
    expect(lines.headers['content-type']).toBe('application/x-ndjson');
    expect(JSON.parse(lines.body.toString())).toEqual(Providers[0]);
  });

  test('nobody, of what nobody has; nobody, for who cannot use it', async () => {
    const unknown = cidFromDigest('raw', sha256(encodeUtf8('nobody has this')));
    const none = await ask(`/routing/v1/providers/${unknown}`);
    expect([none.status, JSON.parse(none.body.toString())]).toEqual([200, { Providers: [] }]);
    for (const filter of ['filter-protocols=transport-bitswap', 'filter-addrs=wss', 'filter-addrs=!http']) {
      expect(JSON.parse((await ask(`/routing/v1/providers/${root}?${filter}`)).body.toString()), filter).toEqual({
        Providers: [],
      });
    }
    expect(codeOf(await ask('/routing/v1/providers/12D3KooW'))).toEqual([400, 'bad_cid']);
  });
});

async function putDirectory(entries: Parameters<typeof encodeDirectory>[0]): Promise<Cid> {
  const bytes = encodeDirectory(entries);
  const cid = cidFromDigest('dag-pb', sha256(bytes));
  stand.blocks.set(cid, bytes);
  return cid;
}
