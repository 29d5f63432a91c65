import { expect, test } from 'vitest';
import { isOwned, parseDocumentName, type DocumentName } from './document-name.ts';

test.each([
  'about',
  'people',
  'tasks',
  'offers',
  'claims/2026-11',
  'pages/a',
  `pages/${'x'.repeat(64)}`,
  'sites/my-site',
])('DC1: %s names a document', (name) => {
  expect(parseDocumentName(name)).toEqual({ ok: true, value: name });
});

test.each([
  '',
  'About',
  'about/',
  'page',
  'pages/',
  'pages/A',
  'pages/a/b',
  'pages/a\n',
  `pages/${'x'.repeat(65)}`,
  'claims/2026-13',
  'claims/2026-1',
  'claims/26-01',
  'people/x',
  'feeds/a',
  'about\u0000',
])('DC1: %j does not', (name) => {
  expect(parseDocumentName(name)).toMatchObject({ error: { code: 'bad_document' } });
});

test('DC2: people, claims, tasks and offers are owned; about, pages and drafts are for several hands', () => {
  const owned = (name: string) => isOwned(name as DocumentName);
  expect(['people', 'claims/2026-11', 'tasks', 'offers'].map(owned)).toEqual([true, true, true, true]);
  expect(['about', 'pages/people', 'sites/tasks'].map(owned)).toEqual([false, false, false]);
});
