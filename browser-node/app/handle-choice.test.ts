import { expect, test } from 'vitest';

import { explainHandle, proposeHandle, suggestHandles, tidyHandle } from './handle-choice.ts';

test.each([
  ['@Alice', 'alice'],
  ['  Rosé Garden', 'rose-garden'],
  ['my_site.net', 'my-site-net'],
  ['bob!', 'bob!'],
])('HD1: %j is tidied to %j', (typed, handle) => expect(tidyHandle(typed)).toBe(handle));

test.each([
  ['al', 'At least 3'],
  ['a'.repeat(31), 'this has 31'],
  ['-alice', 'start or the end'],
  ['alice-', 'start or the end'],
  ['al--ice', 'two hyphens'],
  ['bob!', 'small letters'],
  ['bafybeigdyrzt5sfp7udm7hu76', 'address of content'],
  ['admin', 'kept free'],
])('HD1: %s is explained', (handle, part) => expect(explainHandle(handle)).toContain(part));

test('HD1: a handle needs no explanation', () => {
  expect(['bob', 'rose-garden', 'a'.repeat(30), '123'].map(explainHandle)).toEqual(Array(4).fill(undefined));
});

test('HD1: every suggestion is a handle, also for the longest', () => {
  for (const wanted of ['alice', 'a'.repeat(30), 'www', 'bob--', '-x-']) {
    const suggested = suggestHandles(wanted);
    expect(suggested.length, wanted).toBeGreaterThan(2);
    expect(suggested.filter((handle) => explainHandle(handle) !== undefined)).toEqual([]);
    expect(suggested).not.toContain(wanted);
  }
  expect(suggestHandles('!!')).toEqual([]);
});

test('a folder proposes its name unless a tool named it', () => {
  expect(['Rose Garden', 'dist', 'My Site (final)', '日本', 'docs'].map(proposeHandle)).toEqual([
    'rose-garden',
    undefined,
    'my-site-final',
    undefined,
    undefined,
  ]);
});
