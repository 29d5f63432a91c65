// Who else is in a page: their names, their dyes, and where they are, read from what they say of themselves.

import type { Presence } from '../../../group-api.ts';
import { countOf } from '../../format.ts';
import { nameMember } from '../../group-words.ts';
import type { Cursor } from './page-session.ts';

/** As in tokens.css: `--dye-1` to `--dye-5`. */
const DYES = 5;

/** The same person has the same colour on every device, from 1 to 5. */
export function dyeOf(identity: string): number {
  let sum = 0;
  for (const letter of identity) sum = (sum * 31 + letter.codePointAt(0)!) % 65_521;
  return (sum % DYES) + 1;
}

export function nameOf({ name, identity }: Presence): string {
  return nameMember({ name, identity, you: false });
}

/** Null when they are in the page but not in its text; a place beyond the end, where the text is not here yet, is the end. */
export function readCursor(state: unknown, length: number): Cursor | null {
  const { anchor, head } = (state ?? {}) as { anchor?: unknown; head?: unknown };
  if (!isPlace(anchor) || !isPlace(head)) return null;
  return { anchor: Math.min(anchor, length), head: Math.min(head, length) };
}

function isPlace(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** `2 others here: Ann, Tom`; somebody with two devices is one. */
export function describePresent(present: readonly Presence[]): string {
  const names = [...new Map(present.map((one) => [one.identity, nameOf(one)])).values()];
  if (names.length === 0) return 'nobody else here';
  return `${countOf(names.length, 'other')} here: ${names.join(', ')}`;
}
