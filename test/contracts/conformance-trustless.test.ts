// The cases of ipfs/gateway-conformance for blocks and CARs, in our words and with content of our own; see docs/gateway-conformance.md.

import { exporter } from 'ipfs-unixfs-exporter';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encode as encodeCbor } from '@ipld/dag-cbor';
import { decodeDagNode, encodeDirectory } from '../../shared/content/dag-node.ts';
import { toBase58btc } from '../../shared/codec/base.ts';
import { cidFromDigest, cidToBytes, type Cid } from '../../shared/codec/cid.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import type { HttpAnswer } from './edge.test-kit.ts';
import {
  expectForEver,
  importFolder,
  listCar,
  listPassed,
  removeMiddle,
  type ImportedFolder,
} from './conformance.test-kit.ts';
import { startIpfsStand, type IpfsStand } from './ipfs.test-kit.ts';

const RAW = 'application/vnd.ipld.raw';
const CAR = 'application/vnd.ipld.car';
/** 1,026 bytes: four chunks of 256 and one of 2. */
const MULTI = Uint8Array.from({ length: 1_026 }, (_, at) => (at * 31 + (at >> 8)) & 0xff);
const ASCII = 'plain letters and nothing else\n';

let stand: IpfsStand;
let single: ImportedFolder;
let mixed: ImportedFolder;
let duplicates: ImportedFolder;
let sharded: ImportedFolder;
let gapped: ImportedFolder;
let withCbor: { root: Cid; document: Cid };
/** The five leaves of MULTI. */
let parts: Cid[];
/** First, missing and last leaf of the gapped file, and how it is written there. */
let gap: { file: Cid; first: string; last: string };

beforeAll(async () => {
  stand = await startIpfsStand();
  const { blocks } = stand;
  single = await importFolder(blocks, { 'subdir/ascii.txt': ASCII, 'subdir/hello.txt': 'hello\n' });
  mixed = await importFolder(blocks, {
    'subdir/ascii.txt': ASCII,
    'subdir/hello.txt': 'hello\n',
    'subdir/multiblock.txt': MULTI,
  });
  const copies = { 'ascii-copy.txt': ASCII, 'ascii.txt': ASCII, 'hello.txt': 'hello\n', 'multiblock.txt': MULTI };
  duplicates = await importFolder(blocks, copies);
  parts = Array.from({ length: 5 }, (_, at) => leafOf(MULTI.subarray(at * 256, at * 256 + 256)));
  const many = Array.from({ length: 900 }, (_, at) => [`${at}.txt`, new Uint8Array(600).fill(at & 0xff)] as const);
  sharded = await importFolder(blocks, Object.fromEntries(many), { shardAbove: 0 });
  const body = Uint8Array.from({ length: 3_072 }, (_, at) => (at * 13 + (at >> 9)) & 0xff);
  gapped = await importFolder(blocks, { 'file.bin': body }, { cidVersion: 0, rawLeaves: false, chunk: 1_024 });
  const file = gapped.cids.get('file.bin')!;
  const { first, last } = removeMiddle(blocks, file);
  gap = { file, first: nameOfLegacy(first), last: nameOfLegacy(last) };
  const cbor = encodeCbor({ a: 1, text: 'no site at all' });
  const document = cidFromDigest('dag-cbor', sha256(cbor));
  const directory = encodeDirectory([{ name: 'document', cid: document, total: cbor.length }]);
  const root = cidFromDigest('dag-pb', sha256(directory));
  blocks.set(document, cbor).set(root, directory);
  withCbor = { root, document };
});

afterAll(async () => {
  await stand?.stop();
});

const at = (folder: ImportedFolder, path: string): Cid => folder.cids.get(path)!;
const bytesAt = (folder: ImportedFolder, path: string): Buffer => Buffer.from(stand.blocks.get(at(folder, path))!);
const leafOf = (bytes: Uint8Array): Cid => cidFromDigest('raw', sha256(bytes));

/** As CIDv0: the multihash alone, in base58. */
const nameOfLegacy = (cid: Cid): string => toBase58btc(cidToBytes(cid).subarray(2));

const ask = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> =>
  stand.edge.ask(`/ipfs/${path}`, { headers });

/** The way each CAR case is asked: by query and by header, with the headers that every CAR has. */
async function askCar(path: string, query = ''): Promise<string[]> {
  const byQuery = await ask(`${path}?format=car${query && `&${query}`}`);
  const byHeader = await ask(`${path}${query && `?${query}`}`, { accept: CAR });
  for (const { headers } of [byQuery, byHeader]) {
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'none',
      'content-type': expect.stringContaining(CAR),
      'content-disposition': expect.stringMatching(/^attachment; filename=".*\.car"/),
      etag: expect.stringMatching(/^"/),
    });
  }
  expect(byHeader.body.equals(byQuery.body)).toBe(true);
  return await listCar(byQuery);
}

/** The blocks that IPFS's own exporter reads for a path, in the order of the first reading. */
async function readByExporter(folder: ImportedFolder, path: string, content: boolean): Promise<string[]> {
  const read: string[] = [];
  const store = {
    async *get(cid: { toString(): string }) {
      const name = cid.toString();
      if (!read.includes(name)) read.push(name);
      yield folder.made.get(name as Cid)!;
    },
  };
  const entry = await exporter(`${folder.root}/${path}`, store);
  if (content && (entry.type === 'file' || entry.type === 'raw')) for await (const _ of entry.content());
  return read;
}

function shardsOf(folder: ImportedFolder): Cid[] {
  return [...folder.made].flatMap(([cid, bytes]) => {
    if (!cid.startsWith('bafy')) return [];
    const node = decodeDagNode(bytes);
    return node.ok && node.value.kind === 'shard' ? [cid] : [];
  });
}

async function checkRaw(path: string, expected: Buffer, roots: readonly Cid[]): Promise<void> {
  const answer = await ask(path, { accept: RAW });
  expect(answer.status).toBe(200);
  expect(answer.body.equals(expected)).toBe(true);
  expect(answer.headers).toMatchObject({
    'content-type': RAW,
    'content-length': String(expected.length),
    'content-disposition': expect.stringContaining('attachment;'),
    'x-content-type-options': 'nosniff',
    'x-ipfs-path': `/ipfs/${path}`,
    'x-ipfs-roots': roots.join(','),
    etag: expect.stringMatching(/^"/),
  });
  expectForEver(answer);
}

async function checkFilename(path: string): Promise<void> {
  const { headers } = await ask(`${path}?filename=foobar.bin`, { accept: RAW });
  expect(headers['content-disposition']).toMatch(/^attachment;.*filename="foobar\.bin/);
}

const rawCase = (folder: () => ImportedFolder, path: string) => async (): Promise<void> => {
  const answer = await ask(`${at(folder(), path)}?format=raw`);
  expect([answer.status, answer.body.equals(bytesAt(folder(), path))]).toEqual([200, true]);
};

const orderedCase = (accept: string, expected: () => readonly string[], type: readonly string[]) => async () => {
  const answer = await ask(duplicates.root, { accept });
  for (const parameter of type) expect(answer.headers['content-type']).toContain(parameter);
  expect(await listCar(answer)).toEqual(expected());
};

/** `path` of the mixed folder's large file by itself, and a range of it. */
const rangeCase = (range: string, from: number, to: number) => async (): Promise<void> => {
  const file = at(mixed, 'subdir/multiblock.txt');
  expect(await askCar(file, `dag-scope=entity&entity-bytes=${range}`)).toEqual([file, ...parts.slice(from, to)]);
};

const allDuplicates = (): string[] => {
  const [ascii, hello, multi] = ['ascii.txt', 'hello.txt', 'multiblock.txt'].map((name) => at(duplicates, name));
  return [duplicates.root, ascii!, ascii!, hello!, multi!, ...parts];
};
const wayTo = (folder: ImportedFolder, ...paths: string[]): Cid[] => [
  folder.root,
  ...paths.map((path) => at(folder, path)),
];

const CASES: Readonly<Record<string, () => Promise<void>>> = {
  'TestTrustlessRaw: GET with format=raw param returns a raw block': rawCase(() => single, 'subdir'),
  'TestTrustlessRaw: GET with application/vnd.ipld.raw header returns a raw block': async () => {
    expect((await ask(at(single, 'subdir'), { accept: RAW })).body.equals(bytesAt(single, 'subdir'))).toBe(true);
  },
  'TestTrustlessRaw: GET with application/vnd.ipld.raw header returns expected response headers': async () => {
    const cid = at(single, 'subdir/ascii.txt');
    await checkRaw(cid, Buffer.from(ASCII), [cid]);
  },
  'TestTrustlessRaw: GET with application/vnd.ipld.raw header and filename param returns expected Content-Disposition header with custom filename':
    () => checkFilename(at(single, 'subdir/ascii.txt')),
  'TestTrustlessRaw: GET with application/vnd.ipld.raw header returns expected caching headers': async () => {
    const cid = at(single, 'subdir/ascii.txt');
    await checkRaw(cid, Buffer.from(ASCII), [cid]);
  },
  'TestTrustlessRawRanges: GET with application/vnd.ipld.raw with range request includes correct bytes': async () => {
    const cid = at(single, 'subdir/ascii.txt');
    const one = await ask(cid, { accept: RAW, range: 'bytes=6-16' });
    expect([one.status, one.headers['content-range'], one.body.toString()]).toEqual([
      206,
      `bytes 6-16/${ASCII.length}`,
      ASCII.slice(6, 17),
    ]);
    const several = await ask(cid, { accept: RAW, range: 'bytes=6-16,0-4' });
    expect([200, 206]).toContain(several.status);
    expect(several.body.toString()).toContain(ASCII.slice(6, 17));
  },

  'TestGatewayBlock: GET with format=raw param returns a raw block': async () => {
    const answer = await ask(`${single.root}/subdir?format=raw`);
    expect(answer.body.equals(bytesAt(single, 'subdir'))).toBe(true);
  },
  'TestGatewayBlock: GET with application/vnd.ipld.raw header returns a raw block': async () => {
    const answer = await ask(`${single.root}/subdir`, { accept: RAW });
    expect(answer.body.equals(bytesAt(single, 'subdir'))).toBe(true);
  },
  'TestGatewayBlock: GET with application/vnd.ipld.raw with single range request includes correct bytes': async () => {
    const answer = await ask(`${single.root}/subdir`, { accept: RAW, range: 'bytes=6-16' });
    const block = bytesAt(single, 'subdir');
    expect([answer.status, answer.headers['content-type'], answer.headers['content-range']]).toEqual([
      206,
      RAW,
      `bytes 6-16/${block.length}`,
    ]);
    expect(answer.body.equals(block.subarray(6, 17))).toBe(true);
  },
  'TestGatewayBlock: GET with application/vnd.ipld.raw header returns expected response headers': () =>
    checkRaw(`${single.root}/subdir/ascii.txt`, Buffer.from(ASCII), wayTo(single, 'subdir', 'subdir/ascii.txt')),
  'TestGatewayBlock: GET with application/vnd.ipld.raw header and filename param returns expected Content-Disposition header with custom filename':
    () => checkFilename(`${single.root}/subdir/ascii.txt`),
  'TestGatewayBlock: GET with application/vnd.ipld.raw header returns expected caching headers': () =>
    checkRaw(`${single.root}/subdir/ascii.txt`, Buffer.from(ASCII), wayTo(single, 'subdir', 'subdir/ascii.txt')),

  'TestTrustlessCarPathing: GET default CAR response with pathing through UnixFS Directory': async () => {
    expect(await askCar(`${single.root}/subdir/ascii.txt`)).toEqual(wayTo(single, 'subdir', 'subdir/ascii.txt'));
  },
  'TestTrustlessCarPathing: GET default CAR response of UnixFS file on a path with HAMT-sharded directory':
    async () => {
      expect(await askCar(`${sharded.root}/685.txt`)).toEqual(await readByExporter(sharded, '685.txt', true));
    },
  'TestTrustlessCarPathing: GET default CAR response for non-existing file': async () => {
    expect((await ask(`${single.root}/subdir/i-do-not-exist?format=car`)).status).toBe(404);
    expect((await ask(`${sharded.root}/i-do-not-exist?format=car`)).status).toBe(404);
  },
  'TestTrustlessCarDagScopeBlock: GET CAR with dag-scope=block of UnixFS directory on a path': async () => {
    expect(await askCar(`${single.root}/subdir`, 'dag-scope=block')).toEqual(wayTo(single, 'subdir'));
  },
  'TestTrustlessCarDagScopeBlock: GET CAR with dag-scope=block of UnixFS file on a path': async () => {
    const expected = wayTo(single, 'subdir', 'subdir/ascii.txt');
    expect(await askCar(`${single.root}/subdir/ascii.txt`, 'dag-scope=block')).toEqual(expected);
  },
  'TestTrustlessCarDagScopeBlock: GET CAR with dag-scope=block of UnixFS file on a path with sharded directory':
    async () => {
      const expected = await readByExporter(sharded, '1.txt', false);
      expect(expected.length).toBeGreaterThan(1);
      expect(await askCar(`${sharded.root}/1.txt`, 'dag-scope=block')).toEqual(expected);
    },
  'TestTrustlessCarDagScopeEntity: GET CAR with dag-scope=entity of a UnixFS directory': async () => {
    expect(await askCar(single.root, 'dag-scope=entity')).toEqual([single.root]);
  },
  'TestTrustlessCarDagScopeEntity: GET CAR with dag-scope=entity of a UnixFS sharded directory': async () => {
    const cids = await askCar(sharded.root, 'dag-scope=entity');
    expect(cids[0]).toBe(sharded.root);
    expect(cids.toSorted()).toEqual(shardsOf(sharded).toSorted());
    expect(cids.length).toBeGreaterThan(100);
  },
  'TestTrustlessCarDagScopeEntity: GET CAR with dag-scope=entity of a UnixFS file': async () => {
    const expected = wayTo(mixed, 'subdir', 'subdir/ascii.txt');
    expect(await askCar(`${mixed.root}/subdir/ascii.txt`, 'dag-scope=entity')).toEqual(expected);
  },
  'TestTrustlessCarDagScopeEntity: GET CAR with dag-scope=entity of a chunked UnixFS file': async () => {
    const expected = [...wayTo(mixed, 'subdir', 'subdir/multiblock.txt'), ...parts];
    expect(await askCar(`${mixed.root}/subdir/multiblock.txt`, 'dag-scope=entity')).toEqual(expected);
  },
  'TestTrustlessCarDagScopeEntity: GET CAR with dag-scope=entity of DAG-CBOR with Links': async () => {
    const expected = [withCbor.root, withCbor.document];
    expect(await askCar(`${withCbor.root}/document`, 'dag-scope=entity')).toEqual(expected);
  },
  'TestTrustlessCarDagScopeAll: GET CAR with dag-scope=all of UnixFS directory with multiple files': async () => {
    const files = ['subdir/ascii.txt', 'subdir/hello.txt', 'subdir/multiblock.txt'];
    expect(await askCar(`${mixed.root}/subdir`, 'dag-scope=all')).toEqual([
      ...wayTo(mixed, 'subdir', ...files),
      ...parts,
    ]);
  },
  'TestTrustlessCarDagScopeAll: GET CAR with dag-scope=all of a chunked UnixFS file': async () => {
    const expected = [...wayTo(mixed, 'subdir', 'subdir/multiblock.txt'), ...parts];
    expect(await askCar(`${mixed.root}/subdir/multiblock.txt`, 'dag-scope=all')).toEqual(expected);
  },

  'TestTrustlessCarEntityBytes: GET CAR with entity-bytes succeeds even if the gateway is missing a block after the requested range':
    async () => {
      expect(await askCar(gap.file, 'dag-scope=entity&entity-bytes=0:1000')).toEqual([gap.file, gap.first]);
    },
  'TestTrustlessCarEntityBytes: GET CAR with entity-bytes succeeds even if the gateway is missing a block before the requested range':
    async () => {
      expect(await askCar(gap.file, 'dag-scope=entity&entity-bytes=2200:*')).toEqual([gap.file, gap.last]);
    },
  'TestTrustlessCarEntityBytes: GET CAR with entity-bytes of a full UnixFS file': async () => {
    const expected = [...wayTo(mixed, 'subdir', 'subdir/multiblock.txt'), ...parts];
    const query = 'dag-scope=entity&entity-bytes=0:*';
    expect(await askCar(`${mixed.root}/subdir/multiblock.txt`, query)).toEqual(expected);
  },
  'TestTrustlessCarEntityBytes: GET CAR with entity-bytes of a UnixFS directory': async () => {
    const cids = await askCar(sharded.root, 'dag-scope=entity&entity-bytes=0:*');
    expect(cids.toSorted()).toEqual(shardsOf(sharded).toSorted());
  },
  'TestTrustlessCarEntityBytes: GET CAR with entity-bytes equivalent to a HTTP Range Request from the middle of a file to the end':
    rangeCase('512:*', 2, 5),
  'TestTrustlessCarEntityBytes: GET CAR with entity-bytes equivalent to a HTTP Range Request for the middle of a file':
    rangeCase('512:1023', 2, 4),
  'TestTrustlessCarEntityBytes: GET CAR with entity-bytes equivalent to a HTTP Range Request for the middle of a file (negative ending)':
    rangeCase('512:-256', 2, 4),
  'TestTrustlessCarEntityBytes: GET CAR with entity-bytes equivalent to HTTP Suffix Range Request for part of a file':
    rangeCase('-5:*', 3, 5),
  'TestTrustlessCarEntityBytes: GET CAR with entity-bytes requesting a negative range bigger than the length of a file':
    rangeCase('-9999:*', 0, 5),
  'TestTrustlessCarEntityBytes: GET CAR with entity-bytes requesting a range from the end of a file that is bigger than a file itself':
    rangeCase('-9999:-3', 0, 4),
  'TestTrustlessCarEntityBytes: GET CAR with entity-bytes requesting only the blocks for the first byte of a file':
    rangeCase('0:0', 0, 1),

  'TestTrustlessCarOrderAndDuplicates: GET CAR with order=dfs and dups=y of UnixFS Directory With Duplicate Files':
    orderedCase(`${CAR}; version=1; order=dfs; dups=y`, allDuplicates, ['order=dfs', 'dups=y']),
  'TestTrustlessCarOrderAndDuplicates: GET CAR with order=dfs and dups=n of UnixFS Directory With Duplicate Files':
    orderedCase(`${CAR}; version=1; order=dfs; dups=n`, () => [...new Set(allDuplicates())], ['order=dfs', 'dups=n']),
  'TestTrustlessCarOrderAndDuplicates: GET CAR smoke-test with order=unk of UnixFS Directory': orderedCase(
    `${CAR}; version=1; order=unk`,
    () => [...new Set(allDuplicates())],
    ['order='],
  ),
  'TestTrustlessCarOrderAndDuplicates: GET CAR with ?format=car respects Accept header order and dups params':
    async () => {
      const answer = await ask(`${duplicates.root}?format=car`, { accept: `${CAR}; version=1; order=dfs; dups=y` });
      expect(await listCar(answer)).toEqual(allDuplicates());
    },
  'TestTrustlessCarOrderAndDuplicates: GET CAR with ?car-order=dfs takes precedence over order=unk in Accept':
    async () => {
      const answer = await ask(`${duplicates.root}?format=car&car-order=dfs`, { accept: `${CAR}; order=unk` });
      expect(answer.headers['content-type']).toContain('order=dfs');
    },
  'TestTrustlessCarOrderAndDuplicates: GET CAR with ?car-dups=y takes precedence over dups=n in Accept': async () => {
    const answer = await ask(`${duplicates.root}?format=car&car-dups=y`, { accept: `${CAR}; dups=n` });
    expect(answer.headers['content-type']).toContain('dups=y');
    expect(await listCar(answer)).toEqual(allDuplicates());
  },
  'TestTrustlessCarFormatPrecedence: GET with format=car query parameter takes precedence over Accept header':
    async () => {
      const answer = await ask(`${at(single, 'subdir')}?format=car`, { accept: RAW });
      expect(answer.headers['content-type']).toContain(CAR);
    },
  'TestTrustlessCarFormatPrecedence: GET with format=raw query parameter takes precedence over Accept header':
    async () => {
      const answer = await ask(`${at(single, 'subdir')}?format=raw`, { accept: CAR });
      expect(answer.headers['content-type']).toBe(RAW);
    },
};

test.each(Object.keys(CASES))('%s', async (name) => {
  await CASES[name]!();
});

test('these are the cases that the documentation calls passed', async () => {
  const names = Object.keys(CASES);
  const tests = new Set(names.map((name) => name.split(':', 1)[0]!));
  expect((await listPassed([...tests])).toSorted()).toEqual(names.toSorted());
});
