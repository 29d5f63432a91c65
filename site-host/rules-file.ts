// Reads `_redirects` and `_headers` of a folder when it is published, and says line by line what is wrong in them (rules SI20–SI24).

import { decodeUtf8 } from '../shared/codec/base.ts';
import { SITE_PATH_BYTES_MAX } from '../shared/core/limits.ts';
import { fail, ok, type Failure, type Result } from '../shared/core/result.ts';
import { isOpenPattern, matchPattern, referencesOf } from './address-pattern.ts';
import { isContentType } from './manifest.ts';
import {
  CACHE_AGE_MAX,
  explainHeaderRule,
  explainRedirect,
  HEADER_RULES_MAX,
  HEADERS_ALLOWED,
  isMove,
  REDIRECTS_MAX,
  type HeaderRule,
  type Redirect,
} from './site-rules.ts';

/** As the IPFS specification bounds it; a file of headers as well. */
export const RULES_FILE_BYTES_MAX: number = 64 * 1024;
const FOUND_FOR_GOOD = 301;
const CATCH_ALL = '/*';
/** Redirects that lead to each other are followed this far before the last one is called a circle. */
const HOPS_MAX = 10;

export type RulesFailure = Failure<'redirects_invalid' | 'headers_invalid'>;
export type RulesWarning = Failure<'redirect_unreachable' | 'header_dropped' | 'header_shortened'>;

export type CompiledRedirects = {
  readonly redirects: readonly Redirect[];
  readonly spa: string | undefined;
  readonly warnings: readonly RulesWarning[];
};

export type CompiledHeaders = {
  readonly headers: readonly HeaderRule[];
  /** Content types by pattern: they become part of the files (SI6). */
  readonly types: readonly { readonly path: string; readonly type: string }[];
  readonly warnings: readonly RulesWarning[];
};

type Line = { readonly at: number; readonly text: string };

/** `findPage`: the file that an address of the site shows, by clean URLs and indexes, if there is one. */
export function compileRedirects(
  bytes: Uint8Array,
  findPage: (path: string) => string | undefined,
): Result<CompiledRedirects, RulesFailure> {
  const lines = readLines(bytes, '_redirects');
  if (!lines.ok) return refuseRedirects(lines.error);
  const redirects: Redirect[] = [];
  const warnings: RulesWarning[] = [];
  let spa: string | undefined;
  for (const line of lines.value) {
    const read = readRedirect(line, findPage);
    if (!read.ok) return refuseRedirects(read.error);
    const rule = read.value;
    const above = spa === undefined ? redirects.find(({ from }) => covers(from, rule.from))?.from : CATCH_ALL;
    const shadow = above ?? (isOpenPattern(rule.from) ? undefined : findPage(rule.from));
    if (shadow !== undefined) {
      const because = `Line ${line.at} of _redirects is never reached: ${shadow} takes its place.`;
      warnings.push({ code: 'redirect_unreachable', because });
    } else if (rule.from === CATCH_ALL && rule.status === 200 && isPage(rule.to)) spa = rule.to;
    else redirects.push(rule);
  }
  if (redirects.length > REDIRECTS_MAX) {
    return refuseRedirects(`_redirects has more than ${REDIRECTS_MAX} rules: join some with a * or a placeholder.`);
  }
  const circle = findCircle(redirects, findPage);
  if (circle !== undefined) {
    return refuseRedirects(`The redirect from ${circle} leads back to itself: point it to a page that exists.`);
  }
  return ok({ redirects, spa, warnings });
}

function readRedirect({ at, text }: Line, findPage: (path: string) => string | undefined): Result<Redirect, string> {
  const say = (because: string): Result<never, string> => ({
    ok: false,
    error: `Line ${at} of _redirects (${quote(text)}) cannot be followed: ${because}.`,
  });
  const [from = '', to, status, ...more] = text.split(/\s+/);
  if (to === undefined) return say('it needs a path and a target, such as /old /new 301');
  if (to.includes('=') && !to.startsWith('/') && !to.includes('://'))
    return say('conditions on the query are not known');
  if (more.length > 0) return say('there is something after the status; countries, languages and roles are not known');
  if (status?.endsWith('!')) return say('a redirect cannot be forced over a file that exists: take the ! away');
  if (status !== undefined && !/^\d{3}$/.test(status)) return say(`${status} is no status`);
  const path = unescapePath(from);
  if (path === undefined) return say('the path is not escaped as an address is');
  const rule = { from: path, to, status: status === undefined ? FOUND_FOR_GOOD : Number(status) };
  if (isMove(rule.status)) {
    const target = escapeTarget(to);
    if (target === undefined) return say(`${to} is neither a path nor an http address`);
    const moved = { ...rule, to: target };
    const because = explainRedirect(moved);
    return because === undefined ? ok(moved) : say(because);
  }
  const page = unescapePath(to);
  if (page === undefined) return say('the target is not escaped as an address is');
  const because = explainRedirect({ ...rule, to: page });
  if (because !== undefined) return say(because);
  if (referencesOf(page).length > 0) return ok({ ...rule, to: page });
  const shown = findPage(page);
  return shown === undefined ? say(`there is no file ${page} in this folder`) : ok({ ...rule, to: shown });
}

export function compileHeaders(bytes: Uint8Array): Result<CompiledHeaders, RulesFailure> {
  const lines = readLines(bytes, '_headers');
  if (!lines.ok) return refuseHeaders(lines.error);
  const draft: HeadersDraft = { rules: [], types: [], warnings: [] };
  for (const line of lines.value) {
    const because = readHeaderLine(draft, line);
    if (because !== undefined) return refuseHeaders(because);
  }
  const headers = draft.rules.filter(({ set }) => set.size > 0);
  if (headers.length > HEADER_RULES_MAX) return refuseHeaders(`_headers has more than ${HEADER_RULES_MAX} rules.`);
  for (const rule of headers) {
    const because = explainHeaderRule(rule);
    if (because !== undefined)
      return refuseHeaders(`The rule for ${rule.path} in _headers cannot be taken: ${because}.`);
  }
  return ok({ headers, types: draft.types, warnings: draft.warnings });
}

type HeadersDraft = {
  readonly rules: { readonly path: string; readonly set: Map<string, string> }[];
  readonly types: { readonly path: string; readonly type: string }[];
  readonly warnings: RulesWarning[];
};

/** A path begins a rule; indented lines below it are its headers. */
function readHeaderLine({ rules, types, warnings }: HeadersDraft, { at, text }: Line): string | undefined {
  if (!/^\s/.test(text)) {
    const path = unescapePath(text);
    if (path === undefined) return `Line ${at} of _headers (${quote(text)}) is neither a path nor a header below one.`;
    rules.push({ path, set: new Map() });
    return undefined;
  }
  const rule = rules.at(-1);
  const [, given, value] = /^\s+([A-Za-z][\w-]*)\s*:\s*(.*)$/.exec(text) ?? [];
  if (!rule || given === undefined || value === undefined) {
    return `Line ${at} of _headers (${quote(text.trim())}) cannot be read: write “Name: value” below a path.`;
  }
  const name = given.toLowerCase();
  if (name === 'content-type') {
    if (!isContentType(value)) return `Line ${at} of _headers has a content type that is malformed.`;
    types.push({ path: rule.path, type: value });
    return undefined;
  }
  if (!HEADERS_ALLOWED.has(name)) {
    const because = `The header ${given} (line ${at} of _headers) is left out: a site may not set it.`;
    warnings.push({ code: 'header_dropped', because });
    return undefined;
  }
  const kept = name === 'cache-control' ? shortenCaching(value) : value;
  if (kept !== value) {
    const because = `Line ${at} of _headers becomes “${kept}”: a name can change hands, so nothing is kept for more than a day.`;
    warnings.push({ code: 'header_shortened', because });
  }
  const before = rule.set.get(name);
  rule.set.set(name, before === undefined ? kept : `${before}, ${kept}`);
  return undefined;
}

/** Lower case, ages cut to a day, and without what would keep an answer for good. */
function shortenCaching(value: string): string {
  const parts = value
    .toLowerCase()
    .split(',')
    .map((part) => part.trim());
  const kept = parts.filter((part) => part !== 'immutable' && part !== '');
  return kept
    .map((part) => part.replace(/=(\d+)$/, (_, age: string) => `=${Math.min(Number(age), CACHE_AGE_MAX)}`))
    .join(', ');
}

function readLines(bytes: Uint8Array, file: string): Result<Line[], string> {
  if (bytes.length > RULES_FILE_BYTES_MAX) return { ok: false, error: `${file} is larger than 64 KiB: shorten it.` };
  const text = decodeUtf8(bytes);
  if (!text.ok) return { ok: false, error: `${file} is not UTF-8 text: save it as that.` };
  const lines = text.value.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  const kept = lines.map((line, at) => ({ at: at + 1, text: withoutComment(line) }));
  return ok(kept.filter(({ text: line }) => line !== ''));
}

/** A # begins a comment at the start of a line or after a space: within an address it is a fragment. */
function withoutComment(line: string): string {
  return line.replace(/(^|\s)#.*$/, '').trimEnd();
}

/** A path or pattern as it stands in a manifest: unescaped, NFC. */
function unescapePath(text: string): string | undefined {
  if (!text.startsWith('/') || text.length > SITE_PATH_BYTES_MAX) return undefined;
  try {
    return decodeURIComponent(text).normalize('NFC');
  } catch {
    return undefined;
  }
}

/** As it stands in a Location header. */
function escapeTarget(text: string): string | undefined {
  const base = 'http://site.invalid';
  const url = URL.parse(text, base);
  // Two slashes would name another host in a place where a path is meant.
  if (!url || !/^(\/(?![/\\])|https?:\/\/)/i.test(text)) return undefined;
  return url.origin === base ? url.href.slice(base.length) : url.href;
}

/** Whether the pattern `one` matches all that `other` matches. */
function covers(one: string, other: string): boolean {
  return one === other || (one.endsWith('/*') && matchPattern(one, other) !== undefined);
}

function isPage(path: string): boolean {
  return path.endsWith('.html');
}

/** Follows targets within the site, where the rules alone say where they lead. */
function findCircle(
  redirects: readonly Redirect[],
  findPage: (path: string) => string | undefined,
): string | undefined {
  for (const { from, ...first } of redirects) {
    let at = targetWithin(first);
    for (let hops = 0; at !== undefined && findPage(at) === undefined; hops++) {
      if (hops === HOPS_MAX) return from;
      const path: string = at;
      const next = redirects.find((rule) => matchPattern(rule.from, path));
      at = next && targetWithin(next);
    }
  }
  return undefined;
}

/** The path that a redirect moves to, if it is one of this site and always the same. */
function targetWithin({ to, status }: Pick<Redirect, 'to' | 'status'>): string | undefined {
  if (!isMove(status) || !to.startsWith('/') || referencesOf(to).length > 0) return undefined;
  return unescapePath(to.replace(/[?#].*$/, ''));
}

function refuseRedirects(because: string): Result<never, RulesFailure> {
  return fail('redirects_invalid', because);
}

function refuseHeaders(because: string): Result<never, RulesFailure> {
  return fail('headers_invalid', because);
}

/** As much of a line as a sentence bears. */
function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
