// The cases of ipfs/gateway-conformance for paths, ranges and subdomains, in our words and with content of our own.
// A path without a format leads to the host of its CID (ED54), so these follow the way a browser goes.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cid } from '../../shared/codec/cid.ts';
import { cidFromDigest } from '../../shared/codec/cid.ts';
import { encodeDirectory } from '../../shared/content/dag-node.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { expectForEver, importFolder, listPassed, removeMiddle, type ImportedFolder } from './conformance.test-kit.ts';
import type { HttpAnswer } from './edge.test-kit.ts';
import { startIpfsStand, type IpfsStand } from './ipfs.test-kit.ts';

const TEXT = 'thirty-one letters and no more.';
const AWKWARD = 'Portugal%2C+España=Peninsula Ibérica.txt';
const AWKWARD_PATH = '/Portugal%252C+Espa%C3%B1a=Peninsula%20Ib%C3%A9rica.txt';
const MISSING: Cid = cidFromDigest('dag-pb', sha256(new Uint8Array(7)));

let stand: IpfsStand;
let listing: ImportedFolder;
let cache: ImportedFolder;
let files: ImportedFolder;
let awkward: ImportedFolder;
let folder: ImportedFolder;
let symlinks: Cid;
let gapped: Cid;
let hello: Cid;
let legacy: ImportedFolder;

beforeAll(async () => {
  stand = await startIpfsStand();
  const { blocks } = stand;
  listing = await importFolder(blocks, { 'ą/ę/file-źł.txt': 'I am a file in a folder\n' });
  cache = await importFolder(blocks, { 'root2/root3/root4/index.html': 'hello\n' });
  files = await importFolder(blocks, { 'ascii.txt': TEXT, 'hello.txt': 'hello world\n' });
  awkward = await importFolder(blocks, { [AWKWARD]: 'a name with escapes in it\n' });
  const subdomain = { hello: 'hello\n', 'ipfs/file.txt': 'I am a txt file\n', 'ipfs/ipns/bar': 'text-file-content' };
  folder = await importFolder(blocks, subdomain);
  hello = folder.cids.get('hello')!;
  legacy = await importFolder(blocks, { hello: 'hello\n' }, { cidVersion: 0, rawLeaves: false });
  const body = Uint8Array.from({ length: 3_072 }, (_, at) => (at * 13 + (at >> 9)) & 0xff);
  const chunked = await importFolder(blocks, { 'file.bin': body }, { cidVersion: 0, rawLeaves: false, chunk: 1_024 });
  gapped = chunked.cids.get('file.bin')!;
  removeMiddle(blocks, gapped);
  // A UnixFS node of type 4 that holds `foo`, in a dag-pb node without links.
  const link = Uint8Array.of(0x0a, 0x07, 0x08, 0x04, 0x12, 0x03, 0x66, 0x6f, 0x6f);
  const target = Buffer.from('content\n');
  const entries = [
    { name: 'bar', cid: cidFromDigest('dag-pb', sha256(link)), total: link.length, bytes: link },
    { name: 'foo', cid: cidFromDigest('raw', sha256(target)), total: target.length, bytes: target },
  ];
  const directory = encodeDirectory(entries);
  symlinks = cidFromDigest('dag-pb', sha256(directory));
  for (const { cid, bytes } of entries) blocks.set(cid, bytes);
  blocks.set(symlinks, directory);
});

afterAll(async () => {
  await stand?.stop();
});

type Headers = Readonly<Record<string, string>>;

const ask = (path: string, headers: Headers = {}, method = 'GET'): Promise<HttpAnswer> =>
  stand.edge.ask(path, { headers, method });

/** At `{cid}.localhost`. */
const askAt = (cid: Cid, path: string, headers: Headers = {}): Promise<HttpAnswer> =>
  stand.edge.ask(path, { host: `${cid}.localhost`, headers });

const hostOf = (cid: Cid): string => `http://${cid}.localhost:${stand.edge.port}`;

/** `/ipfs/…` as a browser opens it: sent to the host of the root, and answered there. */
async function follow(path: string, headers: Headers = {}): Promise<HttpAnswer> {
  const { status, headers: sent } = await ask(path, headers);
  expect(status, path).toBe(301);
  const url = new URL(sent.location!);
  return await stand.edge.ask(url.pathname + url.search, { host: url.hostname, headers });
}

const chain = (imported: ImportedFolder, ...paths: string[]): string =>
  [imported.root, ...paths.map((path) => imported.cids.get(path)!)].join(',');

const ROOT4 = ['root2', 'root2/root3', 'root2/root3/root4'];
const INDEX = [...ROOT4, 'root2/root3/root4/index.html'];
const pathOf = (name: string): string => `/ipfs/${cache.root}/${name}`;
const indexTag = (): string => `"${cache.cids.get(INDEX.at(-1)!)}"`;

async function expectUnchanged(path: string, condition: string): Promise<void> {
  expect((await follow(path, { 'if-none-match': condition })).status).toBe(304);
}

async function expectRange(path: string, range: string, expected: readonly [string, string]): Promise<void> {
  const answer = await follow(path, { range });
  expect([answer.status, answer.headers['content-range'], answer.body.toString()]).toEqual([206, ...expected]);
}

async function expectGap(range: string, contentRange: string): Promise<void> {
  const answer = await follow(`/ipfs/${gapped}`, { range });
  expect([answer.status, answer.headers['content-range']]).toEqual([206, contentRange]);
}

async function expectSentTo(path: string, location: string, headers: Headers = {}): Promise<void> {
  const answer = await ask(path, headers);
  expect([answer.status, answer.headers.location]).toEqual([301, location]);
}

const rawDirectory = Buffer.from([0x0a, 0x02, 0x08, 0x01]);

const CASES: Readonly<Record<string, () => Promise<void>>> = {
  'TestUnixFSDirectoryListing: path gw: backlink on root CID should be hidden': async () => {
    const page = (await follow(`/ipfs/${listing.root}/`)).body.toString();
    expect(page).toContain('Index of');
    expect(page).not.toContain('..</a>');
  },
  'TestUnixFSDirectoryListing: path gw: redirect dir listing to URL with trailing slash': async () => {
    expect((await follow(`/ipfs/${listing.root}/%C4%85/%C4%99`)).headers.location).toBe('/%C4%85/%C4%99/');
  },
  'TestUnixFSDirectoryListing: GET for /ipfs/cid/file UnixFS file that does not exist returns 404': async () => {
    expect((await follow(`/ipfs/${listing.root}/i-do-not-exist`)).status).toBe(404);
  },

  'TestGatewayCache: GET for /ipfs/ unixfs dir listing succeeds': async () => {
    const answer = await follow(pathOf('root2/root3/'));
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'x-ipfs-path': pathOf('root2/root3/'),
      'x-ipfs-roots': chain(cache, 'root2', 'root2/root3'),
      etag: expect.stringMatching(new RegExp(`^"DirIndex-.*_CID-${cache.cids.get('root2/root3')!}"$`)),
      'cache-control': 'public, max-age=604800, stale-while-revalidate=2678400',
    });
  },
  'TestGatewayCache: GET for /ipfs/ unixfs dir with index.html succeeds': async () => {
    const answer = await follow(pathOf('root2/root3/root4/'));
    expect([answer.status, answer.body.toString()]).toEqual([200, 'hello\n']);
    expect(answer.headers).toMatchObject({
      'cache-control': 'public, max-age=29030400, immutable',
      'x-ipfs-path': pathOf('root2/root3/root4/'),
      'x-ipfs-roots': chain(cache, ...ROOT4),
      etag: `"${cache.cids.get('root2/root3/root4')!}"`,
    });
  },
  'TestGatewayCache: GET for /ipfs/ unixfs file succeeds': async () => {
    const answer = await follow(pathOf('root2/root3/root4/index.html'));
    expect(answer.headers).toMatchObject({
      'cache-control': 'public, max-age=29030400, immutable',
      'x-ipfs-path': pathOf('root2/root3/root4/index.html'),
      'x-ipfs-roots': chain(cache, ...INDEX),
      etag: indexTag(),
    });
  },
  'TestGatewayCache: GET for /ipfs/ unixfs dir as raw block succeeds': async () => {
    const answer = await ask(pathOf('root2/root3/root4/?format=raw'));
    expectForEver(answer);
    expect(answer.body.subarray(-4)).toEqual(rawDirectory);
    expect(cidFromDigest('dag-pb', sha256(new Uint8Array(answer.body)))).toBe(cache.cids.get('root2/root3/root4'));
  },
  'TestGatewayCache: HEAD for /ipfs/ with only-if-cached succeeds when in local datastore': async () => {
    await ask(pathOf('root2/root3/root4/?format=raw'));
    const cached = { 'cache-control': 'only-if-cached' };
    expect((await ask(pathOf('root2/root3/root4/?format=raw'), cached, 'HEAD')).status).toBe(200);
  },
  'TestGatewayCache: HEAD for /ipfs/ with only-if-cached fails when not in local datastore': async () => {
    expect((await ask(`/ipfs/${MISSING}`, { 'cache-control': 'only-if-cached' }, 'HEAD')).status).toBe(412);
  },
  'TestGatewayCache: GET for /ipfs/ with only-if-cached succeeds when in local datastore': async () => {
    await ask(pathOf('root2/root3/root4/?format=raw'));
    const cached = { 'cache-control': 'only-if-cached' };
    expect((await ask(pathOf('root2/root3/root4/?format=raw'), cached)).status).toBe(200);
  },
  'TestGatewayCache: GET for /ipfs/ with only-if-cached fails when not in local datastore': async () => {
    expect((await ask(`/ipfs/${MISSING}`, { 'cache-control': 'only-if-cached' })).status).toBe(412);
    expect(stand.asked).not.toContain(MISSING);
  },
  'TestGatewayCache: GET for /ipfs/ file with matching Etag in If-None-Match returns 304 Not Modified': () =>
    expectUnchanged(pathOf('root2/root3/root4/index.html'), indexTag()),
  'TestGatewayCache: GET for /ipfs/ dir with index.html file with matching Etag in If-None-Match returns 304 Not Modified':
    () => expectUnchanged(pathOf('root2/root3/root4/'), `"${cache.cids.get('root2/root3/root4')!}"`),
  'TestGatewayCache: GET for /ipfs/ file with matching third Etag in If-None-Match returns 304 Not Modified': () =>
    expectUnchanged(pathOf('root2/root3/root4/index.html'), `"fakeEtag1", "fakeEtag2", ${indexTag()}`),
  'TestGatewayCache: GET for /ipfs/ file with matching weak Etag in If-None-Match returns 304 Not Modified': () =>
    expectUnchanged(pathOf('root2/root3/root4/index.html'), `W/${indexTag()}`),
  'TestGatewayCache: GET for /ipfs/ file with wildcard Etag in If-None-Match returns 304 Not Modified': () =>
    expectUnchanged(pathOf('root2/root3/root4/index.html'), '*'),
  'TestGatewayCache: DirIndex etag is based on xxhash(./assets/dir-index-html), so we need to fetch it dynamically':
    async () => {
      expect((await follow(pathOf('root2/root3/'))).headers.etag).toBeTruthy();
    },
  'TestGatewayCache: GET for /ipfs/ dir listing with matching strong Etag in If-None-Match returns 304 Not Modified':
    async () => {
      const { etag } = (await follow(pathOf('root2/root3/'))).headers;
      await expectUnchanged(pathOf('root2/root3/'), etag!);
    },
  'TestGatewayCache: GET for /ipfs/ dir listing with matching weak Etag in If-None-Match returns 304 Not Modified':
    async () => {
      const { etag } = (await follow(pathOf('root2/root3/'))).headers;
      await expectUnchanged(pathOf('root2/root3/'), `W/${etag!}`);
    },

  'TestGatewaySymlink: Test the directory listing': async () => {
    const page = (await follow(`/ipfs/${symlinks}/`)).body.toString();
    for (const name of ['>foo<', '>bar<']) expect(page).toContain(name);
  },
  'TestGatewaySymlink: Test the directory raw query': async () => {
    const answer = await ask(`/ipfs/${symlinks}?format=raw`);
    expect(cidFromDigest('dag-pb', sha256(new Uint8Array(answer.body)))).toBe(symlinks);
  },
  'TestGatewaySymlink: Test the symlink': async () => {
    const answer = await follow(`/ipfs/${symlinks}/bar`);
    expect([answer.status, answer.body.toString()]).toEqual([200, 'foo']);
  },

  'TestGatewayUnixFSFileRanges: GET for /ipfs/ file includes Accept-Ranges header': async () => {
    const answer = await follow(`/ipfs/${files.root}/ascii.txt`);
    expect([answer.status, answer.headers['accept-ranges'], answer.body.toString()]).toEqual([200, 'bytes', TEXT]);
  },
  'TestGatewayUnixFSFileRanges: GET for /ipfs/ file with single range request includes correct bytes': () =>
    expectRange(`/ipfs/${files.root}/ascii.txt`, 'bytes=6-16', ['bytes 6-16/31', TEXT.slice(6, 17)]),
  'TestGatewayUnixFSFileRanges: GET for /ipfs/ file with suffix range request includes correct bytes from the end of file':
    () => expectRange(`/ipfs/${files.root}/ascii.txt`, 'bytes=-3', ['bytes 28-30/31', TEXT.slice(28)]),
  'TestGatewayUnixFSFileRanges: GET for /ipfs/ file with multiple range request returns correct bytes': async () => {
    const answer = await follow(`/ipfs/${files.root}/ascii.txt`, { range: 'bytes=6-16,0-4' });
    expect([answer.status, answer.headers['content-type']]).toEqual([
      206,
      expect.stringContaining('multipart/byteranges'),
    ]);
    // Names of headers are the same in any case.
    const body = answer.body.toString().replaceAll('content-range', 'Content-Range');
    for (const [range, text] of [
      ['bytes 6-16/31', TEXT.slice(6, 17)],
      ['bytes 0-4/31', TEXT.slice(0, 5)],
    ] as const) {
      expect(body).toContain(`Content-Range: ${range}\r\n\r\n${text}\r\n`);
    }
  },
  'TestGatewayUnixFSFileRanges: GET Range of file succeeds even if the gateway is missing a block AFTER the requested range':
    () => expectGap('bytes=997-1000', 'bytes 997-1000/3072'),
  'TestGatewayUnixFSFileRanges: GET Range of file succeeds even if the gateway is missing a block BEFORE the requested range':
    () => expectGap('bytes=2200-2201', 'bytes 2200-2201/3072'),
  'TestPathGatewayMiscellaneous: GET for /ipfs/ file whose filename contains percentage-encoded characters works':
    async () => {
      expect((await follow(`/ipfs/${awkward.root}${AWKWARD_PATH}`)).body.toString()).toBe(
        'a name with escapes in it\n',
      );
    },

  'TestUnixFSDirectoryListingOnSubdomainGateway: backlink on root CID should be hidden': async () => {
    const page = (await askAt(listing.root, '/')).body.toString();
    expect(page).toContain('Index of');
    expect(page).not.toContain('<a href="/">..</a>');
  },
  'TestUnixFSDirectoryListingOnSubdomainGateway: redirect dir listing to URL with trailing slash': async () => {
    const answer = await askAt(listing.root, '/%C4%85/%C4%99');
    expect([answer.status, answer.headers.location]).toEqual([301, '/%C4%85/%C4%99/']);
  },

  'TestGatewaySubdomains: request for example.com/ipfs/{cid} redirects to {cid}.ipfs.example.com': () =>
    expectSentTo(`/ipfs/${hello}/`, `${hostOf(hello)}/`),
  'TestGatewaySubdomains: request for example.com/ipfs/{CIDv1}/{filename with percent encoding} redirects to subdomain':
    () => expectSentTo(`/ipfs/${awkward.root}${AWKWARD_PATH}`, `${hostOf(awkward.root)}${AWKWARD_PATH}`),
  'TestGatewaySubdomains: request for example.com/ipfs/{DirCID}/ redirects to subdomain': () =>
    expectSentTo(`/ipfs/${folder.root}/`, `${hostOf(folder.root)}/`),
  'TestGatewaySubdomains: request for example.com/ipfs/{CIDv0} redirects to {CIDv1}.ipfs.example.com': async () => {
    expect(legacy.name).toMatch(/^Qm/);
    await expectSentTo(`/ipfs/${legacy.name}/`, `${hostOf(legacy.root)}/`);
    expect((await follow(`/ipfs/${legacy.name}/hello`)).body.toString()).toBe('hello\n');
  },
  'TestGatewaySubdomains: request for {CID}.ipfs.example.com should return expected payload': async () => {
    const answer = await askAt(hello, '/');
    expect([answer.status, answer.body.toString()]).toEqual([200, 'hello\n']);
    const shared = await stand.edge.ask('/', { host: `${hello}.ipfs.localhost` });
    expect([shared.status, shared.headers.location]).toEqual([301, `${hostOf(hello)}/`]);
  },
  'TestGatewaySubdomains: request for {CID}.ipfs.example.com/ipfs/{CID} should return HTTP 404': async () => {
    expect((await askAt(hello, `/ipfs/${hello}/`)).status).toBe(404);
  },
  'TestGatewaySubdomains: request for {CID}.ipfs.example.com/ipfs/file.txt should return data from a file in CID content root':
    async () => {
      expect((await askAt(folder.root, '/ipfs/file.txt')).body.toString()).toBe('I am a txt file\n');
    },
  'TestGatewaySubdomains: valid file and subdirectory paths in directory listing at {cid}.ipfs.example.com':
    async () => {
      const page = (await askAt(folder.root, '/')).body.toString();
      for (const link of ['<a href="/hello">hello</a>', '<a href="/ipfs">ipfs</a>']) expect(page).toContain(link);
    },
  'TestGatewaySubdomains: valid parent directory path in directory listing at {cid}.ipfs.example.com/sub/dir':
    async () => {
      const page = (await askAt(folder.root, '/ipfs/ipns/')).body.toString();
      for (const link of ['<a href="/ipfs/ipns/..">..</a>', '<a href="/ipfs/ipns/bar">bar</a>']) {
        expect(page).toContain(link);
      }
    },
  'TestGatewaySubdomains: request for deep path resource at {cid}.ipfs.example.com/sub/dir/file': async () => {
    expect((await askAt(folder.root, '/ipfs/ipns/bar')).body.toString()).toBe('text-file-content');
  },
  'TestGatewaySubdomains: request for example.com/ipfs/{InvalidCID} produces useful error before redirect':
    async () => {
      const { because } = JSON.parse((await ask('/ipfs/QmInvalidCID')).body.toString());
      expect(because).toContain('invalid path "/ipfs/QmInvalidCID"');
    },
  'TestGatewaySubdomains: request for example.com/ipfs/?uri=ipfs%3A%2F%2F.. produces redirect to /ipfs/.. content path':
    () =>
      expectSentTo(
        `/ipfs/?uri=${encodeURIComponent(`ipfs://${legacy.name}/wiki/Diego_Maradona.html`)}`,
        `/ipfs/${legacy.name}/wiki/Diego_Maradona.html`,
      ),

  'TestCors: GET Responses from Gateway should include CORS headers allowing JS from other origins to read the data cross-origin.':
    async () => {
      for (const answer of [await follow(`/ipfs/${hello}/`), await ask(`/ipfs/${hello}?format=raw`)])
        expectCors(answer);
    },
  'TestCors: OPTIONS to Gateway succeeds': async () => {
    const answer = await ask(`/ipfs/${hello}/`, {}, 'OPTIONS');
    expect(answer.status).toBe(204);
    expectCors(answer);
  },
};

function expectCors({ headers }: HttpAnswer): void {
  const listed = (name: string): string[] =>
    String(headers[name])
      .split(',')
      .map((one) => one.trim());
  expect(headers['access-control-allow-origin']).toBe('*');
  expect(listed('access-control-allow-methods')).toEqual(expect.arrayContaining(['GET', 'HEAD', 'OPTIONS']));
  expect(listed('access-control-allow-headers')).toEqual(
    expect.arrayContaining(['Content-Type', 'Range', 'User-Agent', 'X-Requested-With']),
  );
  expect(listed('access-control-expose-headers')).toEqual(
    expect.arrayContaining([
      'Content-Range',
      'Content-Length',
      'X-Ipfs-Path',
      'X-Ipfs-Roots',
      'X-Chunked-Output',
      'X-Stream-Output',
    ]),
  );
}

test.each(Object.keys(CASES))('%s', async (name) => {
  await CASES[name]!();
});

test('these are the cases that the documentation calls passed', async () => {
  const names = Object.keys(CASES);
  const tests = new Set(names.map((name) => name.split(':', 1)[0]!));
  expect((await listPassed([...tests])).toSorted()).toEqual(names.toSorted());
});
