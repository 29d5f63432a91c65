// The Range header of RFC 9110 §14, as far as one range goes (rule SI14).

import type { ByteRange } from '../shared/content/unixfs.ts';

/** `last` may be missing (to the end), or `first` (so many bytes from the end); 15 digits are exact in a number. */
const SINGLE_RANGE = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i;

export type RequestedRange =
  /** No range, one that cannot be read, or several: the whole is a right answer to each. */
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly range: ByteRange; readonly open: boolean }
  | { readonly kind: 'unsatisfiable' };

const WHOLE: RequestedRange = { kind: 'whole' };
const UNSATISFIABLE: RequestedRange = { kind: 'unsatisfiable' };

/** `open`: the client asked for all that follows, and can do with less. */
export function parseRange(header: string | null, size: number): RequestedRange {
  const match = header === null ? null : SINGLE_RANGE.exec(header);
  if (!match || (match[1] === '' && match[2] === '')) return WHOLE;
  const last = match[2] === '' ? undefined : Number(match[2]);
  if (match[1] === '') {
    const from = Math.max(0, size - last!);
    return from < size ? { kind: 'part', range: { from, to: size }, open: false } : UNSATISFIABLE;
  }
  const from = Number(match[1]);
  if (last !== undefined && last < from) return WHOLE;
  if (from >= size) return UNSATISFIABLE;
  return { kind: 'part', range: { from, to: Math.min(size, (last ?? size) + 1) }, open: last === undefined };
}
