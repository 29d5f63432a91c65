// `_redirects` and `_headers` as publishers write them, and what they are told when they cannot be taken.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUZZ_CASES } from '../test/fuzz-cases.ts';
import { encodeUtf8 } from '../shared/codec/base.ts';
import { findResource } from './find-resource.ts';
import { compileHeaders, compileRedirects } from './rules-file.ts';
import { explainHeaderRule, explainRedirect } from './site-rules.ts';

const files = new Map(
  ['/index.html', '/one.html', '/two/index.html', '/404.html', '/api.json', '/a b.html'].map((path) => [path, true]),
);
const findPage = (path: string): string | undefined => {
  const found = findResource(files, path);
  return found && 'path' in found ? found.path : undefined;
};

function redirects(text: string): ReturnType<typeof compileRedirects> {
  return compileRedirects(encodeUtf8(text), findPage);
}

function headers(text: string): ReturnType<typeof compileHeaders> {
  return compileHeaders(encodeUtf8(text));
}

describe('_redirects', () => {
  test('SI20: comments and blank lines mean nothing, 301 is what is meant, and order is kept', () => {
    const text = [
      '\uFEFF# moved',
      '',
      '/old  /one.html',
      '/temp\t/two/  302  # back soon',
      '/x/:id/* https://example.org/:id/:splat#part 308',
      '/gone /404 410\r\n/page /one 200',
      '/%C3%BC /a%20b 307',
    ].join('\n');
    expect(redirects(text)).toEqual({
      ok: true,
      value: {
        redirects: [
          { from: '/old', to: '/one.html', status: 301 },
          { from: '/temp', to: '/two/', status: 302 },
          { from: '/x/:id/*', to: 'https://example.org/:id/:splat#part', status: 308 },
          { from: '/gone', to: '/404.html', status: 410 },
          { from: '/page', to: '/one.html', status: 200 },
          { from: '/ü', to: '/a%20b', status: 307 },
        ],
        spa: undefined,
        warnings: [],
      },
    });
  });

  test('SI23: a page for all addresses is the page of a single-page app', () => {
    expect(redirects('/api/* /api.json 200\n/* /index.html 200')).toMatchObject({
      value: { redirects: [{ from: '/api/*', to: '/api.json', status: 200 }], spa: '/index.html' },
    });
    expect(redirects('/* / 200')).toMatchObject({ value: { redirects: [], spa: '/index.html' } });
    expect(redirects('/* /404.html 404')).toMatchObject({ value: { spa: undefined } });
  });

  test.each([
    ['/a/* /one\n/a/b /two/', 'Line 2 of _redirects is never reached: /a/* takes its place.'],
    ['/* /index.html 200\n/b /two/', 'Line 2 of _redirects is never reached: /* takes its place.'],
    ['/one /two/', 'Line 1 of _redirects is never reached: /one.html takes its place.'],
  ])('SI20: %j: a rule that is never reached is a warning', (text, because) => {
    expect(redirects(text)).toMatchObject({ value: { warnings: [{ code: 'redirect_unreachable', because }] } });
  });

  test.each([
    ['/old', 'needs a path and a target'],
    ['old /new', 'not escaped as an address is'],
    ['/%zz /new', 'not escaped as an address is'],
    ['/old new', 'neither a path nor an http address'],
    ['/old javascript:alert(1)', 'neither a path nor an http address'],
    ['/old //evil.example', 'neither a path nor an http address'],
    ['/old https://user@evil.example/', 'neither a path nor an http address'],
    ['/old /new 301!', 'cannot be forced'],
    ['/old /new 418', '418 is no status'],
    ['/old /new abc', 'abc is no status'],
    ['/old /new 301 Country=de', 'something after the status'],
    ['/store id=:id /blog/:id 301', 'conditions on the query'],
    ['/a/*/b /new', 'whole end of a path'],
    ['/a/:b /:c', 'uses :c'],
    ['/a/:b /:b/:b', 'twice'],
    ['/a /nothing 200', 'no file /nothing'],
    ['/a /nothing 404', 'no file /nothing'],
    ['/a https://example.org 200', 'target'],
    ['/a /b\n/b /a', 'leads back to itself'],
    ['/a /a', 'leads back to itself'],
    ['/a/* /a/x', 'leads back to itself'],
    ['x'.repeat(65_537), 'larger than 64 KiB'],
    [Array.from({ length: 1_001 }, (_, at) => `/p${at} /one`).join('\n'), 'more than 1000'],
  ])('SI20: refused, line %#, with a sentence that says what to do', (text, because) => {
    const read = redirects(text);
    expect(read).toMatchObject({ ok: false, error: { code: 'redirects_invalid' } });
    expect(!read.ok && read.error.because).toContain(because);
  });

  test('SI7: whatever is written there, what comes out is what a reader takes', () => {
    const piece = fc.constantFrom(
      '/a',
      '/:x',
      '/*',
      ':splat',
      ' ',
      '\n',
      '301',
      '200',
      '404',
      '#',
      'https://b.example',
      '%41',
      '/one.html',
      '!',
      '=',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 16 }), (pieces) => {
        const read = redirects(pieces.join(''));
        if (!read.ok) return;
        for (const redirect of read.value.redirects) expect(explainRedirect(redirect)).toBeUndefined();
      }),
      { numRuns: FUZZ_CASES },
    );
  });
});

describe('_headers', () => {
  test('SI24: names below paths; content types go to the files', () => {
    const text = [
      '# all',
      '/*',
      '  X-Frame-Options: DENY',
      "  Content-Security-Policy: default-src 'self'",
      '/feed',
      '\tContent-Type: application/feed+json',
      '  cache-control: public, max-age=60',
      '  Cache-Control: stale-while-revalidate=10',
    ].join('\n');
    expect(headers(text)).toEqual({
      ok: true,
      value: {
        headers: [
          {
            path: '/*',
            set: new Map([
              ['x-frame-options', 'DENY'],
              ['content-security-policy', "default-src 'self'"],
            ]),
          },
          { path: '/feed', set: new Map([['cache-control', 'public, max-age=60, stale-while-revalidate=10']]) },
        ],
        types: [{ path: '/feed', type: 'application/feed+json' }],
        warnings: [],
      },
    });
  });

  test.each([
    'Set-Cookie: a=b',
    'Clear-Site-Data: "*"',
    'Refresh: 0;url=/',
    'Link: </a>; rel=preload',
    'Location: /',
    'Service-Worker-Allowed: /',
    'Strict-Transport-Security: max-age=1; includeSubDomains',
    'Server-Timing: x',
    'ETag: "x"',
    'X-Content-Type-Options: none',
    'Origin-Agent-Cluster: ?0',
  ])('SI24: %s is left out, and the publisher told', (line) => {
    expect(headers(`/*\n  ${line}`)).toMatchObject({ value: { headers: [], warnings: [{ code: 'header_dropped' }] } });
  });

  test('SI24: nothing is kept for more than a day', () => {
    const read = headers('/assets/*\n  Cache-Control: Public, max-age=31556952, immutable');
    expect(read).toMatchObject({
      value: {
        headers: [{ set: new Map([['cache-control', 'public, max-age=86400']]) }],
        warnings: [{ code: 'header_shortened' }],
      },
    });
  });

  test.each([
    ['  X-Frame-Options: DENY', 'write “Name: value” below a path'],
    ['/*\n  nonsense', 'write “Name: value” below a path'],
    ['https://example.org/\n  X-Robots-Tag: none', 'neither a path nor a header'],
    ['/a*\n  X-Robots-Tag: none', 'whole end of a path'],
    ['/*\n  Content-Type: nonsense', 'content type that is malformed'],
    ["/*\n  Content-Security-Policy: default-src 'self'; sandbox allow-scripts", 'sandbox'],
    ['/*\n  Cache-Control: max-age=never', 'not allowed'],
    ['/*\n  X-Robots-Tag: ü', 'not plain ASCII'],
  ])('SI24: %j is refused with a sentence', (text, because) => {
    const read = headers(text);
    expect(read).toMatchObject({ ok: false, error: { code: 'headers_invalid' } });
    expect(!read.ok && read.error.because).toContain(because);
  });

  test('SI7: whatever is written there, what comes out is what a reader takes', () => {
    const piece = fc.constantFrom(
      '/a',
      '/*',
      '\n',
      '\n  ',
      'Cache-Control: ',
      'max-age=9999999',
      'public',
      ', ',
      'X-Robots-Tag: none',
      ':',
      'Set-Cookie: a',
      'ü',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 16 }), (pieces) => {
        const read = headers(pieces.join(''));
        if (!read.ok) return;
        for (const rule of read.value.headers) expect(explainHeaderRule(rule)).toBeUndefined();
      }),
      { numRuns: FUZZ_CASES },
    );
  });
});
