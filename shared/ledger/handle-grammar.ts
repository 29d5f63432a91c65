// What a handle, a site name and a site's host label may look like. Gateways and service workers read it too, so it imports nothing at run time.

import type { Brand } from '../core/brand.ts';
import type { Result, Failure } from '../core/result.ts';

/** 3 to 30 of `a-z0-9-`, no hyphen at an end, no two in a row. */
export type Handle = Brand<string, 'Handle'>;

/** The name of one site of a handle, same grammar; '' is the handle's default site. */
export type SiteName = Brand<string, 'SiteName'>;

const WORD = /^(?=.{3,30}$)[a-z0-9]+(-[a-z0-9]+)*$/;

/** Starts of CIDs in base32 and base36: such a host would read as content, not as somebody's name. */
const CID_SHAPED = /^(baf[ky][a-z2-7]{12,}|k(51|2k)[a-z0-9]{12,})$/;

/** Names have three letters at least, so no label is `xn--…` or another encoded international name (RFC 5890). */
const SEPARATOR = '--';

/** Names that hosts, tools and readers take for infrastructure; only a genesis grants them. */
const RESERVED: ReadonlySet<string> = new Set([
  'abuse',
  'admin',
  'administrator',
  'api',
  'app',
  'apps',
  'assets',
  'blob',
  'cdn',
  'commons',
  'dns',
  'docs',
  'edge',
  'ftp',
  'gateway',
  'healthz',
  'help',
  'host',
  'imap',
  'ipfs',
  'ipns',
  'local',
  'localhost',
  'mail',
  'metrics',
  'node',
  'official',
  'pop3',
  'postmaster',
  'relay',
  'root',
  'rpc',
  'security',
  'site',
  'sites',
  'smtp',
  'static',
  'status',
  'support',
  'system',
  'test',
  'tracker',
  'wallet',
  'weft',
  'webmaster',
  'well-known',
  'wpad',
  'www',
]);

const INVALID: { ok: false; error: Failure<'handle_invalid'> } = {
  ok: false,
  error: {
    code: 'handle_invalid',
    because:
      'A name has 3 to 30 small letters, digits or single hyphens inside, and must not look like a content address: choose another.',
  },
};

/** The bare handle, without `@` (rule HD1). Reserved words parse: who may hold one is for the ledger to say. */
export function parseHandle(text: string): Result<Handle, Failure<'handle_invalid'>> {
  return isWord(text) ? { ok: true, value: text as Handle } : INVALID;
}

/** Takes '' for the default site (rule HD2). */
export function parseSiteName(text: string): Result<SiteName, Failure<'handle_invalid'>> {
  return text === '' || isWord(text) ? { ok: true, value: text as SiteName } : INVALID;
}

/** The host label of a site, such as `alice` or `blog--alice` (rule HD3): at most 62 characters, so it always fits DNS. */
export function parseSiteLabel(label: string): Result<{ handle: Handle; name: SiteName }, Failure<'handle_invalid'>> {
  const at = label.indexOf(SEPARATOR);
  if (at === 0) return INVALID;
  const name = parseSiteName(at < 0 ? '' : label.slice(0, at));
  if (!name.ok) return name;
  const handle = parseHandle(at < 0 ? label : label.slice(at + SEPARATOR.length));
  if (!handle.ok) return handle;
  return { ok: true, value: { handle: handle.value, name: name.value } };
}

export function formatSiteLabel(site: { handle: Handle; name: SiteName }): string {
  return site.name === '' ? site.handle : site.name + SEPARATOR + site.handle;
}

export function isReservedHandle(handle: Handle): boolean {
  return RESERVED.has(handle);
}

function isWord(text: string): boolean {
  return WORD.test(text) && !CID_SHAPED.test(text);
}
