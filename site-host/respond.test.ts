import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { FUZZ_CASES } from '../test/fuzz-cases.ts';
import { encodeUtf8 } from '../shared/codec/base.ts';
import type { Cid } from '../shared/codec/cid.ts';
import { readFile } from '../shared/content/unixfs.ts';
import { createWebHasher } from '../shared/platform/web/web-crypto.ts';
import { bundleSite, type SiteFile } from './bundle.ts';
import { respond, type SiteRequest } from './respond.ts';

const hasher = createWebHasher();
const MIB = 1024 * 1024;
const large = Uint8Array.from(
  { length: 3 * MIB + 9 },
  (_, index) => (index * 13 + (index >> 10) + (index >> 18)) & 0xff,
);

const files: readonly SiteFile[] = [
  { path: 'index.html', body: encodeUtf8('<h1>home</h1>') },
  { path: 'style.css', body: encodeUtf8('body{color:red}') },
  { path: 'a b/ü.txt', body: encodeUtf8('spaces and umlauts') },
  { path: 'docs/index.html', body: encodeUtf8('<h1>docs</h1>') },
  { path: 'docs/page.html', body: encodeUtf8('<h1>page</h1>') },
  { path: 'empty.txt', body: new Uint8Array(0) },
  { path: 'large.bin', body: large },
  { path: '50%.txt', body: encodeUtf8('half') },
];
const missing = { path: '404.html', body: encodeUtf8('<h1>lost</h1>') };

type Site = Pick<SiteRequest, 'manifest' | 'manifestCid' | 'readFile'> & { blocks: Map<Cid, Uint8Array>; read: Cid[] };

async function openSite(files: readonly SiteFile[]): Promise<Site> {
  const blocks = new Map<Cid, Uint8Array>();
  const read: Cid[] = [];
  const bundle = await bundleSite({
    files,
    now: 1,
    hasher,
    putBlocks: (batch) => Promise.resolve(batch.forEach(({ cid, bytes }) => blocks.set(cid, bytes))),
  });
  if (!bundle.ok) throw new Error(bundle.error.because);
  const getBlock = (cid: Cid): Promise<Uint8Array | undefined> => {
    read.push(cid);
    return Promise.resolve(blocks.get(cid));
  };
  return {
    manifest: bundle.value.manifest,
    manifestCid: bundle.value.cid,
    blocks,
    read,
    readFile: ({ src, size }, range) => readFile({ cid: src, size, getBlock, hasher, ...(range ? { range } : {}) }),
  };
}

const plain = await openSite(files);
const site = await openSite([...files, missing]);

function get(url: string, headers: Record<string, string> = {}, more: Partial<SiteRequest> = {}): Promise<Response> {
  return respond({ ...site, method: 'GET', url, headers: new Headers(headers), ...more });
}

function digestOf(text: string): string {
  return `sha-256=:${createHash('sha256').update(text).digest('base64')}:`;
}

function etagOf(path: string): string {
  return `"${site.manifest.resources.get(path)!.src}"`;
}

test('SI10: a file comes with its type, length, strong tag and the headers of a site', async () => {
  const response = await get('/style.css?v=1');
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toEqual({
    'accept-ranges': 'bytes',
    'cache-control': 'public, max-age=0, must-revalidate',
    'content-digest': digestOf('body{color:red}'),
    'content-length': '15',
    'content-type': 'text/css; charset=utf-8',
    etag: etagOf('/style.css'),
    'origin-agent-cluster': '?1',
    'repr-digest': digestOf('body{color:red}'),
    'x-content-type-options': 'nosniff',
  });
  expect(await response.text()).toBe('body{color:red}');
});

test.each([
  ['/', '<h1>home</h1>'],
  ['/index.html', '<h1>home</h1>'],
  ['/docs/', '<h1>docs</h1>'],
  ['/a%20b/%C3%BC.txt', 'spaces and umlauts'],
  ['/a%20b/u%CC%88.txt', 'spaces and umlauts'],
  ['/%61%20b/ü.txt', 'spaces and umlauts'],
  ['/50%25.txt', 'half'],
  ['/empty.txt', ''],
])('SI4: %s is found', async (url, text) => {
  const response = await get(url);
  expect([response.status, await response.text()]).toEqual([200, text]);
});

test.each([
  '/gone.css',
  '/docs/gone',
  '/style.css/',
  '/style.css/x',
  '/Index.html',
  '//index.html',
  '//',
  '/a%2520b/ü.txt',
  '/docs%2Fpage.html',
  '/docs%5Cpage.html',
  '/docs/../index.html',
  '/docs/%2e%2e/index.html',
  '/.weft/sw.js',
  '/%00',
  '/__proto__',
  '/constructor',
])('SI11: %s is the publisher’s 404 page with status 404, which no cache keeps', async (url) => {
  const response = await get(url);
  expect(response.status).toBe(404);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('etag')).toBeNull();
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(await response.text()).toBe('<h1>lost</h1>');
});

test('SI11: without a 404 page of the publisher the built-in one comes', async () => {
  const response = await get('/gone', {}, plain);
  expect([response.status, response.headers.get('weft-code')]).toEqual([404, 'not_found']);
  expect(await response.text()).toContain('Not found');
});

test.each(['/%', '/%ff', `/${'a'.repeat(5_000)}`])('SI4: %s is a bad address', async (url) => {
  expect((await get(url)).status).toBe(400);
});

test.each([
  ['/docs', '/docs/'],
  ['/docs?a=b&c', '/docs/?a=b&c'],
  ['/docs?x\r\ny', '/docs/'],
])('SI12: %j moves to %s, where the index is', async (url, location) => {
  const response = await get(url);
  expect([response.status, response.headers.get('location')]).toEqual([301, location]);
});

test.each([
  [etagOf('/style.css'), 304],
  [`W/${etagOf('/style.css')}`, 304],
  [`"x", ${etagOf('/style.css')}`, 304],
  ['*', 304],
  ['"x"', 200],
  [etagOf('/index.html'), 200],
  ['', 200],
])('SI13: If-None-Match %s gives %i', async (tag, status) => {
  site.read.length = 0;
  const response = await get('/style.css', { 'if-none-match': tag, range: 'bytes=0-1' });
  expect(response.status === 206 ? 200 : response.status).toBe(status);
  if (status !== 304) return;
  expect(await response.text()).toBe('');
  expect(response.headers.get('etag')).toBe(etagOf('/style.css'));
  expect(site.read).toEqual([]);
});

test('SI13: HEAD has the headers of GET and reads nothing', async () => {
  for (const url of ['/style.css', '/large.bin', '/gone', '/docs', '/%']) {
    const whole = await get(url);
    site.read.length = 0;
    const head = await get(url, {}, { method: 'HEAD' });
    expect(head.status).toBe(whole.status);
    const { 'content-digest': _ofTheBody, ...same } = Object.fromEntries(whole.headers);
    expect(Object.fromEntries(head.headers)).toEqual(same);
    expect(await head.text()).toBe('');
    expect(site.read).toEqual([]);
    await whole.body?.cancel();
  }
});

test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'get'])('SI13: %s is refused', async (method) => {
  const response = await get('/', {}, { method });
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test.each([
  ['bytes=0-3', 0, 4],
  ['bytes=5-', 5, large.length],
  ['bytes=-9', large.length - 9, large.length],
  ['bytes=262143-262145', 262_143, 262_146],
  ['bytes=1-2097153', 1, 2_097_154],
])('SI14: the range %s of a large file', async (range, from, to) => {
  const response = await get('/large.bin', { range });
  expect(response.status).toBe(206);
  expect(response.headers.get('content-range')).toBe(`bytes ${from}-${to - 1}/${large.length}`);
  expect(response.headers.get('content-length')).toBe(String(to - from));
  expect(Buffer.compare(await response.bytes(), large.subarray(from, to))).toBe(0);
});

test('SI14: a range outside the file is 416 with the size', async () => {
  const response = await get('/style.css', { range: 'bytes=15-' });
  expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */15']);
});

test('SI14: If-Range gives the part only of the same version', async () => {
  const range = 'bytes=0-1';
  expect((await get('/style.css', { range, 'if-range': etagOf('/style.css') })).status).toBe(206);
  for (const stale of ['"x"', `W/${etagOf('/style.css')}`, 'Wed, 21 Oct 2015 07:28:00 GMT']) {
    expect((await get('/style.css', { range, 'if-range': stale })).status).toBe(200);
  }
});

test('SI14: ranges of HEAD or of a missing file are ignored', async () => {
  expect((await get('/style.css', { range: 'bytes=0-1' }, { method: 'HEAD' })).status).toBe(200);
  expect((await get('/gone', { range: 'bytes=0-1' })).status).toBe(404);
});

test('SI14: a host that cannot stream for long answers an open range in part', async () => {
  const open = await get('/large.bin', { range: 'bytes=10-' }, { openRangeMax: MIB });
  expect(open.headers.get('content-range')).toBe(`bytes 10-${MIB + 9}/${large.length}`);
  const closed = await get('/large.bin', { range: `bytes=10-${large.length}` }, { openRangeMax: MIB });
  expect(closed.headers.get('content-length')).toBe(String(large.length - 10));
  await Promise.all([open, closed].map(async (response) => await response.body!.cancel()));
});

test('SI10: where the platform has streams of fixed length (workerd), a streamed body is one', async () => {
  const lengths: number[] = [];
  const FixedLengthStream = function (length: number): TransformStream {
    lengths.push(length);
    return new TransformStream();
  };
  vi.stubGlobal('FixedLengthStream', FixedLengthStream);
  try {
    const response = await get('/large.bin', { range: 'bytes=3-' });
    expect(Buffer.compare(await response.bytes(), large.subarray(3))).toBe(0);
  } finally {
    vi.unstubAllGlobals();
  }
  expect(lengths).toEqual([large.length - 3]);
});

test('SI15: the delivery is told in Server-Timing, after the first bytes are here', async () => {
  const sources: string[] = [];
  const read = site.readFile;
  const readAndNote: SiteRequest['readFile'] = async function* (resource, range) {
    sources.push('peer');
    yield* read(resource, range);
  };
  const delivery = (): { source: string; verified: string; ms: number } => {
    return { source: sources.join('+') || 'none', verified: 'certificate', ms: 12.6 };
  };
  for (const url of ['/style.css', '/large.bin']) {
    sources.length = 0;
    const response = await get(url, {}, { delivery, readFile: readAndNote });
    const entries = `source;desc="peer";dur=13, verified;desc="certificate", manifest;desc="${site.manifestCid}"`;
    expect(response.headers.get('server-timing')).toBe(entries);
    await response.body!.cancel();
  }
});

test('SI16: a block that is bad or that nobody has ends in an error that names it, and no byte of the file', async () => {
  const broken = await openSite(files);
  for (const [path, resource] of broken.manifest.resources) {
    if (resource.size === 0) continue;
    const genuine = broken.blocks.get(resource.src)!;
    const flipped = genuine.slice();
    flipped[flipped.length - 1]! ^= 0x80;
    broken.blocks.set(resource.src, flipped);
    const bad = await get(encodeURI(path), {}, broken);
    expect([bad.status, bad.headers.get('weft-code')]).toEqual([502, 'block_corrupt']);
    expect([bad.headers.get('weft-cid'), bad.headers.get('cache-control')]).toEqual([resource.src, 'no-store']);
    expect(await bad.text()).toContain(resource.src);
    broken.blocks.delete(resource.src);
    const gone = await get(encodeURI(path), {}, broken);
    expect([gone.status, gone.headers.get('weft-code')]).toEqual([504, 'block_missing']);
    broken.blocks.set(resource.src, genuine);
  }
});

test('SI16: a bad block later in a stream breaks the stream before a byte of it leaves', async () => {
  const broken = await openSite(files);
  const leaves = [...broken.blocks].filter(([, bytes]) => bytes.length === 262_144);
  const [cid, genuine] = leaves[6]!;
  broken.blocks.set(cid, genuine.with(0, genuine[0]! ^ 1));
  const response = await get('/large.bin', {}, broken);
  expect(response.status).toBe(200);
  let received = 0;
  const reading = (async () => {
    for await (const chunk of response.body!) received += chunk.length;
  })();
  await expect(reading).rejects.toMatchObject({ code: 'block_corrupt', cid });
  expect(received).toBe(6 * 262_144);
});

test('SI16: text in a failure page is escaped', async () => {
  const failing: SiteRequest['readFile'] = async function* () {
    yield await Promise.reject(
      new (await import('../shared/content/content-error.ts')).ContentError('block_missing', '<script>&"'),
    );
  };
  const text = await (await get('/style.css', {}, { readFile: failing })).text();
  expect(text).toContain('&lt;script&gt;&amp;&quot;');
  expect(text).not.toContain('<script>');
});

test('SI10: any request gets an answer; a missing asset never gets a page with status 200', async () => {
  const pieces = fc.constantFrom(
    '/',
    'docs',
    'index.html',
    'style.css',
    '..',
    '%2e',
    '%2F',
    '%',
    '?',
    '#',
    '//',
    'ü',
    '\u0000',
    '\ud800',
    'x',
  );
  const url = fc.array(pieces, { maxLength: 6 }).map((parts) => `/${parts.join('')}`);
  const value = fc.oneof(
    fc.string({ unit: fc.constantFrom(...Array.from('"*,W/ bytes=0123456789-')) }),
    fc.constantFrom('*', 'bytes=0-', 'bytes=-1', 'bytes=99-', etagOf('/style.css')),
  );
  const names = fc.constantFrom('range', 'if-none-match', 'if-range');
  const served = new Set([...files, missing].map(({ path }) => `/${path}`));
  await fc.assert(
    fc.asyncProperty(url, fc.dictionary(names, value), fc.constantFrom('GET', 'HEAD'), async (url, headers, method) => {
      const response = await get(url, headers, { method });
      expect([200, 206, 301, 304, 400, 404, 416]).toContain(response.status);
      const path = url.split('?', 1)[0]!;
      if ([200, 206, 304].includes(response.status)) {
        expect(served.has(path.endsWith('/') ? `${path}index.html` : path) || served.has(`${path}.html`)).toBe(true);
      }
      await response.body?.cancel();
    }),
    { numRuns: FUZZ_CASES },
  );
});
