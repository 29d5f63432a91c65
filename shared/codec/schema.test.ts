import { expect, test } from 'vitest';
import { cidFromDigest } from './cid.ts';
import {
  amount,
  bool,
  bytes,
  CanonicalLink,
  dict,
  hexBytes,
  link,
  list,
  literal,
  mapped,
  nullable,
  oneOf,
  optional,
  struct,
  text,
  uint,
  words,
  type Infer,
  type Schema,
} from './schema.ts';
import { err, ok } from '../core/result.ts';

const cid = cidFromDigest('raw', new Uint8Array(32));
const shape = oneOf('t', {
  circle: struct({ radius: uint({ max: 9 }) }),
  line: struct({ from: amount(), to: optional(amount()) }),
});

// oxlint-disable-next-line typescript/no-explicit-any -- a table of schemas of different types
const refused: readonly [string, Schema<any>, unknown][] = [
  ['words: another word', words('one', 'two'), 'three'],
  ['words: no text', words('one', 'two'), 1],
  ['uint: text', uint(), '1'],
  ['uint: negative', uint(), -1],
  ['uint: −0', uint(), -0],
  ['uint: a fraction', uint(), 0.5],
  ['uint: beyond the safe integers', uint(), 2 ** 53],
  ['uint: a bigint', uint(), 1n],
  ['uint: above max', uint({ max: 3 }), 4],
  ['uint: below min', uint({ min: 1 }), 0],
  ['amount: negative', amount(), -1],
  ['amount: 2^63', amount(), 2n ** 63n],
  ['amount: a float beyond the safe integers', amount(), 2 ** 60],
  ['text: bytes', text({ max: 9 }), new Uint8Array(1)],
  ['text: too many bytes, though not characters', text({ max: 3 }), 'éé'],
  ['text: too short', text({ max: 3, min: 1 }), ''],
  ['text: lone surrogate', text({ max: 9 }), '\ud800'],
  ['text: byte-order mark', text({ max: 9 }), '\uFEFFa'],
  ['bytes: text', bytes({ max: 3 }), 'abc'],
  ['bytes: too long', bytes({ max: 3 }), new Uint8Array(4)],
  ['bytes: wrong length', bytes({ length: 3 }), new Uint8Array(2)],
  ['bool: null', bool(), null],
  ['literal: another', literal(1), 2],
  ['link: the text of one', link(), cid],
  ['hexBytes: hex', hexBytes(2), 'abcd'],
  ['hexBytes: wrong length', hexBytes(2), new Uint8Array(3)],
  ['list: a map', list(uint(), { max: 3 }), new Map()],
  ['list: too long', list(uint(), { max: 1 }), [1, 2]],
  ['list: too short', list(uint(), { max: 2, min: 1 }), []],
  ['list: a bad item', list(uint(), { max: 3 }), [1, 'x']],
  ['struct: a plain object', struct({ a: uint() }), { a: 1 }],
  ['struct: field missing', struct({ a: uint() }), new Map()],
  [
    'struct: CB9 unknown field',
    struct({ a: uint() }),
    new Map([
      ['a', 1],
      ['b', 1],
    ]),
  ],
  [
    'struct: CB9 unknown field that objects inherit',
    struct({ a: uint() }),
    new Map([
      ['a', 1],
      ['toString', 1],
    ]),
  ],
  ['struct: CB9 absent is not undefined', struct({ a: optional(uint()) }), new Map([['a', undefined]])],
  ['struct: CB9 absent is not null', struct({ a: optional(uint()) }), new Map([['a', null]])],
  ['dict: CB9 __proto__', dict(uint(), { max: 9, keyMax: 20 }), new Map([['__proto__', 1]])],
  ['dict: CB9 constructor', dict(uint(), { max: 9, keyMax: 20 }), new Map([['constructor', 1]])],
  ['dict: CB9 prototype', dict(uint(), { max: 9, keyMax: 20 }), new Map([['prototype', 1]])],
  ['dict: key too long', dict(uint(), { max: 9, keyMax: 2 }), new Map([['abc', 1]])],
  ['dict: key that is a number', dict(uint(), { max: 9, keyMax: 2 }), new Map([[1, 1]])],
  [
    'dict: too many',
    dict(uint(), { max: 1, keyMax: 2 }),
    new Map([
      ['a', 1],
      ['b', 1],
    ]),
  ],
  ['oneOf: no kind', shape, new Map([['radius', 1]])],
  ['oneOf: unknown kind', shape, new Map([['t', 'toString']])],
  [
    'oneOf: a field of another kind',
    shape,
    new Map<string, unknown>([
      ['t', 'circle'],
      ['from', 1],
    ]),
  ],
];

test.each(refused)('read refuses %s', (_name, schema, value) => {
  expect(schema.read(value)).toMatchObject({ ok: false });
});

const everything = struct({
  id: hexBytes<string>(2),
  parent: nullable(link()),
  shapes: list(shape, { max: 3 }),
  names: dict(text({ max: 5 }), { max: 3, keyMax: 14 }),
  on: bool(),
  note: optional(text({ max: 5 })),
  even: mapped(
    uint(),
    (value) => (value % 2 === 0 ? ok(value / 2) : err('expected an even number')),
    (half) => half * 2,
  ),
});

test('CB9, CB10: what is written reads back as the same value, amounts as bigint', () => {
  const value: Infer<typeof everything> = {
    id: 'ab01',
    parent: cid,
    shapes: [
      { t: 'circle', radius: 3 },
      { t: 'line', from: 5n, to: 2n ** 63n - 1n },
    ],
    names: new Map([['hasOwnProperty', 'x']]),
    on: true,
    even: 4,
  };
  const written = everything.write(value) as ReadonlyMap<string, unknown>;
  expect(written.get('parent')).toEqual(new CanonicalLink(cid));
  expect(written.get('even')).toBe(8);
  expect(written.has('note')).toBe(false);
  expect(everything.read(written)).toEqual({ ok: true, value });
});

test('a small amount comes out of the decoder as a number and is read as a bigint', () => {
  expect(amount().read(7)).toEqual({ ok: true, value: 7n });
});

test('a refusal says where', () => {
  const written = new Map(
    everything.write({
      id: 'ab01',
      parent: null,
      shapes: [{ t: 'circle', radius: 3 }],
      names: new Map(),
      on: true,
      even: 1,
    }) as ReadonlyMap<string, unknown>,
  );
  written.set('shapes', [
    new Map<string, unknown>([
      ['t', 'circle'],
      ['radius', 10],
    ]),
  ]);
  expect(everything.read(written)).toEqual({ ok: false, error: 'shapes: 0: radius: expected an integer from 0 to 9' });
});

test.each([
  ['too large', () => uint({ max: 3 }).write(4)],
  ['another word', () => words('one').write('two' as 'one')],
  ['a lone surrogate', () => text({ max: 9 }).write('\udc00')],
  ['an unknown field', () => struct({ a: uint() }).write({ a: 1, b: 2 } as { a: number })],
  ['__proto__ as a key', () => dict(uint(), { max: 3, keyMax: 9 }).write(new Map([['__proto__', 1]]))],
  ['a field named constructor', () => struct({ constructor: uint() })],
  ['a variant that declares its discriminant', () => oneOf('t', { a: struct({ t: uint() }) })],
])('writing %s is a bug and asserts', (_name, write) => {
  expect(write).toThrow('assertion failed');
});
