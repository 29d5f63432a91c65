// An expected failure is a value: it carries a stable code and what the reader needs to act.

export type Ok<T> = { readonly ok: true; readonly value: T };
export type Err<E> = { readonly ok: false; readonly error: E };
export type Result<T, E> = Ok<T> | Err<E>;

/** The least every failure says: a stable code, and a sentence that tells a person what to do. */
export type Failure<Code extends string = string> = { readonly code: Code; readonly because: string };

export function ok<T>(value: T): Ok<T> {
  return { ok: true, value };
}

export function err<E>(error: E): Err<E> {
  return { ok: false, error };
}

/** Shorthand for the common failure shape. */
export function fail<Code extends string>(code: Code, because: string): Err<Failure<Code>> {
  return { ok: false, error: { code, because } };
}
