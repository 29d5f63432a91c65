// The title a site gives itself: that of its manifest, or the <title> of its index page, as plain text.

import { decodeUtf8 } from '../../shared/codec/base.ts';

const TITLE_CHARS_MAX = 100;
const TITLE = /<title\b[^>]*>([^<]+)<\/title/i;
const ENTITY = /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));/gi;
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };
/** Controls, and marks that turn the direction of what follows: a title must not rewrite the line it stands in. */
const UNSEEN = /[\p{Cc}\p{Cf}\s]+/gu;

/** Null when the page has none, or is no text. */
export function readPageTitle(page: Uint8Array): string | null {
  const text = decodeUtf8(page);
  const found = text.ok && TITLE.exec(text.value)?.[1];
  return found ? cleanTitle(found.replace(ENTITY, readEntity)) : null;
}

/** On one line and of bounded length; null when nothing is left. */
export function cleanTitle(text: string): string | null {
  const letters = Array.from(text.replace(UNSEEN, ' ').trim());
  if (letters.length <= TITLE_CHARS_MAX) return letters.join('') || null;
  return `${letters.slice(0, TITLE_CHARS_MAX - 1).join('')}…`;
}

function readEntity(whole: string, decimal?: string, hex?: string, name?: string): string {
  if (name) return NAMED[name.toLowerCase()] ?? whole;
  const code = decimal ? Number(decimal) : Number.parseInt(hex!, 16);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
}
