// HTTP as every server of sites speaks it (docs/protocol/sites.md): the same site, the same requests, the same answers.

import { createHash } from 'node:crypto';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { expectSame, patternBytes, type ContractCase } from './contract.ts';

export type SiteAnswer = {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
};

export type SiteAsk = { readonly method?: string; readonly headers?: Readonly<Record<string, string>> };

export type SiteHost = {
  /** As a script of a page asks; redirects are not followed where the host's client can tell. */
  ask(path: string, asked?: SiteAsk): Promise<SiteAnswer>;
  /** As a browser opens a page. */
  open(path: string): Promise<SiteAnswer>;
  /** Requests reach a service worker as the browser made them: it sees no Accept-Encoding, and its client no redirect. */
  readonly through: 'http' | 'service_worker';
};

const BIG = patternBytes(7, 700_000);
const CSS = `body { color: red }\n${'/* long enough to be worth packing */\n'.repeat(40)}`;
const CSS_BROTLI = new Uint8Array(brotliCompressSync(CSS));
const CSS_GZIP = new Uint8Array(gzipSync(CSS));

/** What the host has to serve, by path. */
export const SITE_HTTP_FILES: Readonly<Record<string, string | Uint8Array>> = {
  'index.html': '<h1>home</h1>',
  'about.html': '<h1>about</h1>',
  'docs/index.html': '<h1>docs</h1>',
  'docs/page.html': '<h1>page</h1>',
  'both.html': '<h1>both</h1>',
  'both/index.html': '<h1>both, the folder</h1>',
  'a b/ü.txt': 'spaces and umlauts',
  'empty.txt': '',
  'digits.txt': '0123456789',
  'big.bin': BIG,
  'style.css': CSS,
  'style.css.br': CSS_BROTLI,
  'style.css.gz': CSS_GZIP,
  'app.html': '<h1>app</h1>',
  'gone.html': '<h1>gone</h1>',
  '404.html': '<h1>lost</h1>',
  _redirects: [
    '/old /about',
    '/temp /docs/?from=temp 302',
    '/about /docs/ 302',
    '/posts/:year/:name /docs/page.html?:year=:name 301',
    '/move/* /docs/:splat 308',
    '/alias /about.html 200',
    '/removed/* /gone.html 410',
    '/app/* /app.html 200',
  ].join('\n'),
  _headers: [
    '/docs/*',
    '  Referrer-Policy: no-referrer',
    '  Set-Cookie: a=b',
    '/digits.txt',
    '  Cache-Control: max-age=60',
  ].join('\n'),
};

function textOf({ body }: SiteAnswer): string {
  return Buffer.from(body).toString('utf8');
}

function digestOf(body: Uint8Array | string): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
}

async function expectPage(
  host: SiteHost,
  path: string,
  expected: { status: number; text: string },
): Promise<SiteAnswer> {
  const answer = await host.ask(path);
  expectSame([answer.status, textOf(answer)], [expected.status, expected.text], path);
  return answer;
}

/** Behind a service worker only where a redirect ended can be seen. */
async function expectMove(
  host: SiteHost,
  path: string,
  move: { status: number; location: string; ends: string },
): Promise<void> {
  const answer = await host.ask(path);
  if (host.through === 'service_worker') return expectSame(textOf(answer), move.ends, path);
  expectSame([answer.status, answer.headers['location']], [move.status, move.location], path);
  expectSame(answer.headers['cache-control'], 'no-store', `${path}: a name can change hands`);
}

export const siteHttpContract: readonly ContractCase<SiteHost>[] = [
  {
    name: 'SI10, SI15, SI25: a file comes with type, length, tag, digests and what vouches for it',
    async check(host) {
      const { status, headers, body } = await host.ask('/digits.txt');
      expectSame([status, Buffer.from(body).toString()], [200, '0123456789'], 'the file');
      expectSame(headers['content-type'], 'text/plain; charset=utf-8', 'content-type');
      expectSame(headers['content-length'], '10', 'content-length');
      expectSame(headers['accept-ranges'], 'bytes', 'accept-ranges');
      expectSame(headers['x-content-type-options'], 'nosniff', 'x-content-type-options');
      expectSame(headers['origin-agent-cluster'], '?1', 'origin-agent-cluster');
      expectSame(
        /^"bafkrei[a-z2-7]{52}"$/.test(headers['etag'] ?? ''),
        true,
        `a tag that is a CID (${headers['etag']})`,
      );
      expectSame(
        [headers['content-digest'], headers['repr-digest']],
        [digestOf('0123456789'), digestOf('0123456789')],
        'digests',
      );
      expectSame(
        /source;desc="\w+".*verified;desc=".*cid.*manifest;desc="bafyrei/.test(headers['server-timing'] ?? ''),
        true,
        'server-timing',
      );
    },
  },
  {
    name: 'SI4, SI12: a page is found by its name, by its folder, and without its ending; escapes are undone once',
    async check(host) {
      await expectPage(host, '/', { status: 200, text: '<h1>home</h1>' });
      await expectPage(host, '/index.html', { status: 200, text: '<h1>home</h1>' });
      await expectPage(host, '/about', { status: 200, text: '<h1>about</h1>' });
      await expectPage(host, '/about.html', { status: 200, text: '<h1>about</h1>' });
      await expectPage(host, '/docs/', { status: 200, text: '<h1>docs</h1>' });
      await expectPage(host, '/docs/page', { status: 200, text: '<h1>page</h1>' });
      await expectPage(host, '/both', { status: 200, text: '<h1>both</h1>' });
      await expectPage(host, '/both/', { status: 200, text: '<h1>both, the folder</h1>' });
      await expectPage(host, '/a%20b/%C3%BC.txt', { status: 200, text: 'spaces and umlauts' });
      await expectPage(host, '/a%2520b/%C3%BC.txt', { status: 404, text: '<h1>lost</h1>' });
      await expectPage(host, '/empty.txt', { status: 200, text: '' });
    },
  },
  {
    name: 'SI12: an address with the wrong slash moves to the right one, and the query goes along',
    async check(host) {
      await expectMove(host, '/docs?a=1', { status: 301, location: '/docs/?a=1', ends: '<h1>docs</h1>' });
      await expectMove(host, '/about/?a=1', { status: 301, location: '/about?a=1', ends: '<h1>about</h1>' });
    },
  },
  {
    name: 'SI11: what is missing is the page of the publisher with 404, which nobody keeps; never a page with 200',
    async check(host) {
      for (const path of [
        '/nothing',
        '/gone.js',
        '/docs/none.css',
        '/big.bin/',
        '/docs%2Fpage.html',
        '/.weft-not-ours',
      ]) {
        const { status, headers } = await expectPage(host, path, { status: 404, text: '<h1>lost</h1>' });
        expectSame([status, headers['cache-control'], headers['etag']], [404, 'no-store', undefined], path);
      }
      const asked = await host.ask('/gone.js', { headers: { accept: 'text/html' } });
      expectSame(asked.status, 404, 'a script that is missing, asked for as if it were a page');
    },
  },
  {
    name: 'SI13: GET and HEAD, nothing else; HEAD tells the length and has no body',
    async check(host) {
      const head = await host.ask('/big.bin', { method: 'HEAD' });
      expectSame([head.status, head.body.length, head.headers['content-length']], [200, 0, String(BIG.length)], 'HEAD');
      for (const method of ['POST', 'PUT', 'DELETE']) {
        const refused = await host.ask('/', { method });
        expectSame([refused.status, refused.headers['allow']], [405, 'GET, HEAD'], method);
      }
    },
  },
  {
    name: 'SI13: what the client has is 304, and only that',
    async check(host) {
      const { headers } = await host.ask('/digits.txt');
      const tag = headers['etag']!;
      for (const held of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
        const answer = await host.ask('/digits.txt', { headers: { 'if-none-match': held } });
        expectSame([answer.status, answer.body.length, answer.headers['etag']], [304, 0, tag], held);
      }
      const other = await host.ask('/digits.txt', { headers: { 'if-none-match': '"other"' } });
      expectSame(other.status, 200, 'another tag');
    },
  },
  {
    name: 'SI14: a range of bytes, from the front, the middle or the end, within one block or over several',
    async check(host) {
      const ranges = [
        ['bytes=0-0', 0, 1],
        ['bytes=262140-262150', 262_140, 262_151],
        ['bytes=100000-650000', 100_000, 650_001],
        ['bytes=-5', BIG.length - 5, BIG.length],
        ['bytes=699990-', 699_990, BIG.length],
        ['bytes=699990-9999999', 699_990, BIG.length],
      ] as const;
      for (const [range, from, to] of ranges) {
        const { status, headers, body } = await host.ask('/big.bin', { headers: { range } });
        expectSame([status, headers['content-range']], [206, `bytes ${from}-${to - 1}/${BIG.length}`], range);
        expectSame([headers['content-length'], headers['content-digest']], [String(to - from), undefined], range);
        expectSame(body, BIG.subarray(from, to), `the bytes of ${range}`);
      }
    },
  },
  {
    name: 'SI14: several ranges come as one body of parts',
    async check(host) {
      const { status, headers, body } = await host.ask('/big.bin', {
        headers: { range: 'bytes=-3,0-1,262143-262144' },
      });
      const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(headers['content-type'] ?? '')?.[1];
      expectSame(
        [status, typeof boundary, headers['content-length']],
        [206, 'string', String(body.length)],
        'the answer',
      );
      const parts = Buffer.from(body).toString('latin1').split(`\r\n--${boundary}`);
      expectSame(parts.length, 5, 'what comes before, three parts, and the end');
      expectSame([parts[0], parts[4]], ['', '--\r\n'], 'the frame');
      const wanted = [
        [BIG.length - 3, BIG.length],
        [0, 2],
        [262_143, 262_145],
      ] as const;
      for (const [at, [from, to]] of wanted.entries()) {
        const [head, bytes] = parts[at + 1]!.split('\r\n\r\n');
        expectSame(head!.includes(`content-range: bytes ${from}-${to - 1}/${BIG.length}`), true, `the head ${head}`);
        expectSame(head!.includes('content-type: application/octet-stream'), true, `the head ${head}`);
        expectSame(bytes, Buffer.from(BIG.subarray(from, to)).toString('latin1'), `part ${at}`);
      }
    },
  },
  {
    name: 'SI14: a range outside the file is 416; what cannot be read, overlaps or is of another version is the whole file',
    async check(host) {
      for (const range of ['bytes=10-', 'bytes=10-12,99-', 'bytes=-0']) {
        const { status, headers } = await host.ask('/digits.txt', { headers: { range } });
        expectSame(
          [status, headers['content-range'], headers['cache-control']],
          [416, 'bytes */10', 'no-store'],
          range,
        );
      }
      for (const range of ['bytes=4-2', 'bytes=0-5,3-7', 'lines=1-2', `bytes=${'0-0,'.repeat(17)}1-1`]) {
        expectSame((await host.ask('/digits.txt', { headers: { range } })).status, 200, range);
      }
      const { headers } = await host.ask('/digits.txt');
      const part = await host.ask('/digits.txt', { headers: { range: 'bytes=0-1', 'if-range': headers['etag']! } });
      expectSame([part.status, textOf(part)], [206, '01'], 'If-Range with the tag');
      const whole = await host.ask('/digits.txt', { headers: { range: 'bytes=0-1', 'if-range': '"other"' } });
      expectSame([whole.status, whole.body.length], [200, 10], 'If-Range with another tag');
    },
  },
  {
    name: 'SI20, SI22: redirects, where the path names nothing, with their status, placeholders and query',
    async check(host) {
      await expectMove(host, '/old?x=1', { status: 301, location: '/about?x=1', ends: '<h1>about</h1>' });
      await expectMove(host, '/temp?x=1', { status: 302, location: '/docs/?from=temp', ends: '<h1>docs</h1>' });
      await expectMove(host, '/posts/2024/a%26b', {
        status: 301,
        location: '/docs/page.html?2024=a%26b',
        ends: '<h1>page</h1>',
      });
      await expectMove(host, '/move/page.html', { status: 308, location: '/docs/page.html', ends: '<h1>page</h1>' });
      await expectPage(host, '/about', { status: 200, text: '<h1>about</h1>' });
      await expectPage(host, '/old/more', { status: 404, text: '<h1>lost</h1>' });
    },
  },
  {
    name: 'SI22: a file in the place of another, and a page that says that something is gone',
    async check(host) {
      const alias = await expectPage(host, '/alias', { status: 200, text: '<h1>about</h1>' });
      const itself = await host.ask('/about.html');
      expectSame(alias.headers['etag'], itself.headers['etag'], 'the tag of the file shown');
      const removed = await expectPage(host, '/removed/x.js', { status: 410, text: '<h1>gone</h1>' });
      expectSame(
        [removed.headers['cache-control'], removed.headers['etag']],
        ['no-store', undefined],
        'nobody keeps it',
      );
    },
  },
  {
    name: 'SI23: one page for all addresses of an app is for those who open a page',
    async check(host) {
      const opened = await host.open('/app/deep/link');
      expectSame([opened.status, textOf(opened).includes('<h1>app</h1>')], [200, true], 'opened');
      const vary = opened.headers['vary'] ?? '';
      expectSame(
        [vary.includes('sec-fetch-mode'), vary.includes('accept')],
        [true, true],
        'what it hangs on, for caches',
      );
      const script = await host.ask('/app/chunk-123.js');
      expectSame([script.status, textOf(script)], [404, '<h1>lost</h1>'], 'a script that is missing');
      const missing = await host.open('/deep/link');
      expectSame([missing.status, textOf(missing).includes('<h1>lost</h1>')], [404, true], 'a page that is missing');
    },
  },
  {
    name: 'SI24: the publisher’s headers, as far as they are allowed',
    async check(host) {
      const page = await host.ask('/docs/page.html');
      expectSame(
        [page.headers['referrer-policy'], page.headers['set-cookie']],
        ['no-referrer', undefined],
        'a page below',
      );
      expectSame((await host.ask('/about.html')).headers['referrer-policy'], undefined, 'a page elsewhere');
      expectSame((await host.ask('/digits.txt')).headers['cache-control'], 'max-age=60', 'cache-control');
      const other = await host.ask('/about.html');
      expectSame(other.headers['cache-control'], 'public, max-age=0, must-revalidate', 'where nothing is said');
    },
  },
  {
    name: 'SI26: an encoding that was published beside a file is sent to those who take it, with a tag of its own',
    async check(host) {
      const plain = await host.ask('/style.css', { headers: { 'accept-encoding': 'identity' } });
      expectSame([textOf(plain), plain.headers['content-encoding']], [CSS, undefined], 'as it is');
      expectSame(plain.headers['vary']?.includes('accept-encoding'), true, `vary (${plain.headers['vary']})`);
      if (host.through === 'service_worker') return;
      const offers = [
        ['deflate, br', 'br', CSS_BROTLI],
        ['gzip', 'gzip', CSS_GZIP],
        ['br;q=0.1, gzip', 'gzip', CSS_GZIP],
      ] as const;
      for (const [accepted, coding, bytes] of offers) {
        const { status, headers, body } = await host.ask('/style.css', { headers: { 'accept-encoding': accepted } });
        expectSame(
          [status, headers['content-encoding'], headers['content-type']],
          [200, coding, 'text/css; charset=utf-8'],
          accepted,
        );
        expectSame(body, bytes, `the bytes for ${accepted}`);
        expectSame(headers['etag'] === plain.headers['etag'], false, `a tag of its own for ${accepted}`);
        // Not told where something in front might encode anew; told, it is that of these bytes.
        expectSame(headers['content-digest'] ?? digestOf(bytes), digestOf(bytes), `the digest for ${accepted}`);
        const held = { 'accept-encoding': accepted, 'if-none-match': headers['etag']! };
        expectSame((await host.ask('/style.css', { headers: held })).status, 304, `${accepted}, held`);
      }
    },
  },
];
