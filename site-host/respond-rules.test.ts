// What a manifest says beyond its files, as respond() follows it: redirects, rewrites, headers, one page for all, encodings, immutability.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES } from '../test/fuzz-cases.ts';
import { encodeUtf8 } from '../shared/codec/base.ts';
import type { Cid } from '../shared/codec/cid.ts';
import { readFile } from '../shared/content/unixfs.ts';
import { createWebHasher } from '../shared/platform/web/web-crypto.ts';
import { bundleSite } from './bundle.ts';
import { decodeManifest, type Manifest } from './manifest.ts';
import { respond, type SiteRequest } from './respond.ts';
import { explainRedirect } from './site-rules.ts';

const hasher = createWebHasher();

async function openSite(
  texts: Readonly<Record<string, string>>,
): Promise<Pick<SiteRequest, 'manifest' | 'manifestCid' | 'readFile'>> {
  const blocks = new Map<Cid, Uint8Array>();
  const bundle = await bundleSite({
    files: Object.entries(texts).map(([path, text]) => ({ path, body: encodeUtf8(text) })),
    now: 1,
    hasher,
    putBlocks: async (batch) => batch.forEach(({ cid, bytes }) => void blocks.set(cid, bytes)),
  });
  if (!bundle.ok) throw new Error(bundle.error.because);
  const read = decodeManifest(bundle.value.manifestBytes);
  if (!read.ok) throw new Error(read.error.because);
  return {
    manifest: read.value,
    manifestCid: bundle.value.cid,
    readFile: ({ src, size }, range) =>
      readFile({ cid: src, size, hasher, getBlock: async (cid) => blocks.get(cid), ...(range && { range }) }),
  };
}

const app = await openSite({
  'index.html': 'app',
  'a.js': 'a',
  '404.html': 'lost',
  _redirects: '/moved/* https://example.org/:splat\n/away/* /:splat 302\n/* /index.html 200',
  _headers:
    '/*\n  Referrer-Policy: same-origin\n/a.js\n  Cache-Control: max-age=60\n/feed\n  Content-Type: application/feed+json',
  feed: '{}',
});

type Asked = Readonly<Record<string, string>>;

function get(url: string, headers: Asked = {}, more: Partial<SiteRequest> = {}): Promise<Response> {
  return respond({ ...app, method: 'GET', url, headers: new Headers(headers), ...more });
}

test.each<[string, Asked, boolean | undefined, number]>([
  ['/deep/link', { 'sec-fetch-mode': 'navigate' }, undefined, 200],
  ['/deep/link.v2', { 'sec-fetch-mode': 'navigate' }, undefined, 200],
  ['/deep/link', { 'sec-fetch-mode': 'cors', accept: 'text/html' }, undefined, 404],
  ['/deep/link', { 'sec-fetch-mode': 'no-cors' }, undefined, 404],
  ['/deep/link', { accept: 'text/html,*/*;q=0.8' }, undefined, 200],
  ['/deep/link', {}, undefined, 200],
  ['/deep/link', { accept: '*/*' }, undefined, 200],
  ['/deep/link', { accept: 'application/json' }, undefined, 404],
  ['/gone.js', {}, undefined, 404],
  ['/gone.js', { accept: '*/*' }, undefined, 404],
  ['/deep/link', { accept: 'text/html' }, false, 404],
  ['/gone.js', {}, true, 200],
  ['/a%2Fb', { 'sec-fetch-mode': 'navigate' }, undefined, 404],
])('SI23: %s with %j (said by the host: %s) is %i', async (url, headers, navigation, status) => {
  const response = await get(url, headers, navigation === undefined ? {} : { navigation });
  expect([response.status, await response.text()]).toEqual([status, status === 200 ? 'app' : 'lost']);
  // A page for all addresses is that file with its tag; one for none is kept by nobody.
  expect(response.headers.get('etag') === null).toBe(status === 404);
});

test.each([
  ['/moved/a%20b/%2e%2e?x=1', 301, 'https://example.org/a%20b/..?x=1'],
  ['/moved/%22%3E%0d%0a', 301, undefined],
  ['/away//evil.example', 302, '/evil.example'],
  ['/away/%5Cevil.example', 302, undefined],
  ['/away/%E2%80%AE', 302, '/%E2%80%AE'],
])(
  'SI22: %s moves (%i) to %s: what a request says becomes part of a path and nothing else',
  async (url, status, location) => {
    const response = await get(url);
    if (location === undefined) return expect(response.status).toBe(404);
    expect([response.status, response.headers.get('location')]).toEqual([status, location]);
    expect(response.headers.get('cache-control')).toBe('no-store');
  },
);

test('SI24: headers go with every answer that shows a file of the publisher’s, and not with those of the platform', async () => {
  const script = await get('/a.js');
  expect(script.headers.get('cache-control')).toBe('max-age=60');
  expect(script.headers.get('referrer-policy')).toBe('same-origin');
  const kept = await get('/a.js', { 'if-none-match': script.headers.get('etag')! });
  expect([kept.status, kept.headers.get('cache-control')]).toEqual([304, 'max-age=60']);
  expect((await get('/feed')).headers.get('content-type')).toBe('application/feed+json');
  const lost = await get('/gone.js');
  expect([lost.headers.get('referrer-policy'), lost.headers.get('cache-control')]).toEqual(['same-origin', 'no-store']);
  expect((await get('/a.js', { range: 'bytes=9-' })).headers.get('referrer-policy')).toBeNull();
});

test('SI27: an address of one version is kept for good, what is missing there is not', async () => {
  const script = await get('/a.js', {}, { immutable: true });
  expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect((await get('/gone.js', {}, { immutable: true })).headers.get('cache-control')).toBe('no-store');
});

test('SI26: a download beside another is no encoding of it, and a coding with no weight is not taken', async () => {
  const site = await openSite({
    'a.tar': 'tar',
    'a.tar.gz': 'tar.gz',
    'b.css': 'css',
    'b.css.gz': 'css.gz',
    'b.css.br': 'css.br',
  });
  const take = async (url: string, accepted: string): Promise<(string | null)[]> => {
    const response = await get(url, { 'accept-encoding': accepted }, site);
    return [await response.text(), response.headers.get('content-encoding'), response.headers.get('vary')];
  };
  expect(await take('/a.tar', 'gzip')).toEqual(['tar', null, null]);
  expect(await take('/b.css', 'gzip, br')).toEqual(['css.br', 'br', 'accept-encoding']);
  expect(await take('/b.css', 'br;q=0.5, GZIP;q=0.8')).toEqual(['css.gz', 'gzip', 'accept-encoding']);
  expect(await take('/b.css', 'br;q=0, gzip;q=0.0')).toEqual(['css', null, 'accept-encoding']);
  expect(await take('/b.css', '*;q=0.1, br;q=0')).toEqual(['css.gz', 'gzip', 'accept-encoding']);
  expect(await take('/b.css', 'br;q=x')).toEqual(['css', null, 'accept-encoding']);
  expect(await take('/b.css', 'identity')).toEqual(['css', null, 'accept-encoding']);
});

test.each<[string, Partial<Manifest>]>([
  ['a page for all that is missing', { spa: '/gone.html' }],
  ['a redirect that is none', { redirects: [{ from: '/a', to: '/b', status: 299 }] }],
  ['a redirect to a script', { redirects: [{ from: '/a', to: 'javascript:alert(1)', status: 301 }] }],
  ['a redirect to another host by two slashes', { redirects: [{ from: '/a', to: '//evil.example', status: 301 }] }],
  ['a redirect that ends its header', { redirects: [{ from: '/a', to: '/b\r\nset-cookie: a=b', status: 301 }] }],
  ['a pattern that is none', { redirects: [{ from: '/a*', to: '/b', status: 301 }] }],
  ['no redirects, said at length', { redirects: [] }],
  ['a header that keeps something', { headers: [{ path: '/*', set: new Map([['set-cookie', 'a=b']]) }] }],
  ['a header that is kept too long', { headers: [{ path: '/*', set: new Map([['cache-control', 'max-age=86401']]) }] }],
  ['a page that is sandboxed', { headers: [{ path: '/*', set: new Map([['content-security-policy', 'sandbox']]) }] }],
  ['a header that ends', { headers: [{ path: '/*', set: new Map([['x-robots-tag', 'a\r\nb: c']]) }] }],
])('SI7: a manifest with %s is refused, however it was made', async (_what, change) => {
  const { encodeManifest } = await import('./manifest.ts');
  const bytes = ((): Uint8Array | null => {
    try {
      return encodeManifest({ ...app.manifest, ...change });
    } catch {
      return null;
    }
  })();
  // What cannot even be written has no bytes that a reader could get.
  if (bytes) expect(decodeManifest(bytes)).toMatchObject({ ok: false });
  else expect(change.redirects).toEqual([]);
});

test('SI22, SI23: whatever the rules are, a request gets an answer of the site, no other host than a rule names, and no page for a script', async () => {
  const names = ['/a', '/b.js', '/:x', '/:y', '/*', '/index.html', '/ü', '/', '//', '/%5C', '/%2F', '/..'];
  const path = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
  const target = fc.oneof(
    fc
      .array(fc.constantFrom('/a', '/:x', '/:splat', '/gone', '?q=:y', '#h', ':x'), { maxLength: 3 })
      .map((parts) => `/${parts.join('')}`),
    fc.constantFrom('/index.html', 'https://b.example/:splat', '/:splat', '/:x'),
  );
  const redirect = fc
    .record({ from: path, to: target, status: fc.constantFrom(200, 301, 302, 404, 410) })
    .filter((one) => explainRedirect(one) === undefined);
  await fc.assert(
    fc.asyncProperty(fc.array(redirect, { maxLength: 4 }), path, async (redirects, url) => {
      const manifest = { ...app.manifest, redirects };
      const response = await get(url, { 'sec-fetch-mode': 'no-cors' }, { manifest });
      expect([200, 301, 302, 400, 404, 410]).toContain(response.status);
      const { origin } = new URL(response.headers.get('location') ?? '/', 'https://site.example');
      expect(['https://site.example', 'https://b.example']).toContain(origin);
      const isThere = ['/', '/a.js', '/index', '/index.html', '/feed', '/404', '/404.html'].includes(url);
      const isNamed = redirects.some(({ from, status }) => status === 200 && from === url);
      if (response.status === 200 && !isThere && !isNamed) {
        expect(response.headers.get('content-type')).not.toContain('text/html');
      }
    }),
    { numRuns: FUZZ_CASES },
  );
});
