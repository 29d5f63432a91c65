// The part of TOML that wrangler.toml uses, and plain refusals for the rest.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readToml } from './read-toml.ts';

const plain = (text: string): unknown => JSON.parse(JSON.stringify(readToml(text)));

test('tables, lists of tables, dotted keys and every kind of value are read', () => {
  const text = `
    # a comment
    name = "edge" # another
    'quoted key' = 'C:\\no\\escapes'
    count = 1_000
    on = true
    list = [ "a", # why
      "b", ]
    empty = []
    inline = { a = 1, b.c = "d" }
    [one.two]
    escaped = "a\\"b\\u00e9\\n"
    [[many.items]]
    n = 1
    [[many.items]]
    n = -2
    [many.items.sub]
    x = false
  `;
  expect(plain(text)).toEqual({
    name: 'edge',
    'quoted key': 'C:\\no\\escapes',
    count: 1000,
    on: true,
    list: ['a', 'b'],
    empty: [],
    inline: { a: 1, b: { c: 'd' } },
    one: { two: { escaped: 'a"bé\n' } },
    many: { items: [{ n: 1 }, { n: -2, sub: { x: false } }] },
  });
});

test.each([
  ['a = 1\nb = 2 c = 3', 'line 2: expected the line to end'],
  ['a = 1\na = 2', 'line 2: "a" is set twice'],
  ['a = 1.5', 'line 1: expected a string'],
  ['a = 1979-05-27', 'line 1: expected a string'],
  ['a = """x"""', 'line 1: expected the line to end'],
  ['a = "open', 'line 1: expected a string'],
  ['a = [1', 'line 1: expected ]'],
  ['[a\nb = 1', 'line 1: expected ]'],
  ['a = 1\n[a]', 'line 2: "a" is no table'],
  ['= 1', 'line 1: expected a key'],
])('%j is refused', (text, because) => {
  expect(() => readToml(text)).toThrow(because);
});

test('a key named __proto__ is only a key', () => {
  const table = readToml('[__proto__]\npolluted = true');
  expect(Object.keys(table)).toEqual(['__proto__']);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('wrangler.toml is within the subset', () => {
  const text = readFileSync(new URL('../../wrangler.toml', import.meta.url), 'utf8');
  expect(readToml(text)['main']).toBe('dist/worker/worker.js');
});
