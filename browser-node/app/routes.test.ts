import { expect, test } from 'vitest';

import { parseRoute, routeTo, VIEWS } from './routes.ts';

test('every view is found at its own address', () => {
  expect(VIEWS.map((view) => parseRoute(routeTo(view)))).toEqual([...VIEWS]);
});

test('a strange address is the start', () => {
  expect(['', '#', '#/', '#/nothing', '#sites', '#/sites/', '#/__proto__'].map(parseRoute)).toEqual([
    'start',
    'start',
    'start',
    'start',
    'sites',
    'sites',
    'start',
  ]);
});
