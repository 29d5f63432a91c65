import { expect, test } from 'vitest';

import { parseRoute, routeTo, sectionOf, VIEWS, type Route } from './routes.ts';

const ROUTES: readonly Route[] = [
  ...VIEWS.map((view) => ({ view })),
  { view: 'site', handle: 'alice', name: '' },
  { view: 'site', handle: 'alice', name: 'notes' },
  { view: 'group', groupId: 'bafyreigroup' },
  { view: 'tokens', groupId: 'bafyreigroup' },
  { view: 'order', groupId: 'bafyreigroup' },
  { view: 'policy', groupId: 'bafyreigroup' },
  { view: 'deals', groupId: 'bafyreigroup' },
  { view: 'page', groupId: 'bafyreigroup', page: 'to-do-1' },
  { view: 'join', invite: 'AbC_-9/x=' },
];

test('every view is found at its own address', () => {
  expect(ROUTES.map((route) => parseRoute(routeTo(route)))).toEqual(ROUTES);
});

test('a strange address is the start', () => {
  const strange = [
    '',
    '#',
    '#/',
    '#/nothing',
    '#/__proto__',
    '#/wallet/x/',
    '#/groups/a/b',
    '#/groups/A%20b',
    '#/sites/',
  ];
  expect(strange.map((hash) => parseRoute(hash).view)).toEqual([...Array<string>(8).fill('start'), 'sites']);
  expect(parseRoute('#sites')).toEqual({ view: 'sites' });
});

test('every route stands under an entry of the navigation', () => {
  for (const route of ROUTES) expect(VIEWS).toContain(sectionOf(route));
});
