import { expect, test } from 'vitest';
import { readHandle, readSite, readSiteId } from './site-text.ts';

test.each([
  ['alice', { handle: 'alice', name: '' }],
  ['@alice', { handle: 'alice', name: '' }],
  ['@alice.site', { handle: 'alice', name: '' }],
  ['blog--alice', { handle: 'alice', name: 'blog' }],
  ['@blog--alice.site', { handle: 'alice', name: 'blog' }],
  ['http://alice.localhost:8787/deep/page?x#y', { handle: 'alice', name: '' }],
  ['https://blog--alice.localhost/', { handle: 'alice', name: 'blog' }],
])('%s names a site', (text, site) => {
  expect(readSite(text, 'localhost')).toEqual({ ok: true, value: site });
});

test.each(['', '@', 'al', 'Alice', 'a--b--c', 'http://alice.example/', 'http://localhost/', 'http://:/', '@alice.com'])(
  '"%s" names none, and the answer is a sentence',
  (text) => {
    const read = readSite(text, 'localhost');
    expect(read).toMatchObject({ ok: false, error: { because: expect.stringMatching(/\.$/) } });
  },
);

test('a handle may carry its @, and a name beside it has the same grammar', () => {
  expect(readHandle('@alice')).toEqual({ ok: true, value: 'alice' });
  expect(readHandle('@@alice')).toMatchObject({ ok: false, error: { code: 'handle_invalid' } });
  expect(readSiteId({ handle: '@alice', name: 'blog' })).toEqual({
    ok: true,
    value: { handle: 'alice', name: 'blog' },
  });
  expect(readSiteId({ handle: 'alice', name: 'b' })).toMatchObject({ ok: false });
});
