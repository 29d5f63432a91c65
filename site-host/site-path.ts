// Paths of a site: how they are written in a manifest, how local names become them, how a request names one (rules SI1–SI4).

import { encodeUtf8 } from '../shared/codec/base.ts';
import { SITE_PATH_BYTES_MAX } from '../shared/core/limits.ts';
import { fail, ok, type Failure, type Result } from '../shared/core/result.ts';

/** Bytes of one name in a path: what common file systems hold, so that a site can be written to a disk. */
const NAME_BYTES_MAX = 255;
/** A request may escape every byte (`%41`). */
const REQUEST_PATH_CHARS_MAX: number = 3 * SITE_PATH_BYTES_MAX;
/** The platform's own: its service worker, loader and reports. */
const RESERVED_FOLDER = '.weft';
/** The edge answers this one on every host. */
const RESERVED_PATH = '/.well-known/weft.json';
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const FORBIDDEN = /[\u0000-\u001f\u007f\\]/;

/** Checks a path as a manifest holds it: `/a/b.html`, unescaped (SI1, SI2). */
export function parseSitePath(text: string): Result<string, Failure<'path_invalid' | 'path_reserved'>> {
  const because = explainPath(text);
  if (because !== undefined) return fail('path_invalid', `The path ${quote(text)} cannot be published: ${because}.`);
  const folder = text.split('/', 2)[1]!;
  if (folder.toLowerCase() === RESERVED_FOLDER || text === RESERVED_PATH) {
    return fail('path_reserved', `The path ${quote(text)} belongs to the platform: rename the file.`);
  }
  return ok(text);
}

/** A name as file systems, zip files and folder pickers give it, as a path of the manifest (SI3). */
export function normaliseSitePath(name: string): Result<string, Failure<'path_invalid' | 'path_reserved'>> {
  const relative = name.replaceAll('\\', '/').replace(/^(\.?\/)+/, '');
  return parseSitePath(`/${relative.isWellFormed() ? relative.normalize('NFC') : relative}`);
}

export type RequestPath = {
  /** Unescaped once; undefined when no file can have that name. */
  readonly path: string | undefined;
  /** Escaped anew, for a Location header: never what the client wrote. */
  readonly escaped: string;
};

/** The path of a request (no query), unescaped exactly once (SI4). */
export function parseRequestPath(raw: string): Result<RequestPath, Failure<'path_invalid'>> {
  if (raw.length > REQUEST_PATH_CHARS_MAX) return fail('path_invalid', 'The path of this address is too long.');
  if (!raw.startsWith('/')) return fail('path_invalid', 'The path of an address begins with a slash.');
  const names: string[] = [];
  for (const part of raw.slice(1).split('/')) {
    const name = unescapeName(part);
    if (name === undefined) return fail('path_invalid', 'This address has an escape that is not valid UTF-8.');
    names.push(name);
  }
  const nameable = names.every((name) => !name.includes('/') && !FORBIDDEN.test(name));
  const escaped = `/${names.map((name) => encodeURIComponent(name)).join('/')}`;
  return ok({ path: nameable ? `/${names.join('/')}` : undefined, escaped });
}

function unescapeName(part: string): string | undefined {
  if (!part.isWellFormed()) return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function explainPath(text: string): string | undefined {
  if (!text.startsWith('/')) return 'it does not begin with a slash';
  if (!text.isWellFormed()) return 'it is not valid Unicode';
  if (text.length > SITE_PATH_BYTES_MAX || encodeUtf8(text).length > SITE_PATH_BYTES_MAX) {
    return `it is longer than ${SITE_PATH_BYTES_MAX} bytes`;
  }
  if (FORBIDDEN.test(text)) return 'it contains a control character or a backslash';
  for (const name of text.slice(1).split('/')) {
    if (name === '') return 'it has an empty name in it';
    if (name === '.' || name === '..') return 'it has a dot name in it';
    // A UTF-16 unit takes at most three bytes, so most names need no encoding to be known short.
    if (name.length * 3 > NAME_BYTES_MAX && encodeUtf8(name).length > NAME_BYTES_MAX) {
      return `it has a name longer than ${NAME_BYTES_MAX} bytes`;
    }
  }
  return undefined;
}

/** As much of a path as a sentence bears. */
function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
