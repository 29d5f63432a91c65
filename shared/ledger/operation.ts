// What a family of operations is made of: each operation has a kind, a body schema, and a rule over a draft of state.

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import type { Schema } from '../codec/schema.ts';
import type { Millis } from '../core/brand.ts';
import type { Operation, VerifiedEntry } from '../feeds/entry.ts';
import type { Code } from './codes.ts';
import type { Draft } from './state.ts';

/** Bytes of one operation's body: all are small records, files travel by CID. */
export const OPERATION_BODY_BYTES_MAX = 4_096;

/** The draft is thrown away when any operation of the entry fails, so a rule may write before it knows. */
export type OperationContext = {
  readonly draft: Draft;
  readonly entry: VerifiedEntry;
  /** Of the block being made. */
  readonly blockTime: Millis;
  readonly height: number;
};

export type OperationRule = {
  readonly kind: string;
  /** An entry of nothing else needs no fee (LG59): what keeps a device or a group safe must not fail for want of money. */
  readonly unpaid?: true;
  /** Undefined: done. A code voids the whole entry. */
  readonly run: (context: OperationContext, body: Uint8Array) => Code | undefined;
};

/** What whoever asks for an operation needs of it: not its rule. */
export type OperationBody<T> = {
  readonly kind: string;
  readonly schema: Schema<T>;
  readonly create: (body: T) => Operation;
};

export type OperationKind<T> = OperationRule & OperationBody<T>;

export function defineBody<T>({ kind, schema }: { kind: string; schema: Schema<T> }): OperationBody<T> {
  return { kind, schema, create: (body) => ({ kind, body: encodeCanonical(schema, body) }) };
}

export function defineOperation<T>(definition: {
  kind: string;
  schema: Schema<T>;
  apply: (context: OperationContext, body: T) => Code | undefined;
  /** Bytes of its body, where they are no small record. */
  max?: number;
  unpaid?: true;
}): OperationKind<T> {
  const { kind, schema, apply, unpaid, max = OPERATION_BODY_BYTES_MAX } = definition;
  /** An entry is tried several times before its block is final; its bytes never change. */
  const bodiesByBytes = new WeakMap<Uint8Array, { readonly body: T }>();
  return {
    ...defineBody({ kind, schema }),
    ...(unpaid && { unpaid }),
    run(context, bytes) {
      const known = bodiesByBytes.get(bytes);
      if (known !== undefined) return apply(context, known.body);
      const body = decodeCanonical(schema, bytes, { max });
      if (!body.ok) return body.error.code;
      bodiesByBytes.set(bytes, { body: body.value });
      return apply(context, body.value);
    },
  };
}
