import { expect, test } from 'vitest';
import type { Handle, SiteName } from '../shared/ledger/handle-grammar.ts';
import { parseSiteHost, siteUrl } from './local-url.ts';

const alice = { handle: 'alice' as Handle, name: '' as SiteName };
const blog = { handle: 'alice' as Handle, name: 'blog' as SiteName };

test.each([
  ['alice.localhost:8787', 'localhost', { kind: 'site', ...alice }],
  ['ALICE.localhost', 'localhost', { kind: 'site', ...alice }],
  ['blog--alice.localhost:8787', 'localhost', { kind: 'site', ...blog }],
  ['alice.sites.example', 'sites.example', { kind: 'site', ...alice }],
  ['localhost:8787', 'localhost', { kind: 'apex' }],
  ['a.alice.localhost', 'localhost', { kind: 'other' }],
  ['.localhost', 'localhost', { kind: 'other' }],
  ['alicelocalhost', 'localhost', { kind: 'other' }],
  ['alice.localhost.', 'localhost', { kind: 'other' }],
  ['alice.localhost.evil.example', 'localhost', { kind: 'other' }],
  ['alice.localhost:8787:1', 'localhost', { kind: 'other' }],
  ['127.0.0.1:8787', 'localhost', { kind: 'other' }],
  ['', 'localhost', { kind: 'other' }],
  [`${'a'.repeat(300)}.localhost`, 'localhost', { kind: 'other' }],
])('SI17: the host %j under %s', (host, suffix, expected) => {
  expect(parseSiteHost(host, suffix)).toEqual(expected);
});

test('SI17: the address of a site reads back as that site', () => {
  const local = { protocol: 'http:', suffix: 'localhost', port: 8787 } as const;
  expect(siteUrl(alice, local)).toBe('http://alice.localhost:8787/');
  expect(siteUrl(blog, { protocol: 'https:', suffix: 'sites.example' })).toBe('https://blog--alice.sites.example/');
  expect(parseSiteHost(new URL(siteUrl(blog, local)).host, 'localhost')).toEqual({ kind: 'site', ...blog });
});
