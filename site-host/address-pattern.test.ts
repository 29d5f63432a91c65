import { expect, test } from 'vitest';
import { explainPattern, fillTarget, matchPattern } from './address-pattern.ts';

test.each([
  ['/old', '/old', {}],
  ['/a/*', '/a/', { splat: '' }],
  ['/a/*', '/a/b/c', { splat: 'b/c' }],
  ['/*', '/', { splat: '' }],
  ['/*', '/x//y', { splat: 'x//y' }],
  ['/blog/:year/:name', '/blog/2024/ü b', { year: '2024', name: 'ü b' }],
  ['/:a/*', '/x/y/z', { a: 'x', splat: 'y/z' }],
])('SI21: %s matches %s', (pattern, path, values) => {
  expect(Object.fromEntries(matchPattern(pattern, path)!)).toEqual(values);
});

test.each([
  ['/old', '/old/'],
  ['/old', '/Old'],
  ['/a/*', '/a'],
  ['/a/:b', '/a/'],
  ['/a/:b', '/a/b/c'],
  ['/a/b', '/a'],
  ['/a.b', '/axb'],
])('SI21: %s does not match %s', (pattern, path) => {
  expect(matchPattern(pattern, path)).toBeUndefined();
});

test.each(['old', '/a*', '/a/*/b', '/a/:1', '/a/:', '/:a/:a', '/:splat/x', `/${':a/:b/:c/:d/:e/:f/:g/:h/:i'}`])(
  'SI21: %s is no pattern',
  (pattern) => {
    expect(explainPattern(pattern)).toEqual(expect.any(String));
  },
);

test('SI21: values are escaped name by name where they become part of an address', () => {
  const values = matchPattern('/:a/*', '/x y/<b>/c?d#e')!;
  expect(fillTarget('/to/:splat/:a/:other', values, encodeURIComponent)).toBe('/to/%3Cb%3E/c%3Fd%23e/x%20y/:other');
});
