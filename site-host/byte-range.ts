// The Range header of RFC 9110 §14: one range or several of bytes (rule SI14).

import type { ByteRange } from '../shared/content/unixfs.ts';

/** `last` may be missing (to the end), or `first` (so many bytes from the end); 15 digits are exact in a number. */
const RANGE = /^[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/;
const UNIT = /^bytes=/i;
/** A player asks for one, a PDF reader for a handful; more are no use to anybody but an attacker (RFC 9110 §17.15). */
const RANGES_MAX = 16;

export type RequestedRange =
  /** No range, one that cannot be read, too many or overlapping ones: the whole is a right answer to each. */
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly range: ByteRange; readonly open: boolean }
  /** Two or more that do not overlap, in the order they were asked for. */
  | { readonly kind: 'parts'; readonly ranges: readonly ByteRange[] }
  | { readonly kind: 'unsatisfiable' };

const WHOLE: RequestedRange = { kind: 'whole' };

/** `open`: the client asked for all that follows, and can do with less. */
export function parseRange(header: string | null, size: number): RequestedRange {
  if (header === null || !UNIT.test(header)) return WHOLE;
  const texts = header.replace(UNIT, '').split(',', RANGES_MAX + 1);
  if (texts.length > RANGES_MAX) return WHOLE;
  const found: { range: ByteRange; open: boolean }[] = [];
  for (const text of texts) {
    const read = readRange(text, size);
    if (read === 'unreadable') return WHOLE;
    if (read) found.push(read);
  }
  const [first] = found;
  if (!first) return { kind: 'unsatisfiable' };
  if (found.length === 1) return { kind: 'part', ...first };
  const ranges = found.map(({ range }) => range);
  return doOverlap(ranges) ? WHOLE : { kind: 'parts', ranges };
}

/** Undefined: well written, and outside the file. */
function readRange(text: string, size: number): { range: ByteRange; open: boolean } | 'unreadable' | undefined {
  const [, first = '', end = ''] = RANGE.exec(text) ?? [];
  if (first === '' && end === '') return 'unreadable';
  const last = end === '' ? undefined : Number(end);
  if (first === '') {
    const from = Math.max(0, size - last!);
    return from < size ? { range: { from, to: size }, open: false } : undefined;
  }
  const from = Number(first);
  if (last !== undefined && last < from) return 'unreadable';
  if (from >= size) return undefined;
  return { range: { from, to: Math.min(size, (last ?? size) + 1) }, open: last === undefined };
}

function doOverlap(ranges: readonly ByteRange[]): boolean {
  const sorted = ranges.toSorted((a, b) => a.from - b.from);
  return sorted.some(({ from }, at) => at > 0 && from < sorted[at - 1]!.to);
}
