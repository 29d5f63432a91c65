// The cases of ipfs/gateway-conformance for `_redirects`, in our words: such a folder published as a site, visited by its version.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Cid } from '../../shared/codec/cid.ts';
import { createWebHasher } from '../../shared/platform/web/web-crypto.ts';
import { bundleSite } from '../../site-host/bundle.ts';
import { listPassed } from './conformance.test-kit.ts';
import { fileOf, type HttpAnswer } from './edge.test-kit.ts';
import { startIpfsStand, type IpfsStand } from './ipfs.test-kit.ts';

const RULES = [
  '/redirect-one /one.html',
  '/301-redirect-one /one.html 301',
  '/302-redirect-two /two.html 302',
  '/200-index /index.html 200',
  '/posts/:year/:month/:day/:title /articles/:year/:month/:day/:title 301',
  '/splat/* /redirected-splat/:splat 301',
  '/not-found/* /404.html 404',
  '/gone/* /410.html 410',
  '/unavail/* /451.html 451',
  '/* /index.html 200',
];
const PAGES = ['index.html', 'one.html', 'two.html', '404.html', '410.html', '451.html'];
const OTHERS = ['articles/2022/01/01/hello-world', 'redirected-splat/one.html'];
const GOOD_CODES = ['200', '301', '302', '303', '307', '308', '404', '410', '451'];

let stand: IpfsStand;
let examples: Cid;
let newlines: Cid;
let codes: Cid;
let spa: Cid;

beforeAll(async () => {
  stand = await startIpfsStand();
  const publish = async (seq: number, rules: string, paths: readonly string[]): Promise<Cid> => {
    const files = paths.map((path) => fileOf(path, `this is ${path}`));
    return (await stand.commons.publish('alice', [fileOf('_redirects', rules), ...files], seq)).manifest;
  };
  examples = await publish(1, RULES.join('\n'), [...PAGES, ...OTHERS]);
  newlines = await publish(2, `${RULES[0]!}\r\n${RULES[3]!}\r\n`, ['index.html', 'one.html']);
  const targets = GOOD_CODES.map((code) => `b${code}`);
  codes = await publish(3, GOOD_CODES.map((code) => `/a${code} /b${code} ${code}`).join('\n'), [
    'index.html',
    ...targets,
  ]);
  spa = await publish(4, '# All addresses are one page.\n/* /index.html 200\n', ['index.html']);
});

afterAll(async () => {
  await stand?.stop();
});

const visit = (cid: Cid, path: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> =>
  stand.edge.ask(path, { host: `${cid}.localhost`, headers });

const leads =
  (cid: () => Cid, path: string, [status, location]: readonly [number, string]) =>
  async (): Promise<void> => {
    const answer = await visit(cid(), path);
    expect([answer.status, answer.headers.location]).toEqual([status, location]);
  };

const shows = (path: string, status: number, page: string) => async (): Promise<void> => {
  const answer = await visit(examples, path);
  expect([answer.status, answer.body.toString()]).toEqual([status, `this is ${page}`]);
};

const T = 'TestRedirectsFileSupport: request for {cid}.ipfs.example.com';
const CASES: Readonly<Record<string, () => Promise<void>>> = {
  [`${T}/redirect-one redirects with default of 301, per _redirects file`]: leads(() => examples, '/redirect-one', [
    301,
    '/one.html',
  ]),
  [`${T}/301-redirect-one redirects with 301, per _redirects file`]: leads(() => examples, '/301-redirect-one', [
    301,
    '/one.html',
  ]),
  [`${T}/302-redirect-two redirects with 302, per _redirects file`]: leads(() => examples, '/302-redirect-two', [
    302,
    '/two.html',
  ]),
  [`${T}/200-index returns 200, per _redirects file`]: shows('/200-index', 200, 'index.html'),
  [`${T}/posts/:year/:month/:day/:title redirects with 301 and placeholders, per _redirects file`]: leads(
    () => examples,
    '/posts/2022/01/01/hello-world',
    [301, '/articles/2022/01/01/hello-world'],
  ),
  [`${T}/splat/one.html redirects with 301 and splat placeholder, per _redirects file`]: leads(
    () => examples,
    '/splat/one.html',
    [301, '/redirected-splat/one.html'],
  ),
  [`${T}/catch-all returns 200, per _redirects file`]: shows('/catch-all', 200, 'index.html'),
  'TestRedirectsFileSupport: newline: request for $NEWLINE_REDIRECTS_DIR_HOSTNAME/redirect-one redirects with default of 301, per _redirects file':
    leads(() => newlines, '/redirect-one', [301, '/one.html']),
  'TestRedirectsFileSupport: good codes: request for $GOOD_REDIRECTS_DIR_HOSTNAME/redirect-one redirects with default of 301, per _redirects file':
    leads(() => codes, '/a301', [301, '/b301']),
  'TestRedirectsFileWithIfNoneMatchHeader: request for //{cid}.ipfs.{subdomain-gateway}/missing-page returns body of index.html as per _redirects':
    async () => {
      const answer = await visit(spa, '/missing-page', { accept: 'text/html' });
      expect([answer.status, answer.body.toString()]).toEqual([200, 'this is index.html']);
      expect(answer.headers.etag).toBeTruthy();
    },
  'TestRedirectsFileWithIfNoneMatchHeader: request for //{cid}.ipfs.{subdomain-gateway}/missing-page with If-None-Match returns 304':
    async () => {
      const { etag } = (await visit(spa, '/missing-page', { accept: 'text/html' })).headers;
      const again = await visit(spa, '/missing-page', { accept: 'text/html', 'if-none-match': etag! });
      expect(again.status).toBe(304);
    },
};

test.each(Object.keys(CASES))('%s', async (name) => {
  await CASES[name]!();
});

test.each([
  ['/not-found/has-no-redirects-entry', 404],
  ['/gone/has-no-redirects-entry', 410],
  ['/unavail/has-no-redirects-entry', 451],
] as const)('differs: %s has its page and status %d, and is kept by no cache (SI11)', async (path, status) => {
  await shows(path, status, `${status}.html`)();
  expect((await visit(examples, path)).headers['cache-control']).toBe('no-store');
});

test.each([
  ['forced', '/a /b 301!'],
  ['too large', '/from /to 301\n'.repeat(5_000)],
  ['bad codes', '/a /b 999'],
])('not applicable: a file that is %s is refused when it is published', async (_, rules) => {
  const files = [fileOf('_redirects', rules), fileOf('index.html', 'index')];
  const bundle = await bundleSite({ files, now: 1, hasher: createWebHasher(), putBlocks: async () => undefined });
  expect(bundle).toMatchObject({ ok: false, error: { code: 'redirects_invalid' } });
});

test('these are the cases that the documentation calls passed', async () => {
  const names = Object.keys(CASES);
  const tests = new Set(names.map((name) => name.split(':', 1)[0]!));
  expect((await listPassed([...tests])).toSorted()).toEqual(names.toSorted());
});
