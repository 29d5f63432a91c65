import * as dagCbor from '@ipld/dag-cbor';
import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FUZZ_CASES, mutationsOf } from '../../test/fuzz-cases.ts';
import { ok } from '../core/result.ts';
import { bytesOfHex, toHex } from './base.ts';
import { decodeCanonical, encodeCanonical } from './canonical.ts';
import { cidFromDigest } from './cid.ts';
import {
  amount,
  bytes,
  CanonicalLink,
  dict,
  link,
  list,
  literal,
  nullable,
  oneOf,
  optional,
  struct,
  text,
  uint,
  type CanonicalValue,
  type Schema,
} from './schema.ts';

type Vectors = { valid: { why: string; hex: string }[]; invalid: { rule: string; why: string; hex: string }[] };

const vectors = JSON.parse(
  readFileSync(new URL('../../test/vectors/canonical.json', import.meta.url), 'utf8'),
) as Vectors;
const anything: Schema<CanonicalValue> = { read: (value) => ok(value as CanonicalValue), write: (value) => value };
const MAX = 1_000_000;

const sample = struct({
  v: literal(1),
  name: text({ max: 40 }),
  prev: nullable(link()),
  fee: optional(amount()),
  parts: list(bytes({ max: 9 }), { max: 5 }),
  free: dict(uint(), { max: 5, keyMax: 12 }),
  kind: oneOf('t', { a: struct({ x: uint() }), b: struct({ y: text({ max: 9 }) }) }),
});

const plainText = fc
  .string({ unit: 'grapheme', maxLength: 40 })
  .filter((value) => value.isWellFormed() && !value.startsWith('\uFEFF'));
const anyCid = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((digest) => cidFromDigest('dag-cbor', digest));
const samples = fc.record(
  {
    v: fc.constant(1 as const),
    name: plainText.filter((value) => Buffer.byteLength(value) <= 40),
    prev: fc.option(anyCid),
    fee: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    parts: fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 5 }),
    free: fc.dictionary(fc.stringMatching(/^[a-z]{1,12}$/u), fc.nat(), { maxKeys: 5 }).map((object) => {
      const entries = Object.entries(object).filter(([key]) => key !== 'constructor' && key !== 'prototype');
      return new Map(entries);
    }),
    kind: fc.oneof(
      fc.record({ t: fc.constant('a' as const), x: fc.maxSafeNat() }),
      fc.record({ t: fc.constant('b' as const), y: fc.constantFrom('', 'é', 'abc') }),
    ),
  },
  { requiredKeys: ['v', 'name', 'prev', 'parts', 'free', 'kind'] },
);

/** Values of every type, and the plain form that other libraries take. */
const { value: anyValue } = fc.letrec<{ value: CanonicalValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    plainText,
    fc.uint8Array({ maxLength: 300 }),
    anyCid.map((cid) => new CanonicalLink(cid)),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.array(fc.tuple(plainText, tie('value')), { maxLength: 30 }).map((entries) => new Map(entries)),
  ),
}));

describe('vectors', () => {
  test.each(vectors.valid)('accepted: $why', ({ hex }) => {
    const read = decodeCanonical(anything, bytesOfHex(hex), { max: MAX });
    expect(read.ok).toBe(true);
    if (read.ok) expect(toHex(encodeCanonical(anything, read.value))).toBe(hex);
  });

  test.each(vectors.invalid)('$rule: refused: $why', ({ hex }) => {
    expect(decodeCanonical(anything, bytesOfHex(hex), { max: MAX })).toMatchObject({ error: { code: 'bad_encoding' } });
  });
});

test('CB1: too many bytes are refused before they are looked at', () => {
  const bounds = { max: 3 };
  expect(decodeCanonical(anything, bytesOfHex('43010203'), bounds)).toMatchObject({ error: { code: 'too_large' } });
});

test.each([
  ['lists', 0x81],
  ['maps', 0xa1],
])('CB2: a million nested %s are refused without overflowing the stack', (_name, byte) => {
  const read = decodeCanonical(anything, new Uint8Array(1_000_000).fill(byte), { max: MAX });
  expect(read).toMatchObject({ error: { code: 'bad_encoding' } });
});

test.each([
  ['empty maps', 0xa0, 4 * 1024 * 1024],
  ['empty lists', 0x80, 65_536],
  ['small integers', 0x00, 262_144],
])(
  'CB2: %s by the thousand, a hundred bytes of memory for each byte, are refused before memory is taken',
  (_name, byte, count) => {
    const list = new Uint8Array(5 + count).fill(byte);
    list[0] = 0x9a;
    new DataView(list.buffer).setUint32(1, count);
    const read = decodeCanonical(anything, list, { max: list.length });
    expect(read).toMatchObject({ error: { code: 'bad_encoding', because: expect.stringContaining('too many') } });
  },
);

test('CB5, CB7: other DAG-CBOR tools read what we write and write the same bytes', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const ours = encodeCanonical(anything, value);
      const theirs: unknown = dagCbor.decode(ours);
      expect(toHex(dagCbor.encode(theirs))).toBe(toHex(ours));
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('CB8: what we write, we read back as it was', () => {
  fc.assert(
    fc.property(samples, (value) => {
      const read = decodeCanonical(sample, encodeCanonical(sample, value), { max: MAX });
      expect(read).toEqual({ ok: true, value });
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('CB8: hostile bytes are refused with a code, or are the one encoding of what they say', () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    mutationsOf(samples.map((value) => encodeCanonical(sample, value))),
  );
  fc.assert(
    fc.property(hostile, fc.constantFrom<Schema<unknown>>(anything as Schema<unknown>, sample), (given, schema) => {
      const read = decodeCanonical(schema, given, { max: MAX });
      if (read.ok) expect(toHex(encodeCanonical(schema, read.value))).toBe(toHex(given));
      else expect(read.error.code).toBe('bad_encoding');
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('CB8: DAG-CBOR that other tools take for good is refused unless it is ours byte for byte', () => {
  fc.assert(
    fc.property(mutationsOf(anyValue.map((value) => encodeCanonical(anything, value))), (given) => {
      const read = decodeCanonical(anything, given, { max: MAX });
      if (read.ok) expect(toHex(dagCbor.encode(dagCbor.decode(given)))).toBe(toHex(given));
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('CB9: a structure with a field named __proto__ touches no prototype', () => {
  const hostile = encodeCanonical(anything, new Map([['__proto__', new Map([['polluted', 1]])]]));
  expect(decodeCanonical(struct({ a: optional(uint()) }), hostile, { max: MAX }).ok).toBe(false);
  expect(
    decodeCanonical(dict(dict(uint(), { max: 9, keyMax: 9 }), { max: 9, keyMax: 9 }), hostile, { max: MAX }).ok,
  ).toBe(false);
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});
