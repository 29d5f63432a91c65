// Nominal types over plain values: the parser that makes one is the only place with a cast.

declare const brand: unique symbol;

export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Milliseconds since the Unix epoch, a safe integer. */
export type Millis = number;
