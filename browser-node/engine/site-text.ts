// How people and pages name handles and sites: '@alice', '@alice.site', 'blog--alice', or a site's address.

import { fail, ok, type Failure, type Result } from '../../shared/core/result.ts';
import { parseHandle, parseSiteLabel, parseSiteName, type Handle } from '../../shared/ledger/handle-grammar.ts';
import { parseSiteHost, type SiteId } from '../../site-host/local-url.ts';

const SITE_ENDING = '.site';

/** 'alice' and '@alice'. */
export function readHandle(text: string): Result<Handle, Failure> {
  return parseHandle(text.startsWith('@') ? text.slice(1) : text);
}

export function readSiteId(site: { handle: string; name?: string }): Result<SiteId, Failure> {
  const handle = readHandle(site.handle);
  if (!handle.ok) return handle;
  const name = parseSiteName(site.name ?? '');
  return name.ok ? ok({ handle: handle.value, name: name.value }) : name;
}

/** '@alice.site', 'alice', 'blog--alice' and the address of a site below `suffix`. */
export function readSite(text: string, suffix: string): Result<SiteId, Failure> {
  if (!/^https?:\/\//.test(text)) {
    const label = text.startsWith('@') ? text.slice(1) : text;
    return parseSiteLabel(label.endsWith(SITE_ENDING) ? label.slice(0, -SITE_ENDING.length) : label);
  }
  const host = URL.canParse(text) ? parseSiteHost(new URL(text).host, suffix) : { kind: 'other' as const };
  if (host.kind === 'site') return ok({ handle: host.handle, name: host.name });
  return fail('site_unknown', `This address is no site of this mesh: sites are below ${suffix}.`);
}
