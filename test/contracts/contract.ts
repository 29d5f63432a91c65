// A contract is a list of named cases over a port; plain code, so that it runs under vitest and inside a page alike.

import { equalBytes } from '../../shared/core/bytes.ts';

/** One rule of a port: `check` throws when the implementation behind `fixture` breaks it. */
export type ContractCase<Fixture> = {
  readonly name: string;
  check(fixture: Fixture): Promise<void>;
};

/** Throws with both sides unless they are equal as JSON (bytes are compared by value). */
export function expectSame(actual: unknown, expected: unknown, what: string): void {
  if (actual instanceof Uint8Array && expected instanceof Uint8Array && equalBytes(actual, expected)) return;
  const [left, right] = [show(actual), show(expected)];
  if (left !== right) throw new Error(`${what}: got ${clip(left)}, expected ${clip(right)}`);
}

/** Throws unless the promise rejects; returns the reason. */
export async function expectRejection(promise: Promise<unknown>, what: string): Promise<unknown> {
  try {
    await promise;
  } catch (reason) {
    return reason;
  }
  throw new Error(`${what}: it resolved`);
}

const SHOWN_CHARACTERS = 200;

function clip(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}… (${text.length} characters)`;
}

function show(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part instanceof Uint8Array) return `bytes:${Array.from(part).join(',')}`;
    return part === undefined ? 'undefined' : part;
  });
}

/** Bytes that differ by `seed` and position, the same on every run. */
export function patternBytes(seed: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
