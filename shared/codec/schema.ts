// Schemas of canonical values: each says what it reads from decoded bytes (unknown → Result) and how it is written.

import { assert } from '../core/assert.ts';
import { AMOUNT_MAX } from '../core/limits.ts';
import { err, ok, type Result } from '../core/result.ts';
import { encodeUtf8, fromHex, isShortAscii, toHex } from './base.ts';
import { parseCid, type Cid } from './cid.ts';

/** A CID as a value of its own (DAG-CBOR tag 42), so that it is never mistaken for text. */
export class CanonicalLink {
  readonly cid: Cid;
  constructor(cid: Cid) {
    this.cid = cid;
  }
}

/** What canonical bytes can hold. Structures are Maps, so that no key can touch a prototype. */
export type CanonicalValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | CanonicalLink
  | readonly CanonicalValue[]
  | ReadonlyMap<string, CanonicalValue>;

/** `read` judges what came from outside; `write` asserts, since what we write is ours. The error is a phrase: "seq: expected …". */
export interface Schema<T> {
  read(value: unknown): Result<T, string>;
  write(value: T): CanonicalValue;
}

export type Infer<S> = S extends Schema<infer T> ? T : S extends OptionalField<infer T> ? T : never;

export type OptionalField<T> = { readonly optional: Schema<T> };

// oxlint-disable-next-line typescript/no-explicit-any -- any is what lets one record hold schemas of different types
type Fields = Readonly<Record<string, Schema<any> | OptionalField<any>>>;
type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K] extends OptionalField<unknown> ? K : never }[keyof F];
type Flat<T> = { readonly [K in keyof T]: T[K] };
type StructOf<F extends Fields> = Flat<
  { [K in Exclude<keyof F, OptionalKeys<F>>]: Infer<F[K]> } & { [K in OptionalKeys<F>]?: Infer<F[K]> }
>;

export interface StructSchema<T> extends Schema<T> {
  readonly keys: readonly string[];
}

// oxlint-disable-next-line typescript/no-explicit-any -- as above
type Variants = Readonly<Record<string, StructSchema<any>>>;
type OneOf<D extends string, V extends Variants> = {
  [K in keyof V & string]: Flat<{ [P in D]: K } & Infer<V[K]>>;
}[keyof V & string];

/** Keys that objects treat specially; refused everywhere, whatever the value is later made into. */
const KEYS_REFUSED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
/** Decoders disagree on it at the start of a text, so none has it there (CB6). */
export const BYTE_ORDER_MARK = '\uFEFF';

/** A safe integer, 0 … max. */
export function uint(bounds: { readonly max?: number; readonly min?: number } = {}): Schema<number> {
  const max = bounds.max ?? Number.MAX_SAFE_INTEGER;
  const min = bounds.min ?? 0;
  return plain((value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max && !Object.is(value, -0)
      ? ok(value)
      : err(`expected an integer from ${min} to ${max}`),
  );
}

/** Thousandths of a token, 0 … 2^63−1, always a bigint in memory. */
export function amount(): Schema<bigint> {
  return {
    read(value) {
      const big = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
      if (typeof big !== 'bigint' || big < 0n || big > AMOUNT_MAX) return err('expected an amount from 0 to 2^63-1');
      return ok(big);
    },
    write(value) {
      assert(typeof value === 'bigint' && value >= 0n && value <= AMOUNT_MAX, 'an amount is a bigint from 0 to 2^63-1');
      return value;
    },
  };
}

/** Bounds are in bytes of UTF-8. No lone surrogates; no byte-order mark at the start, which decoders disagree on. */
export function text(bounds: { readonly max: number; readonly min?: number }): Schema<string> {
  return plain((value) => {
    if (typeof value !== 'string') return err('expected text');
    const bytes = utf8LengthWithin(value, bounds.max);
    if (bytes === undefined || bytes < (bounds.min ?? 0)) {
      return err(`expected text of ${bounds.min ?? 0} to ${bounds.max} bytes`);
    }
    return isPlainText(value) ? ok(value) : err('expected well-formed text');
  });
}

export function bytes(
  bounds: { readonly length: number } | { readonly max: number; readonly min?: number },
): Schema<Uint8Array> {
  const max = 'length' in bounds ? bounds.length : bounds.max;
  const min = 'length' in bounds ? bounds.length : (bounds.min ?? 0);
  return plain((value) =>
    value instanceof Uint8Array && value.length >= min && value.length <= max
      ? ok(value)
      : err(min === max ? `expected ${max} bytes` : `expected ${min} to ${max} bytes`),
  );
}

export function bool(): Schema<boolean> {
  return plain((value) => (typeof value === 'boolean' ? ok(value) : err('expected true or false')));
}

export function literal<const V extends string | number | boolean | null>(expected: V): Schema<V> {
  return plain((value) => (value === expected ? ok(expected) : err(`expected ${JSON.stringify(expected)}`)));
}

/** Text that is one of a few words. */
export function words<const W extends string>(...choices: readonly W[]): Schema<W> {
  return plain((value) => {
    const known = choices.find((choice) => choice === value);
    return known === undefined ? err(`expected one of ${choices.join(', ')}`) : ok(known);
  });
}

/** A CID, as DAG-CBOR tag 42. */
export function link(): Schema<Cid> {
  return {
    read: (value) => (value instanceof CanonicalLink ? ok(value.cid) : err('expected a link')),
    write(value) {
      assert(parseCid(value).ok, 'a link is a CID');
      return new CanonicalLink(value);
    },
  };
}

/** `length` bytes, in memory as lowercase hex under a brand. */
export function hexBytes<B extends string>(length: number): Schema<B> {
  return {
    read: (value) =>
      value instanceof Uint8Array && value.length === length ? ok(toHex(value) as B) : err(`expected ${length} bytes`),
    write(value) {
      const raw = fromHex(value);
      assert(raw.ok && raw.value.length === length, `expected hex of ${length} bytes`);
      return raw.value;
    },
  };
}

export function list<T>(
  item: Schema<T>,
  bounds: { readonly max: number; readonly min?: number },
): Schema<readonly T[]> {
  const min = bounds.min ?? 0;
  return {
    read(value) {
      if (!Array.isArray(value)) return err('expected a list');
      if (value.length > bounds.max || value.length < min) return err(`expected a list of ${min} to ${bounds.max}`);
      const out: T[] = [];
      for (const [at, element] of value.entries()) {
        const read = item.read(element);
        if (!read.ok) return err(`${at}: ${read.error}`);
        out.push(read.value);
      }
      return ok(out);
    },
    write(value) {
      assert(value.length <= bounds.max && value.length >= min, `a list has ${min} to ${bounds.max} items`);
      return value.map((element) => item.write(element));
    },
  };
}

/** Named fields. Unknown fields are refused; an optional field is absent, never undefined or null. */
export function struct<const F extends Fields>(fields: F): StructSchema<StructOf<F>> {
  const keys = Object.keys(fields);
  // In the order in which they are written (CB5): names of fields are ASCII.
  const written = keys.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1));
  for (const key of keys) assert(!KEYS_REFUSED.has(key), `${key} cannot name a field`);
  return {
    keys,
    read(value) {
      if (!(value instanceof Map)) return err('expected a structure');
      const out: Record<string, unknown> = {};
      let seen = 0;
      for (const key of keys) {
        const field = fields[key]!;
        if (!value.has(key)) {
          if ('optional' in field) continue;
          return err(`${key}: missing`);
        }
        seen++;
        const read = ('optional' in field ? field.optional : field).read(value.get(key));
        if (!read.ok) return err(`${key}: ${read.error}`);
        out[key] = read.value;
      }
      if (seen !== value.size) return err('unknown field');
      return ok(out as StructOf<F>);
    },
    write(value) {
      const given = value as Readonly<Record<string, unknown>>;
      for (const key of Object.keys(given)) assert(Object.hasOwn(fields, key), `unknown field ${key}`);
      const out = new Map<string, CanonicalValue>();
      for (const key of written) {
        const field = fields[key]!;
        const part = given[key];
        if (part === undefined && 'optional' in field) continue;
        out.set(key, ('optional' in field ? field.optional : field).write(part));
      }
      return out;
    },
  };
}

export function optional<T>(schema: Schema<T>): OptionalField<T> {
  return { optional: schema };
}

/** A map by free keys; `max` entries, keys of at most `keyMax` bytes. */
export function dict<T>(
  item: Schema<T>,
  bounds: { readonly max: number; readonly keyMax: number },
): Schema<ReadonlyMap<string, T>> {
  return {
    read(value) {
      if (!(value instanceof Map)) return err('expected a map');
      if (value.size > bounds.max) return err(`expected at most ${bounds.max} keys`);
      const out = new Map<string, T>();
      for (const [key, element] of value as ReadonlyMap<unknown, unknown>) {
        if (!isKey(key, bounds.keyMax)) return err('a key is not allowed');
        const read = item.read(element);
        if (!read.ok) return err(`${key}: ${read.error}`);
        out.set(key, read.value);
      }
      return ok(out);
    },
    write(value) {
      assert(value.size <= bounds.max, `a map has at most ${bounds.max} keys`);
      const out = new Map<string, CanonicalValue>();
      for (const [key, element] of value) {
        assert(isKey(key, bounds.keyMax), 'a key is not allowed');
        out.set(key, item.write(element));
      }
      return out;
    },
  };
}

export function nullable<T>(schema: Schema<T>): Schema<T | null> {
  return {
    read: (value) => (value === null ? ok(null) : schema.read(value)),
    write: (value) => (value === null ? null : schema.write(value)),
  };
}

/**
 * A union of structures told apart by the text in `discriminant`: `oneOf('t', { ping: struct({ id }) })` is
 * `{ t: 'ping', id }`. The variants do not declare the discriminant themselves.
 */
export function oneOf<const D extends string, const V extends Variants>(
  discriminant: D,
  variants: V,
): Schema<OneOf<D, V>> {
  const variantsByName = new Map(Object.entries(variants));
  for (const [name, variant] of variantsByName) {
    assert(!variant.keys.includes(discriminant), `variant ${name} must not declare ${discriminant} itself`);
  }
  return {
    read(value) {
      if (!(value instanceof Map)) return err('expected a structure');
      const name: unknown = value.get(discriminant);
      const variant = typeof name === 'string' ? variantsByName.get(name) : undefined;
      if (variant === undefined) return err(`${discriminant}: unknown kind`);
      const rest = new Map<unknown, unknown>(value);
      rest.delete(discriminant);
      const read = variant.read(rest);
      return read.ok ? ok({ [discriminant]: name, ...read.value } as OneOf<D, V>) : read;
    },
    write(value) {
      const { [discriminant]: name, ...rest } = value as Readonly<Record<string, unknown>>;
      const variant = variantsByName.get(String(name));
      assert(variant !== undefined, `unknown kind ${String(name)}`);
      const out = new Map(variant.write(rest) as ReadonlyMap<string, CanonicalValue>);
      return out.set(discriminant, String(name));
    },
  };
}

/** Another form in memory: `to` may refuse, `from` undoes it. */
export function mapped<A, B>(schema: Schema<A>, to: (value: A) => Result<B, string>, from: (value: B) => A): Schema<B> {
  return {
    read(value) {
      const read = schema.read(value);
      return read.ok ? to(read.value) : read;
    },
    write: (value) => schema.write(from(value)),
  };
}

/** A schema whose value in memory is the canonical value itself. */
function plain<T extends CanonicalValue>(read: (value: unknown) => Result<T, string>): Schema<T> {
  return {
    read,
    write(value) {
      const checked = read(value);
      assert(checked.ok, checked.ok ? '' : `cannot be written: ${checked.error}`);
      return value;
    },
  };
}

function isKey(key: unknown, max: number): key is string {
  return (
    typeof key === 'string' && !KEYS_REFUSED.has(key) && utf8LengthWithin(key, max) !== undefined && isPlainText(key)
  );
}

function isPlainText(value: string): boolean {
  return value.isWellFormed() && !value.startsWith(BYTE_ORDER_MARK);
}

/** Bytes of UTF-8, or undefined when more than `max`: nothing is encoded that cannot fit. */
function utf8LengthWithin(value: string, max: number): number | undefined {
  if (value.length > max) return undefined;
  if (isShortAscii(value)) return value.length;
  const length = encodeUtf8(value).length;
  return length <= max ? length : undefined;
}
