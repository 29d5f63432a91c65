// What a manifest says beyond its files: where a missing path leads, and which headers go with a path (rules SI20–SI24).

import { dict, list, struct, text, uint, type Infer } from '../shared/codec/schema.ts';
import { SITE_PATH_BYTES_MAX } from '../shared/core/limits.ts';
import { explainPattern, fillTarget, isOpenPattern, matchPattern, referencesOf } from './address-pattern.ts';

/** More are no site any more but a router; a missing path is compared with each. */
export const REDIRECTS_MAX = 1_000;
export const HEADER_RULES_MAX = 100;
const HEADERS_PER_RULE_MAX = 16;
const HEADER_NAME_BYTES_MAX = 64;
/** A long content-security-policy fits. */
const HEADER_VALUE_BYTES_MAX = 4_096;
const TARGET_BYTES_MAX = 2_048;

const MOVES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const REWRITE = 200;
/** These show a page of the site with their own status. */
const ABSENCES: ReadonlySet<number> = new Set([404, 410, 451]);
/** Visible ASCII that does not become another host: `//` would. */
const ADDRESS = /^(\/(?![/\\])|https?:\/\/[^/?#:@]+(:\d+)?(?=[/?#]|$))[!-~]*$/;
const HEADER_VALUE = /^[ -~]*$/;

/**
 * What a publisher may say. Nothing here can make the origin keep something, reach into other origins, or weaken what the
 * platform sends itself (SI24).
 */
export const HEADERS_ALLOWED: ReadonlySet<string> = new Set([
  'access-control-allow-origin',
  'cache-control',
  'content-disposition',
  'content-language',
  'content-security-policy',
  'cross-origin-embedder-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'permissions-policy',
  'referrer-policy',
  'x-frame-options',
  'x-robots-tag',
]);

/**
 * A day, in seconds: how long a browser may show what a publisher said without asking again. The next owner of a name could
 * otherwise be haunted by the scripts of this one, in browsers that no service worker looks after.
 */
export const CACHE_AGE_MAX = 86_400;
const CACHE_WORDS: ReadonlySet<string> = new Set([
  'must-revalidate',
  'no-cache',
  'no-store',
  'no-transform',
  'private',
  'proxy-revalidate',
  'public',
]);
const CACHE_AGE = /^(?:max-age|s-maxage|stale-while-revalidate|stale-if-error)=(\d{1,9})$/;
/** A sandboxed document is not controlled by the service worker: what it loads would come unverified. */
const SANDBOX = /(^|[;,])\s*sandbox\b/i;

const redirectSchema = struct({
  /** A pattern over unescaped paths. */
  from: text({ max: SITE_PATH_BYTES_MAX }),
  /** An address to move to, or (200, 404, 410, 451) an unescaped path of the site. */
  to: text({ max: TARGET_BYTES_MAX }),
  status: uint({ max: 599 }),
});
export const redirectsSchema = list(redirectSchema, { max: REDIRECTS_MAX, min: 1 });

const headerRuleSchema = struct({
  path: text({ max: SITE_PATH_BYTES_MAX }),
  set: dict(text({ max: HEADER_VALUE_BYTES_MAX }), { max: HEADERS_PER_RULE_MAX, keyMax: HEADER_NAME_BYTES_MAX }),
});
export const headerRulesSchema = list(headerRuleSchema, { max: HEADER_RULES_MAX, min: 1 });

export type Redirect = Infer<typeof redirectSchema>;
export type HeaderRule = Infer<typeof headerRuleSchema>;

export function isMove(status: number): boolean {
  return MOVES.has(status);
}

/** What is wrong with a redirect, as the end of a sentence. */
export function explainRedirect({ from, to, status }: Redirect): string | undefined {
  const because = explainPattern(from);
  if (because !== undefined) return because;
  if (!isMove(status) && status !== REWRITE && !ABSENCES.has(status)) return `${status} is no status for a redirect`;
  if (isMove(status) ? !ADDRESS.test(to) : !to.startsWith('/')) {
    return isMove(status) ? `${to} is neither a path nor an http address` : `${to} is no path of this site`;
  }
  const wanted = referencesOf(to.replace(/^https?:\/\/[^/]*/, ''));
  if (new Set(wanted).size < wanted.length) return 'its target uses a placeholder twice';
  const known = referencesOf(from.endsWith('/*') ? `${from.slice(0, -1)}:splat` : from);
  const unknown = wanted.find((name) => !known.includes(name));
  return unknown === undefined ? undefined : `its target uses :${unknown}, which the path before it does not have`;
}

export function explainHeaderRule({ path, set }: HeaderRule): string | undefined {
  for (const [name, value] of set) {
    if (!HEADERS_ALLOWED.has(name)) return `the header ${name} is not a site’s to set`;
    if (!HEADER_VALUE.test(value)) return `the header ${name} has a value that is not plain ASCII`;
    if (name === 'cache-control' && !value.split(',').every((part) => isCacheDirective(part.trim()))) {
      return `the header cache-control says something that is not allowed (an age has at most ${CACHE_AGE_MAX} seconds)`;
    }
    if (name === 'content-security-policy' && SANDBOX.test(value)) {
      return 'a sandboxed page could not be verified: take sandbox out of the content-security-policy';
    }
  }
  return explainPattern(path);
}

/** One directive of Cache-Control (RFC 9111 §5.2.2). */
function isCacheDirective(directive: string): boolean {
  const age = CACHE_AGE.exec(directive)?.[1];
  return age === undefined ? CACHE_WORDS.has(directive) : Number(age) <= CACHE_AGE_MAX;
}

/** Where a path leads that names no file. `page`: a path of the site, to be shown with this status. */
export type Turn =
  | { readonly status: number; readonly location: string }
  | { readonly status: number; readonly page: string; readonly isOpen: boolean };

/** In the order of the rules: those that match; the first that can be followed counts. */
export function* findTurns(
  redirects: readonly Redirect[],
  path: string,
  query: string,
): Generator<Turn, void, undefined> {
  for (const { from, to, status } of redirects) {
    const values = matchPattern(from, path);
    if (!values) continue;
    if (isMove(status)) yield { status, location: addressOf(fillTarget(to, values, encodeURIComponent), query) };
    else yield { status, page: fillTarget(to, values, String), isOpen: isOpenPattern(from) };
  }
}

/** The query of the request goes along, unless the target has its own. What came from the request names no other host. */
function addressOf(filled: string, query: string): string {
  const location = filled.replace(/^\/\/+/, '/');
  if (query === '' || location.includes('?') || !/^[!-~]*$/.test(query)) return location;
  const hash = location.indexOf('#');
  return hash < 0 ? location + query : location.slice(0, hash) + query + location.slice(hash);
}

/** Headers for a file asked for at `asked`; later rules win. */
export function headersFor(rules: readonly HeaderRule[], paths: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { path, set } of rules) {
    if (paths.some((one) => matchPattern(path, one))) for (const [name, value] of set) headers[name] = value;
  }
  return headers;
}
